//! `step-ask`: asks the bot's model one thing, and checks the form of what it answers.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cache::{CacheKey, Cached};
use super::start::spend;
use super::values::{MAX_INLINE, length};
use super::{Cost, Effects, Site, StepOutput};
use crate::bot::ArgumentSchema;
use crate::budget::{Budget, Fund, Leave, Ledger};
use crate::error::{Error, Kind};
use crate::model::{
    ChatMessage, Deltas, ModelCall, ModelError, ModelErrorKind, ModelReply, ModelRequest, Quote,
    ToolOffer, Usage,
};
use crate::turn::{Crew, Staff};

/// The name of the tool by which a model gives an answer of a given form.
pub const ANSWER: &str = "answer";

/// How often a model is told what is wrong with its answer.
const CORRECTIONS: u32 = 2;

/// Input of `step-ask`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// What is asked.
    pub prompt: String,
    /// Who the model is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// JSON Schema of the answer; text when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Where an earlier output may lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheKey>,
}

/// Asks models for steps.
#[derive(Clone)]
pub struct StepAsk {
    /// Finds bots and their brains.
    pub crew: Arc<dyn Crew>,
    /// Time, stores and switches.
    pub effects: Effects,
    /// What may be spent.
    pub ledger: Arc<Ledger>,
}

impl StepAsk {
    /// Asks, and asks again where the answer has not the form.
    ///
    /// # Errors
    /// `ModelFailed` when no usable answer can be had, `Forbidden` when the bot is stopped.
    pub async fn handle(&self, input: AskInput) -> Result<StepOutput, Error> {
        let name = input.prompt.clone();
        let cached = Cached::new(&self.effects, &input.site, &name, input.cache.clone());
        cached.or(self.answer(input)).await
    }

    async fn answer(&self, input: AskInput) -> Result<StepOutput, Error> {
        let run = &input.site.run;
        let staff = self.crew.staff(&run.tenant, &run.bot).await?;
        let switch = self.effects.switches.of(&run.tenant).await?;
        if switch.stopped(&run.bot).is_some() {
            return Err(Error::new(
                Kind::Forbidden,
                format!("{} is stopped by an operator", run.bot),
            ));
        }
        let place = run.place()?;
        let budget = staff.bot.budget.of(&run.tenant);
        let mut purse = Purse {
            step: self,
            funds: Fund::of(&budget, &place, self.effects.runtime.now()),
            budget,
            open: None,
            spent: Usage::default(),
            model: String::new(),
        };
        let form = input.answer.as_ref();
        let mut request = ModelRequest {
            system: input.system.unwrap_or_else(|| staff.bot.soul.text.clone()),
            messages: vec![ChatMessage::User { text: input.prompt }],
            tools: form.map(|form| vec![offer(form)]).unwrap_or_default(),
        };
        let form = form.map(|form| Form {
            schema: ArgumentSchema::deferred(wrapped(form)),
            is_wrapped: !is_table(form),
        });
        let asked = ask(&staff, &mut request, form.as_ref(), &mut purse).await;
        let paid = purse.spent.micro_dollars;
        if paid > 0 {
            let now = self.effects.runtime.now();
            if let Err(error) = spend(&*self.effects.documents, run, paid, now).await {
                tracing::warn!(run = run.id, error = %error.chain(), "what a step cost could not be noted");
            }
        }
        let answer = asked?;
        let bytes = length(&answer);
        if bytes > MAX_INLINE {
            let message = format!(
                "the model's answer is of {bytes} bytes, and a step gives at most {MAX_INLINE}; ask for less"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        let mut output = StepOutput::new(answer);
        output.cost = Some(Cost {
            model: purse.model.clone(),
            tokens: purse.spent.tokens(),
            micro_dollars: paid,
        });
        Ok(output)
    }
}

/// Asks until the answer has the form, a few times at most.
async fn ask(
    staff: &Staff,
    request: &mut ModelRequest,
    form: Option<&Form>,
    purse: &mut Purse<'_>,
) -> Result<Value, Error> {
    let mut left = CORRECTIONS;
    loop {
        let answer = staff.brain.answer(request, purse).await;
        let reply = answer.result.map_err(|error| {
            Error::new(
                Kind::ModelFailed,
                format!("the model gave no answer: {error}"),
            )
        })?;
        match read(&reply, form) {
            Ok(output) => return Ok(output),
            Err(wrong) if left == 0 => return Err(Error::new(Kind::ModelFailed, wrong)),
            Err(wrong) => {
                left -= 1;
                request.messages.push(ChatMessage::Assistant {
                    text: reply.text,
                    calls: Vec::new(),
                });
                request.messages.push(ChatMessage::User {
                    text: format!("{wrong}. Answer again."),
                });
            }
        }
    }
}

/// Models fill in the form of a tool more reliably than one that they are told about.
fn offer(form: &Value) -> ToolOffer {
    ToolOffer {
        name: ANSWER.to_owned(),
        description: "Gives your answer. Always call it, once.".to_owned(),
        parameters: wrapped(form),
    }
}

/// What an answer must look like.
struct Form {
    schema: ArgumentSchema,
    is_wrapped: bool,
}

fn is_table(form: &Value) -> bool {
    form["type"] == "object"
}

/// A tool's arguments are a table; a form that is none stands in its member `value`.
fn wrapped(form: &Value) -> Value {
    if is_table(form) {
        return form.clone();
    }
    json!({ "type": "object", "required": ["value"], "properties": { "value": form } })
}

fn read(reply: &ModelReply, form: Option<&Form>) -> Result<Value, String> {
    let Some(form) = form else {
        return match reply.text.trim() {
            "" => Err("The answer was empty".to_owned()),
            text => Ok(Value::from(text)),
        };
    };
    let called = reply
        .calls
        .iter()
        .find(|call| call.name == ANSWER)
        .map(|call| call.arguments.clone());
    // Some models write what they should have called with.
    let given = called.or_else(|| serde_json::from_str(fenced(&reply.text)).ok());
    let given = given.ok_or_else(|| format!("The tool `{ANSWER}` was not called"))?;
    form.schema
        .check(&given)
        .map_err(|wrong| format!("The answer has not the form: {wrong}"))?;
    Ok(match form.is_wrapped {
        true => given["value"].clone(),
        false => given,
    })
}

/// What stands between a fence of three backticks, or all.
fn fenced(text: &str) -> &str {
    let inner = text.split_once("```").map_or(text, |(_, rest)| rest);
    let inner = inner.strip_prefix("json").unwrap_or(inner);
    inner
        .split_once("```")
        .map_or(inner, |(inner, _)| inner)
        .trim()
}

/// What an answer may cost: set aside before a model is asked.
struct Purse<'a> {
    step: &'a StepAsk,
    budget: Budget,
    funds: Vec<Fund>,
    open: Option<Usage>,
    spent: Usage,
    model: String,
}

#[async_trait]
impl Deltas for Purse<'_> {
    fn text(&mut self, _: &str) {}

    fn restart(&mut self) {}

    async fn reserve(&mut self, quote: &Quote) -> Result<(), ModelError> {
        let most = quote.most();
        let refused = |detail: String| ModelError {
            kind: ModelErrorKind::Budget,
            detail,
        };
        let after = self.spent.plus(most);
        if self
            .budget
            .turn_tokens
            .is_some_and(|limit| after.tokens() > limit)
            || self
                .budget
                .turn_money
                .is_some_and(|limit| after.micro_dollars > limit)
        {
            return Err(refused("a step may cost no more than a turn".to_owned()));
        }
        let leave = self.step.ledger.reserve(&self.funds, most).await;
        let leave = leave.map_err(|error| ModelError {
            kind: ModelErrorKind::Unavailable,
            detail: format!("not asked: the budget cannot be read: {error}"),
        })?;
        if let Leave::Refused(fund) = leave {
            return Err(refused(format!(
                "{fund}, and this call may take more than is left"
            )));
        }
        self.open = Some(most);
        Ok(())
    }

    fn settle(&mut self, call: &ModelCall) {
        if let Some(most) = self.open.take() {
            self.step.ledger.settle(&self.funds, most, call.usage);
        }
        self.spent = self.spent.plus(call.usage);
        self.model.clone_from(&call.model);
    }
}
