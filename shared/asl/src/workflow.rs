//! What the workflow compiler asks of the language.

use engine::workflow::Syntax;

use crate::query::Expression;

/// The JSONata that machines are run with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jsonata;

impl Syntax for Jsonata {
    fn mistake(&self, expression: &str) -> Option<String> {
        Expression::parse(expression).err()
    }
}
