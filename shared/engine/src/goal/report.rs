//! `report_goal`: the tool by which a bot says that a goal is met, or will not be. Built in; offered while one is open.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Goal, Goals, State, TIME_UP};
use crate::bot::{ArgumentSchema, Tool, ToolKind};
use crate::error::Error;
use crate::model::ToolOffer;
use crate::runtime::Time;
use crate::session::SessionKey;
use crate::tool::SideEffectPolicy;

/// The tool's name.
pub const REPORT_GOAL: &str = "report_goal";

/// The longest answer, in bytes as JSON.
const MAX_ANSWER: usize = 16 * 1024;

/// What the tool is for, as models are told.
pub(super) const DESCRIPTION: &str = "Tells the workflow that waits for this conversation how its goal ended. Call it once, as soon as \
     the goal is met or it is clear that it will not be, with what the contact themselves said.";

/// What the bot reports.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Report {
    /// Which goal; the one that is open when absent.
    pub goal: Option<String>,
    /// Whether it was reached.
    pub met: bool,
    /// What was found out.
    #[serde(default)]
    pub answer: Value,
    /// Why it was not reached.
    pub why: Option<String>,
}

impl Goals {
    /// Takes in what the bot reports by the call `intent`; the same call again says the same again. Gives the goal, or
    /// what is wrong, in words for the model.
    ///
    /// # Errors
    /// When the store failed, or the run could not be told; the caller comes back.
    pub async fn report(
        &self,
        session: &SessionKey,
        intent: &str,
        report: Report,
    ) -> Result<Result<Goal, String>, Error> {
        let goals = self.of(session).await?;
        let by_this = |goal: &&Goal| goal.reported_by.as_deref() == Some(intent);
        if let Some(standing) = goals.iter().find(by_this) {
            self.tell(standing).await?;
            return Ok(Ok(standing.clone()));
        }
        let goal = match meant(&goals, report.goal.as_deref()) {
            Ok(goal) => goal,
            Err(wrong) => return Ok(Err(wrong)),
        };
        if !goal.is_open() {
            // Where only its time has passed, that is written down now.
            let standing = self.end(session, &goal.id, TIME_UP).await?;
            return Ok(Err(over(standing.as_ref().unwrap_or(goal))));
        }
        let state = match judged(goal, report, self.runtime.now()) {
            Ok(state) => state,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let settled = self.settle(session, &goal.id, Some(intent), state).await?;
        let standing = settled.as_ref().unwrap_or(goal);
        Ok(match standing.reported_by.as_deref() == Some(intent) {
            true => Ok(standing.clone()),
            // Something else ended it meanwhile.
            false => Err(over(standing)),
        })
    }
}

/// The goal that a report is about.
fn meant<'g>(goals: &'g [Goal], named: Option<&str>) -> Result<&'g Goal, String> {
    let open: Vec<&Goal> = goals.iter().filter(|goal| goal.is_open()).collect();
    let ids: Vec<&str> = open.iter().map(|goal| goal.id.as_str()).collect();
    match (named, open.as_slice()) {
        (Some(id), _) => goals.iter().find(|goal| goal.id == id).ok_or_else(|| {
            let others = match ids.as_slice() {
                [] => "none is open".to_owned(),
                ids => format!("open are {}", ids.join(", ")),
            };
            format!("there is no goal {id} in this conversation; {others}")
        }),
        (None, [only]) => Ok(only),
        (None, []) => Err("no goal is open in this conversation".to_owned()),
        (None, _) => Err(format!(
            "say which goal is meant, as `goal`: {}",
            ids.join(", ")
        )),
    }
}

/// What a report makes of a goal at `at`, or what is wrong with it.
fn judged(goal: &Goal, report: Report, at: Time) -> Result<State, String> {
    if !report.met {
        let why = report.why.unwrap_or_default();
        return match why.trim() {
            "" => Err("say why the goal is not met, as `why`".to_owned()),
            why => Ok(State::unmet(at, why)),
        };
    }
    let Some(form) = &goal.form else {
        let answer = Value::Null;
        return Ok(State::Met { at, answer });
    };
    if report.answer.is_null() {
        return Err(format!("give what was found out, as `answer`: {form}"));
    }
    ArgumentSchema::deferred(form.clone())
        .check(&report.answer)
        .map_err(|wrong| format!("the answer does not fit: {wrong}. Mend it and report again; ask the contact for what you do not know"))?;
    if report.answer.to_string().len() > MAX_ANSWER {
        return Err(format!("the answer is longer than {MAX_ANSWER} bytes"));
    }
    Ok(State::Met {
        at,
        answer: report.answer,
    })
}

fn over(goal: &Goal) -> String {
    let how = match &goal.state {
        State::Unmet { why, .. } => why.as_str(),
        State::Met { .. } | State::Open => "it was reported before",
    };
    format!(
        "goal {} is over: {how}. Nobody waits for it any more",
        goal.id
    )
}

/// The tool, which takes whatever a goal may want; what the open ones want is checked by [`Goals::report`].
pub(crate) fn tool() -> Tool {
    let parameters = parameters(None, &json!({}));
    Tool {
        arguments: ArgumentSchema::deferred(parameters.clone()),
        offer: ToolOffer {
            name: REPORT_GOAL.to_owned(),
            description: DESCRIPTION.to_owned(),
            parameters,
        },
        side_effect: SideEffectPolicy::Idempotent,
        business_key: Vec::new(),
        approval: None,
        timeout: Duration::from_secs(10),
        result: None,
        undo: None,
        kind: ToolKind::ReportGoal,
    }
}

/// The parameters: with the goals to choose from, where there are several, and what the answer must be.
pub(super) fn parameters(goals: Option<&[&str]>, answer: &Value) -> Value {
    let mut goal =
        json!({ "type": "string", "description": "The goal's id, as its message says it." });
    let mut required = vec!["met"];
    if let Some(ids) = goals {
        goal["enum"] = json!(ids);
        if ids.len() > 1 {
            required.insert(0, "goal");
        }
    }
    json!({
        "type": "object",
        "required": required,
        "properties": {
            "goal": goal,
            "met": { "type": "boolean", "description": "Whether the goal was reached." },
            "answer": answer,
            "why": {
                "type": "string",
                "maxLength": 1000,
                "description": "Why it was not reached; leave it out when it was.",
            },
        },
        "additionalProperties": false,
    })
}
