//! `confab workflow`: check, compile, draw, run and publish a bot's workflows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use engine::run::{Beginning, RunRecord, RunStatus};
use engine::workflow::{InputType, Library, Timer, Workflow, graph};
use serde_json::{Map, Value, json};

use super::Place;
use super::failure::Failure;
use super::screen::Screen;
use crate::assemble::{Assembly, BotFolder, Env, LOCAL_TENANT};
use crate::host::{self, Host};

mod dry;
mod progress;
mod publish;
mod stage;

use progress::Progress;
pub(super) use progress::status;

/// How often a run that is watched is looked at.
const LOOK: Duration = Duration::from_millis(120);

/// Check, compile, draw, run and publish a bot's workflows
#[derive(Args)]
pub(super) struct WorkflowCommand {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Look for mistakes in a bot's workflows
    Check(Folder),
    /// Print the state machine that a workflow is compiled to
    Compile(Compile),
    /// Draw a workflow
    Graph(Graph),
    /// Run a workflow and show how it goes
    Run(Box<RunIt>),
    /// Keep a workflow as it is now under a number of its own
    Publish(publish::Named),
    /// List the versions of a workflow
    Versions(publish::Named),
    /// Put an earlier version of a workflow in place of the present one
    Rollback(publish::Rollback),
}

#[derive(Args)]
struct Folder {
    /// The folder that holds the bot's bot.toml
    #[arg(value_name = "BOT_DIR", default_value = ".")]
    bot: PathBuf,
}

#[derive(Args)]
struct Compile {
    /// The workflow; all when it is left out, which needs --out
    name: Option<String>,
    #[command(flatten)]
    folder: FolderOption,
    /// The folder to write <name>.asl.json files to, with the schedules and events
    /// that start them in <name>.timers.json and <name>.events.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A bot's folder, where another argument stands in its place.
#[derive(Args)]
struct FolderOption {
    /// The folder that holds the bot's bot.toml
    #[arg(long = "bot", value_name = "BOT_DIR", default_value = ".")]
    bot: PathBuf,
}

#[derive(Args)]
struct Graph {
    /// The workflow
    name: String,
    #[command(flatten)]
    folder: FolderOption,
    /// As what
    #[arg(long, value_enum, default_value_t = Form::Mermaid)]
    format: Form,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    /// A Mermaid flowchart, for documents
    Mermaid,
    /// An SVG image
    Svg,
}

#[derive(Args)]
struct RunIt {
    /// The workflow
    name: String,
    #[command(flatten)]
    place: FolderOption,
    #[arg(long, value_name = "DIR", help = super::DATA)]
    data: Option<PathBuf>,
    /// An input, such as `order=A1003`
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// All inputs as JSON
    #[arg(long, value_name = "JSON", conflicts_with = "inputs")]
    json_inputs: Option<String>,
    /// Call nothing: tools, models and people answer as workflows/mocks/<name>.yaml says, and waits pass at once
    #[arg(long)]
    dry: bool,
}

impl WorkflowCommand {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        match &self.command {
            What::Check(folder) => check(folder, screen),
            What::Compile(compile) => compile.run(screen),
            What::Graph(graph) => graph.run(screen),
            What::Publish(named) => named.publish(screen, env),
            What::Versions(named) => named.list(screen, env),
            What::Rollback(rollback) => rollback.run(screen, env),
            What::Run(run) if run.dry => run.dry(screen),
            What::Run(run) => super::on_tokio(run.live(screen, env)),
        }
    }
}

fn library(bot: &Path) -> Result<(BotFolder, Library), Failure> {
    let folder = BotFolder::open(bot)?;
    let loaded = folder.load()?;
    let library = folder.library(&loaded.bot)?;
    Ok((folder, library))
}

fn find<'l>(library: &'l Library, name: &str) -> Result<&'l Workflow, Failure> {
    library.workflows.get(name).ok_or_else(|| {
        let names: Vec<&str> = library.workflows.keys().map(String::as_str).collect();
        let help = match names.as_slice() {
            [] => format!("write workflows/{name}.yaml; README.md says how"),
            names => format!("the workflows are {}", names.join(", ")),
        };
        Failure::wrong(format!("there is no workflow {name}"), help)
    })
}

fn check(folder: &Folder, screen: &Screen) -> Result<(), Failure> {
    let (_, library) = library(&folder.bot)?;
    let problems = host::machine_problems(&library);
    if let Some(problem) = problems.first() {
        return Err(Failure::wrong(
            problem.to_string(),
            "report this as a bug of Confab",
        ));
    }
    if screen.is_json() {
        let names: Vec<&String> = library.workflows.keys().collect();
        return Ok(screen.document(&json!({ "ok": true, "workflows": names }))?);
    }
    for workflow in library.workflows.values() {
        let mut steps = 0;
        workflow.steps.walk(&mut |_| steps += 1);
        let steps = super::wording::count(steps, "step");
        screen.line(format_args!(
            "ok: {} ({steps}, version {})",
            workflow.name, workflow.version
        ))?;
    }
    if library.workflows.is_empty() {
        screen.line("there are no workflows; write one as workflows/<name>.yaml")?;
    }
    Ok(())
}

/// Writes what a workflow's machine does not say to a file beside it; removes that of an earlier version when there is
/// nothing to say.
fn beside(
    screen: &Screen,
    out: &Path,
    name: &str,
    what: &str,
    said: Option<Value>,
) -> Result<(), Failure> {
    let path = out.join(format!("{name}.{what}.json"));
    match said {
        Some(said) => {
            std::fs::write(&path, format!("{}\n", pretty(&said)))?;
            screen.note(format_args!("{}", path.display()));
        }
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        },
    }
    Ok(())
}

impl Compile {
    fn run(&self, screen: &Screen) -> Result<(), Failure> {
        let (folder, library) = library(&self.folder.bot)?;
        let names: Vec<&String> = match &self.name {
            Some(name) => vec![&find(&library, name)?.name],
            None => library.workflows.keys().collect(),
        };
        let Some(out) = &self.out else {
            let [name] = names.as_slice() else {
                let help = "name one workflow, or a folder with `--out DIR`";
                return Err(Failure::wrong(
                    "there is more than one workflow to print",
                    help,
                ));
            };
            return Ok(screen.line(pretty(&library.definitions[*name]))?);
        };
        let timers = names.iter().map(|name| {
            let timers = library.workflows[*name].timers();
            Ok((*name, timers.map_err(|problems| folder.wrong(problems))?))
        });
        let timers: Vec<(&String, Vec<Timer>)> = timers.collect::<Result<_, Failure>>()?;
        std::fs::create_dir_all(out)?;
        for (name, timers) in timers {
            let path = out.join(format!("{name}.asl.json"));
            std::fs::write(&path, format!("{}\n", pretty(&library.definitions[name])))?;
            screen.note(format_args!("{}", path.display()));
            let events = library.workflows[name].events();
            let events = (!events.is_empty()).then(|| json!(events));
            beside(screen, out, name, "events", events)?;
            let timers = (!timers.is_empty()).then(|| json!(timers));
            beside(screen, out, name, "timers", timers)?;
        }
        Ok(())
    }
}

fn pretty(definition: &Value) -> String {
    serde_json::to_string_pretty(definition).unwrap_or_default()
}

impl Graph {
    fn run(&self, screen: &Screen) -> Result<(), Failure> {
        let (_, library) = library(&self.folder.bot)?;
        let workflow = find(&library, &self.name)?;
        let drawn = match self.format {
            Form::Mermaid => graph::mermaid(workflow).trim_end().to_owned(),
            Form::Svg => graph::svg(workflow, &|_| "step"),
        };
        Ok(screen.line(drawn)?)
    }
}

impl RunIt {
    /// The inputs as they are given, when `workflow` takes them.
    fn inputs(&self, workflow: &Workflow) -> Result<Value, Failure> {
        let inputs = self.given(workflow)?;
        engine::run::check_inputs(workflow, &inputs).map_err(|error| {
            let inputs = workflow.inputs.iter();
            let flags = inputs.map(|(name, input)| format!("-i {name}={}", input.kind.name()));
            let flags: Vec<String> = flags.collect();
            let help = match flags.as_slice() {
                [] => "leave the inputs out".to_owned(),
                flags => format!("give inputs as {}", flags.join(" ")),
            };
            Failure::wrong(error.to_string(), help)
        })?;
        Ok(inputs)
    }

    fn given(&self, workflow: &Workflow) -> Result<Value, Failure> {
        if let Some(json) = &self.json_inputs {
            return serde_json::from_str(json).map_err(|error| {
                Failure::wrong(
                    format!("the inputs are not JSON: {error}"),
                    "put them in single quotes",
                )
            });
        }
        let mut inputs = Map::new();
        for input in &self.inputs {
            let Some((name, value)) = input.split_once('=') else {
                let help = "write an input as NAME=VALUE";
                return Err(Failure::wrong(format!("`{input}` gives no value"), help));
            };
            let kind = workflow
                .inputs
                .get(name)
                .map_or(InputType::String, |input| input.kind);
            let value = match kind {
                InputType::String => Value::from(value),
                _ => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
            };
            inputs.insert(name.to_owned(), value);
        }
        Ok(Value::Object(inputs))
    }

    fn dry(&self, screen: &Screen) -> Result<(), Failure> {
        let (folder, library) = library(&self.place.bot)?;
        let workflow = find(&library, &self.name)?;
        let record = dry::run(&folder, &library, workflow, self.inputs(workflow)?)?;
        if screen.is_json() {
            screen.document(&record)?;
        } else {
            Progress::new(screen).end(&record)?;
            if record.status == RunStatus::Failed {
                let file = format!("workflows/mocks/{}.yaml", workflow.name);
                screen.note(format_args!(
                    "  help: {file} may say what steps give, as `<step>: <value>`"
                ));
            }
        }
        verdict(&record)
    }

    async fn live(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let place = Place {
            bot: self.place.bot.clone(),
            data: self.data.clone(),
        };
        let assembly = Assembly::open(&place.options("workflow run"), env)?;
        let host = &assembly.host;
        host.recover().await?;
        let workflows = host.workflows();
        let Some(workflow) = workflows.iter().find(|workflow| workflow.name == self.name) else {
            let (_, library) = library(&self.place.bot)?;
            return find(&library, &self.name).map(drop);
        };
        let beginning = Beginning {
            tenant: LOCAL_TENANT.to_owned(),
            bot: host.shelf().current().bot.name.clone(),
            machine: None,
            trigger: json!({ "type": "manual" }),
            inputs: self.inputs(workflow)?,
            cause: None,
        };
        let started = host.begin(&self.name, beginning).await?;
        follow(screen, host, &started.run.id).await
    }
}

/// Shows how a run goes until it has ended; it is a failure when the run has failed.
pub(super) async fn follow(screen: &Screen, host: &Host, id: &str) -> Result<(), Failure> {
    let mut progress = Progress::new(screen);
    let record = loop {
        let record = host.run_record(LOCAL_TENANT, id).await?;
        progress.show(&record)?;
        if record.status.has_ended() {
            break record;
        }
        tokio::time::sleep(LOOK).await;
    };
    if screen.is_json() {
        screen.document(&record)?;
    } else {
        progress.end(&record)?;
    }
    verdict(&record)
}

fn verdict(record: &RunRecord) -> Result<(), Failure> {
    match record.status {
        RunStatus::Succeeded => Ok(()),
        _ => Err(Failure::Told),
    }
}
