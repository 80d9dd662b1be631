use secrecy::ExposeSecret;

use crate::bot::secrets::{Role, Secrets};
use crate::secret::ChosenBy;

const FILE: &str = r#"format = 1

[secrets]
TWILIO_AUTH_TOKEN = "hunter2hunter2"

[[keys]]
key = "correct-horse-battery"
tenant = "acme"
person = "dana"
role = "operator"

[[keys]]
sha256 = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
tenant = "acme"
person = "nobody"
role = "viewer"
"#;

fn wrong(text: &str) -> String {
    assert!(Secrets::parse_or_none(text).is_none(), "{text}");
    Secrets::parse("secrets.toml", text)
        .err()
        .unwrap_or_default()
        .to_string()
}

#[test]
fn secrets_are_found_by_name_and_holders_by_key() {
    let secrets = Secrets::parse("secrets.toml", FILE).expect("sound");
    let unexplained = Secrets::parse_or_none(FILE).expect("sound");
    assert_eq!(format!("{unexplained:?}"), format!("{secrets:?}"));
    let token = secrets
        .get("TWILIO_AUTH_TOKEN")
        .map(|secret| secret.kept().expose_secret());
    assert_eq!(token, Some("hunter2hunter2"));
    let holder = secrets
        .holder(&"correct-horse-battery".into())
        .expect("known");
    assert_eq!(
        (holder.person.as_str(), holder.role),
        ("dana", Role::Operator)
    );
    assert!(
        secrets
            .holder(&"".into())
            .is_some_and(|holder| holder.role == Role::Viewer)
    );
    assert_eq!(secrets.holder(&"correct-horse-batterz".into()), None);
    let needed = ["OTHER".to_owned(), "TWILIO_AUTH_TOKEN".to_owned()].into();
    assert_eq!(secrets.missing(&needed), ["OTHER"]);
}

#[test]
fn no_value_is_ever_told() {
    let secrets = Secrets::parse("secrets.toml", FILE).expect("sound");
    let shown = format!("{secrets:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("horse"),
        "{shown}"
    );
    for (before, after) in [
        ("\"hunter2hunter2\"", "hunter2hunter2"),
        ("\"hunter2hunter2\"", "\"hunter2hunter2"),
        ("\"hunter2hunter2\"", "[\"hunter2\"]"),
        ("\"hunter2hunter2\"", "\"hunter2\\q\""),
        ("TWILIO_AUTH_TOKEN = ", "token = "),
        ("TWILIO_AUTH_TOKEN", "sk-live-hunter2hunter2hunter2"),
        ("TWILIO_AUTH_TOKEN = ", "A = \"x\"\nA = "),
        ("correct-horse-battery", "horse"),
        ("\"operator\"", "\"horse-hunter2\""),
        ("person = \"dana\"", "sha256 = \"horse\""),
        ("tenant = \"acme\"", "tenant = \"Horse hunter2\""),
    ] {
        let told = wrong(&FILE.replacen(before, after, 1));
        let hidden = told.replace("try `horse-hunter2`", "");
        assert!(told.starts_with("secrets.toml:"), "{after}: {told}");
        assert!(
            !hidden.contains("hunter2") && !hidden.contains("horse"),
            "{told}"
        );
    }
}

#[test]
fn a_secret_goes_to_the_hosts_that_the_file_names() {
    let hosts = "[hosts]\nTWILIO_AUTH_TOKEN = [\"*.parcels.example\"]\n\n[[keys]]";
    let file = FILE.replacen("[[keys]]", hosts, 1);
    for secrets in [
        Secrets::parse("secrets.toml", &file).expect("sound"),
        Secrets::parse_or_none(&file).expect("sound"),
    ] {
        let secret = secrets.get("TWILIO_AUTH_TOKEN").expect("there");
        assert!(secret.for_host("eu.parcels.example", ChosenBy::Bot).is_ok());
        let elsewhere = secret.for_host("api.twilio.com", ChosenBy::Operator);
        assert!(elsewhere.is_err());
    }
    let misspelt = file.replace("TWILIO_AUTH_TOKEN = [", "TWILIO_AUTH_TOKENS = [");
    assert_eq!(
        wrong(&misspelt),
        "secrets.toml:7: there is no `TWILIO_AUTH_TOKENS` under [secrets]\n  help: did you mean `TWILIO_AUTH_TOKEN`?"
    );
    let address = file.replace("*.parcels.example", "https://parcels.example/");
    let told = Secrets::parse("secrets.toml", &address).expect_err("wrong");
    assert_eq!(
        told.to_string(),
        "secrets.toml:7: `hosts.TWILIO_AUTH_TOKEN.#1` must be a host without scheme or port, such as `api.example.com` or `*.example.com`"
    );
}

#[test]
fn a_weak_or_repeated_key_is_refused() {
    assert_eq!(
        wrong(&FILE.replace("correct-horse-battery", "short")),
        "secrets.toml:6: this key is too short to be safe\n  help: use 16 random characters or more, such as from `openssl rand -hex 24`"
    );
    let twice = FILE.to_owned() + &FILE[FILE.find("[[keys]]").expect("there")..];
    assert!(wrong(&twice).contains("this key is there twice"));
    let both = FILE.replace("person = \"dana\"", "person = \"dana\"\nsha256 = \"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B850\"");
    assert!(wrong(&both).contains("has either `key` or `sha256`"));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_doubtful() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    let path = std::env::temp_dir().join(format!("confab-secrets-{}.toml", std::process::id()));
    fs::write(&path, FILE).expect("written");
    for (mode, warnings) in [(0o600, 0), (0o640, 1)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("changed");
        let secrets = Secrets::read(&path).expect("sound");
        assert_eq!(secrets.warnings.len(), warnings);
    }
    fs::remove_file(&path).expect("removed");
}
