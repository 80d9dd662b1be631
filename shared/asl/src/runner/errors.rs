//! What a caller of the runner may have to hear.

use super::{ExecutionId, JournalError};
use crate::execution::NotRedrivable;

/// Why an execution was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No machine is registered under the name or ARN.
    #[error("State Machine Does Not Exist: '{0}'")]
    MachineDoesNotExist(String),
    /// The name is taken by an execution that has ended or has another input.
    #[error("Execution Already Exists: '{0}'. Start it under another name")]
    ExecutionAlreadyExists(ExecutionId),
    /// The name has characters that AWS does not allow, or too many.
    #[error("Invalid Name: '{0}'. Use 1 to 80 letters, digits, '-' and '_'")]
    InvalidName(String),
    /// The input is larger than 256 KiB.
    #[error("The input is larger than 256 KiB. Pass an id, and store the rest")]
    InputTooLarge,
    /// The journal failed, so nothing was started.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why an execution was not taken up again.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// There is none of this id.
    #[error("Execution Does Not Exist: '{0}'")]
    DoesNotExist(ExecutionId),
    /// It cannot go on.
    #[error("Execution Not Redrivable: {0}")]
    NotRedrivable(#[from] NotRedrivable),
    /// What was kept of it cannot be read.
    #[error("the execution cannot be read: {0}")]
    Broken(String),
    /// The journal failed, so nothing was done.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why a task token was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The text is not a token of this runner.
    #[error("Invalid Token: pass the token as it was given to the task")]
    InvalidToken,
    /// The task has ended: it was answered before, has timed out, or was aborted.
    #[error("Task Timed Out: the task or its execution has ended")]
    TaskTimedOut,
    /// The output is larger than 256 KiB.
    #[error("Invalid Output: it is larger than 256 KiB")]
    InvalidOutput,
}
