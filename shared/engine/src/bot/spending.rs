//! `[budget]` of `bot.toml`, as it is written: dollars outside, micro-dollars inside.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::budget::{Budget, BudgetSettings, TURN_MICRO_DOLLARS, TURN_TOKENS};

/// What models may cost. The most that a call may come to is set aside before it is made; when there is not
/// that much left, the contact is told so and no model is asked. Days are those of UTC.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BudgetFile {
    /// Tokens that one turn may read and write; 2,000,000 when absent.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    turn_tokens: Option<u64>,
    /// What one turn may cost; 5 dollars when absent.
    #[schemars(range(min = 0, max = 1_000_000))]
    turn_dollars: Option<f64>,
    /// What one conversation may cost; any amount when absent. Much more than `turn_dollars`: a turn that
    /// broke off counts with all it may have cost.
    #[schemars(range(min = 0, max = 1_000_000))]
    session_dollars: Option<f64>,
    /// Tokens that this bot may read and write in a day for one tenant; any number when absent.
    #[schemars(range(min = 0, max = 1_000_000_000_000_u64))]
    day_tokens: Option<u64>,
    /// What this bot may cost in a day for one tenant; any amount when absent.
    #[schemars(range(min = 0, max = 1_000_000))]
    day_dollars: Option<f64>,
    /// Tokens that all bots of a tenant may read and write in a day, before this bot stops; any number when
    /// absent.
    #[schemars(range(min = 0, max = 1_000_000_000_000_u64))]
    tenant_day_tokens: Option<u64>,
    /// What all bots of a tenant may cost in a day, before this bot stops; any amount when absent.
    #[schemars(range(min = 0, max = 1_000_000))]
    tenant_day_dollars: Option<f64>,
    /// Other bounds for single tenants, by tenant.
    tenants: BTreeMap<String, TenantBudget>,
}

/// What differs for one tenant.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct TenantBudget {
    /// Tokens that one turn may read and write.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    turn_tokens: Option<u64>,
    /// What one turn may cost.
    #[schemars(range(min = 0, max = 1_000_000))]
    turn_dollars: Option<f64>,
    /// What one conversation may cost.
    #[schemars(range(min = 0, max = 1_000_000))]
    session_dollars: Option<f64>,
    /// Tokens that this bot may read and write in a day.
    #[schemars(range(min = 0, max = 1_000_000_000_000_u64))]
    day_tokens: Option<u64>,
    /// What this bot may cost in a day.
    #[schemars(range(min = 0, max = 1_000_000))]
    day_dollars: Option<f64>,
    /// Tokens that all of the tenant's bots may read and write in a day.
    #[schemars(range(min = 0, max = 1_000_000_000_000_u64))]
    tenant_day_tokens: Option<u64>,
    /// What all of the tenant's bots may cost in a day.
    #[schemars(range(min = 0, max = 1_000_000))]
    tenant_day_dollars: Option<f64>,
}

impl From<BudgetFile> for BudgetSettings {
    fn from(file: BudgetFile) -> Self {
        let everyone = Budget {
            turn_tokens: Some(file.turn_tokens.unwrap_or(TURN_TOKENS)),
            turn_money: Some(file.turn_dollars.map_or(TURN_MICRO_DOLLARS, micro)),
            session_money: file.session_dollars.map(micro),
            day_tokens: file.day_tokens,
            day_money: file.day_dollars.map(micro),
            tenant_day_tokens: file.tenant_day_tokens,
            tenant_day_money: file.tenant_day_dollars.map(micro),
        };
        let own = |own: TenantBudget| Budget {
            turn_tokens: own.turn_tokens,
            turn_money: own.turn_dollars.map(micro),
            session_money: own.session_dollars.map(micro),
            day_tokens: own.day_tokens,
            day_money: own.day_dollars.map(micro),
            tenant_day_tokens: own.tenant_day_tokens,
            tenant_day_money: own.tenant_day_dollars.map(micro),
        };
        let tenants = file.tenants.into_iter();
        Self {
            everyone,
            tenants: tenants.map(|(tenant, its)| (tenant, own(its))).collect(),
        }
    }
}

/// Dollars in micro-dollars; the file's schema bounds them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded to a million dollars, not below zero"
)]
fn micro(dollars: f64) -> u64 {
    (dollars * 1_000_000.0).round() as u64
}
