//! `[approval]` of a tool and `[approvals]` of a bot: which calls need a person's yes, and whose.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bot::document::Document;
use crate::bot::format::SideEffect;
use crate::bot::names;
use crate::bot::parameters::Parameters;
use crate::bot::people::People;
use crate::bot::reader::Reader;
use crate::tool::SideEffectPolicy;

/// When a call needs a person's yes, and whose.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalRule {
    /// Which calls.
    pub when: When,
    /// The role that whoever decides must have.
    pub role: String,
    /// How many different people must say yes.
    pub needed: u32,
    /// How long the question stands.
    pub expires: Duration,
    /// How bad it is when the call was wrong.
    pub risk: Risk,
    /// What the call is expected to lead to, in words for who decides.
    pub expected_output: Option<String>,
    /// The arguments that tell of a person.
    pub pii_fields: Vec<String>,
    /// How the call can be undone, in words for who decides.
    pub rollback_plan: Option<String>,
}

/// Which calls of a tool need a yes.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All.
    Always,
    /// Those whose argument is above an amount, or no number.
    Above {
        /// The argument.
        argument: String,
        /// The highest amount that needs no yes.
        above: f64,
    },
}

impl ApprovalRule {
    /// Whether a call with `arguments` needs a yes. In doubt it does.
    #[must_use]
    pub fn covers(&self, arguments: &Value) -> bool {
        match &self.when {
            When::Always => true,
            When::Above { argument, above } => {
                let amount = match &arguments[argument] {
                    Value::Number(number) => number.as_f64(),
                    Value::String(text) => text.trim().parse().ok(),
                    _ => None,
                };
                amount.is_none_or(|amount: f64| amount.is_nan() || amount > *above)
            }
        }
    }
}

/// How bad it is when a call was wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A nuisance.
    Low,
    /// It costs something.
    #[default]
    Medium,
    /// Money, privacy or safety is at stake.
    High,
}

/// What `[approvals]` says for all tools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApprovalSettings {
    require: Vec<SideEffectPolicy>,
    role: Option<String>,
    needed: u32,
    expires: Duration,
    /// Where approvers reach this installation, such as `https://bots.example.com`.
    pub url: Option<String>,
}

/// Which tools need a person's yes whatever their own files say, and what holds where those say nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ApprovalsTable {
    /// Every tool with one of these side effects needs a yes for each call, unless its own `[approval]` says
    /// when: `idempotent`, `compensatable`, `irreversible`.
    #[schemars(extend("uniqueItems" = true))]
    require: Vec<SideEffect>,
    /// The role, given in people.toml, that whoever decides must have.
    #[schemars(regex(pattern = names::SLUG))]
    role: Option<String>,
    /// How many different people must say yes. Where it is two, who asks cannot be one of them.
    #[schemars(range(min = 1, max = 2))]
    needed: u32,
    /// How long a question stands; then it counts as a no.
    #[schemars(range(min = 1, max = 720))]
    expires_hours: u64,
    /// Where approvers reach this installation, such as `https://bots.example.com`; questions then hold a
    /// link to it.
    pub(super) url: Option<String>,
}

impl Default for ApprovalsTable {
    fn default() -> Self {
        Self {
            require: Vec::new(),
            role: None,
            needed: 1,
            expires_hours: 24,
            url: None,
        }
    }
}

/// Which calls of this tool need a person's yes; all when only the table is there.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ApprovalTable {
    /// `always` asks for every call.
    when: Option<WhenWord>,
    /// The argument that is compared with `above`, such as `amount`.
    argument: Option<String>,
    /// Calls whose `argument` is above this amount need a yes.
    above: Option<f64>,
    /// The role, given in people.toml, that whoever decides must have; bot.toml's `approvals.role` when absent.
    #[schemars(regex(pattern = names::SLUG))]
    role: Option<String>,
    /// How many different people must say yes; bot.toml's `approvals.needed` when absent.
    #[schemars(range(min = 1, max = 2))]
    needed: Option<u32>,
    /// How long the question stands; bot.toml's `approvals.expires_hours` when absent.
    #[schemars(range(min = 1, max = 720))]
    expires_hours: Option<u64>,
    /// How bad it is when the call was wrong: `low`, `medium` or `high`.
    risk: Risk,
    /// What the call leads to, in words for who decides.
    #[schemars(length(min = 1, max = 1000))]
    expected_output: Option<String>,
    /// The arguments that tell of a person.
    #[schemars(extend("uniqueItems" = true))]
    pii_fields: Vec<String>,
    /// How the call can be undone, in words for who decides.
    #[schemars(length(min = 1, max = 2000))]
    rollback_plan: Option<String>,
}

/// Asks for every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WhenWord {
    Always,
}

/// What `[approvals]` says, checked.
pub(super) fn settings(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    people: Option<&People>,
    table: ApprovalsTable,
) -> ApprovalSettings {
    let problems = &mut reader.problems;
    match &table.role {
        Some(role) => {
            if let Some(people) = people {
                people.expect(problems, document, "/approvals/role", role, table.needed);
            }
        }
        None if !table.require.is_empty() => {
            let what = "`approvals.role` is missing: whose yes is needed?";
            let hint =
                "name a role that people.toml gives to somebody, such as `role = \"manager\"`";
            problems.push(document.problem("/approvals/require", what).hint(hint));
        }
        None => {}
    }
    if let Some(index) = table
        .require
        .iter()
        .position(|effect| *effect == SideEffect::Pure)
    {
        let pointer = format!("/approvals/require/{index}");
        let problem = document.problem(&pointer, "what changes nothing needs no yes");
        problems.push(problem.hint("remove `pure`"));
    }
    ApprovalSettings {
        require: table.require.into_iter().map(Into::into).collect(),
        role: table.role,
        needed: table.needed,
        expires: hours(table.expires_hours),
        url: table.url,
    }
}

/// The rule of one tool: its own, or the bot's.
pub(super) fn rule(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    (bot, people): (Option<&ApprovalSettings>, Option<&People>),
    (parameters, side_effect): (&Parameters, Option<SideEffectPolicy>),
    table: Option<ApprovalTable>,
) -> Option<ApprovalRule> {
    let Some(table) = table else {
        let bot =
            bot.filter(|bot| side_effect.is_some_and(|effect| bot.require.contains(&effect)))?;
        return Some(ApprovalRule {
            when: When::Always,
            role: bot.role.clone().unwrap_or_default(),
            needed: bot.needed,
            expires: bot.expires,
            risk: Risk::default(),
            expected_output: None,
            pii_fields: Vec::new(),
            rollback_plan: None,
        });
    };
    if side_effect.is_some_and(SideEffectPolicy::is_pure) {
        let problem = document.problem("/approval", "what changes nothing needs no yes");
        let hint = "remove `[approval]`, or say with `side_effect` what the tool changes";
        reader.problems.push(problem.hint(hint));
        return None;
    }
    for (index, argument) in table.pii_fields.iter().enumerate() {
        let pointer = format!("/approval/pii_fields/{index}");
        parameters.expect_argument(reader, document, &pointer, "pii_fields", argument);
    }
    // Of a bot.toml that cannot be read nothing is known, so nothing is missed in it.
    let bot = bot?;
    let needed = table.needed.unwrap_or(bot.needed);
    let own = table.role.is_some();
    let Some(role) = table.role.or_else(|| bot.role.clone()) else {
        let what = "`approval.role` is missing: whose yes is needed?";
        let hint = "name a role that people.toml gives to somebody, such as `role = \"manager\"`";
        reader
            .problems
            .push(document.problem("/approval", what).hint(hint));
        return None;
    };
    let place = if own { "/approval/role" } else { "/approval" };
    if let Some(people) = people {
        people.expect(&mut reader.problems, document, place, &role, needed);
    }
    let when = match (table.when, table.argument, table.above) {
        (_, None, None) => When::Always,
        (None, Some(argument), Some(above)) => {
            parameters.expect_scalar(
                reader,
                document,
                "/approval/argument",
                "approval",
                &argument,
            );
            When::Above { argument, above }
        }
        (when, argument, _) => {
            let (what, hint) = match (when, argument) {
                (Some(_), _) => (
                    "`when = \"always\"` leaves nothing to compare",
                    "remove `when`, or `argument` and `above`",
                ),
                (None, Some(_)) => (
                    "`approval.above` is missing",
                    "say above which amount a yes is needed, such as `above = 50`",
                ),
                (None, None) => (
                    "`approval.argument` is missing",
                    "name the argument that holds the amount, such as `argument = \"amount\"`",
                ),
            };
            reader
                .problems
                .push(document.problem("/approval", what).hint(hint));
            return None;
        }
    };
    Some(ApprovalRule {
        when,
        role,
        needed,
        expires: table.expires_hours.map_or(bot.expires, hours),
        risk: table.risk,
        expected_output: table.expected_output,
        pii_fields: table.pii_fields,
        rollback_plan: table.rollback_plan,
    })
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}
