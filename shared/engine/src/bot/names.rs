//! How things may be named, and what must not be written where a name belongs.

/// A bot's name.
pub(super) const SLUG: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
/// A tool's name.
pub(super) const TOOL: &str = "^[a-z0-9_-]{1,64}$";
/// A skill's name.
pub(super) const SKILL: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";
/// The name of a secret.
pub(super) const SECRET: &str = "^[A-Z][A-Z0-9_]{0,63}$";
/// The name of a model.
pub(super) const MODEL: &str = "^(scripted|[a-z][a-z0-9_-]*/[^\\s]+)$";
/// A Twilio account.
pub(super) const TWILIO_ACCOUNT: &str = "^AC[0-9A-Za-z]+$";
/// A number or messaging service of Twilio.
pub(super) const TWILIO_SENDER: &str = "^(\\+?[0-9]{3,15}|MG[0-9A-Za-z]+)$";
/// A phone number in the international form E.164.
pub(super) const PHONE: &str = "^\\+[1-9][0-9]{5,14}$";
/// Digits only.
pub(super) const DIGITS: &str = "^[0-9]+$";
/// A collection of records.
pub(super) const COLLECTION: &str = "^[a-z][a-z0-9_-]{0,62}$";
/// A host name or IP address, or `*.` and a domain.
pub(super) const HOST: &str =
    "^((\\*\\.)?[0-9A-Za-z][0-9A-Za-z._-]*|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$";
/// A SHA-256 in hexadecimal.
pub(super) const SHA256: &str = "^[0-9a-fA-F]{64}$";
/// A time of day.
pub(super) const CLOCK: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

/// What a pattern asks for, in words, and advice on what was written instead.
pub(super) fn rule(pattern: &str, written: &str) -> (String, Option<String>) {
    let rule = match pattern {
        SLUG => "1 to 63 of a-z, 0-9 and -, with no dash at an end",
        TOOL => "1 to 64 of a-z, 0-9, _ and -",
        SKILL => "words of a-z and 0-9 joined by single dashes",
        SECRET => "the name of a secret, such as `TWILIO_AUTH_TOKEN`",
        MODEL => "`scripted` or `provider/model`, such as `anthropic/claude-sonnet-4-5`",
        TWILIO_ACCOUNT => "an account SID, which begins with `AC`",
        TWILIO_SENDER => "a phone number such as `+15550100` or a messaging service `MG…`",
        PHONE => "a phone number with its country code, such as `+15550100`",
        DIGITS => "digits only",
        COLLECTION => "a-z, 0-9, _ and -, beginning with a letter",
        HOST => "a host without scheme or port, such as `api.example.com` or `*.example.com`",
        SHA256 => "64 hexadecimal digits",
        CLOCK => "a time of day in quotes, such as `22:00`",
        _ => return (format!("of the form `{pattern}`"), None),
    };
    let hint = match pattern {
        SECRET if looks_like_secret(written) => Some(
            "this looks like the secret itself: put it into the secrets file and write its name here"
                .to_owned(),
        ),
        SLUG => attempt(renamed(written, '-')),
        TOOL => attempt(renamed(written, '_')),
        SECRET => attempt(renamed(written, '_').to_uppercase()),
        _ => None,
    };
    (rule.to_owned(), hint)
}

fn attempt(name: String) -> Option<String> {
    let short = !name.is_empty() && name.len() <= 63;
    short.then(|| format!("try `{name}`"))
}

fn renamed(written: &str, joint: char) -> String {
    let mut name = String::new();
    for letter in written.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with(joint) && !name.is_empty() {
            name.push(joint);
        }
    }
    name.trim_end_matches(joint).to_owned()
}

/// Beginnings of well-known credentials.
const CREDENTIALS: [&str; 14] = [
    "sk-",
    "sk_",
    "rk_",
    "pk_live",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "ghp_",
    "github_pat_",
    "AKIA",
    "AIza",
    "EAA",
    "eyJ",
    "whsec_",
];

/// Whether `text` is probably a password, key or token.
pub(crate) fn looks_like_secret(text: &str) -> bool {
    let text = text.trim();
    let token = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.:~".contains(&byte));
    if !token {
        return false;
    }
    let known = CREDENTIALS.iter().any(|start| text.starts_with(start));
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    (known && text.len() >= 12) || (text.len() >= 20 && digits >= 3 && letters >= 3)
}

/// Whether `name` can name a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether `name` can name a bot or a tenant.
pub(super) fn is_slug(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Whether `name` can name a tool.
pub(super) fn is_tool(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
        })
}
