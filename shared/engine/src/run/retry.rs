//! Retrying runs: from the step that failed, with what was done before it left as it is.

use super::{Begun, Catalogue, RunRef, RunState, RunStatus, Start};
use crate::error::Error;

impl Start {
    /// Lets a run that failed, was cancelled or took too long go on from the steps that did not end well; false when it
    /// is no such run, or one of too long ago. It keeps the version of the workflow that it began with.
    ///
    /// What is recorded of its steps stands: an effect that took place is not repeated, and one of which nobody knows
    /// ends the run again until a person has settled it.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `InboxFull` while its workflow has no room, and when a store failed.
    pub async fn retry(
        &self,
        catalogue: &dyn Catalogue,
        tenant: &str,
        id: &str,
    ) -> Result<bool, Error> {
        let found = self.find(tenant, id).await?;
        let run = &found.run;
        if found.state != Begun::Started || !self.has_failed(run).await? {
            return Ok(false);
        }
        let offers = catalogue.offers(tenant).await?;
        let mut workflows = offers.into_iter().map(|offer| offer.workflow);
        let workflow = workflows.find(|workflow| workflow.name == run.workflow);
        if let Some(concurrency) = workflow.and_then(|workflow| workflow.concurrency) {
            self.make_room(run, concurrency).await?;
        }
        let goes_on = self.runs.retry(run).await?;
        if !goes_on && self.has_failed(run).await? {
            self.ended(run).await?;
        }
        Ok(goes_on)
    }

    async fn has_failed(&self, run: &RunRef) -> Result<bool, Error> {
        let state = self.runs.state(run).await?;
        let failed = [RunStatus::Failed, RunStatus::TimedOut, RunStatus::Cancelled];
        Ok(matches!(state, RunState::Ended { how, .. } if failed.contains(&how)))
    }
}
