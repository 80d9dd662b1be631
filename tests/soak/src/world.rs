//! A host on what the last power cut left, with a bot whose tools have every policy.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use confab::host::{Ground, Host, Shelf};
use embedded::{FlushTask, Store, VolatileDisk};
use engine::approval::NoLinks;
use engine::bot::{Bot, MemoryFiles};
use engine::overlap::Overlap;
use engine::runtime::Runtime;
use engine::turn::{Staff, Timing};

use crate::brain::Whim;
use crate::money::Terms;
use crate::outside::Outside;
use crate::shop::{DONE, SERVICES, Service, UNASKED};

pub(crate) fn start_host(
    runtime: &Runtime,
    folder: &Path,
    outside: &Outside,
) -> (Arc<Host>, Arc<VolatileDisk>) {
    let disk = Arc::new(VolatileDisk::new(folder.join("synced")));
    let flush = FlushTask::new(runtime.clone(), Duration::from_millis(20));
    let store = Store::open(&folder.join("db"), disk.clone(), Arc::new(flush)).expect("a store");
    let staff = Staff {
        bot: known_bot(outside.policy, outside.terms),
        brain: Arc::new(Whim(outside.clone())),
    };
    let host = Host::new(Ground {
        journal: store.clone(),
        store,
        shelf: Arc::new(Shelf::new(["local".to_owned()].into(), staff)),
        http: Arc::new(outside.clone()),
        secrets: Arc::new(outside.clone()),
        carriers: Arc::new(outside.clone()),
        links: Arc::new(NoLinks),
        timing: Timing::default(),
        runtime: runtime.clone(),
    });
    (host.expect("a host"), disk)
}

const PEOPLE: &str = "format = 1\n\
    [people.ana]\nroles = [\"manager\"]\nweb = \"ana\"\n\
    [people.ben]\nroles = [\"manager\"]\n\
    [people.dan]\nroles = [\"clerk\"]\n";

/// A bot that was read before: reading it takes longer than a life.
struct Known {
    policy: Overlap,
    terms: Terms,
    bot: Arc<Bot>,
}

static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

fn known_bot(policy: Overlap, terms: Terms) -> Arc<Bot> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_it = |known: &&Known| known.policy == policy && known.terms == terms;
    if let Some(found) = known.iter().find(is_it) {
        return Arc::clone(&found.bot);
    }
    let bot = Arc::new(bot(policy, terms));
    known.push(Known {
        policy,
        terms,
        bot: Arc::clone(&bot),
    });
    bot
}

fn bot(policy: Overlap, terms: Terms) -> Bot {
    let policy = serde_json::to_value(policy).expect("a name");
    let settings = format!(
        "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n[overlap]\nweb = {policy}\nsms = {policy}\n\
         [limits]\ntool_rounds = 3\n[approvals]\nrole = \"manager\"\nexpires_hours = 1\n{}",
        terms.settings()
    );
    let mut files = MemoryFiles::default()
        .with("bot.toml", settings)
        .with("people.toml", PEOPLE)
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.");
    for service in &SERVICES {
        files = files.with(format!("tools/{}.toml", service.tool), tool(service));
    }
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

fn tool(service: &Service) -> String {
    let Service { policy, place, .. } = service;
    let (method, rest) = match *policy {
        "pure" => ("GET", "query = [\"order\"]"),
        _ => (
            "POST",
            "body = \"json\"\nidempotency_header = \"idempotency-key\"",
        ),
    };
    let (amount, more) = match service.tool {
        "book" => (
            "",
            "[undo]\ntool = \"cancel\"\narguments = { order = \"{argument:/order}\" }\n".to_owned(),
        ),
        "pay" => (
            "[parameters.properties.amount]\ntype = \"integer\"\n",
            format!(
                "[http.lookup]\nurl = \"https://shop.example.com{DONE}{{idempotency_key}}\"\n\
                 [approval]\nargument = \"amount\"\nabove = {UNASKED}\n"
            ),
        ),
        _ => ("", String::new()),
    };
    format!(
        "format = 1\ndescription = \"A tool.\"\nkind = \"http\"\nside_effect = \"{policy}\"\n\
         [parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\n\
         {amount}[http]\nmethod = \"{method}\"\nurl = \"https://shop.example.com/{place}\"\n{rest}\n{more}"
    )
}
