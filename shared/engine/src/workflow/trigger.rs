//! What starts a workflow: what a trigger lets through, and what it gives the run, from what happened.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bot::Place;
use crate::error::{Error, Kind};
use crate::schedule::{Missed, Schedule};
use crate::workflow::expression::Expression;
use crate::workflow::plan::Workflow;
use crate::workflow::scope::Scope;
use crate::workflow::template::Template;

/// Evaluates JSONata outside of a machine.
pub trait Expressions: Send + Sync {
    /// What `expression` gives where `$trigger` is `trigger`; nothing when it is undefined.
    ///
    /// # Errors
    /// Why it gives nothing usable, in JSONata's words.
    fn evaluate(&self, expression: &str, trigger: &Value) -> Result<Option<Value>, String>;
}

/// What starts a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Where it stands.
    pub place: Place,
    /// What happens.
    pub kind: TriggerKind,
    /// What the run is given; expressions see `$trigger`.
    pub with: Vec<(String, Template)>,
}

/// What happens when a trigger fires.
#[derive(Clone, Debug, PartialEq)]
pub enum TriggerKind {
    /// A time comes.
    Schedule {
        /// `cron` or `rate(5 minutes)`.
        schedule: Schedule,
        /// Runs are spread over this long.
        jitter: Duration,
        /// What becomes of times that passed while nothing ran.
        missed: Missed,
    },
    /// Confab tells of something, or somebody posts an event.
    Event {
        /// Its name, such as `turn.completed`.
        name: String,
        /// Which of them; all when absent.
        filter: Option<Expression>,
    },
    /// Somebody posts to `…/hooks/{workflow}`.
    Webhook {
        /// The name of the secret that signs.
        secret: String,
        /// What a delivery is told as, in place of a run.
        event: Option<String>,
    },
}

impl Trigger {
    /// The inputs of the run that `happened` starts. What an expression does not find is left out, so that the
    /// workflow's default holds.
    ///
    /// # Errors
    /// `Invalid` when they cannot be made of `happened`.
    pub fn inputs(
        &self,
        of: &Workflow,
        happened: &Value,
        expressions: &dyn Expressions,
    ) -> Result<Value, Error> {
        let given = Template::Table(self.with.clone());
        let given = given.operand(&Scope::new(of), &mut Vec::new());
        let inputs = expressions.evaluate(&given, happened);
        let inputs = inputs.map_err(|wrong| failed(of, "`with`", &wrong))?;
        Ok(inputs.unwrap_or_else(|| json!({})))
    }

    /// Whether a run is wanted for `happened`.
    ///
    /// # Errors
    /// `Invalid` when that cannot be said of `happened`.
    pub fn passes(
        &self,
        of: &Workflow,
        happened: &Value,
        expressions: &dyn Expressions,
    ) -> Result<bool, Error> {
        let TriggerKind::Event {
            filter: Some(filter),
            ..
        } = &self.kind
        else {
            return Ok(true);
        };
        let filter = filter.resolve(&Scope::new(of), &mut Vec::new());
        let passes = expressions.evaluate(&format!("$boolean({filter})"), happened);
        let passes = passes.map_err(|wrong| failed(of, "`filter`", &wrong))?;
        Ok(passes == Some(Value::Bool(true)))
    }
}

fn failed(workflow: &Workflow, field: &str, wrong: &str) -> Error {
    let message = format!(
        "the {field} of a trigger of {} does not fit what came: {wrong}",
        workflow.name
    );
    Error::new(Kind::Invalid, message)
}
