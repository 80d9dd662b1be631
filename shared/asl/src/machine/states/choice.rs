//! Reads Choice states.

use std::sync::Arc;

use serde_json::Value;

use super::{Own, allow, assign, result, transition};
use crate::machine::fields::{Fields, nearest};
use crate::machine::flow::{Builder, Flow, QueryLanguage};
use crate::machine::{Exit, Rule, Work, Yield, parse_timestamp};
use crate::query::{Comparand, Condition, Relation, Test, Type, pattern};

/// What a rule of JSONPath may have beside its operator.
const RULE: &[&str] = &["Next", "Comment", "Assign"];
const TYPES: &[(&str, Type)] = &[
    ("Null", Type::Null),
    ("Boolean", Type::Boolean),
    ("Numeric", Type::Numeric),
    ("String", Type::String),
    ("Timestamp", Type::Timestamp),
];
const RELATIONS: &[(&str, Relation)] = &[
    ("Equals", Relation::Equals),
    ("LessThan", Relation::LessThan),
    ("GreaterThan", Relation::GreaterThan),
    ("LessThanEquals", Relation::LessThanEquals),
    ("GreaterThanEquals", Relation::GreaterThanEquals),
];

/// The operator of a rule.
enum Operator {
    And,
    Or,
    Not,
    IsPresent,
    Is(Type),
    Matches,
    Compare(Type, Relation, With),
}

/// What an operator compares with.
#[derive(PartialEq, Eq)]
enum With {
    Value,
    Path,
}

pub(super) fn read(builder: &Builder<'_>, flow: &mut Flow, fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Assign", "Output"],
        json_path: &["Assign", "InputPath", "OutputPath"],
    };
    allow(fields, &[&["Choices", "Default"]], &own);
    fields.require(&["Choices"]);
    let rules = fields.objects("Choices");
    if rules.is_empty() && fields.list("Choices").is_some() {
        builder
            .report
            .schema("There must be at least one choice", &fields.at("Choices"));
    }
    let otherwise = result(fields);
    let read = |rule| self::rule(flow, rule, &otherwise.yields);
    let mut choices: Vec<_> = rules.iter().filter_map(read).collect();
    if let Some(default) = fields.text("Default") {
        choices.push(Rule {
            condition: Condition::Always,
            exit: Exit {
                next: transition(flow, fields, "Default", default),
                ..otherwise
            },
        });
    }
    Some(Work::Choice(choices))
}

/// A rule of a state that gives `yields`, which in JSONPath its rules give too.
fn rule(flow: &mut Flow, rule: &Fields<'_>, yields: &Arc<Yield>) -> Option<Rule> {
    rule.require(&["Next"]);
    let next = rule.text("Next");
    let next = next.and_then(|next| transition(flow, rule, "Next", next));
    match rule.language {
        QueryLanguage::Jsonata => {
            rule.allow(&[&["Condition", "Output"], RULE]);
            rule.require(&["Condition"]);
            let condition = rule.scalar("Condition", "Boolean", Value::is_boolean)?;
            Some(Rule {
                condition: Condition::Expression(condition),
                exit: Exit {
                    next,
                    ..result(rule)
                },
            })
        }
        QueryLanguage::JsonPath => Some(Rule {
            condition: Condition::Test(test(rule, RULE)?),
            exit: Exit {
                next,
                assign: assign(rule),
                yields: Arc::clone(yields),
            },
        }),
    }
}

/// The test that a rule, or an object within `And`, `Or` and `Not`, makes.
fn test(fields: &Fields<'_>, beside: &[&str]) -> Option<Test> {
    let mut names = Vec::new();
    for name in fields.names().map(String::as_str) {
        if RULE.contains(&name) && !beside.contains(&name) {
            let hint = "Only the outer rule leads somewhere and assigns".to_owned();
            let place = fields.at(name);
            fields
                .report
                .hinted("Field is not supported", &place, Some(hint));
        } else if name != "Variable" && !beside.contains(&name) {
            names.push(name);
        }
    }
    let mut names = names.into_iter();
    let (Some(name), None) = (names.next(), names.next()) else {
        let message =
            "A choice has exactly one operator, such as 'StringEquals', 'IsPresent' or 'And'";
        fields.report.schema(message, &fields.location);
        return None;
    };
    let Some(operator) = operator(name) else {
        report_unknown(fields, name);
        return None;
    };
    match operator {
        Operator::And => tests(fields, name).map(Test::And),
        Operator::Or => tests(fields, name).map(Test::Or),
        Operator::Not => {
            let inner = fields.object(name)?;
            test(&inner, &["Comment"]).map(|inner| Test::Not(Box::new(inner)))
        }
        operator => of_variable(fields, name, operator),
    }
}

fn tests(fields: &Fields<'_>, name: &str) -> Option<Vec<Test>> {
    let tests = fields.objects(name);
    if tests.is_empty() && fields.list(name).is_some() {
        let message = "There must be at least one choice";
        fields.report.schema(message, &fields.at(name));
    }
    tests
        .iter()
        .map(|fields| test(fields, &["Comment"]))
        .collect()
}

fn of_variable(fields: &Fields<'_>, name: &str, operator: Operator) -> Option<Test> {
    fields.require(&["Variable"]);
    let variable = fields.path("Variable")?;
    match operator {
        Operator::IsPresent => Some(Test::Present(variable, fields.flag(name)?)),
        Operator::Is(of) => Some(Test::Is(variable, of, fields.flag(name)?)),
        Operator::Matches => Some(Test::Matches(variable, pattern(fields.text(name)?))),
        Operator::Compare(as_type, relation, with) => Some(Test::Compare {
            variable,
            as_type,
            relation,
            with: match with {
                With::Path => Comparand::Path(fields.path(name)?),
                With::Value => Comparand::Value(value(fields, name, as_type)?),
            },
        }),
        Operator::And | Operator::Or | Operator::Not => None,
    }
}

/// The constant that a variable is compared with.
fn value(fields: &Fields<'_>, name: &str, as_type: Type) -> Option<Value> {
    let value = fields.get(name)?;
    let (fits, wanted) = match as_type {
        Type::Null | Type::Boolean => (value.is_boolean(), "Expected value of type Boolean"),
        Type::Numeric => (value.is_number(), "Expected value of type Number"),
        Type::String => (value.is_string(), "Expected value of type String"),
        Type::Timestamp => {
            let time = value.as_str().and_then(parse_timestamp);
            (time.is_some(), "String does not match RFC3339 timestamp")
        }
    };
    if !fits {
        fields.report.schema(wanted, &fields.at(name));
    }
    fits.then(|| value.clone())
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "And" => Operator::And,
        "Or" => Operator::Or,
        "Not" => Operator::Not,
        "IsPresent" => Operator::IsPresent,
        "StringMatches" => Operator::Matches,
        _ => {
            if let Some(of) = name.strip_prefix("Is") {
                let (_, of) = TYPES.iter().find(|(known, _)| *known == of)?;
                return Some(Operator::Is(*of));
            }
            let (plain, with) = match name.strip_suffix("Path") {
                Some(plain) => (plain, With::Path),
                None => (name, With::Value),
            };
            let (of, as_type) = TYPES.iter().find(|(known, _)| plain.starts_with(known))?;
            let relation = plain.strip_prefix(of)?;
            let (_, relation) = RELATIONS.iter().find(|(known, _)| *known == relation)?;
            if *as_type == Type::Null
                || (*as_type == Type::Boolean && *relation != Relation::Equals)
            {
                return None;
            }
            Operator::Compare(*as_type, *relation, with)
        }
    })
}

/// Every operator's name.
fn operators() -> impl Iterator<Item = String> {
    let is = TYPES.iter().map(|(of, _)| format!("Is{of}"));
    let compare = TYPES.iter().flat_map(|(of, _)| {
        let relations = RELATIONS.iter();
        relations
            .flat_map(move |(relation, _)| ["", "Path"].map(|with| format!("{of}{relation}{with}")))
    });
    let others = ["And", "Or", "Not", "IsPresent", "StringMatches"].map(str::to_owned);
    is.chain(compare)
        .chain(others)
        .filter(|name| operator(name).is_some())
}

fn report_unknown(fields: &Fields<'_>, name: &str) {
    let known: Vec<_> = operators().collect();
    let hint = crate::machine::languages::instead_of(name, QueryLanguage::JsonPath).or_else(|| {
        let nearest = nearest(name, known.iter().map(String::as_str));
        nearest.map(|known| format!("Did you mean '{known}'?"))
    });
    let hint = hint.unwrap_or_else(|| format!("The operators are {}", known.join(", ")));
    fields
        .report
        .hinted("Field is not supported", &fields.at(name), Some(hint));
}
