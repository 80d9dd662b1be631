//! What a turn decides on what people said: a call they allowed, or their own yes or no.

use super::{Round, Run};
use crate::approval::{Answer, ChatAnswer, State};
use crate::error::{Error, Kind};
use crate::session::{Origin, SessionKey};
use crate::transcript::{Decision, PlannedCall, Taken};

impl Run {
    /// The call that an approval allows. What was not allowed is the brain's to tell.
    pub(super) async fn allowed(
        &self,
        key: &SessionKey,
        round: &Round,
    ) -> Result<Option<Decision>, Error> {
        let Some(Origin::Approval { id }) = first(round).map(|message| &message.origin) else {
            return Ok(None);
        };
        let approval = match self.desk.read(key.tenant(), id).await {
            Ok(approval) if approval.session == *key => approval,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == Kind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let open = match approval.state {
            State::Granted { .. } => true,
            State::Consumed { turn, .. } => turn == round.turn,
            State::Pending
            | State::Denied { .. }
            | State::Expired { .. }
            | State::Withdrawn { .. } => false,
        };
        let call = PlannedCall {
            id: format!("approval_{id}"),
            intent: format!("{}!{id}", approval.envelope.tool_name),
            tool: approval.envelope.tool_name,
            arguments: approval.envelope.inputs,
            approval: Some(id.clone()),
            undoes: None,
            tainted: false,
        };
        Ok(open.then(|| Decision::Tools {
            text: String::new(),
            calls: vec![call],
            undoing: None,
        }))
    }

    /// What an approver is answered who wrote `yes 4821` or `no 4821` in their own session.
    pub(super) async fn decided(
        &self,
        key: &SessionKey,
        round: &Round,
    ) -> Result<Option<Decision>, Error> {
        let Some(answer) = first(round)
            .filter(|message| message.origin.is_contact() && !message.repeat)
            .and_then(|message| ChatAnswer::read(&message.text))
        else {
            return Ok(None);
        };
        let bot = &round.staff.bot;
        let Some((person, known)) = bot.people.behind(key) else {
            return Ok(None);
        };
        let mut meant = self.desk.list(key.tenant()).await?;
        meant.retain(|approval| {
            let here = approval.session.bot() == key.bot();
            let said = approval.decisions.iter();
            let said = said.clone().any(|spoken| spoken.person == person);
            let moot = matches!(approval.state, State::Withdrawn { .. });
            let open = approval.state == State::Pending || moot || said;
            here && open && known.roles.contains(&approval.role) && approval.code() == answer.code
        });
        // Codes come round again: what still waits is meant rather than what was decided long ago.
        if meant
            .iter()
            .any(|approval| approval.state == State::Pending)
        {
            meant.retain(|approval| approval.state == State::Pending);
        }
        let text = match meant.as_slice() {
            [] => format!("No question with the code {} waits for you.", answer.code),
            [approval] => {
                let call = (key.tenant(), approval.id.as_str());
                let tool = &approval.envelope.tool_name;
                let decided = self
                    .desk
                    .decide(call, person, answer.answer, answer.reason)
                    .await?;
                match (decided, answer.answer) {
                    (Ok(now), Answer::Yes) if now.state == State::Pending => {
                        format!("Thank you. {tool} waits for another person's yes.")
                    }
                    (Ok(_), Answer::Yes) => format!("Thank you. {tool} is allowed."),
                    (Ok(_), Answer::No) => format!("Thank you. {tool} will not be done."),
                    (Err(refusal), _) => format!("That did not count: {refusal}."),
                }
            }
            [..] => format!(
                "More than one question has the code {}; please use the links.",
                answer.code
            ),
        };
        Ok(Some(Decision::Reply { text, by: None }))
    }
}

fn first(round: &Round) -> Option<&Taken> {
    let begun = round.before.is_empty();
    round.messages.first().filter(|_| begun)
}
