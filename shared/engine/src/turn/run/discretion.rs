//! Keeps secrets out of plans and replies.

use crate::brain::Conclusion;
use crate::tool::KnownSecrets;

/// The same without secrets: what a plan says is written down and shown before anybody looks at it. A call that held one is
/// refused when it comes to be made.
pub(super) fn without_secrets(known: &KnownSecrets, mut conclusion: Conclusion) -> Conclusion {
    match &mut conclusion {
        Conclusion::Reply(text) => known.redact_text(text),
        Conclusion::Tools { text, calls } => {
            known.redact_text(text);
            for call in calls {
                known.redact(&mut call.arguments);
            }
        }
        Conclusion::Stop(_) => {}
    }
    conclusion
}
