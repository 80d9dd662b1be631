use std::time::Duration;

use super::*;

fn millis(said: Said<'_>) -> u64 {
    let wait = Window::Adaptive.wait(said).unwrap();
    u64::try_from(wait.as_millis()).unwrap()
}

#[test]
fn what_was_said_decides_how_long_more_is_waited_for() {
    use Channel::{Sms, Web, Whatsapp};
    let table = [
        // The channel alone.
        (Whatsapp, "where is my parcel now", 1200),
        (Sms, "where is my parcel now", 800),
        (Web, "where is my parcel now", 600),
        // The shape of the message.
        (Web, "Good morning", 1100),
        (Web, "hey", 1100),
        (Web, "the blue one, or wait,", 1000),
        (Web, "the blue one is...", 1000),
        (Web, "these are the ones:", 1000),
        (Web, "I ask about my order", 1200),
        (Web, "I ask about my order #", 1200),
        (Web, "it is about the ticket #", 1200),
        (Web, "in that border", 600),
        (Web, "blue", 800),
        (Web, "size M", 800),
        // An explicit end.
        (Web, "where is my parcel?", 300),
        (Web, "blue.", 300),
        (Web, "send it to me thanks", 300),
        (Web, "size M please", 300),
        (Sms, "thank you", 500),
        (Web, "hi!", 800),
        (Whatsapp, "That is all.", 900),
    ];
    for (channel, text, expected) in table {
        assert_eq!(
            millis(Said::alone(channel, text)),
            expected,
            "{channel}: {text}"
        );
    }
}

#[test]
fn habits_hints_and_number_change_it_within_bounds() {
    let said = Said::alone(Channel::Web, "where is my parcel now");
    // p50 is 1,000 and p95 3,000: 0.6 * 600 + 0.4 * 2,000.
    let pauses = [500, 800, 1000, 2000, 3000];
    assert_eq!(
        millis(Said {
            pauses: &pauses,
            ..said
        }),
        1160
    );
    assert_eq!(
        millis(Said {
            pauses: &pauses[1..],
            ..said
        }),
        600
    );
    let hinted = |hint| {
        millis(Said {
            hint: Some(hint),
            ..said
        })
    };
    assert_eq!(hinted(Hint::AwaitsField), 1600);
    assert_eq!(hinted(Hint::ExpectsFollowUp), 1100);
    let nth = |messages| millis(Said { messages, ..said });
    assert_eq!([nth(1), nth(2), nth(3), nth(4)], [600, 480, 384, 307]);
    assert_eq!(nth(20), 200);
    let slow = [60_000; 5];
    assert_eq!(
        millis(Said {
            pauses: &slow,
            ..said
        }),
        3000
    );
}

#[test]
fn a_window_is_off_unless_it_is_chosen_and_fixed_where_it_is() {
    let said = Said::alone(Channel::Sms, "hello");
    assert_eq!(Window::default().wait(said), None);
    let fixed = Window::FixedMillis(800).wait(said);
    assert_eq!(fixed, Some(Duration::from_millis(800)));
}
