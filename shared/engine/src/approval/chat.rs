//! An approver's reply in their own chat, such as `yes 4821` or `no 4821 too much`.

use super::Answer;

/// A reply that may decide an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatAnswer<'a> {
    /// Yes or no.
    pub answer: Answer,
    /// The approval's four digits.
    pub code: &'a str,
    /// What else was written.
    pub reason: Option<&'a str>,
}

impl<'a> ChatAnswer<'a> {
    /// What `text` says, if it is a yes or a no with four digits.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (word, rest) = text.trim().split_once(char::is_whitespace)?;
        let answer = match word.to_lowercase().as_str() {
            "yes" | "y" | "approve" => Answer::Yes,
            "no" | "n" | "deny" => Answer::No,
            _ => return None,
        };
        let rest = rest.trim_start();
        let (code, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let digits = code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit());
        let reason = reason.trim();
        digits.then_some(Self {
            answer,
            code,
            reason: (!reason.is_empty()).then_some(reason),
        })
    }
}
