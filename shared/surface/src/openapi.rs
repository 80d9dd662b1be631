//! `GET /openapi.json`: the surface described from the types that serve it.

use std::any::TypeId;
use std::sync::LazyLock;

use engine::approval::Approval;
use engine::attend::Standing;
use engine::event::Event;
use engine::switch::Switch;
use engine::unknown::Unknown;
use engine::view::Trace;
use http::StatusCode;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::{
    Approvals, Found, Granted, Listing, Messages, NewDecision, NewMessage, NewReply, Open, Problem,
    Redone, Response, ShownNotice, Stop, Taken, TakingOver, response,
};

mod runs;

pub use runs::{
    CANCEL, CHANGES, GRAPH, HOOK, RETRY, ROLLBACK, RUN, RUN_GRAPH, RUN_VALUE, RUNS, START,
    VERSIONS, WORKFLOWS,
};

/// Where messages are written and read.
pub const MESSAGES: &str = "/v1/{tenant}/{bot}/sessions/{session}/messages";
/// Where the trace is read.
pub const TURNS: &str = "/v1/{tenant}/{bot}/sessions/{session}/turns";
/// Where events are streamed.
pub const EVENTS: &str = "/v1/{tenant}/{bot}/sessions/{session}/events";
/// Where tokens are given out.
pub const TOKEN: &str = "/v1/{tenant}/{bot}/sessions/{session}/token";
/// What somebody was told.
pub const NOTICE: &str = "/v1/{tenant}/notices/{notice}";
/// Where they say that they know.
pub const ACKNOWLEDGE: &str = "/v1/{tenant}/notices/{notice}/acknowledge";
/// Where approvals are listed.
pub const APPROVALS: &str = "/v1/{tenant}/approvals";
/// Where one is read.
pub const APPROVAL: &str = "/v1/{tenant}/approvals/{approval}";
/// Where it is granted.
pub const APPROVE: &str = "/v1/{tenant}/approvals/{approval}/approve";
/// Where it is denied.
pub const DENY: &str = "/v1/{tenant}/approvals/{approval}/deny";
/// Where effects that nobody saw come to an end are listed.
pub const UNKNOWN: &str = "/v1/{tenant}/unknown";
/// Where one of them is settled.
pub const ONE_UNKNOWN: &str = "/v1/{tenant}/unknown/{id}";
/// Where one session stands.
pub const SESSION: &str = "/v1/{tenant}/{bot}/sessions/{session}";
/// Where a bot's sessions are listed.
pub const SESSIONS: &str = "/v1/{tenant}/{bot}/sessions";
/// Where a person takes a session over.
pub const TAKEOVER: &str = "/v1/{tenant}/{bot}/sessions/{session}/takeover";
/// Where they hand it back.
pub const HANDBACK: &str = "/v1/{tenant}/{bot}/sessions/{session}/handback";
/// Where they end the conversation.
pub const CLOSE: &str = "/v1/{tenant}/{bot}/sessions/{session}/close";
/// Where they answer in the bot's place.
pub const REPLIES: &str = "/v1/{tenant}/{bot}/sessions/{session}/replies";
/// Where they give a parked turn another try.
pub const REDRIVE: &str = "/v1/{tenant}/{bot}/sessions/{session}/turns/{turn}/redrive";
/// Where a bot is stopped.
pub const STOP: &str = "/v1/{tenant}/{bot}/stop";
/// Where it is let go on.
pub const RESUME: &str = "/v1/{tenant}/{bot}/resume";
/// Where all bots of a tenant are stopped.
pub const STOP_ALL: &str = "/v1/{tenant}/stop";
/// Where they are let go on.
pub const RESUME_ALL: &str = "/v1/{tenant}/resume";
/// Where Twilio calls.
pub const TWILIO: &str = "/webhooks/twilio/{tenant}/{bot}";
/// Where Meta calls.
pub const WHATSAPP: &str = "/webhooks/whatsapp/{tenant}/{bot}";
/// Whether we are well.
pub const HEALTH: &str = "/healthz";
/// Where the description is.
pub const OPENAPI: &str = "/openapi.json";

static DOCUMENT: LazyLock<Value> = LazyLock::new(describe);

/// The description of the surface, in version 3.0 of `OpenAPI`.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// `GET /openapi.json`
#[must_use]
pub fn get() -> Response {
    response::answer(response::json(StatusCode::OK, document()))
}

fn describe() -> Value {
    let mut schemas = SchemaSettings::openapi3().into_generator();
    let mut paths = json!({
        MESSAGES: {
            "parameters": session_parameters(),
            "post": {
                "summary": "Say something; answered only after the message is durable",
                "parameters": [{
                    "name": "Idempotency-Key", "in": "header", "schema": { "type": "string" },
                    "description": "The message's id: a message with an id that was accepted before is a duplicate.",
                }],
                "requestBody": { "required": true, "content": content(&schemas.subschema_for::<NewMessage>()) },
                "responses": answers("202", &schemas.subschema_for::<Taken>(), &mut schemas, &["400", "401", "403", "404", "413", "415", "422", "429", "503"]),
            },
            "get": {
                "summary": "Read the conversation, waiting for news if wanted",
                "parameters": [
                    query("after", "The last `seq` that was read; 0 for all."),
                    query("wait", "Seconds to wait for something newer, at most 25."),
                ],
                "responses": answers("200", &schemas.subschema_for::<Messages>(), &mut schemas, &["400", "401", "403", "404", "503"]),
            },
        },
        TURNS: {
            "parameters": session_parameters(),
            "get": {
                "summary": "The trace: every accepted message with its verdict, every turn with its model and tool calls",
                "responses": answers("200", &schemas.subschema_for::<Trace>(), &mut schemas, &["400", "401", "403", "404", "503"]),
            },
        },
        TOKEN: {
            "parameters": session_parameters(),
            "post": {
                "summary": "Get a token that lets a browser use this one session for an hour; needs a key, where keys are needed",
                "responses": answers("201", &schemas.subschema_for::<Granted>(), &mut schemas, &["400", "401", "403", "404", "503"]),
            },
        },
        UNKNOWN: {
            "parameters": [path("tenant", "Whose effects; `local` on one machine.")],
            "get": {
                "summary": "The effects that nobody saw come to an end, and the undoing that failed, until a person settles them",
                "responses": answers("200", &schemas.subschema_for::<Open>(), &mut schemas, &["400", "401", "403", "503"]),
            },
        },
        ONE_UNKNOWN: {
            "parameters": [path("tenant", "Whose effect; `local` on one machine."), path("id", "Its `id` in the list.")],
            "post": {
                "summary": "Say what came of it; the bot is told. Saying it again alike changes nothing, saying otherwise is a conflict",
                "requestBody": { "required": true, "content": content(&schemas.subschema_for::<Found>()) },
                "responses": answers("200", &schemas.subschema_for::<Unknown>(), &mut schemas, &["400", "401", "403", "404", "409", "413", "415", "422", "429", "503"]),
            },
        },
        EVENTS: {
            "parameters": session_parameters(),
            "get": {
                "summary": "Server-sent events; `event` is the event's `type`, `data` the event as JSON. Hints: the messages are the truth",
                "responses": {
                    "200": { "description": "A stream of events", "content": { "text/event-stream": { "schema": schemas.subschema_for::<Event>() } } },
                    "401": problem(&mut schemas), "403": problem(&mut schemas), "404": problem(&mut schemas),
                },
            },
        },
        APPROVALS: {
            "parameters": [tenant()],
            "get": {
                "summary": "What bots ask people and nobody has answered yet",
                "parameters": [{
                    "name": "all", "in": "query", "schema": { "type": "boolean" },
                    "description": "Those that were decided or ran out too.",
                }],
                "responses": answers("200", &schemas.subschema_for::<Approvals>(), &mut schemas, &["400", "401", "403", "503"]),
            },
        },
        APPROVAL: {
            "parameters": approval_parameters(),
            "get": {
                "summary": "What is asked, and what became of it; a page for a browser. Reading it decides nothing",
                "responses": answers("200", &schemas.subschema_for::<Approval>(), &mut schemas, &["400", "401", "403", "404", "503"]),
            },
        },
        APPROVE: { "parameters": approval_parameters(), "post": decision("Say yes, as the person that the key or the link names", &mut schemas) },
        DENY: { "parameters": approval_parameters(), "post": decision("Say no, as the person that the key or the link names", &mut schemas) },
        NOTICE: {
            "parameters": notice_parameters(),
            "get": {
                "summary": "What somebody was told, and whether somebody knows; a page for a browser. Reading it changes nothing",
                "responses": answers("200", &schemas.subschema_for::<ShownNotice>(), &mut schemas, &["401", "404", "503"]),
            },
        },
        ACKNOWLEDGE: {
            "parameters": notice_parameters(),
            "post": {
                "summary": "Say that you know, as the person whom the link names",
                "responses": answers("200", &schemas.subschema_for::<ShownNotice>(), &mut schemas, &["401", "404", "503"]),
            },
        },
        SESSIONS: {
            "parameters": bot_parameters(),
            "get": {
                "summary": "The bot's 100 newest sessions; on one machine only",
                "responses": answers("200", &schemas.subschema_for::<Listing>(), &mut schemas, &["400", "401", "403", "404", "503"]),
            },
        },
        SESSION: {
            "parameters": session_parameters(),
            "get": {
                "summary": "Where the session stands, who has it, when the contact last wrote",
                "responses": answers("200", &schemas.subschema_for::<Standing>(), &mut schemas, &["400", "401", "403", "404", "503"]),
            },
        },
        TAKEOVER: attended::<TakingOver, Standing>(&mut schemas, "200", "Take the session over: the bot is silent until it is handed back"),
        HANDBACK: attended::<(), Standing>(&mut schemas, "200", "Hand the session back to the bot"),
        CLOSE: attended::<(), Standing>(&mut schemas, "200", "End the conversation: what was said until now is not shown to the bot again"),
        REPLIES: attended::<NewReply, Taken>(&mut schemas, "202", "Answer in the bot's place, while the session is taken over"),
        REDRIVE: redrive(&mut schemas),
        STOP: stop(bot_parameters(), "Stop a bot: within a second no new turn thinks and no new effect begins; what is stopped already stays as it is", &mut schemas),
        RESUME: resume(bot_parameters(), "Let a bot go on that was stopped alone", &mut schemas),
        STOP_ALL: stop(tenant_parameters(), "Stop all bots of a tenant", &mut schemas),
        RESUME_ALL: resume(tenant_parameters(), "Let a tenant's bots go on, but for those that were stopped alone", &mut schemas),
        TWILIO: {
            "parameters": bot_parameters(),
            "post": { "summary": "Twilio's webhook for messages and status callbacks", "responses": webhook(&mut schemas) },
        },
        WHATSAPP: {
            "parameters": bot_parameters(),
            "get": { "summary": "Meta's verification challenge", "responses": webhook(&mut schemas) },
            "post": { "summary": "Meta's webhook for messages and statuses", "responses": webhook(&mut schemas) },
        },
        HEALTH: { "get": { "summary": "Whether messages can be accepted", "security": [], "responses": { "200": { "description": "They can" }, "503": problem(&mut schemas) } } },
        OPENAPI: { "get": { "summary": "This document", "security": [], "responses": { "200": { "description": "OpenAPI 3.0" } } } },
    });
    runs::describe(&mut paths, &mut schemas);
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Confab",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Conversations with a bot. Times are RFC 3339 in UTC, money is in micro-dollars, durations in milliseconds.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "security": [{ "key": [] }, {}],
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "A key of the secrets file, or a token of one session." } },
            "schemas": schemas.take_definitions(true),
        },
    })
}

/// A path on which a person does something, under an idempotency key if they like.
fn attended<Q: JsonSchema + 'static, A: JsonSchema>(
    schemas: &mut SchemaGenerator,
    status: &str,
    summary: &str,
) -> Value {
    let answer = schemas.subschema_for::<A>();
    let problems = [
        "400", "401", "403", "404", "409", "413", "415", "422", "429", "503",
    ];
    let mut post = json!({
        "summary": summary,
        "parameters": [{
            "name": "Idempotency-Key", "in": "header", "schema": { "type": "string" },
            "description": "The same request under the same key is carried out once and answered alike for a minute.",
        }],
        "responses": answers(status, &answer, schemas, &problems),
    });
    if TypeId::of::<Q>() != TypeId::of::<()>() {
        let body = schemas.subschema_for::<Q>();
        let required = TypeId::of::<Q>() == TypeId::of::<NewReply>();
        post["requestBody"] = json!({ "required": required, "content": content(&body) });
    }
    json!({ "parameters": session_parameters(), "post": post })
}

fn redrive(schemas: &mut SchemaGenerator) -> Value {
    let summary = "Give the messages of a parked turn another try";
    let mut path_item = attended::<(), Redone>(schemas, "202", summary);
    if let Some(parameters) = path_item["parameters"].as_array_mut() {
        parameters.push(path("turn", "The turn's number."));
    }
    path_item
}

fn stop(parameters: Value, summary: &str, schemas: &mut SchemaGenerator) -> Value {
    let body = content(&schemas.subschema_for::<Stop>());
    let mut path = resume(parameters, summary, schemas);
    path["post"]["requestBody"] = json!({ "required": true, "content": body });
    for status in ["413", "415", "422"] {
        path["post"]["responses"][status] = problem(schemas);
    }
    path
}

fn resume(parameters: Value, summary: &str, schemas: &mut SchemaGenerator) -> Value {
    let switch = schemas.subschema_for::<Switch>();
    let problems = ["400", "401", "403", "404", "503"];
    json!({
        "parameters": parameters,
        "post": { "summary": summary, "responses": answers("200", &switch, schemas, &problems) },
    })
}

fn content(schema: &Schema) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn answers(
    status: &str,
    schema: &Schema,
    schemas: &mut SchemaGenerator,
    problems: &[&str],
) -> Value {
    let mut answers = json!({ status: { "description": "Done", "content": content(schema) } });
    for status in problems {
        answers[*status] = problem(schemas);
    }
    answers
}

fn problem(schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<Problem>();
    json!({ "description": "A problem document", "content": { "application/problem+json": { "schema": schema } } })
}

fn webhook(schemas: &mut SchemaGenerator) -> Value {
    json!({
        "200": { "description": "Taken in" },
        "401": problem(schemas), "400": problem(schemas), "404": problem(schemas), "413": problem(schemas),
    })
}

fn query(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": { "type": "integer", "minimum": 0 }, "description": description })
}

fn path(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" }, "description": description })
}

fn decision(summary: &str, schemas: &mut SchemaGenerator) -> Value {
    json!({
        "summary": summary,
        "requestBody": { "required": false, "content": content(&schemas.subschema_for::<NewDecision>()) },
        "responses": answers("200", &schemas.subschema_for::<Approval>(), schemas, &["400", "401", "403", "404", "409", "413", "415", "422", "503"]),
    })
}

fn tenant() -> Value {
    path("tenant", "Whose bot; `local` on one machine.")
}

fn approval_parameters() -> Value {
    json!([
        tenant(),
        path("approval", "The approval's id."),
        {
            "name": "token", "in": "query", "schema": { "type": "string" },
            "description": "The token of a signed link, in place of a key.",
        },
    ])
}

fn notice_parameters() -> Value {
    json!([
        tenant(),
        path("notice", "The notice's id."),
        {
            "name": "token", "in": "query", "required": true, "schema": { "type": "string" },
            "description": "The token of a signed link.",
        },
    ])
}

fn tenant_parameters() -> Value {
    json!([path("tenant", "Whose bots; `local` on one machine.")])
}

fn bot_parameters() -> Value {
    json!([
        path("tenant", "Whose bot; `local` on one machine."),
        path("bot", "The `name` in bot.toml.")
    ])
}

fn session_parameters() -> Value {
    json!([
        path("tenant", "Whose bot; `local` on one machine."),
        path("bot", "The `name` in bot.toml."),
        path(
            "session",
            "`<channel>:<contact>`, URL-encoded; a bare name is `web:<name>`."
        ),
    ])
}
