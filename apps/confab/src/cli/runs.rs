//! `confab runs`: the runs of a bot's workflows.

use clap::{Args, Subcommand};
use engine::run::{RunSummary, Started, StepRecord, StepStatus};
use engine::runtime::Time;
use serde_json::json;

use super::Place;
use super::columns::Side;
use super::failure::Failure;
use super::screen::{Ink, Screen};
use super::wording::{brief, dollars, millis, moment, plain};
use super::workflow::{follow, status};
use crate::assemble::{Assembly, Env, LOCAL_TENANT};

/// The width of a timeline's bar, in characters.
const BAR: usize = 40;

/// List, show, end and retry runs of workflows
#[derive(Args)]
pub(super) struct Runs {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// List the latest runs
    List(List),
    /// Show one run: each step, when it ran and what it gave
    Show(One),
    /// End a run that is under way
    Cancel(One),
    /// Let a run that failed, was cancelled or took too long go on from there
    Retry(One),
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Place,
    /// Only of this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// The most to list, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

#[derive(Args)]
struct One {
    /// The run, as `confab runs list` lists it; its beginning is enough
    id: String,
    #[command(flatten)]
    place: Place,
}

impl Runs {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(async {
            match &self.command {
                What::List(list) => list.run(screen, env).await,
                What::Show(one) => one.show(screen, env).await,
                What::Cancel(one) => one.cancel(screen, env).await,
                What::Retry(one) => one.retry(screen, env).await,
            }
        })
    }
}

impl List {
    async fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let assembly = Assembly::open(&self.place.options("runs"), env)?;
        let host = &assembly.host;
        let latest = host
            .runs()
            .latest(LOCAL_TENANT, self.workflow.as_deref(), self.limit)
            .await?;
        let mut runs = Vec::with_capacity(latest.len());
        for started in &latest {
            runs.push(host.runs().summary(started).await?);
        }
        if screen.is_json() {
            return Ok(screen.document(&runs)?);
        }
        let titles = [
            ("RUN", Side::Left),
            ("WORKFLOW", Side::Left),
            ("STATUS", Side::Left),
            ("STARTED", Side::Left),
            ("TOOK", Side::Right),
            ("SPENT", Side::Right),
        ];
        Ok(screen.table(titles, runs.iter().map(row))?)
    }
}

fn row(run: &RunSummary) -> [String; 6] {
    let took = run.ended.map(|ended| between(run.at, ended));
    [
        run.id.clone(),
        plain(&run.workflow),
        status(run.status).to_owned(),
        moment(run.at),
        took.unwrap_or_default(),
        dollars(run.micro_dollars),
    ]
}

fn between(from: Time, to: Time) -> String {
    millis(u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX))
}

impl One {
    async fn find(&self, assembly: &Assembly) -> Result<Started, Failure> {
        let runs = assembly.host.runs();
        let mut found = runs.named(LOCAL_TENANT, &self.id).await?.into_iter();
        match (found.next(), found.next()) {
            (Some(started), None) => Ok(started),
            (None, _) => Err(Failure::wrong(
                format!("there is no run {}", self.id),
                "`confab runs list` lists those there are",
            )),
            (Some(_), Some(_)) => Err(Failure::wrong(
                format!("several runs begin with {}", self.id),
                "write more of the one you mean",
            )),
        }
    }

    async fn show(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let assembly = Assembly::open(&self.place.options("runs"), env)?;
        let started = self.find(&assembly).await?;
        let record = assembly
            .host
            .run_record(LOCAL_TENANT, &started.run.id)
            .await?;
        if screen.is_json() {
            return Ok(screen.document(&record)?);
        }
        screen.line(format_args!(
            "{}  {}  {}",
            record.workflow,
            record.id,
            status(record.status)
        ))?;
        screen.line(format_args!(
            "started {} by {}",
            moment(record.at),
            record.trigger["type"].as_str().unwrap_or("nobody")
        ))?;
        screen.line(format_args!(
            "inputs  {}",
            brief(&record.inputs.to_string(), 400)
        ))?;
        let end = record
            .ended
            .or_else(|| record.steps.iter().filter_map(|step| step.ended).max());
        let end = end.unwrap_or(record.at);
        let width = record
            .steps
            .iter()
            .map(|step| name(step).chars().count())
            .max()
            .unwrap_or(0);
        if record.attempts.len() > 1 {
            for attempt in &record.attempts {
                let why = attempt.error.as_deref().unwrap_or_default();
                screen.line(format_args!(
                    "taken up {}: {}  {why}",
                    moment(attempt.at),
                    status(attempt.status)
                ))?;
            }
        }
        for step in &record.steps {
            screen.line(format_args!(
                "{:<width$}  {}  {}",
                name(step),
                bar(screen, step, record.at, end),
                said(step)
            ))?;
        }
        if let Some(error) = &record.error {
            let cause = record.cause.as_deref().unwrap_or_default();
            screen.line(format_args!("{error}: {}", brief(cause, 1000)))?;
        }
        if let Some(outputs) = &record.outputs {
            screen.line(format_args!("outputs {outputs:#}"))?;
        }
        Ok(())
    }

    async fn retry(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let assembly = Assembly::open(&self.place.options("runs"), env)?;
        let host = &assembly.host;
        host.recover().await?;
        let started = self.find(&assembly).await?;
        let catalogue = host.catalogue();
        let goes_on = host
            .runs()
            .retry(&*catalogue, LOCAL_TENANT, &started.run.id)
            .await?;
        if !goes_on {
            let record = host.run_record(LOCAL_TENANT, &started.run.id).await?;
            return Err(Failure::wrong(
                format!(
                    "run {} cannot be retried: {}",
                    record.id,
                    status(record.status)
                ),
                "only a run that failed, was cancelled or took too long can be retried",
            ));
        }
        follow(screen, host, &started.run.id).await
    }

    async fn cancel(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let assembly = Assembly::open(&self.place.options("runs"), env)?;
        assembly.host.recover().await?;
        let started = self.find(&assembly).await?;
        let ended = assembly
            .host
            .runs()
            .cancel(LOCAL_TENANT, &started.run.id, "ended by hand")
            .await?;
        let record = assembly
            .host
            .run_record(LOCAL_TENANT, &started.run.id)
            .await?;
        if screen.is_json() {
            return Ok(screen.document(&json!({ "run": record.id, "status": record.status }))?);
        }
        if !ended {
            let help = "only a run that is under way can be ended";
            return Err(Failure::wrong(
                format!(
                    "run {} has ended before: {}",
                    record.id,
                    status(record.status)
                ),
                help,
            ));
        }
        Ok(screen.line(format_args!("{}: {}", record.id, status(record.status)))?)
    }
}

fn name(step: &StepRecord) -> String {
    match &step.item {
        Some(item) => format!("{} [{item}]", step.step),
        None => step.step.clone(),
    }
}

/// When a step ran, between the run's beginning and `end`.
fn bar(screen: &Screen, step: &StepRecord, begin: Time, end: Time) -> String {
    let whole = end.since(begin).as_millis().max(1);
    let place = |at: Time| {
        let part = at.since(begin).as_millis() * u128::try_from(BAR).unwrap_or_default() / whole;
        usize::try_from(part).unwrap_or(BAR).min(BAR - 1)
    };
    let (from, to) = (place(step.at), place(step.ended.unwrap_or(end)));
    let ink = match step.status {
        StepStatus::Succeeded => Ink::Green,
        StepStatus::Failed => Ink::Red,
        StepStatus::Running | StepStatus::Waiting | StepStatus::Stopped => Ink::Yellow,
    };
    let drawn = screen.paint(ink, "━".repeat(to - from + 1));
    format!("{}{drawn}{}", " ".repeat(from), " ".repeat(BAR - 1 - to))
}

fn said(step: &StepRecord) -> String {
    let took = step
        .ended
        .map(|ended| between(step.at, ended))
        .unwrap_or_default();
    let tries = if step.attempts > 1 {
        format!(" {} tries", step.attempts)
    } else {
        String::new()
    };
    let what = match (&step.error, &step.output) {
        (Some(error), _) => format!("{error}: {}", step.cause.as_deref().unwrap_or_default()),
        (None, Some(output)) => output.to_string(),
        (None, None) => String::new(),
    };
    format!("{took}{tries}  {}", brief(&what, 60))
}
