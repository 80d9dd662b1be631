//! The engine's request in the library's terms, in a form that every provider accepts.

use std::collections::HashMap;

use engine::model::{ChatMessage, ModelRequest, ToolCall, ToolOffer};
use genai::chat::{
    self, ChatRequest, ChatRole, ContentPart, MessageContent, Tool, ToolName, ToolResponse,
};
use serde_json::{Value, json};

#[cfg(test)]
mod tests;

/// The longest name a provider accepts for a tool.
const MAX_NAME: usize = 64;

/// Tokens that a provider may add to a request: what it says of tools, how it marks a message's ends.
const ADDED: u64 = 1024;
const ADDED_TO_EACH: u64 = 64;

/// The most tokens that any provider may count in `request`: one for every byte that is sent.
pub(super) fn most_tokens(request: &ModelRequest) -> u64 {
    let json = |value: &Value| serde_json::to_string(value).map_or(0, |json| json.len());
    let messages = request.messages.iter().map(|message| match message {
        ChatMessage::User { text } => text.len(),
        ChatMessage::Assistant { text, calls } => calls.iter().fold(text.len(), |sum, call| {
            sum + call.id.len() + call.name.len() + json(&call.arguments)
        }),
        ChatMessage::Tool {
            call,
            name,
            content,
            ..
        } => call.len() + name.len() + content.len(),
    });
    let tools = request
        .tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + json(&tool.parameters));
    let sent: usize = messages.chain(tools).chain([request.system.len()]).sum();
    let each = (request.messages.len() + request.tools.len()) as u64;
    sent as u64 + ADDED + ADDED_TO_EACH * each
}

/// Translates `request`.
///
/// Roles alternate: neighbours of one role become one message. Calls are numbered afresh, since an
/// id made by one provider may be refused by the next. Names and arguments that no provider would
/// take back, which a confused model may have made up, are bent into shape.
pub(super) fn chat(request: &ModelRequest) -> ChatRequest {
    let mut ids = Ids::default();
    let mut messages: Vec<chat::ChatMessage> = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let (role, parts) = translate(message, &mut ids);
        if parts.is_empty() {
            continue;
        }
        match messages.last_mut() {
            Some(last) if last.role == role => last.content.extend(parts),
            _ => messages.push(chat::ChatMessage::new(
                role,
                MessageContent::from_parts(parts),
            )),
        }
    }
    let chat = ChatRequest::new(messages);
    let chat = if request.system.trim().is_empty() {
        chat
    } else {
        chat.with_system(request.system.as_str())
    };
    if request.tools.is_empty() {
        chat
    } else {
        chat.with_tools(request.tools.iter().map(tool))
    }
}

fn translate<'a>(message: &'a ChatMessage, ids: &mut Ids<'a>) -> (ChatRole, Vec<ContentPart>) {
    match message {
        ChatMessage::User { text } => (ChatRole::User, text_part(text)),
        ChatMessage::Assistant { text, calls } => {
            let mut parts = text_part(text);
            parts.extend(
                calls
                    .iter()
                    .map(|call| ContentPart::ToolCall(past_call(call, ids))),
            );
            (ChatRole::Assistant, parts)
        }
        ChatMessage::Tool {
            call,
            name,
            content,
            untrusted,
        } => {
            let content = if *untrusted {
                as_untrusted(content)
            } else {
                content.clone()
            };
            let response = ToolResponse::new(ids.of(call), content).with_fn_name(legal_name(name));
            (ChatRole::Tool, vec![ContentPart::ToolResponse(response)])
        }
    }
}

/// Data from outside between marks that nothing in it can close.
fn as_untrusted(content: &str) -> String {
    // Within JSON, `\/` is `/`.
    let content = content.replace("</untrusted", "<\\/untrusted");
    format!("<untrusted>\n{content}\n</untrusted>")
}

/// Providers refuse empty text.
fn text_part(text: &str) -> Vec<ContentPart> {
    if text.trim().is_empty() {
        Vec::new()
    } else {
        vec![ContentPart::from_text(text)]
    }
}

fn past_call<'a>(call: &'a ToolCall, ids: &mut Ids<'a>) -> chat::ToolCall {
    let fn_arguments = match &call.arguments {
        object @ Value::Object(_) => object.clone(),
        Value::Null => json!({}),
        other => json!({ "unreadable": other }),
    };
    chat::ToolCall {
        call_id: ids.begin(&call.id),
        fn_name: legal_name(&call.name),
        fn_arguments,
        thought_signatures: None,
    }
}

fn legal_name(name: &str) -> String {
    let legal: String = name
        .chars()
        .take(MAX_NAME)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if legal.is_empty() {
        "unnamed".to_owned()
    } else {
        legal
    }
}

fn tool(offer: &ToolOffer) -> Tool {
    Tool::new(ToolName::Custom(offer.name.clone()))
        .with_description(offer.description.as_str())
        .with_schema(offer.parameters.clone())
}

/// Numbers the calls of a conversation in order, so that the same beginning reads the same again.
#[derive(Default)]
struct Ids<'a> {
    current: HashMap<&'a str, usize>,
    count: usize,
}

impl<'a> Ids<'a> {
    fn begin(&mut self, id: &'a str) -> String {
        self.count += 1;
        self.current.insert(id, self.count);
        format!("call_{}", self.count)
    }

    fn of(&mut self, id: &'a str) -> String {
        match self.current.get(id) {
            Some(number) => format!("call_{number}"),
            None => self.begin(id),
        }
    }
}
