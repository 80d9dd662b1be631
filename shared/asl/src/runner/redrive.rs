//! Takes executions up again that ended without success.

use std::sync::Arc;

use futures::channel::oneshot;

use super::active::{Active, Watcher};
use super::standard::progress;
use super::{ExecutionId, RedriveError, Shared};
use crate::execution::{NotRedrivable, Recording};

impl Shared {
    pub(super) async fn redrive(self: &Arc<Self>, id: &ExecutionId) -> Result<(), RedriveError> {
        let _turn = self.redriving.lock().await;
        let record = self.journal.load(id).await?;
        let record = record.ok_or_else(|| RedriveError::DoesNotExist(id.clone()))?;
        let revived = self.registered_machines().revive(&record);
        let (ended, mut execution) = revived.map_err(RedriveError::Broken)?;
        if self.find(id).is_some() {
            if execution.outcome().is_none() {
                return Err(NotRedrivable::UnderWay.into());
            }
            self.closed(id).await?;
        }
        let machine = Arc::clone(&ended.machine);
        let reaction = execution.redrive(&machine, &self.around(Recording::Full))?;
        let progress = progress(&execution, &reaction.history)?;
        self.journal.save(id, progress).await?;
        if execution.outcome().is_none() {
            let active = Active::new(id.clone(), machine, execution);
            self.enter(active, reaction.effects);
        }
        Ok(())
    }

    /// Waits for an execution that has ended to be put away: its end may still be on its way to the disk.
    async fn closed(self: &Arc<Self>, id: &ExecutionId) -> Result<(), RedriveError> {
        let (sender, ended) = oneshot::channel();
        self.watch(id, Watcher::Caller(sender)).await?;
        drop(ended.await);
        Ok(())
    }
}
