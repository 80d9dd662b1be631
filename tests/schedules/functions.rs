//! Every function, put together as `apps/confab` and `functions` do.

use std::sync::Arc;
use std::time::Duration;

use engine::approval::{Ask, Desk, NoLinks, Tell};
use engine::budget::Ledger;
use engine::bus::{Herald, NoBus};
use engine::goal::{Goals, Unreached};
use engine::switch::Switches;
use engine::tool::{NoErrands, Toolbox};
use engine::turn::{Accept, CallTool, Deliver, Fail, Intake, Run, Settler, Sweep, Timing};
use engine::view::View;

use super::stage::Stage;

/// Small, so that whoever waits for another does not look often.
pub(crate) const TIMING: Timing = Timing {
    effect: Duration::from_secs(4),
    lease: Duration::from_secs(5),
    think: Duration::from_secs(20),
    watch: Duration::from_millis(500),
    grace: Duration::from_secs(1),
    tries: 6,
};

/// Every function, as shipped.
#[derive(Clone)]
pub(crate) struct Functions {
    pub(super) stage: Stage,
    pub(crate) intake: Intake,
    pub(crate) run: Run,
    pub(crate) call: CallTool,
    pub(super) deliver: Deliver,
    pub(super) fail: Fail,
    pub(crate) desk: Desk,
    pub(super) ask: Ask,
    pub(super) tell: Tell,
    pub(crate) sweep: Sweep,
}

impl Functions {
    pub(crate) fn new(stage: &Stage) -> Self {
        let port = Arc::new(stage.clone());
        let runtime = stage.runtime();
        let switches = Arc::new(Switches::new(runtime.clone(), port.clone()));
        let desk = Desk {
            runtime: runtime.clone(),
            documents: port.clone(),
            bots: port.clone(),
            waits: port.clone(),
        };
        let intake = Intake {
            accept: Accept {
                runtime: runtime.clone(),
                sessions: port.clone(),
                bots: port.clone(),
                timing: TIMING,
            },
            outcomes: port.clone(),
            turns: port.clone(),
        };
        let herald = Herald {
            bus: Arc::new(NoBus),
            view: View {
                sessions: port.clone(),
                transcripts: port.clone(),
                results: port.clone(),
                outcomes: port.clone(),
            },
        };
        let deliver = Deliver {
            settler: Settler {
                runtime: runtime.clone(),
                sessions: port.clone(),
                spill: port.clone(),
                timing: TIMING,
                herald: herald.clone(),
            },
            transcripts: port.clone(),
            outcomes: port.clone(),
            carriers: port.clone(),
            events: port.clone(),
            unreached: Unreached {
                goals: Goals::from(&desk),
                transcripts: port.clone(),
            },
        };
        Self {
            stage: stage.clone(),
            run: Run {
                runtime: runtime.clone(),
                sessions: port.clone(),
                transcripts: port.clone(),
                results: port.clone(),
                outcomes: port.clone(),
                spill: port.clone(),
                crew: port.clone(),
                carriers: port.clone(),
                desk: desk.clone(),
                secrets: port.clone(),
                ledger: Arc::new(Ledger::new(port.clone())),
                switches: Arc::clone(&switches),
                events: port.clone(),
                timing: TIMING,
                herald: herald.clone(),
            },
            call: CallTool {
                runtime: runtime.clone(),
                sessions: port.clone(),
                transcripts: port.clone(),
                results: port.clone(),
                documents: port.clone(),
                bots: port.clone(),
                toolbox: Toolbox {
                    http: port.clone(),
                    records: port.clone(),
                    secrets: port.clone(),
                    errands: Arc::new(NoErrands),
                },
                desk: desk.clone(),
                switches,
                events: port.clone(),
                timing: TIMING,
            },
            fail: Fail {
                deliver: deliver.clone(),
                bots: port.clone(),
                results: port.clone(),
                documents: port.clone(),
            },
            deliver,
            ask: Ask {
                desk: desk.clone(),
                intake: intake.clone(),
                links: Arc::new(NoLinks),
            },
            tell: Tell {
                desk: desk.clone(),
                intake: intake.clone(),
                herald,
            },
            desk,
            intake,
            sweep: Sweep {
                runtime,
                sessions: port,
                timing: TIMING,
            },
        }
    }
}
