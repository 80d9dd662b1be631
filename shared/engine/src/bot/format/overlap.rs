//! `[overlap]` of `bot.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::message::Channel;
use crate::overlap::{Overlap, OverlapSettings, Window};

/// What happens when a message comes while a turn runs: `queue`, `supersede`, `absorb`, `absorb-restart` or
/// `force-complete`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::bot) struct OverlapTable {
    /// On the web; `supersede` when absent.
    web: Option<Overlap>,
    /// By SMS; `queue` when absent.
    sms: Option<Overlap>,
    /// On WhatsApp; `queue` when absent.
    whatsapp: Option<Overlap>,
    /// How long after its oldest message a turn may still be superseded.
    #[schemars(range(min = 0, max = 600))]
    patience_seconds: u64,
    /// By tenant, on every channel, over all else.
    tenants: BTreeMap<String, Overlap>,
    /// How long a message waits for the next one before both are thought about together.
    window: WindowTable,
}

/// How long a message waits for the next one: `off`, `adaptive`, or `{ fixed_millis = 800 }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::bot) struct WindowTable {
    /// On the web.
    web: Window,
    /// By SMS.
    sms: Window,
    /// On WhatsApp.
    whatsapp: Window,
}

impl Default for OverlapTable {
    fn default() -> Self {
        Self {
            web: None,
            sms: None,
            whatsapp: None,
            patience_seconds: OverlapSettings::default().patience.as_secs(),
            tenants: BTreeMap::new(),
            window: WindowTable::default(),
        }
    }
}

impl From<OverlapTable> for OverlapSettings {
    fn from(table: OverlapTable) -> Self {
        let channels = [
            (Channel::Web, table.web),
            (Channel::Sms, table.sms),
            (Channel::Whatsapp, table.whatsapp),
        ];
        Self {
            channels: channels
                .into_iter()
                .filter_map(|(channel, policy)| Some((channel, policy?)))
                .collect(),
            tenants: table.tenants,
            patience: Duration::from_secs(table.patience_seconds),
            window: BTreeMap::from([
                (Channel::Web, table.window.web),
                (Channel::Sms, table.window.sms),
                (Channel::Whatsapp, table.window.whatsapp),
            ]),
        }
    }
}
