//! Messages that come again, however late.

use engine::message::Channel;

use super::stage::Stage;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

#[test]
fn a_message_that_comes_again_within_a_week_is_known_at_200_a_day() {
    const PACE: u64 = 24 * HOUR / 200;
    const LATER: [u64; 5] = [MINUTE, 5 * MINUTE, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR];
    let mut stage = Stage::new(Channel::Web, "[limits]\nhistory_turns = 0\n");
    let said = 7 * 200 + 20;
    let mut repeated = 0;
    for number in 0..said {
        stage.say(&format!("m{number}"), "hello");
        stage.wait(MINUTE);
        // Now and then, what was said at any of these times before comes again.
        let repeats = LATER
            .into_iter()
            .filter(|later| number % 5 == 0 && number * PACE > *later);
        for later in repeats {
            let old = number - later.div_ceil(PACE);
            stage.say(&format!("m{old}"), "hello");
            repeated += 1;
        }
        stage.wait(PACE - MINUTE);
    }
    stage.wait(HOUR);
    assert!(repeated > said / 2, "only {repeated} came again");
    assert_eq!(
        stage.thoughts().len() as u64,
        said,
        "a repeated message was thought about"
    );
    assert_eq!(stage.replies().len() as u64, said);
}
