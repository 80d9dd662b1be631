use engine::secret::Secret;
use secrecy::ExposeSecret;

use super::Environment;
use crate::provider::Provider;

pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    let variable = |name: &str| {
        let mut known = variables.iter();
        let (_, value) = known.find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    };
    Environment::from_lookup(
        |name| Secret::from_lookup(name, variable),
        |name, _| variable(name),
    )
}

#[test]
fn a_key_is_trimmed_and_an_empty_one_counts_as_absent() {
    let environment = environment(&[("ANTHROPIC_API_KEY", " k1\n"), ("OPENAI_API_KEY", "  ")]);
    let key = environment.key(Provider::Anthropic).unwrap();
    assert_eq!(key.kept().expose_secret(), "k1");
    assert!(environment.key(Provider::OpenAi).is_none());
}

#[test]
fn showing_the_environment_shows_no_key() {
    let environment = environment(&[("ANTHROPIC_API_KEY", "very-secret")]);
    assert!(!format!("{environment:?}").contains("very-secret"));
}

#[test]
fn the_region_falls_back_to_the_default_region() {
    let environment = environment(&[("AWS_DEFAULT_REGION", "eu-west-1")]);
    assert_eq!(environment.aws_region(), Some("eu-west-1"));
}
