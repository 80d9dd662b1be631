//! What several functions are put together from.

use std::sync::Arc;

use aws::{Sockets, Store, Unset, Vault, WorkflowMachines};
use channels::{twilio, whatsapp};
use engine::approval::Desk;
use engine::bot::ToolKind;
use engine::bus::Herald;
use engine::error::{Error, Kind};
use engine::goal::{Goals, Unreached};
use engine::http::Http;
use engine::notify::{Notices, Router};
use engine::reminder::Reminders;
use engine::run::{Catalogue, Effects, Fire, Start};
use engine::switch::Switches;
use engine::tool::{Clerk, NoErrands, Toolbox};
use engine::turn::{Accept, Carriers, Deliver, Intake, Settler, Timing};
use engine::view::View;
use engine::workflow::Expressions;

use crate::ground::{Ground, NotReady, variable};
use crate::shelf::Shelf;
use crate::workflows::Workflows;

impl Ground {
    /// Takes messages in and starts their turns.
    ///
    /// # Errors
    /// Names the variable that is missing, or the bot that is wrong.
    pub fn intake(&self) -> Result<Intake, NotReady> {
        let store = Arc::new(self.store()?);
        Ok(Intake {
            accept: Accept {
                runtime: self.runtime.clone(),
                sessions: store.clone(),
                bots: self.shelf()?,
                timing: Timing::default(),
            },
            outcomes: store,
            turns: self.turns()?,
        })
    }

    /// Where approvals are decided.
    #[must_use]
    pub fn desk(&self, store: &Arc<Store>, shelf: &Arc<Shelf>) -> Desk {
        Desk {
            runtime: self.runtime.clone(),
            documents: store.clone(),
            bots: shelf.clone(),
            waits: self.answers(),
        }
    }

    /// Where approvals are asked for and decided.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn asking_desk(&self, store: &Arc<Store>, shelf: &Arc<Shelf>) -> Result<Desk, Unset> {
        Ok(Desk {
            waits: self.questions()?,
            ..self.desk(store, shelf)
        })
    }

    /// Ends goals that nobody heard of.
    #[must_use]
    pub fn unreached(&self, store: &Arc<Store>) -> Unreached {
        Unreached {
            goals: self.goals(store),
            transcripts: store.clone(),
        }
    }

    /// Where goals of conversations are kept.
    #[must_use]
    pub fn goals(&self, store: &Arc<Store>) -> Goals {
        Goals {
            runtime: self.runtime.clone(),
            documents: store.clone(),
            waits: self.answers(),
        }
    }

    /// Tells people what they are to know.
    ///
    /// # Errors
    /// Names the variable that is missing, or the bot that is wrong.
    pub fn router(&self, store: &Arc<Store>) -> Result<Router, NotReady> {
        Ok(Router {
            notices: Notices::from(&self.desk(store, &self.shelf()?)),
            intake: self.intake()?,
            view: self.view()?,
            links: Arc::new(self.accesses()?),
        })
    }

    /// Reads sessions.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn view(&self) -> Result<View, NotReady> {
        Ok(reading(&Arc::new(self.store()?)))
    }

    /// Tells the bus of what workflows wait for.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn herald(&self, store: &Arc<Store>) -> Result<Herald, Unset> {
        Ok(Herald {
            bus: self.bus()?,
            view: reading(store),
        })
    }

    /// Starts runs when triggers fire.
    ///
    /// # Errors
    /// Names the variable that is missing, or the workflow that is wrong.
    pub fn fire(
        &self,
        store: &Arc<Store>,
        expressions: Arc<dyn Expressions>,
    ) -> Result<Fire, NotReady> {
        Ok(Fire {
            catalogue: self.workflows(store)?,
            start: self.start(store, &self.workflow_machines()?),
            expressions,
        })
    }

    /// Begins and ends runs of workflows.
    #[must_use]
    pub fn start(&self, store: &Arc<Store>, machines: &Arc<WorkflowMachines>) -> Start {
        Start {
            runtime: self.runtime.clone(),
            documents: store.clone(),
            runs: machines.clone(),
        }
    }

    /// Runs the errands of turns. Workflows are read only where a tool starts one.
    ///
    /// # Errors
    /// Names the variable that is missing, or the workflow that is wrong.
    pub fn clerk(&self, store: &Arc<Store>, shelf: &Shelf) -> Result<Clerk, NotReady> {
        let mut tools = shelf.iter().flat_map(|bot| bot.tools.values());
        let starts = tools.any(|tool| matches!(tool.kind, ToolKind::Workflow { .. }));
        let catalogue: Arc<dyn Catalogue> = match starts {
            true => self.workflows(store)?,
            false => Arc::<Workflows>::default(),
        };
        Ok(Clerk {
            catalogue,
            start: self.start(store, &self.workflow_machines()?),
            reminders: Reminders {
                runtime: self.runtime.clone(),
                documents: store.clone(),
                alarms: self.alarms()?,
            },
            goals: self.goals(store),
        })
    }

    /// What steps of workflows do.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn effects(&self, store: &Arc<Store>) -> Result<Effects, NotReady> {
        Ok(Effects {
            runtime: self.runtime.clone(),
            sessions: store.clone(),
            documents: store.clone(),
            results: store.clone(),
            toolbox: Toolbox {
                http: self.web()?,
                records: store.clone(),
                secrets: self.secrets()?,
                errands: Arc::new(NoErrands),
            },
            switches: Arc::new(Switches::new(self.runtime.clone(), store.clone())),
        })
    }

    /// The way to the web.
    ///
    /// # Errors
    /// When no trusted certificates are found.
    pub fn web(&self) -> Result<Arc<dyn Http>, NotReady> {
        let client = channels::http::Client::new();
        let client = client.map_err(|error| {
            Error::new(Kind::Internal, "the web cannot be reached").because(error)
        })?;
        Ok(Arc::new(client))
    }

    /// The ways out. `TWILIO_API_BASE` and `WHATSAPP_API_BASE` say where the carriers are, if elsewhere.
    #[must_use]
    pub fn carriers(
        &self,
        shelf: &Arc<Shelf>,
        secrets: &Arc<Vault>,
        http: &Arc<dyn Http>,
    ) -> Arc<dyn Carriers> {
        let base = |name, known: &str| variable(name).unwrap_or_else(|| known.to_owned());
        Arc::new(channels::accounts::Accounts {
            runtime: self.runtime.clone(),
            bots: shelf.clone(),
            secrets: secrets.clone(),
            http: http.clone(),
            twilio_base: base("TWILIO_API_BASE", twilio::API_BASE),
            whatsapp_base: base("WHATSAPP_API_BASE", whatsapp::API_BASE),
        })
    }

    /// Passes the gate, sends, settles.
    ///
    /// # Errors
    /// Names the variable that is missing, or the bot that is wrong.
    pub fn deliver(
        &self,
        store: &Arc<Store>,
        shelf: &Arc<Shelf>,
        sockets: Arc<Sockets>,
    ) -> Result<Deliver, NotReady> {
        Ok(Deliver {
            settler: Settler {
                runtime: self.runtime.clone(),
                sessions: store.clone(),
                spill: store.clone(),
                timing: Timing::default(),
                herald: self.herald(store)?,
            },
            transcripts: store.clone(),
            outcomes: store.clone(),
            carriers: self.carriers(shelf, &self.secrets()?, &self.web()?),
            events: sockets,
            unreached: self.unreached(store),
        })
    }
}

fn reading(store: &Arc<Store>) -> View {
    View {
        sessions: store.clone(),
        transcripts: store.clone(),
        results: store.clone(),
        outcomes: store.clone(),
    }
}
