//! Why a definition is refused, in the words of Step Functions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The category of a [`Diagnostic`], named as `ValidateStateMachineDefinition` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The text is not JSON.
    InvalidJsonDescription,
    /// A field is missing, unknown, or has the wrong shape.
    SchemaValidationFailed,
    /// A transition names a state that does not exist, or a state cannot be reached.
    MissingTransitionTarget,
    /// Two states in one machine have the same name.
    DuplicateStateName,
    /// AWS accepts this; this interpreter cannot run it yet.
    Unsupported,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidJsonDescription => "INVALID_JSON_DESCRIPTION",
            Self::SchemaValidationFailed => "SCHEMA_VALIDATION_FAILED",
            Self::MissingTransitionTarget => "MISSING_TRANSITION_TARGET",
            Self::DuplicateStateName => "DUPLICATE_STATE_NAME",
            Self::Unsupported => "UNSUPPORTED",
        })
    }
}

/// One reason why a definition is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The category.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where, such as `/States/Ask/Choices[0]/Next`; absent when the whole text is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What to do about it, where AWS's words do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// As AWS writes it; `{:#}` adds the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(location) = &self.location {
            write!(f, " at {location}")?;
        }
        match &self.hint {
            Some(hint) if f.alternate() => write!(f, ". {hint}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}
