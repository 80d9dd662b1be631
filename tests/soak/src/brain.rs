//! A brain that thinks for a while and does anything a model may do.

use std::time::Duration;

use async_trait::async_trait;
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::model::{ChatMessage, Deltas, ModelError, ModelErrorKind, ToolCall};
use serde_json::json;

use crate::outside::Outside;

/// Answers with what it was last asked, after calling tools as the dice say.
pub(crate) struct Whim(pub(crate) Outside);

#[async_trait]
impl Brain for Whim {
    async fn think(&self, context: Context<'_>, deltas: &mut dyn Deltas) -> Thought {
        let outside = &self.0;
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
        Thought {
            conclusion,
            model_calls: Vec::new(),
        }
    }
}

impl Whim {
    fn call(&self, number: u64, context: &Context<'_>) -> ToolCall {
        let names = ["refund", "book", "book", "remind", "look_up", "dance"];
        let name = names[usize::try_from(self.0.draw(names.len() as u64)).unwrap_or(0)];
        let order = format!("{} {}", asked(context), self.0.draw(2));
        let arguments = if self.0.fails("the model wrote garbage", 20) {
            json!({ "order": { "not": ["a", "text"] } })
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
