//! What a bot needs that this machine lacks, told without starting it.

use std::collections::BTreeSet;

use engine::bot::Bot;
use engine::runtime::Runtime;
use engine::secret::Secret;
use models::{Environment, Models, SettingsError};

use super::Vault;

/// What a bot needs that this machine lacks.
#[derive(Debug, Default)]
pub struct Survey {
    /// Secrets that its tools and channels name.
    pub missing_secrets: BTreeSet<String>,
    /// Variables without which its first model cannot be asked.
    pub missing_variables: BTreeSet<String>,
    /// Secrets that its tools may not send where they would, and doubts about its models.
    pub warnings: Vec<String>,
    /// What is wrong with its model settings on any machine.
    pub mistake: Option<SettingsError>,
}

/// Surveys what `bot` needs.
#[must_use]
pub fn survey(bot: &Bot, vault: &Vault, runtime: &Runtime) -> Survey {
    let names = bot.secret_names().into_iter();
    let mut survey = Survey {
        missing_secrets: names.filter(|name| vault.find(name).is_none()).collect(),
        warnings: vault.off_limits(bot),
        ..Survey::default()
    };
    loop {
        let stand_in = |name: &str| {
            let missing = survey.missing_variables.contains(name);
            missing.then(|| "missing".to_owned())
        };
        let secret = |name: &str| vault.find(name).or_else(|| stand_in(name).map(Secret::new));
        let address =
            |name: &str, key: Option<&str>| vault.address(name, key).or_else(|| stand_in(name));
        let models = Models::new(runtime.clone(), Environment::from_lookup(secret, address));
        let variable = match models.chain(&bot.model) {
            Ok(chain) => {
                survey.warnings.extend(chain.warnings);
                return survey;
            }
            Err(SettingsError::MissingKey { variable, .. }) => variable,
            Err(SettingsError::MissingRegion(_)) => "AWS_REGION",
            Err(refused @ SettingsError::KeyOffLimits { .. }) => {
                survey.warnings.push(refused.to_string());
                return survey;
            }
            Err(mistake) => {
                survey.mistake = Some(mistake);
                return survey;
            }
        };
        if !survey.missing_variables.insert(variable.to_owned()) {
            return survey;
        }
    }
}
