//! Tells who watches that executions went on.

use std::sync::Arc;

use asl::runner::{Begun, ExecutionId, Journal, JournalError, NewExecution, Progress, Record};
use async_trait::async_trait;
use surface::Change;
use tokio::sync::broadcast;

/// Changes a slow watcher may be behind before it is told that it missed some.
const BACKLOG: usize = 256;

/// Passes changes to watchers.
#[derive(Clone)]
pub struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Changes {
    /// What changes from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }

    /// Tells the watchers, if there are any.
    pub fn tell(&self, change: Change) {
        // It fails when nobody watches.
        drop(self.0.send(change));
    }

    fn went_on(&self, execution: &ExecutionId) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let mut parts = execution.as_str().rsplit(':');
        let (Some(name), Some(machine)) = (parts.next(), parts.next()) else {
            return;
        };
        let name = name.to_owned();
        match machine {
            "approval" => self.tell(Change::Approval { approval: name }),
            _ if machine.starts_with("workflow-") => self.tell(Change::Run { run: name }),
            _ => {}
        }
    }
}

/// A journal that tells of what it has kept.
pub(super) struct Telling {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) changes: Changes,
}

#[async_trait]
impl Journal for Telling {
    async fn begin(&self, execution: NewExecution) -> Result<Begun, JournalError> {
        let id = execution.id.clone();
        let begun = self.journal.begin(execution).await?;
        self.changes.went_on(&id);
        Ok(begun)
    }

    async fn save(&self, id: &ExecutionId, progress: Progress) -> Result<(), JournalError> {
        self.journal.save(id, progress).await?;
        self.changes.went_on(id);
        Ok(())
    }

    async fn load(&self, id: &ExecutionId) -> Result<Option<Record>, JournalError> {
        self.journal.load(id).await
    }

    async fn history(&self, id: &ExecutionId) -> Result<Vec<String>, JournalError> {
        self.journal.history(id).await
    }

    async fn unfinished(&self) -> Result<Vec<Record>, JournalError> {
        self.journal.unfinished().await
    }
}
