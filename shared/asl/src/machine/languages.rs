//! Which fields belong to which query language, and what to write instead of the other's.

use super::flow::QueryLanguage;

/// What takes the place of the field `name` of the other language in a state in `language`.
pub(crate) fn instead_of(name: &str, language: QueryLanguage) -> Option<String> {
    match language {
        QueryLanguage::JsonPath => in_json_path(name),
        QueryLanguage::Jsonata => in_jsonata(name),
    }
}

fn in_json_path(name: &str) -> Option<String> {
    let instead = match name {
        "Arguments" => "write 'Parameters'",
        "Output" => "write 'ResultSelector', 'ResultPath' or 'OutputPath'",
        "Items" => "write 'ItemsPath'",
        "Condition" => "write 'Variable' and an operator such as 'StringEquals'",
        _ => return None,
    };
    Some(format!(
        "It belongs to JSONata. In this JSONPath state {instead}, or set \"QueryLanguage\": \"JSONata\" in the state"
    ))
}

fn in_jsonata(name: &str) -> Option<String> {
    let instead = match name {
        "InputPath" | "Parameters" => "write 'Arguments'".to_owned(),
        "OutputPath" | "ResultPath" | "ResultSelector" | "Result" => "write 'Output'".to_owned(),
        "ItemsPath" => "write 'Items'".to_owned(),
        "Iterator" => "write 'ItemProcessor'".to_owned(),
        "Variable" | "And" | "Or" | "Not" => "write 'Condition'".to_owned(),
        "SecondsPath"
        | "TimestampPath"
        | "TimeoutSecondsPath"
        | "HeartbeatSecondsPath"
        | "MaxConcurrencyPath"
        | "ToleratedFailureCountPath"
        | "ToleratedFailurePercentagePath"
        | "ErrorPath"
        | "CausePath" => {
            let plain = name.trim_end_matches("Path");
            format!("write '{plain}' with an expression, {{% … %}}")
        }
        _ => return None,
    };
    Some(format!(
        "It belongs to JSONPath. In this JSONata state {instead}"
    ))
}
