use std::sync::Barrier;
use std::thread;

use super::Versions;

fn texts(versions: &Versions) -> Vec<(u32, String)> {
    let found = versions.of("brief").unwrap().into_iter();
    found.map(|it| (it.number, it.text)).collect()
}

#[test]
fn a_text_is_one_version_however_often_it_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let versions = Versions::new(data.path());
    assert_eq!(texts(&versions), []);
    let kept = ["one", "two", "one", "two"].map(|text| {
        let (version, is_new) = versions.keep("brief", text).unwrap();
        (version.number, is_new)
    });
    assert_eq!(kept, [(1, true), (2, true), (1, false), (2, false)]);
    let both = [(1, "one".to_owned()), (2, "two".to_owned())];
    assert_eq!(texts(&versions), both);
}

#[test]
fn those_who_keep_at_once_get_numbers_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let versions = Versions::new(data.path());
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for writer in 0..8 {
            let (versions, start) = (&versions, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..5 {
                    // Half of them say the same.
                    let text = format!("{} {round}", writer % 4);
                    let (kept, _) = versions.keep("brief", &text).unwrap();
                    assert_eq!(kept.text, text);
                }
            });
        }
    });
    let found = texts(&versions);
    let numbers: Vec<u32> = found.iter().map(|(number, _)| *number).collect();
    assert!(
        numbers
            .iter()
            .copied()
            .eq(1..=u32::try_from(found.len()).unwrap())
    );
    assert_eq!(found.len(), 20, "each text once");
}
