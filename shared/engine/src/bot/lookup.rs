//! `[http.lookup]`: asking the other side afterwards whether a request was carried out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::bot::Lookup;
use crate::bot::document::Document;
use crate::bot::parameters::Parameters;
use crate::bot::reader::Reader;
use crate::bot::request::{check_headers, url_arguments};

/// The hole that stands for the key a request carried.
pub(super) const KEY: &str = "idempotency_key";

/// Where the address stands.
pub(super) const URL: &str = "/http/lookup/url";

/// How to ask the other side afterwards whether a request was carried out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookupTable {
    /// The address to `GET`, such as `https://api.example.com/payments?key={idempotency_key}`. `{idempotency_key}`
    /// stands for the key that the request carried, `{name}` for an argument. A status from 200 to 299 says that
    /// it was carried out, with the answer; 404 says that it was not; anything else says nothing.
    pub(super) url: String,
    /// Headers; `{secret:NAME}` stands for a secret.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
}

/// Checks how a request is asked after.
pub(super) fn read(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    parameters: &Parameters,
    lookup: &LookupTable,
) -> Lookup {
    url_arguments(reader, document, parameters, URL, &lookup.url);
    check_headers(reader, document, "/http/lookup/headers", &lookup.headers);
    Lookup {
        url: lookup.url.clone(),
        headers: lookup.headers.clone(),
    }
}
