//! Keeps secrets out of plans.

use super::Run;
use crate::brain::Conclusion;
use crate::session::SessionKey;
use crate::tool::KnownSecrets;
use crate::turn::Staff;

impl Run {
    /// The same without secrets in the arguments of calls, which are written down before they are looked at.
    /// Where one was, the call is refused.
    pub(super) async fn without_secrets(
        &self,
        key: &SessionKey,
        staff: &Staff,
        mut conclusion: Conclusion,
    ) -> Conclusion {
        if let Conclusion::Tools { calls, .. } = &mut conclusion {
            let names = staff.bot.secret_names();
            let known = KnownSecrets::read(&*self.secrets, key.tenant(), names).await;
            for call in calls {
                known.redact(&mut call.arguments);
            }
        }
        conclusion
    }
}
