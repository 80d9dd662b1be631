//! A bot that does what it is told, with tools of every policy at a fake shop.

use tempfile::TempDir;

use crate::process::folder;

/// What a contact may want.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wish {
    /// A word.
    Chat,
    /// `pure`.
    Look,
    /// `idempotent`.
    Remind,
    /// `irreversible`.
    Refund,
    /// `irreversible`, and the shop says afterwards whether it happened.
    Pay,
    /// `compensatable`.
    Book,
    /// The same, and then the model fails: the booking is undone.
    Trip,
    /// `irreversible`, on the host itself.
    Note,
}

pub(crate) const WISHES: [Wish; 8] = [
    Wish::Chat,
    Wish::Look,
    Wish::Remind,
    Wish::Refund,
    Wish::Pay,
    Wish::Book,
    Wish::Trip,
    Wish::Note,
];

impl Wish {
    pub(crate) fn text(self, order: &str) -> String {
        let word = match self {
            Self::Chat => "hello",
            Self::Look => "look",
            Self::Remind => "remind",
            Self::Refund => "refund",
            Self::Pay => "pay",
            Self::Book => "book",
            Self::Trip => "trip",
            Self::Note => "note",
        };
        format!("{word} {order}")
    }
}

const BOT: &str =
    "format = 1\nname = \"clerk\"\n[model]\nuse = \"scripted\"\n[overlap]\nweb = \"supersede\"\n";

const LOOKUP: &str = "[http.lookup]\nurl = \"SHOP/payments/{idempotency_key}\"\n";
const UNDO: &str = "[undo]\ntool = \"cancel\"\narguments = { order = \"{argument:/order}\" }\n";

/// The tools at the shop: policy, name, place, more.
const TOOLS: [(&str, &str, &str, &str); 6] = [
    ("pure", "look", "orders", ""),
    ("idempotent", "remind", "reminders", ""),
    ("idempotent", "cancel", "cancellations", ""),
    ("irreversible", "refund", "refunds", ""),
    ("irreversible", "pay", "payments", LOOKUP),
    ("compensatable", "book", "bookings", UNDO),
];

/// Where the shop does what a tool asks for.
pub(crate) fn place(tool: &str) -> &'static str {
    let found = TOOLS.iter().find(|(_, name, ..)| *name == tool);
    found.map_or("", |(_, _, place, _)| place)
}

/// Whether a tool's effect must not happen twice, not even under the same key.
pub(crate) fn is_once(place: &str) -> bool {
    let found = TOOLS.iter().find(|(_, _, known, _)| *known == place);
    found.is_some_and(|(policy, ..)| ["irreversible", "compensatable"].contains(policy))
}

const PARAMETERS: &str = "[parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\n";

fn tool(policy: &str, place: &str, more: &str, shop: &str) -> String {
    let request = match policy {
        "pure" => "method = \"GET\"\nquery = [\"order\"]\n",
        _ => "method = \"POST\"\nidempotency_header = \"idempotency-key\"\n",
    };
    let more = more.replace("SHOP", shop);
    format!(
        "format = 1\ndescription = \"Does it.\"\nkind = \"http\"\nside_effect = \"{policy}\"\ntimeout_seconds = 1\n\
         {PARAMETERS}[http]\nallow_private = true\nurl = \"{shop}/{place}\"\n{request}{more}"
    )
}

fn script() -> String {
    let mut script = "format = 1\n\
        [[reply]]\nmatch = 'trip (?<order>\\S+)$'\ncall = { tool = \"book\", arguments = { order = \"{order}\" } }\n\
        [[reply]]\nmatch = 'trip \\S+$'\nafter_tool = \"book\"\nfail = \"invalid_request\"\n"
        .to_owned();
    for name in ["look", "remind", "refund", "pay", "book", "note"] {
        script += &format!(
            "[[reply]]\nmatch = '{name} (?<order>\\S+)$'\ncall = {{ tool = \"{name}\", arguments = {{ order = \"{{order}}\" }} }}\n\
             [[reply]]\nafter_tool = \"{name}\"\ntext = \"{{call.order}}: {{result}}\"\n"
        );
    }
    script + "[default]\ntext = \"You said: {message}\"\n"
}

/// The bot's folder.
pub(crate) fn clerk(shop_port: u16) -> TempDir {
    let shop = format!("http://127.0.0.1:{shop_port}");
    let note = format!(
        "format = 1\ndescription = \"Writes it down.\"\nkind = \"record\"\nside_effect = \"irreversible\"\n\
         {PARAMETERS}[record]\ncollection = \"notes\"\n"
    );
    let mut files = vec![
        ("bot.toml".to_owned(), BOT.to_owned()),
        ("script.toml".to_owned(), script()),
        ("SOUL.md".to_owned(), "# Clerk\n".to_owned()),
        ("tools/note.toml".to_owned(), note),
    ];
    for (policy, name, place, more) in TOOLS {
        let path = format!("tools/{name}.toml");
        files.push((path, tool(policy, place, more, &shop)));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    folder(&files)
}
