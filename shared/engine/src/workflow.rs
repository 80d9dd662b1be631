//! Workflows: what a YAML file under `workflows/` says, checked and compiled to Amazon States Language.
//!
//! ```text
//! text --yaml--> nodes with places --Workflow::read--> Workflow --compile--> ASL, state names = step names
//!                                        |                           |
//!                                   what one file says         what it means among tools and workflows
//! ```
//!
//! - [`Workflow::read`] finds what is wrong with a file by itself: unknown fields, wrong types, no such step kind.
//! - [`compile`](compile()) walks the steps in order with what is visible at each ([`Scope`]), so that a name that
//!   does not exist, or not yet, or not any more, is told with its line.
//! - Expressions are JSONata, as in Step Functions. A person writes `$steps.fetch.total`; the machine keeps one
//!   variable per step, `$steps_fetch`, so that no variable grows with the run.
//! - A step's output is always assigned: a step that was skipped gives `null`.
//! - Blocks of `parallel` and `each` have variables of their own; what they give is what their steps gave.

mod arrange;
mod compile;
mod expression;
mod fault;
pub mod graph;
mod library;
mod plan;
mod read;
mod scope;
mod template;
mod timer;
mod trigger;

#[cfg(test)]
mod tests;

pub use compile::{Around, Compiled, Syntax, compile};
pub use expression::Expression;
pub(crate) use fault::said;
pub use library::{Library, as_json, mocks};
pub use plan::{
    Action, Block, Catch, Concurrency, Input, InputType, Notification, Partner, Retry, Rule, Step,
    WhenFull, Workflow,
};
pub use read::WORKFLOW_SCHEMA;
pub use scope::Scope;
pub use template::Template;
pub use timer::Timer;
pub use trigger::{Expressions, Trigger, TriggerKind};
