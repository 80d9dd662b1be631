//! A brain that thinks for a while and does anything a model may do.

use std::time::Duration;

use async_trait::async_trait;
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::model::{ChatMessage, Deltas, ModelError, ModelErrorKind, ToolCall};
use serde_json::json;

use crate::money;
use crate::outside::Outside;
use crate::people::session_in;
use crate::shop::UNASKED;

/// Answers with what it was last asked, after calling tools as the dice say.
pub(crate) struct Whim(pub(crate) Outside);

#[async_trait]
impl Brain for Whim {
    async fn think(&self, context: Context<'_>, deltas: &mut dyn Deltas) -> Thought {
        let outside = &self.0;
        outside.begins("a thought");
        let session = about(&context);
        if let Err(error) = deltas.reserve(&money::quote()).await {
            outside.count("over budget");
            return Thought {
                conclusion: Conclusion::Stop(error),
                model_calls: Vec::new(),
            };
        }
        let mut call = money::ask(outside, session);
        outside.pause(3000).await;
        if outside.fails("the model hung", 25) {
            outside.runtime.clock.sleep(Duration::from_secs(1000)).await;
        }
        deltas.text("half a thought, ");
        outside.pause(500).await;
        let may_call = !context.finish && context.round < context.bot.limits.tool_rounds;
        let conclusion = if outside.fails("the model gave up", 25) {
            Conclusion::Stop(ModelError {
                kind: ModelErrorKind::Cut,
                detail: "the stream was cut".to_owned(),
            })
        } else if may_call && outside.draw(2) == 0 {
            let calls = 1 + outside.draw(3);
            Conclusion::Tools {
                text: String::new(),
                calls: (0..calls)
                    .map(|number| self.call(number, &context))
                    .collect(),
            }
        } else {
            Conclusion::Reply(format!("re: {}", asked(&context)))
        };
        money::answered(outside, session, &mut call);
        deltas.settle(&call);
        Thought {
            conclusion,
            model_calls: vec![call],
        }
    }
}

impl Whim {
    fn call(&self, number: u64, context: &Context<'_>) -> ToolCall {
        let names = [
            "refund", "book", "book", "remind", "look_up", "pay", "pay", "dance",
        ];
        let name = names[usize::try_from(self.0.draw(names.len() as u64)).unwrap_or(0)];
        let name = match name {
            // In peace nobody asks for a yes that might come too late to be told.
            "pay" if self.0.is_peace() => "remind",
            name => name,
        };
        let about = asked(context);
        let about = about.split(' ').find(|word| session_in(word).is_some());
        let order = format!("{} {}", about.unwrap_or("nothing"), self.0.draw(2));
        let arguments = if self.0.fails("the model wrote garbage", 20) {
            json!({ "order": { "not": ["a", "text"] } })
        } else if name == "pay" {
            let amounts = [UNASKED, 80, 90];
            let amount = amounts[usize::try_from(self.0.draw(3)).unwrap_or(0)];
            json!({ "order": order, "amount": amount })
        } else {
            json!({ "order": order })
        };
        ToolCall {
            id: number.to_string(),
            name: name.to_owned(),
            arguments,
        }
    }
}

/// The latest thing the contact said.
fn asked(context: &Context<'_>) -> String {
    let texts = context.conversation.iter().rev();
    let mut users = texts.filter_map(|message| match message {
        ChatMessage::User { text } => text.lines().last().map(str::to_owned),
        _ => None,
    });
    users.next().unwrap_or_default()
}

/// The session it thinks about.
fn about(context: &Context<'_>) -> Option<usize> {
    context
        .conversation
        .iter()
        .find_map(|message| match message {
            ChatMessage::User { text } => session_in(text),
            _ => None,
        })
}
