//! Reads Parallel and Map states.

use serde_json::Value;

use super::{FLOW, HANDLERS, Own, allow};
use crate::diagnostic::Code;
use crate::machine::fields::{Fields, whole};
use crate::machine::flow::{Builder, QueryLanguage};
use crate::machine::{Map, Work};
use crate::query::Template;

const MAP: &[&str] = &[
    "ItemSelector",
    "ItemProcessor",
    "MaxConcurrency",
    "ToleratedFailureCount",
    "ToleratedFailurePercentage",
    "Label",
    "ItemBatcher",
    "ItemReader",
    "ResultWriter",
];

pub(super) fn parallel(builder: &mut Builder<'_>, fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Assign", "Output", "Arguments"],
        json_path: &[
            "Assign",
            "InputPath",
            "Parameters",
            "ResultSelector",
            "ResultPath",
            "OutputPath",
        ],
    };
    allow(fields, &[FLOW, HANDLERS, &["Branches"]], &own);
    fields.require(&["Branches"]);
    let branches = fields.objects("Branches");
    if branches.is_empty() && fields.list("Branches").is_some() {
        builder
            .report
            .schema("There must be at least one branch", &fields.at("Branches"));
    }
    let mut starts = Vec::with_capacity(branches.len());
    for branch in &branches {
        branch.allow(&[&["StartAt", "States", "Comment"]]);
        starts.push(builder.flow(branch));
    }
    Some(Work::Parallel {
        branches: starts.into_iter().collect::<Option<_>>()?,
    })
}

pub(super) fn map(builder: &mut Builder<'_>, fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Assign", "Output", "Items"],
        json_path: &[
            "Assign",
            "InputPath",
            "ItemsPath",
            "Parameters",
            "Iterator",
            "MaxConcurrencyPath",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentagePath",
            "ResultSelector",
            "ResultPath",
            "OutputPath",
        ],
    };
    allow(fields, &[FLOW, HANDLERS, MAP], &own);
    let in_json_path = fields.language == QueryLanguage::JsonPath;
    let older = in_json_path && fields.get("Iterator").is_some();
    let field = if older { "Iterator" } else { "ItemProcessor" };
    fields.require(&[field]);
    let processor = fields.object(field)?;
    processor.allow(&[&["StartAt", "States", "Comment", "ProcessorConfig"]]);
    report_distributed(fields, &processor);
    let processor = builder.flow(&processor);
    let count = |value: &Value| whole(value).is_some();
    let percentage = |value: &Value| value.as_f64().is_some_and(|n| (0.0..=100.0).contains(&n));
    fields.only_one("ItemSelector", "Parameters");
    let selector = if in_json_path && fields.get("Parameters").is_some() {
        fields.template("Parameters")
    } else {
        fields.template("ItemSelector")
    };
    Some(Work::Map(Box::new(Map {
        items: if in_json_path {
            fields.reference("ItemsPath")
        } else {
            fields.scalar_or_list("Items")
        },
        selector,
        processor: processor?,
        max_concurrency: fields.either("MaxConcurrency", "MaxConcurrencyPath", "Integer", count),
        tolerated_count: fields.either(
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "Integer",
            count,
        ),
        tolerated_percentage: fields.either(
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
            "Number",
            percentage,
        ),
    })))
}

/// A distributed map needs storage that this machine does not have.
fn report_distributed(fields: &Fields<'_>, processor: &Fields<'_>) {
    let mode = processor.object("ProcessorConfig");
    let distributed = mode.and_then(|config| config.text("Mode")) == Some("DISTRIBUTED");
    let reader = ["ItemReader", "ItemBatcher", "ResultWriter"]
        .into_iter()
        .find(|name| fields.get(name).is_some());
    if distributed || reader.is_some() {
        let message =
            "A distributed Map runs in AWS only. Use ProcessorConfig {\"Mode\": \"INLINE\"}";
        fields
            .report
            .add(Code::Unsupported, message, &fields.location);
    }
}

impl Fields<'_> {
    /// `Items`: an expression, or a list whose items may be expressions.
    fn scalar_or_list(&self, name: &str) -> Option<Template> {
        match self.template(name)? {
            list @ Template::Array(_) => Some(list),
            _ => self.scalar(name, "Array", |value| value.is_array() || value.is_object()),
        }
    }
}
