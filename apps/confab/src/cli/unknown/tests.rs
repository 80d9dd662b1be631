use std::ffi::OsString;

use super::By;
use crate::assemble::Env;

#[test]
fn what_was_found_out_is_recorded_with_who_did() {
    let told = |person: Option<&str>, user: &'static str| {
        let user = move |name: &str| (name == "USER").then(|| OsString::from(user));
        let by = By {
            person: person.map(str::to_owned),
        };
        by.name(&Env::from_lookup(user).unwrap()).ok()
    };
    assert_eq!(told(None, "dana").as_deref(), Some("dana"));
    assert_eq!(told(Some("ben"), "dana").as_deref(), Some("ben"));
    assert_eq!(told(None, ""), None);
    assert_eq!(told(Some(" "), "dana"), None);
}
