//! The published description against what is served.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{Client, Request};

use super::support;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Whether something is served at `path` under `method`.
async fn is_served(client: &Client, method: &str, path: &str) -> bool {
    let reply = client
        .send(Request::new(&method.to_uppercase(), path))
        .await
        .unwrap();
    !matches!(reply.status, 404 | 405)
        || !["no_such_path", "no_such_method"].contains(&reply.problem().1.as_str())
}

async fn described(client: &Client) -> BTreeSet<(String, String)> {
    let document: Value = client
        .send(Request::get("/openapi.json"))
        .await
        .unwrap()
        .json();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = METHODS.iter().filter(|method| item.get(method).is_some());
        methods.map(|method| ((*method).to_owned(), path.clone()))
    });
    operations.collect()
}

#[tokio::test]
async fn the_description_lists_exactly_what_is_served() {
    let support = support();
    let client = support.client();
    let described = described(&client).await;
    let contract = [
        ("get", "/healthz"),
        ("get", "/openapi.json"),
        ("get", "/v1/{tenant}/{bot}/sessions"),
        ("get", "/v1/{tenant}/{bot}/sessions/{session}"),
        ("get", "/v1/{tenant}/{bot}/sessions/{session}/events"),
        ("get", "/v1/{tenant}/{bot}/sessions/{session}/messages"),
        ("get", "/v1/{tenant}/{bot}/sessions/{session}/turns"),
        ("get", "/v1/{tenant}/approvals"),
        ("get", "/v1/{tenant}/approvals/{approval}"),
        ("get", "/v1/{tenant}/notices/{notice}"),
        ("post", "/v1/{tenant}/notices/{notice}/acknowledge"),
        ("get", "/v1/{tenant}/unknown"),
        ("post", "/v1/{tenant}/unknown/{id}"),
        ("get", "/v1/{tenant}/events"),
        ("post", "/v1/{tenant}/events"),
        ("get", "/v1/{tenant}/workflows"),
        ("get", "/v1/{tenant}/workflows/{workflow}/graph"),
        ("get", "/v1/{tenant}/workflows/{workflow}/versions"),
        ("post", "/v1/{tenant}/workflows/{workflow}/versions"),
        ("post", "/v1/{tenant}/workflows/{workflow}/rollback"),
        ("get", "/v1/{tenant}/runs/{run}/graph"),
        ("get", "/v1/{tenant}/runs/{run}/value"),
        ("post", "/v1/{tenant}/workflows/{workflow}/runs"),
        ("get", "/v1/{tenant}/runs"),
        ("get", "/v1/{tenant}/runs/{run}"),
        ("post", "/v1/{tenant}/runs/{run}/cancel"),
        ("post", "/v1/{tenant}/runs/{run}/retry"),
        ("post", "/v1/{tenant}/hooks/{workflow}"),
        ("get", "/webhooks/whatsapp/{tenant}/{bot}"),
        ("post", "/v1/{tenant}/resume"),
        ("post", "/v1/{tenant}/stop"),
        ("post", "/v1/{tenant}/{bot}/resume"),
        ("post", "/v1/{tenant}/{bot}/sessions/{session}/close"),
        ("post", "/v1/{tenant}/{bot}/sessions/{session}/handback"),
        ("post", "/v1/{tenant}/{bot}/sessions/{session}/messages"),
        ("post", "/v1/{tenant}/{bot}/sessions/{session}/replies"),
        ("post", "/v1/{tenant}/{bot}/sessions/{session}/takeover"),
        ("post", "/v1/{tenant}/{bot}/sessions/{session}/token"),
        ("post", "/v1/{tenant}/{bot}/stop"),
        ("post", "/v1/{tenant}/approvals/{approval}/approve"),
        ("post", "/v1/{tenant}/approvals/{approval}/deny"),
        (
            "post",
            "/v1/{tenant}/{bot}/sessions/{session}/turns/{turn}/redrive",
        ),
        ("post", "/webhooks/twilio/{tenant}/{bot}"),
        ("post", "/webhooks/whatsapp/{tenant}/{bot}"),
    ];
    let contract = contract.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(described, BTreeSet::from(contract));
    let paths: BTreeSet<&String> = described.iter().map(|(_, path)| path).collect();
    for path in paths {
        // A tenant that is not here: refused before anything is done or waited for.
        let filled = path
            .replace("{tenant}", "elsewhere")
            .replace("{bot}", "support")
            .replace("{session}", "s")
            .replace("{approval}", "a")
            .replace("{turn}", "1")
            .replace("{workflow}", "w")
            .replace("{run}", "r")
            .replace("{id}", "u");
        for method in METHODS {
            let listed = described.contains(&(method.to_owned(), path.clone()));
            assert_eq!(
                is_served(&client, method, &filled).await,
                listed,
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn answers_are_never_kept_or_framed_by_a_browser() {
    let support = support();
    let client = support.client();
    for path in [
        "/",
        "/workflows",
        "/healthz",
        "/nowhere",
        &client.path("fay", "messages"),
    ] {
        let reply = client.send(Request::get(path)).await.unwrap();
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
}
