//! The paths of workflows and their runs.

use engine::bus::NewEvent;
use engine::run::{RunRecord, RunSummary};
use engine::workflow::graph::Drawing;
use schemars::generate::SchemaGenerator;
use schemars::json_schema;
use serde_json::{Value, json};

use super::{answers, content, path, problem, query, tenant, webhook};
use crate::{Change, GoingBack, NewRun, NewVersion, Posted, Runs, Version, Versions, Workflows};

/// Where workflows are listed.
pub const WORKFLOWS: &str = "/v1/{tenant}/workflows";
/// Where a run of one is started.
pub const START: &str = "/v1/{tenant}/workflows/{workflow}/runs";
/// Where the picture of one is.
pub const GRAPH: &str = "/v1/{tenant}/workflows/{workflow}/graph";
/// Where its versions are listed, and published.
pub const VERSIONS: &str = "/v1/{tenant}/workflows/{workflow}/versions";
/// Where an earlier one is made live again.
pub const ROLLBACK: &str = "/v1/{tenant}/workflows/{workflow}/rollback";
/// Where runs are listed.
pub const RUNS: &str = "/v1/{tenant}/runs";
/// Where one is read.
pub const RUN: &str = "/v1/{tenant}/runs/{run}";
/// Where its picture is.
pub const RUN_GRAPH: &str = "/v1/{tenant}/runs/{run}/graph";
/// Where what it kept is read.
pub const RUN_VALUE: &str = "/v1/{tenant}/runs/{run}/value";
/// Where it is ended.
pub const CANCEL: &str = "/v1/{tenant}/runs/{run}/cancel";
/// Where events are posted, and changes of runs and approvals streamed.
pub const CHANGES: &str = "/v1/{tenant}/events";
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
        "parameters": [tenant(), workflow.clone()],
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
    paths[GRAPH] = json!({
        "parameters": [tenant(), workflow.clone()],
        "get": {
            "summary": "A workflow as a picture: where its steps stand, and what leads from one to the next",
            "responses": answers("200", &schemas.subschema_for::<Drawing>(), schemas, &["400", "401", "403", "404", "503"]),
        },
    });
    paths[VERSIONS] = json!({
        "parameters": [tenant(), workflow.clone()],
        "get": {
            "summary": "The versions of a workflow: what was deployed and what was published since; where it is deployed only",
            "responses": answers("200", &schemas.subschema_for::<Versions>(), schemas, &["400", "401", "403", "404", "409", "503"]),
        },
        "post": {
            "summary": "Publish a version of a workflow between deployments: runs start with it from now on, those under way keep theirs. 200 when it was a version already",
            "requestBody": { "required": true, "content": content(&schemas.subschema_for::<NewVersion>()) },
            "responses": answers("201", &schemas.subschema_for::<Version>(), schemas, &["400", "401", "403", "404", "409", "413", "415", "422", "503"]),
        },
    });
    paths[ROLLBACK] = json!({
        "parameters": [tenant(), workflow],
        "post": {
            "summary": "Make an earlier version of a workflow live again",
            "requestBody": { "required": true, "content": content(&schemas.subschema_for::<GoingBack>()) },
            "responses": answers("200", &schemas.subschema_for::<Version>(), schemas, &["400", "401", "403", "404", "409", "413", "415", "422", "503"]),
        },
    });
    paths[RUN_GRAPH] = json!({
        "parameters": [tenant(), run.clone()],
        "get": {
            "summary": "A run as a picture: its workflow as it is now, and how each step stands in the run",
            "responses": answers("200", &schemas.subschema_for::<Drawing>(), schemas, &["400", "401", "403", "404", "503"]),
        },
    });
    paths[RUN_VALUE] = json!({
        "parameters": [tenant(), run.clone()],
        "get": {
            "summary": "What a step gave that was too long for the run's record, which has `{\"kept_value\": …}` in its place",
            "parameters": [{
                "name": "kept", "in": "query", "required": true, "schema": { "type": "string" },
                "description": "The `kept_value`.",
            }],
            "responses": answers("200", &schemas.subschema_for::<Value>(), schemas, &["400", "401", "403", "404", "503"]),
        },
    });
    paths[CHANGES] = json!({
        "parameters": [tenant()],
        "get": {
            "summary": "Server-sent events when runs and approvals change; `event` is the change's `type`, `data` the change as JSON. Hints; on one machine only",
            "responses": {
                "200": { "description": "A stream of events", "content": { "text/event-stream": { "schema": schemas.subschema_for::<Change>() } } },
                "401": problem(schemas), "403": problem(schemas),
            },
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
            "parameters": [query("wait", "Seconds to wait for its end, at most 25.")],
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
    paths[CHANGES]["post"] = json!({
        "summary": "Tell of something that happened, for the workflows that start with it or wait for it; the same id is the same event",
        "requestBody": { "required": true, "content": content(&schemas.subschema_for::<NewEvent>()) },
        "responses": answers("202", &schemas.subschema_for::<Posted>(), schemas, &["400", "401", "403", "413", "415", "422", "503"]),
    });
    let mut taken = webhook(schemas);
    if let Value::Object(taken) = &mut taken {
        taken.shift_remove("200");
    }
    let run = json_schema!({
        "oneOf": [schemas.subschema_for::<RunSummary>(), schemas.subschema_for::<Posted>()],
    });
    taken["202"] = answers("202", &run, schemas, &[])["202"].take();
    taken["422"] = answers("202", &run, schemas, &["422"])["422"].take();
    paths[HOOK] = json!({
        "parameters": [tenant(), path("workflow", "A workflow with `webhook` in its `on`.")],
        "post": {
            "summary": "Start a run from another service, or tell of an event when `on` says so; signed as standardwebhooks.com says or as GitHub does; a delivery that comes again gives the same run",
            "security": [],
            "responses": taken,
        },
    });
}
