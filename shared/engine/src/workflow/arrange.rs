//! Puts steps in the order their `needs` ask for.
//!
//! Steps that may run at the same time become chains that run beside each other and are waited for together: a
//! chain goes on as long as its next step needs nothing of the chains beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bot::Problem;
use crate::bot::problem::did_you_mean;
use crate::workflow::plan::{Block, Step, Workflow};

/// Something that comes after what is before it.
pub(in crate::workflow) enum Unit<'w> {
    /// A step.
    One(&'w Step),
    /// Steps that run beside each other.
    Together(Vec<Vec<&'w Step>>),
}

impl<'w> Unit<'w> {
    /// The names of the steps whose outputs are visible after it.
    pub(in crate::workflow) fn names(&self) -> Vec<&'w str> {
        match self {
            Self::One(step) => step.names(),
            Self::Together(chains) => chains
                .iter()
                .flatten()
                .flat_map(|step| step.names())
                .collect(),
        }
    }
}

/// The steps of one block in order; mistakes are told of `workflow`. A step without `needs` needs the one written before it.
pub(in crate::workflow) fn arrange<'w>(
    block: &'w Block,
    workflow: Option<&Workflow>,
    problems: &mut Vec<Problem>,
) -> Vec<Unit<'w>> {
    let steps: Vec<&Step> = block.0.iter().collect();
    if steps.iter().all(|step| step.needs.is_none()) {
        return steps.into_iter().map(Unit::One).collect();
    }
    let needs = needs(&steps, workflow, problems);
    let ready = |step: &Step, done: &BTreeSet<&str>| {
        needs[step.name.as_str()]
            .iter()
            .all(|name| done.contains(name))
    };
    let mut units = Vec::new();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut left = steps;
    while !left.is_empty() {
        let (now, mut later): (Vec<&'w Step>, Vec<&'w Step>) =
            left.iter().copied().partition(|step| ready(step, &done));
        let mut chains: Vec<Vec<&'w Step>> = match now.as_slice() {
            [] => {
                circle(&left, workflow, problems);
                return units;
            }
            [one] => {
                done.insert(&one.name);
                units.push(Unit::One(one));
                left = later;
                continue;
            }
            several => several.iter().map(|&step| vec![step]).collect(),
        };
        for chain in &mut chains {
            let mut known = done.clone();
            known.extend(chain.iter().map(|step| step.name.as_str()));
            while let Some(at) = later.iter().position(|step| ready(step, &known)) {
                let step = later.remove(at);
                known.insert(&step.name);
                chain.push(step);
            }
        }
        done.extend(chains.iter().flatten().map(|step| step.name.as_str()));
        units.push(Unit::Together(chains));
        left = later;
    }
    units
}

fn needs<'s>(
    steps: &[&'s Step],
    workflow: Option<&Workflow>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'s str, Vec<&'s str>> {
    let names: BTreeSet<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let mut all = BTreeMap::new();
    let mut before = None;
    for step in steps {
        let needs = match &step.needs {
            None => before.into_iter().collect(),
            Some(written) => {
                let known = written.iter().filter(|(name, place)| {
                    let known = names.contains(name.as_str());
                    if !known {
                        let what =
                            format!("`{}` needs `{name}`, which is no step beside it", step.name);
                        let others = names.iter().copied().filter(|other| *other != step.name);
                        let hint = did_you_mean(name, others);
                        let hint =
                            hint.unwrap_or_else(|| "name steps of the same block".to_owned());
                        problems.push(
                            Problem::new(file(workflow), what)
                                .at(Some(*place))
                                .hint(hint),
                        );
                    }
                    known
                });
                known.map(|(name, _)| name.as_str()).collect()
            }
        };
        all.insert(step.name.as_str(), needs);
        before = Some(step.name.as_str());
    }
    all
}

fn circle(left: &[&Step], workflow: Option<&Workflow>, problems: &mut Vec<Problem>) {
    let names = crate::bot::problem::listed(left.iter().map(|step| step.name.as_str()));
    let place = left.first().map(|step| step.place);
    let what = format!("{names} wait for each other");
    let hint = "take one of them out of another's `needs`";
    problems.push(Problem::new(file(workflow), what).at(place).hint(hint));
}

fn file(workflow: Option<&Workflow>) -> &str {
    workflow.map_or("", |workflow| &workflow.file)
}
