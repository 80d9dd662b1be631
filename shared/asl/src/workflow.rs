//! What workflows ask of the language: whether an expression is one, and what a trigger's gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::runtime::Runtime;
use engine::workflow::{Expressions, Syntax};
use serde_json::Value;

use crate::query::{Budget, Expression, Scope};

/// The JSONata that machines are run with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jsonata;

/// The same outside of a machine.
#[derive(Clone)]
pub struct Evaluator {
    /// Time and randomness.
    pub runtime: Runtime,
}

impl Evaluator {
    /// One for all who start runs.
    #[must_use]
    pub fn shared(runtime: &Runtime) -> Arc<dyn Expressions> {
        Arc::new(Self {
            runtime: runtime.clone(),
        })
    }
}

impl Syntax for Jsonata {
    fn mistake(&self, expression: &str) -> Option<String> {
        Expression::parse(expression).err()
    }
}

impl Expressions for Evaluator {
    fn evaluate(&self, expression: &str, trigger: &Value) -> Result<Option<Value>, String> {
        let variables = BTreeMap::from([("trigger".into(), Arc::new(trigger.clone()))]);
        Expression::parse(expression)?.evaluate(&Scope {
            input: &Value::Null,
            raw: &Value::Null,
            result: None,
            error_output: None,
            context: &|| Value::Null,
            variables: &variables,
            now: self.runtime.now(),
            entropy: &self.runtime.entropy,
            budget: &Budget::default(),
        })
    }
}
