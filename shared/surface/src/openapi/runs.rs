//! The paths of workflows and their runs.

use engine::run::{RunRecord, RunSummary};
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::{answers, content, path, query, tenant, webhook};
use crate::{NewRun, Runs, Workflows};

/// Where workflows are listed.
pub const WORKFLOWS: &str = "/v1/{tenant}/workflows";
/// Where a run of one is started.
pub const START: &str = "/v1/{tenant}/workflows/{workflow}/runs";
/// Where runs are listed.
pub const RUNS: &str = "/v1/{tenant}/runs";
/// Where one is read.
pub const RUN: &str = "/v1/{tenant}/runs/{run}";
/// Where it is ended.
pub const CANCEL: &str = "/v1/{tenant}/runs/{run}/cancel";
/// Where it is retried.
pub const RETRY: &str = "/v1/{tenant}/runs/{run}/retry";
/// Where other services start runs.
pub const HOOK: &str = "/v1/{tenant}/hooks/{workflow}";

/// Adds them to `paths`.
pub(super) fn describe(paths: &mut Value, schemas: &mut SchemaGenerator) {
    let workflow = path("workflow", "Its file's name without `.yaml`.");
    let run = path("run", "The run's id.");
    paths[WORKFLOWS] = json!({
        "parameters": [tenant()],
        "get": {
            "summary": "The workflows that can be started, and what each takes",
            "responses": answers("200", &schemas.subschema_for::<Workflows>(), schemas, &["400", "401", "403", "503"]),
        },
    });
    paths[START] = json!({
        "parameters": [tenant(), workflow],
        "post": {
            "summary": "Start a run; answered once it is sure to take place, or that there is no room for it",
            "parameters": [{
                "name": "Idempotency-Key", "in": "header", "schema": { "type": "string" },
                "description": "The same key for the same workflow gives the same run, for as long as the run is remembered.",
            }],
            "requestBody": { "required": true, "content": content(&schemas.subschema_for::<NewRun>()) },
            "responses": answers("202", &schemas.subschema_for::<RunSummary>(), schemas, &["400", "401", "403", "404", "413", "415", "422", "429", "503"]),
        },
    });
    paths[RUNS] = json!({
        "parameters": [tenant()],
        "get": {
            "summary": "The latest runs, the newest first",
            "parameters": [
                { "name": "workflow", "in": "query", "schema": { "type": "string" }, "description": "Only runs of this workflow." },
                query("limit", "How many, at most 100; 20 when absent."),
            ],
            "responses": answers("200", &schemas.subschema_for::<Runs>(), schemas, &["400", "401", "403", "503"]),
        },
    });
    paths[RUN] = json!({
        "parameters": [tenant(), run.clone()],
        "get": {
            "summary": "A run with its steps: what each was given, gave, cost and how often it was tried",
            "responses": answers("200", &schemas.subschema_for::<RunRecord>(), schemas, &["400", "401", "403", "404", "503"]),
        },
    });
    paths[RETRY] = json!({
        "parameters": [tenant(), run.clone()],
        "post": {
            "summary": "Let a run that failed, was cancelled or took too long go on from there; what it finished is not done again",
            "responses": answers("200", &schemas.subschema_for::<RunRecord>(), schemas, &["400", "401", "403", "404", "409", "429", "503"]),
        },
    });
    paths[CANCEL] = json!({
        "parameters": [tenant(), run],
        "post": {
            "summary": "End a run; saying it again changes nothing, and what has ended by itself is a conflict",
            "responses": answers("200", &schemas.subschema_for::<RunRecord>(), schemas, &["400", "401", "403", "404", "409", "503"]),
        },
    });
    let mut taken = webhook(schemas);
    if let Value::Object(taken) = &mut taken {
        taken.shift_remove("200");
    }
    let run = schemas.subschema_for::<RunSummary>();
    taken["202"] = answers("202", &run, schemas, &[])["202"].take();
    taken["422"] = answers("202", &run, schemas, &["422"])["422"].take();
    paths[HOOK] = json!({
        "parameters": [tenant(), path("workflow", "A workflow with `webhook` in its `on`.")],
        "post": {
            "summary": "Start a run from another service, signed as standardwebhooks.com says or as GitHub does; a delivery that comes again gives the same run",
            "security": [],
            "responses": taken,
        },
    });
}
