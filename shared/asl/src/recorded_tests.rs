//! Everything recorded from the real service, run here on a virtual clock.
//!
//! The recordings lie outside the repository: `CONFAB_ASL_RECORDED`, or `../shared/asl-recorded`
//! beside it. The lists of known
//! differences say what differs and why; an entry that no longer differs must go.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::{Code, Diagnostic, Kind, StateMachine};

mod compare;
mod play;

/// Rows that differ from AWS's answer, and why.
type Known = &'static [(&'static str, &'static str)];

const LAMBDA_WORDS: &str = "the cause is what the Lambda service says of an account's functions";

const KNOWN_EXECUTIONS: Known = &[
    ("task_service_lambda.no_such_function", LAMBDA_WORDS),
    ("task_service_lambda.no_such_function_catch", LAMBDA_WORDS),
    (
        "express_async.query_runtime_memory",
        "AWS puts a second id behind the name in an Express execution's ARN",
    ),
];
const KNOWN_DEFINITIONS: Known = &[];

fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/asl-recorded");
    let named = std::env::var_os("CONFAB_ASL_RECORDED").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| beside.into());
    if folder.is_dir() {
        return Some(folder);
    }
    // Written past the test harness, which would swallow it.
    let path = folder.display();
    let warning = format!(
        "\n!!! NOT TESTED against AWS: there is no {path}\n!!! Set CONFAB_ASL_RECORDED to the folder of the recordings.\n"
    );
    std::io::stderr().write_all(warning.as_bytes()).unwrap();
    None
}

fn rows(file: &str) -> Vec<Value> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn kind_of(row: &Value) -> Kind {
    match row["type"].as_str() {
        Some("EXPRESS") => Kind::Express,
        _ => Kind::Standard,
    }
}

/// Whether the only thing wrong is that this interpreter cannot run it.
fn is_unsupported(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|d| d.code == Code::Unsupported)
}

/// What came of comparing one file.
#[derive(Default)]
struct Tally {
    ran: usize,
    /// How many ran, and how many of them differ.
    languages: BTreeMap<String, (usize, usize)>,
    elsewhere: Vec<String>,
    differing: Vec<(String, Vec<String>)>,
}

impl Tally {
    fn compared(&mut self, row: &Value, differences: Vec<String>) {
        self.ran += 1;
        let language = row["query_language"].as_str().unwrap_or("any").to_owned();
        let (ran, differing) = self.languages.entry(language).or_default();
        *ran += 1;
        *differing += usize::from(!differences.is_empty());
        if !differences.is_empty() {
            let name = row["name"].as_str().unwrap().to_owned();
            self.differing.push((name, differences));
        }
    }

    fn elsewhere(&mut self, row: &Value) {
        let name = row["name"].as_str().unwrap();
        self.elsewhere.push(name.to_owned());
    }

    /// Prints the table of differences; fails on one that is not known, and on a known one that
    /// is none.
    fn report(&self, what: &str, known: Known) {
        let differ = self.differing.len();
        println!(
            "{what}: {} rows compared, {differ} differ, {} need services that only AWS has",
            self.ran,
            self.elsewhere.len()
        );
        for (language, (ran, differ)) in &self.languages {
            println!("  {language}: {ran} compared, {differ} differ");
        }
        for name in &self.elsewhere {
            println!("  not run: {name}");
        }
        let mut unexpected = 0;
        for (name, differences) in &self.differing {
            let reason = known.iter().find(|(known, _)| known == name);
            unexpected += usize::from(reason.is_none());
            println!(
                "  {name}: {}",
                reason.map_or("UNEXPECTED", |(_, reason)| reason)
            );
            for difference in differences {
                println!("      {difference}");
            }
        }
        assert_eq!(unexpected, 0, "{what}: unexpected differences, see above");
        let differs = |name: &str| self.differing.iter().any(|(differs, _)| differs == name);
        let outdated = known.iter().filter(|(name, _)| !differs(name));
        let outdated: Vec<_> = outdated.filter(|_| self.ran > 0).collect();
        assert!(
            outdated.is_empty(),
            "known to differ, but do not: {outdated:?}"
        );
    }
}

#[test]
fn executions_end_as_aws_ended_them() {
    let mut tally = Tally::default();
    for row in rows("executions.jsonl") {
        let definition = StateMachine::from_value(&row["definition"], kind_of(&row));
        if definition
            .as_ref()
            .is_err_and(|errors| is_unsupported(errors))
        {
            tally.elsewhere(&row);
            continue;
        }
        let refused = |errors: Vec<Diagnostic>| {
            let refused = errors.iter().map(|error| format!("refused: {error}"));
            refused.collect()
        };
        let played = definition.map(|_| compare::differences(&row, &play::play(&row)));
        tally.compared(&row, played.unwrap_or_else(refused));
    }
    tally.report("executions", KNOWN_EXECUTIONS);
}

#[test]
fn definitions_are_judged_as_aws_judged_them() {
    let mut tally = Tally::default();
    for row in rows("definitions.jsonl") {
        let judged = match row.get("definition_text") {
            Some(text) => StateMachine::parse(text.as_str().unwrap(), kind_of(&row)),
            None => StateMachine::from_value(&row["definition"], kind_of(&row)),
        };
        if judged.as_ref().is_err_and(|errors| is_unsupported(errors)) {
            tally.elsewhere(&row);
            continue;
        }
        let found = judged.err().unwrap_or_default();
        tally.compared(&row, compare::verdict(&row, &found));
    }
    tally.report("definitions", KNOWN_DEFINITIONS);
}
