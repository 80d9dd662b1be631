//! Reads the text of a filter.

use serde_json::Value;

use super::{Filter, Operand, Operator};
use crate::query::path::{Cursor, SyntaxError};

impl Cursor<'_> {
    /// What stands between `?(` and `)`.
    pub(in crate::query::path) fn filter(&mut self) -> Result<Filter, SyntaxError> {
        self.nested(|cursor| {
            let mut any = vec![cursor.conjunction()?];
            while cursor.eat("||") {
                any.push(cursor.conjunction()?);
            }
            Ok(Filter::Any(any))
        })
    }

    fn conjunction(&mut self) -> Result<Filter, SyntaxError> {
        let mut all = vec![self.condition()?];
        while self.eat("&&") {
            all.push(self.condition()?);
        }
        Ok(Filter::All(all))
    }

    fn condition(&mut self) -> Result<Filter, SyntaxError> {
        self.spaces();
        let condition = if self.eat("!") {
            let inner = self.nested(Self::condition)?;
            Filter::Not(Box::new(inner))
        } else if self.eat("(") {
            let inner = self.filter()?;
            self.expect(")")?;
            inner
        } else {
            self.comparison()?
        };
        self.spaces();
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Filter, SyntaxError> {
        let left = self.operand()?;
        self.spaces();
        let Some(operator) = self.operator()? else {
            return match left {
                Operand::Here(..) | Operand::Root(..) => Ok(Filter::Exists(left)),
                _ => Err(self.error("An operator such as == is missing")),
            };
        };
        self.spaces();
        let right = self.operand()?;
        Ok(Filter::Compare(left, operator, right))
    }

    fn operator(&mut self) -> Result<Option<Operator>, SyntaxError> {
        if self.rest().starts_with("=~") {
            return Err(self.error("Regular expressions in filters are not supported"));
        }
        let known = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("<", Operator::Less),
            (">", Operator::Greater),
            ("in ", Operator::In),
            ("nin ", Operator::NotIn),
            ("contains ", Operator::Contains),
            ("size ", Operator::Size),
            ("empty ", Operator::Empty),
        ];
        for (token, operator) in known {
            if self.eat(token) {
                return Ok(Some(operator));
            }
        }
        match self.peek() {
            Some(c) if c.is_alphabetic() || "=<>".contains(c) => Err(self.error(
                "A filter knows the operators ==, !=, <, <=, >, >=, in, nin, contains, size, empty, &&, || and !",
            )),
            _ => Ok(None),
        }
    }

    fn operand(&mut self) -> Result<Operand, SyntaxError> {
        match self.peek() {
            Some('@') => {
                self.next();
                Ok(Operand::Here(self.steps()?))
            }
            Some('$') => {
                self.next();
                Ok(Operand::Root(self.steps()?))
            }
            _ => self.literal().map(Operand::Literal),
        }
    }

    fn literal(&mut self) -> Result<Value, SyntaxError> {
        match self.peek() {
            Some('\'' | '"') => self.quoted().map(Value::String),
            Some('[') => self.nested(Self::listed),
            _ => self.scalar(),
        }
    }

    fn listed(&mut self) -> Result<Value, SyntaxError> {
        self.expect("[")?;
        self.spaces();
        let mut items = Vec::new();
        while !self.eat("]") {
            if !items.is_empty() {
                self.expect(",")?;
                self.spaces();
            }
            items.push(self.literal()?);
            self.spaces();
        }
        Ok(Value::Array(items))
    }
}
