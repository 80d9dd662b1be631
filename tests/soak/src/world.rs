//! A host on what the last power cut left, with a bot whose tools have every policy.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use asl::runner::MemoryJournal;
use confab::host::{Ground, Host, Shelf};
use embedded::{FlushTask, Store, VolatileDisk};
use engine::approval::NoLinks;
use engine::bot::{Bot, MemoryFiles};
use engine::overlap::Overlap;
use engine::runtime::Runtime;
use engine::turn::{Staff, Timing};

use crate::brain::Whim;
use crate::outside::Outside;

pub(crate) fn start_host(
    runtime: &Runtime,
    folder: &Path,
    outside: &Outside,
) -> (Arc<Host>, Arc<VolatileDisk>) {
    let disk = Arc::new(VolatileDisk::new(folder.join("synced")));
    let flush = FlushTask::new(runtime.clone(), Duration::from_millis(20));
    let store = Store::open(&folder.join("db"), disk.clone(), Arc::new(flush)).expect("a store");
    let staff = Staff {
        bot: Arc::new(bot(outside.policy)),
        brain: Arc::new(Whim(outside.clone())),
    };
    let host = Host::new(Ground {
        store,
        journal: Arc::new(MemoryJournal::default()),
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

fn bot(policy: Overlap) -> Bot {
    let policy = serde_json::to_value(policy).expect("a name");
    let settings = format!(
        "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n[overlap]\nweb = {policy}\nsms = {policy}\n\
         [limits]\ntool_rounds = 3\n"
    );
    let files = MemoryFiles::default()
        .with("bot.toml", settings)
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.")
        .with("tools/refund.toml", tool("irreversible", "refunds"))
        .with("tools/remind.toml", tool("idempotent", "reminders"))
        .with("tools/book.toml", tool("compensatable", "bookings"))
        .with("tools/cancel.toml", tool("idempotent", "cancellations"))
        .with("tools/look_up.toml", tool("pure", "orders"));
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

fn tool(policy: &str, path: &str) -> String {
    let (method, rest) = match policy {
        "pure" => ("GET", "query = [\"order\"]"),
        _ => (
            "POST",
            "body = \"json\"\nidempotency_header = \"idempotency-key\"",
        ),
    };
    let undo = match policy {
        "compensatable" => {
            "[undo]\ntool = \"cancel\"\narguments = { order = \"{argument:/order}\" }\n"
        }
        _ => "",
    };
    format!(
        "format = 1\ndescription = \"A tool.\"\nkind = \"http\"\nside_effect = \"{policy}\"\n\
         [parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\n\
         [http]\nmethod = \"{method}\"\nurl = \"https://shop.example.com/{path}\"\n{rest}\n{undo}"
    )
}
