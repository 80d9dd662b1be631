//! `bot.toml`.

use std::path::PathBuf;
use std::time::Duration;

use crate::bot::address::Address;
use crate::bot::consent::{self, ApprovalSettings, ApprovalsTable};
use crate::bot::document::Document;
use crate::bot::format::{BotFile, ChannelsTable, ModelTable};
use crate::bot::load::misnamed;
use crate::bot::people::People;
use crate::bot::problem::{Problem, nearest};
use crate::bot::reader::{MAX_FILE, Reader};
use crate::bot::rigour::Written;
use crate::bot::wording::escape;
use crate::bot::{ChannelSettings, Limits, ModelSettings, Notices, Page, Script};
use crate::budget::BudgetSettings;
use crate::message::Channel;
use crate::overlap::OverlapSettings;

/// What `bot.toml` says.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) model: ModelSettings,
    pub(super) channels: ChannelSettings,
    pub(super) approvals: ApprovalSettings,
    pub(super) overlap: OverlapSettings,
    pub(super) limits: Limits,
    pub(super) budget: BudgetSettings,
    pub(super) notices: Notices,
    pub(super) page: Page,
}

const FILE: &str = "bot.toml";

/// The chain entry that needs no provider.
const SCRIPTED: &str = "scripted";

pub(super) fn load(reader: &mut Reader<'_>, people: Option<&People>) -> Option<Settings> {
    if !reader.has(FILE) {
        let problem = Problem::new(FILE, "there is no bot.toml")
            .hint("`confab new NAME` writes a folder to start from")
            .perhaps(misnamed(reader, FILE));
        reader.problems.push(problem);
        return None;
    }
    let text = reader.text(FILE, MAX_FILE)?;
    let (document, file) = reader.toml::<BotFile>(FILE, &text, Written::Bot)?;
    let model = model(reader, &document, file.model);
    check_addresses(reader, &document, &model, &file.channels, &file.approvals);
    let approvals = consent::settings(reader, &document, people, file.approvals);
    Some(Settings {
        page: Page {
            title: file.title.unwrap_or_else(|| file.name.clone()),
            greeting: file.greeting,
            suggestions: file.suggestions,
        },
        name: file.name,
        model,
        channels: channels(file.channels),
        approvals,
        overlap: file.overlap.into(),
        limits: file.limits,
        budget: file.budget.into(),
        notices: file.notices,
    })
}

fn model(reader: &mut Reader<'_>, document: &Document<'_>, table: ModelTable) -> ModelSettings {
    let mut chain = vec![table.first];
    for (index, name) in table.fallbacks.into_iter().enumerate() {
        if chain.contains(&name) {
            let pointer = format!("/model/fallbacks/{index}");
            let problem = document.problem(&pointer, format!("`{name}` is asked twice"));
            reader.problems.push(problem.hint("name every model once"));
        }
        chain.push(name);
    }
    if table.idle_seconds > table.timeout_seconds {
        let warning = document
            .problem(
                "/model/idle_seconds",
                "idle_seconds is longer than timeout_seconds",
            )
            .hint("the whole reply is given up before the next piece of it is");
        reader.warnings.push(warning);
    }
    let script = chain
        .iter()
        .any(|name| name == SCRIPTED)
        .then(|| script(reader, document, table.script))
        .flatten();
    ModelSettings {
        chain,
        base_urls: table.base_urls,
        temperature: table.temperature,
        max_tokens: table.max_tokens,
        timeout: Duration::from_secs(table.timeout_seconds),
        idle_timeout: Duration::from_secs(table.idle_seconds),
        script,
    }
}

fn script(reader: &mut Reader<'_>, document: &Document<'_>, path: String) -> Option<Script> {
    if !reader.has(&path) {
        let named = document.value().pointer("/model/script").is_some();
        let pointer = if named { "/model/script" } else { "/model/use" };
        let problem = document
            .problem(
                pointer,
                format!("there is no file `{path}` for the scripted model"),
            )
            .hint("add the file, or name another model")
            .perhaps(reader.similar(&path));
        reader.problems.push(problem);
        return None;
    }
    let text = reader.text(&path, MAX_FILE)?;
    Some(Script {
        path: PathBuf::from(path),
        text,
    })
}

fn check_addresses(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    model: &ModelSettings,
    channels: &ChannelsTable,
    approvals: &ApprovalsTable,
) {
    let base_urls = model.base_urls.iter().map(|(provider, url)| {
        let pointer = format!("/model/base_urls/{}", escape(provider));
        (pointer, format!("base_urls.{provider}"), url)
    });
    let public_url = channels.twilio.iter().filter_map(|twilio| {
        let pointer = "/channels/twilio/public_url".to_owned();
        Some((
            pointer,
            "public_url".to_owned(),
            twilio.public_url.as_ref()?,
        ))
    });
    let approvals = approvals.url.iter().map(|url| {
        let pointer = "/approvals/url".to_owned();
        (pointer, "url".to_owned(), url)
    });
    for (pointer, name, url) in base_urls.chain(public_url).chain(approvals) {
        if let Err((what, hint)) = Address::parse(url) {
            let problem = document.problem(&pointer, format!("`{name}` {what}"));
            reader.problems.push(problem.perhaps(hint));
        }
    }
    let providers: Vec<&str> = model
        .chain
        .iter()
        .filter_map(|name| Some(name.split_once('/')?.0))
        .collect();
    for provider in model.base_urls.keys() {
        if !providers.contains(&provider.as_str()) {
            let hint = nearest(provider, providers.iter().copied());
            let pointer = format!("/model/base_urls/{}", escape(provider));
            let warning = document
                .problem(&pointer, format!("no model of `{provider}` is asked"))
                .perhaps(hint.map(|name| format!("did you mean `{name}`?")));
            reader.warnings.push(warning);
        }
    }
}

fn channels(table: ChannelsTable) -> ChannelSettings {
    let lengths = [
        (Channel::Web, table.max_length.web),
        (Channel::Sms, table.max_length.sms),
        (Channel::Whatsapp, table.max_length.whatsapp),
    ];
    ChannelSettings {
        twilio: table.twilio,
        whatsapp: table.whatsapp,
        max_length: lengths
            .into_iter()
            .filter_map(|(channel, length)| Some((channel, length?)))
            .collect(),
    }
}
