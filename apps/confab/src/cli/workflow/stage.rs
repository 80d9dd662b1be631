//! The versions of a workflow at a deployed stage, over its HTTP surface.

use std::time::Duration;

use clap::Args;
use engine::bot::check_address;
use engine::http::HttpFailure;
use engine::runtime::Time;
use engine::session::is_slug;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::assemble::Env;
use crate::cli::client::{Answer, Client, KEY, key};
use crate::cli::columns::Side;
use crate::cli::failure::Failure;
use crate::cli::screen::Screen;
use crate::cli::wording::{moment, plain};

/// How long a stage may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A deployed stage.
#[derive(Args)]
pub(super) struct StageOptions {
    /// The address of a deployed stage, to speak with it in place of the data folder; needs its key in `CONFAB_KEY`
    #[arg(long, value_name = "URL", value_parser = address, requires = "tenant", conflicts_with = "data")]
    to: Option<String>,
    /// Whose workflow it is at the stage
    #[arg(long, value_name = "NAME", value_parser = tenant, requires = "to")]
    tenant: Option<String>,
}

/// A workflow at a stage.
pub(super) struct Stage<'a> {
    client: Client,
    tenant: &'a str,
    workflow: &'a str,
}

/// A version as the stage tells it.
#[derive(Deserialize, Serialize)]
struct Version {
    /// 0 is what was deployed with the stage.
    number: u32,
    /// A hash of the text.
    version: String,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Whether runs that are started are of this version.
    #[serde(rename(serialize = "now"))]
    live: bool,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<Version>,
}

fn address(url: &str) -> Result<String, String> {
    let checked = match url.contains('?') {
        true => Err("has a query".to_owned()),
        false => check_address(url),
    };
    checked.map_err(|what| {
        format!(
            "it {what}; write it as `https://HOST`, plain `http` is for `localhost` and `127.0.0.1`"
        )
    })?;
    Ok(url.trim_end_matches('/').to_owned())
}

fn tenant(name: &str) -> Result<String, String> {
    let named = is_slug(name).then(|| name.to_owned());
    named.ok_or_else(|| "a tenant is 1 to 63 of a-z, 0-9 and -".to_owned())
}

impl StageOptions {
    /// The workflow at the stage, if one is named.
    pub(super) fn open<'a>(
        &'a self,
        workflow: &'a str,
        env: &Env,
    ) -> Result<Option<Stage<'a>>, Failure> {
        let Some((url, tenant)) = self.to.as_deref().zip(self.tenant.as_deref()) else {
            return Ok(None);
        };
        let is_sound =
            |key: &SecretString| key.expose_secret().bytes().all(|it| it.is_ascii_graphic());
        let key = key(env).filter(is_sound);
        if key.is_none() {
            let what = format!("{url} needs a key, and {KEY} holds none");
            return Err(Failure::cannot_run(what, Some(which_key(tenant))));
        }
        Ok(Some(Stage {
            client: Client::new(url, key, PATIENCE)?,
            tenant,
            workflow,
        }))
    }
}

fn which_key(tenant: &str) -> String {
    format!(
        "set {KEY} to a key that `[[keys]]` in the stage's secret `confab/<stage>/access` gives the tenant {tenant}, with the role admin"
    )
}

impl Stage<'_> {
    /// Makes `text` the live version of the workflow of `bot`.
    pub(super) async fn publish(
        &self,
        screen: &Screen,
        bot: &str,
        text: &str,
    ) -> Result<(), Failure> {
        let body = json!({ "text": text, "bot": bot });
        let answer = self.client.post(&self.path("versions"), &body).await;
        let absent = "deploy the bot there first, by `scripts/deploy` of this version of Confab";
        let (status, version): (u16, Version) = self.read(answer, absent)?;
        let is_new = status == 201;
        if screen.is_json() {
            return Ok(screen.document(
                &json!({ "workflow": self.workflow, "version": version, "new": is_new }),
            )?);
        }
        let (name, url) = (self.workflow, self.client.url());
        let (number, hash) = (version.number, plain(&version.version));
        Ok(match is_new {
            true => screen.line(format_args!(
                "{name} is now version {number} ({hash}) at {url}"
            )),
            false => screen.line(format_args!(
                "{name} was already version {number} ({hash}) at {url}, and that is live now"
            )),
        }?)
    }

    pub(super) async fn list(&self, screen: &Screen) -> Result<(), Failure> {
        let answer = self.client.get(&self.path("versions")).await;
        let first = format!("`{}` makes the first", self.command("publish"));
        let (_, Versions { versions }) = self.read(answer, &first)?;
        if versions.is_empty() {
            let (name, url) = (self.workflow, self.client.url());
            return Err(Failure::wrong(
                format!("there are no versions of {name} at {url}"),
                first,
            ));
        }
        if screen.is_json() {
            return Ok(screen.document(&versions)?);
        }
        let titles = [
            ("NUMBER", Side::Right),
            ("VERSION", Side::Left),
            ("SINCE", Side::Left),
            ("BY", Side::Left),
            ("", Side::Left),
        ];
        let rows = versions.iter().map(|it| {
            let since = it.at.map_or_else(|| "its deployment".to_owned(), moment);
            let by = it.by.as_deref().map(plain).unwrap_or_default();
            let mark = if it.live { "now" } else { "" };
            let (number, version) = (it.number.to_string(), plain(&it.version));
            [number, version, since, by, mark.to_owned()]
        });
        Ok(screen.table(titles, rows)?)
    }

    /// Makes the version `number` live, or the one before the live one.
    pub(super) async fn roll_back(
        &self,
        screen: &Screen,
        number: Option<u32>,
    ) -> Result<(), Failure> {
        let body = number.map_or_else(|| json!({}), |number| json!({ "to": number }));
        let answer = self.client.post(&self.path("rollback"), &body).await;
        let which = format!("`{}` lists those there are", self.command("versions"));
        let (_, version): (u16, Version) = self.read(answer, &which)?;
        if screen.is_json() {
            return Ok(screen.document(&json!({ "workflow": self.workflow, "version": version }))?);
        }
        Ok(screen.line(format_args!(
            "{} is version {} again ({}) at {}; runs that are under way keep theirs",
            self.workflow,
            version.number,
            plain(&version.version),
            self.client.url()
        ))?)
    }

    fn path(&self, what: &str) -> String {
        format!("/v1/{}/workflows/{}/{what}", self.tenant, self.workflow)
    }

    /// How another of these commands is called for this workflow.
    fn command(&self, verb: &str) -> String {
        let (name, url, tenant) = (self.workflow, self.client.url(), self.tenant);
        format!("confab workflow {verb} {name} --to {url} --tenant {tenant}")
    }

    /// What was asked for, with the status; `absent` says what to do when it is not there.
    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<Answer, HttpFailure>,
        absent: &str,
    ) -> Result<(u16, T), Failure> {
        let url = self.client.url();
        let answer = answer.map_err(|failure| {
            let help = match failure {
                HttpFailure::Unknown(_) => {
                    format!("see with `{}` what is live now", self.command("versions"))
                }
                _ => "see whether it is the address that `scripts/deploy` printed".to_owned(),
            };
            Failure::cannot_run(format!("{url} does not answer: {failure}"), Some(help))
        })?;
        let status = answer.status;
        let given = answer.given().map_err(|problem| {
            let what = plain(problem.detail());
            match status {
                401 | 403 => Failure::wrong(what, which_key(self.tenant)),
                404 => Failure::wrong(what, absent),
                422 => Failure::wrong(
                    what,
                    "the stage knows the tools and people that it was deployed with; deploy the bot again when they have changed",
                ),
                _ => {
                    let live = format!("see with `{}` what is live now", self.command("versions"));
                    Failure::cannot_run(format!("{url} refuses: {what}"), Some(live))
                }
            }
        })?;
        let given = serde_json::from_value(given).map_err(|_| {
            let help = "see whether it is the address that `scripts/deploy` printed";
            let what = format!("{url} answers {status} and nothing that can be read");
            Failure::cannot_run(what, Some(help.to_owned()))
        })?;
        Ok((status, given))
    }
}
