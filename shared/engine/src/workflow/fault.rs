//! The report that Lambda makes of a function's error: `{"errorType":"…","errorMessage":"…"}` in a step's `Cause`.
//! People and workflows read what was said.

use serde_json::Value;

/// What a step failed with, in JSONata: `$states.errorOutput`, whose `Cause` is what was said.
pub(super) const ERROR: &str = concat!(
    r#"$merge([$states.errorOutput, {'Cause': ($said := $match($states.errorOutput.Cause, "#,
    r#"/^\{\s*"(?:errorType"\s*:\s*"[^"]*"\s*,\s*")?errorMessage"\s*:\s*"((?:[^"\x5c\x00-\x1f]|\x5c["\x5c\/bfnrt]|\x5cu[0-9a-fA-F]{4})*)"/, 1); "#,
    r#"$said ? $parse('"' & $said[0].groups[0] & '"') : $states.errorOutput.Cause)}])"#,
);

/// What was said in a `cause`.
pub(crate) fn said(cause: &str) -> String {
    let report: Option<Value> = serde_json::from_str(cause).ok();
    let said = report
        .as_ref()
        .and_then(|report| report["errorMessage"].as_str());
    said.unwrap_or(cause).to_owned()
}
