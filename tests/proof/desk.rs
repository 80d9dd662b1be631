//! The approval document and the budget's counter: items beside the session.

use super::invariant::{Broken, I6, I7, I10, hold_true};
use super::setting::{Setting, Slip};
use super::world::World;

/// The arguments that a person is asked about.
pub(crate) const ASKED: u8 = 1;
/// Other arguments.
pub(crate) const OTHER: u8 = 2;
/// The most that a thought may cost.
pub(crate) const MOST: u8 = 2;

/// Where an approval stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Approval {
    #[default]
    None,
    Pending,
    Granted,
    /// Denied, or run out.
    Closed,
    Consumed {
        intent: String,
        turn: u64,
    },
}

/// What was truly said and done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Desk {
    pub(crate) approval: Approval,
    pub(crate) was_granted: bool,
    pub(crate) has_run_out: bool,
    /// Effects made with the yes.
    pub(crate) used: u8,
    /// The bot was stopped.
    pub(crate) stopped: bool,
    /// Effects that had been let through when it was.
    pub(crate) under_way: u8,
    /// What the budget's counter stands at.
    pub(crate) counted: u8,
    /// What was spent.
    pub(crate) spent: u8,
}

impl World {
    /// Uses the yes for `intent`; whether it may be.
    pub(crate) fn consume(
        &mut self,
        setting: &Setting,
        intent: &str,
        turn: u64,
        arguments: u8,
    ) -> bool {
        let fits = arguments == ASKED || setting.slip == Slip::ForgetsTheArguments;
        let late = setting.slip == Slip::ForgetsTheExpiry && self.desk.was_granted;
        let fresh = match &self.desk.approval {
            Approval::Granted => true,
            Approval::Closed => late,
            Approval::Consumed {
                intent: known,
                turn: by,
            } => {
                let again = known == intent && *by == turn;
                return fits && (again || setting.slip == Slip::UsesAYesTwice);
            }
            Approval::None | Approval::Pending => false,
        };
        if fits && fresh {
            let intent = intent.to_owned();
            self.desk.approval = Approval::Consumed { intent, turn };
        }
        fits && fresh
    }

    /// An effect that needs a yes happens.
    pub(crate) fn use_yes(&mut self, arguments: Option<u8>) -> Result<(), Broken> {
        let given = self.desk.was_granted && arguments.is_some();
        hold_true(given, I7, "a call that needs a yes was made without one")?;
        hold_true(
            arguments == Some(ASKED),
            I7,
            "the yes was for other arguments",
        )?;
        hold_true(!self.desk.has_run_out, I7, "the yes had run out")?;
        self.desk.used += 1;
        hold_true(self.desk.used == 1, I7, "the yes was used twice")
    }

    /// An effect begins: when the bot was stopped, only one that had been let through.
    pub(crate) fn begin_effect(&mut self) -> Result<(), Broken> {
        if !self.desk.stopped {
            return Ok(());
        }
        let let_through = self.desk.under_way > 0;
        hold_true(let_through, I6, "an effect began after the bot was stopped")?;
        self.desk.under_way -= 1;
        Ok(())
    }

    /// Sets aside the most that a thought may cost; whether there is as much.
    pub(crate) fn reserve(&mut self, setting: &Setting, limit: u8) -> bool {
        let after = self.desk.counted + MOST;
        match setting.slip {
            Slip::SpendsBeforeReserving => return self.desk.counted < limit,
            Slip::LooksAndDoesNotReserve => return after <= limit,
            _ => {}
        }
        if after <= limit {
            self.desk.counted = after;
        }
        after <= limit
    }

    /// A thought has cost `cost`: what was set aside beyond it is given back.
    pub(crate) fn spend(&mut self, setting: &Setting, limit: u8, cost: u8) -> Result<(), Broken> {
        self.desk.spent += cost;
        match setting.slip {
            Slip::SpendsBeforeReserving | Slip::LooksAndDoesNotReserve => self.desk.counted += cost,
            _ => self.desk.counted -= MOST - cost,
        }
        hold_true(self.desk.spent <= limit, I10, "more was spent than may be")
    }
}
