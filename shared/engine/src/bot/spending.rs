//! `[budget]` of `bot.toml`, as it is written: dollars outside, micro-dollars inside.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::budget::{Budget, BudgetSettings};

/// What models may cost. The most that a call may come to is set aside before it is made; when there is not
/// that much left, the contact is told so and no model is asked. Days are those of UTC.
#[derive(Debug, Default)]
pub(super) struct BudgetFile {
    everyone: Bounds,
    /// By tenant.
    tenants: BTreeMap<String, Bounds>,
}

/// Bounds on what models may cost.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Bounds {
    /// Tokens that one turn may read and write; 2,000,000 when nothing else is said.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    turn_tokens: Option<u64>,
    /// What one turn may cost; 5 dollars when nothing else is said.
    #[schemars(range(min = 0, max = 1_000_000))]
    turn_dollars: Option<f64>,
    /// Tokens that one conversation may read and write; any number when absent. Many more than `turn_tokens`: a
    /// turn that broke off counts with all it may have used.
    #[schemars(range(min = 0, max = 1_000_000_000_000_u64))]
    session_tokens: Option<u64>,
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
}

/// Its one more member.
const TENANTS: &str = "tenants";

impl<'de> Deserialize<'de> for BudgetFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Map::deserialize(deserializer)?;
        let tenants = table.remove(TENANTS).unwrap_or_else(|| json!({}));
        Ok(Self {
            everyone: serde_json::from_value(Value::Object(table)).map_err(D::Error::custom)?,
            tenants: serde_json::from_value(tenants).map_err(D::Error::custom)?,
        })
    }
}

impl JsonSchema for BudgetFile {
    fn schema_name() -> Cow<'static, str> {
        "BudgetFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Bounds::json_schema(generator);
        let bounds = generator.subschema_for::<Bounds>();
        let members = schema.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(members) = members {
            let tenants = json!({
                "description": "Other bounds for single tenants, by tenant.",
                "type": "object",
                "additionalProperties": bounds,
                "default": {},
            });
            members.insert(TENANTS.to_owned(), tenants);
        }
        let description = "What models may cost. The most that a call may come to is set aside before it is made; when \
                           there is not that much left, the contact is told so and no model is asked. Days are those \
                           of UTC.";
        schema.insert("description".to_owned(), description.into());
        schema
    }
}

impl From<Bounds> for Budget {
    fn from(bounds: Bounds) -> Self {
        Self {
            turn_tokens: bounds.turn_tokens,
            turn_money: bounds.turn_dollars.map(micro),
            session_tokens: bounds.session_tokens,
            session_money: bounds.session_dollars.map(micro),
            day_tokens: bounds.day_tokens,
            day_money: bounds.day_dollars.map(micro),
            tenant_day_tokens: bounds.tenant_day_tokens,
            tenant_day_money: bounds.tenant_day_dollars.map(micro),
        }
    }
}

impl From<BudgetFile> for BudgetSettings {
    fn from(file: BudgetFile) -> Self {
        let tenants = file.tenants.into_iter();
        Self {
            everyone: Budget::from(file.everyone).or(&Self::default().everyone),
            tenants: tenants
                .map(|(tenant, its)| (tenant, Budget::from(its)))
                .collect(),
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
