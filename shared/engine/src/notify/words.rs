//! What people read.

use super::notice::Notice;

/// One notice by itself, in at most `limit` characters.
pub(super) fn alone(notice: &Notice, link: Option<&str>, limit: usize) -> String {
    let mut sign = String::new();
    if notice.acknowledge.is_some() {
        let code = notice.code();
        sign = format!("\nReply \"ok {code}\" so that we know that you know.");
        if let Some(link) = link {
            sign.push_str(&format!("\n{link}"));
        }
    }
    let room = limit.saturating_sub(sign.chars().count());
    let text: String = notice.text.chars().take(room).collect();
    text + &sign
}

/// Several at once, what matters most first, in as few messages of at most `limit` characters as hold them.
pub(super) fn together(notices: &mut [Notice], limit: usize) -> Vec<String> {
    notices.sort_by(|one, other| {
        (other.class, one.at, &one.id).cmp(&(one.class, other.at, &other.id))
    });
    let mut letters: Vec<String> = Vec::new();
    let mut letter = "While you were not to be disturbed:".to_owned();
    for notice in notices.iter() {
        let mut line = format!("\n- {}", notice.text);
        if notice.acknowledge.is_some() {
            line.push_str(&format!(" (reply \"ok {}\")", notice.code()));
        }
        if letter.chars().count() + line.chars().count() > limit {
            letters.push(std::mem::take(&mut letter));
            line = line.trim_start().chars().take(limit).collect();
        }
        letter.push_str(&line);
    }
    letters.push(letter);
    letters
}

/// The code of a reply such as `ok 4821`.
pub(crate) fn sign(text: &str) -> Option<&str> {
    let (word, code) = text.trim().split_once(char::is_whitespace)?;
    let code = code.trim().trim_end_matches(['.', '!']);
    let digits = code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit());
    (digits && matches!(word.to_lowercase().as_str(), "ok" | "okay" | "done")).then_some(code)
}
