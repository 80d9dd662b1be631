//! A person attends to a session, and a contact opts out, end to end.

use engine::attend::Objection;
use engine::message::Channel;
use engine::session::Lifecycle;
use engine::view::Role;

use super::stage::Stage;

impl Stage {
    /// What a person does; the test goes on when it is durable.
    fn at_desk<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &mut self,
        work: impl FnOnce(engine::attend::Attend, engine::session::SessionKey) -> F,
    ) -> T {
        self.simulation
            .block_on(work(self.host.attend(), self.key.clone()))
    }

    fn state(&mut self) -> Lifecycle {
        self.at_desk(|desk, key| async move { desk.standing(&key).await.unwrap().state })
    }

    fn reply(
        &mut self,
        person: &'static str,
        id: &'static str,
        text: &'static str,
    ) -> Result<(), Objection> {
        self.at_desk(
            move |desk, key| async move { desk.reply(&key, person, id, text).await.map(drop) },
        )
    }

    fn take_over(&mut self, person: &'static str) -> Result<(), Objection> {
        self.at_desk(move |desk, key| async move { desk.take_over(&key, person).await.map(drop) })
    }

    fn hand_back(&mut self) -> Result<(), Objection> {
        self.at_desk(|desk, key| async move { desk.hand_back(&key).await.map(drop) })
    }

    fn close(&mut self) -> Result<(), Objection> {
        self.at_desk(|desk, key| async move { desk.close(&key).await.map(drop) })
    }

    fn sent(&self) -> usize {
        self.outside.lock().unwrap().texts_sent.values().sum()
    }
}

#[test]
fn a_person_answers_while_the_bot_is_silent_and_the_bot_knows_of_it_later() {
    let mut stage = Stage::new(Channel::Sms, "");
    assert_eq!(stage.state(), Lifecycle::New);
    assert!(matches!(stage.close(), Err(Objection::NothingSaid)));
    stage.say("m1", "hello");
    assert_eq!(stage.state(), Lifecycle::Working);
    assert!(matches!(stage.close(), Err(Objection::Working)));
    stage.wait(5_000);
    assert_eq!(stage.state(), Lifecycle::Active);
    assert!(matches!(
        stage.reply("Ann", "r0", "Hi"),
        Err(Objection::NotTaken)
    ));
    stage.take_over("Ann").unwrap();
    stage.take_over("Ann").unwrap();
    assert!(matches!(stage.take_over("Bo"), Err(Objection::HeldBy(by)) if by == "Ann"));
    assert!(matches!(
        stage.reply("Bo", "r0", "Hi"),
        Err(Objection::HeldBy(_))
    ));
    assert_eq!(stage.state(), Lifecycle::HandedOff);
    stage.say("m2", "it is broken");
    stage.wait(5_000);
    stage.reply("Ann", "r1", "I send you another").unwrap();
    stage.reply("Ann", "r1", "I send you another").unwrap();
    stage.wait(5_000);
    assert_eq!(stage.verdicts(), ["answered", "handed_off", "answered"]);
    assert_eq!(
        stage.thoughts().len(),
        1,
        "the bot thought while a person was in charge"
    );
    assert_eq!(stage.sent(), 2);
    let last = stage.messages().pop().unwrap();
    assert_eq!((last.role, last.by.as_deref()), (Role::Person, Some("Ann")));
    stage.hand_back().unwrap();
    assert!(matches!(stage.hand_back(), Err(Objection::NotTaken)));
    stage.say("m3", "thanks");
    stage.wait(5_000);
    let expected = "u:hello|a:re hello|u:it is broken\
                    |a:[Ann, a person of our team, wrote:] I send you another|u:thanks";
    assert_eq!(stage.thoughts()[1], expected);
    stage.wait(40 * 60 * 1000);
    assert_eq!(stage.state(), Lifecycle::Idle);
}

#[test]
fn a_person_who_comes_while_the_bot_thinks_keeps_its_words_back() {
    let mut stage = Stage::new(Channel::Sms, "");
    stage.say("m1", "hello");
    stage.wait(1_000);
    stage.take_over("Ann").unwrap();
    stage.wait(10_000);
    assert_eq!(stage.verdicts(), ["handed_off"]);
    assert_eq!((stage.replies().len(), stage.sent()), (0, 0));
}

#[test]
fn a_person_who_writes_while_the_bot_thinks_costs_it_one_thought_at_most() {
    let mut stage = Stage::new(Channel::Web, "[overlap]\nweb = \"supersede\"\n");
    stage.take_over("Ann").unwrap();
    stage.reply("Ann", "r1", "one moment").unwrap();
    stage.hand_back().unwrap();
    stage.say("m1", "hello");
    stage.wait(1_000);
    stage.take_over("Ann").unwrap();
    stage.reply("Ann", "r2", "I am here").unwrap();
    stage.hand_back().unwrap();
    stage.wait(10_000);
    assert_eq!(stage.replies(), ["one moment", "re hello", "I am here"]);
    assert!(stage.thoughts().len() <= 2, "{:?}", stage.thoughts());
}

#[test]
fn what_was_said_before_a_close_is_not_shown_to_the_bot_again() {
    let mut stage = Stage::new(Channel::Web, "");
    stage.say("m1", "my name is Dana");
    stage.wait(5_000);
    stage.close().unwrap();
    assert_eq!(stage.state(), Lifecycle::Closed);
    stage.say("m2", "who am I?");
    stage.wait(5_000);
    stage.say("m3", "and now?");
    stage.wait(5_000);
    assert_eq!(stage.state(), Lifecycle::Active);
    let thoughts = stage.thoughts();
    assert_eq!(
        thoughts[1..],
        ["u:who am I?", "u:who am I?|a:re who am I?|u:and now?"]
    );
    assert_eq!(stage.replies().len(), 3, "the contact still sees all of it");
}

const WORDS: &str = "[channels.twilio]\naccount_sid = \"AC00000000000000000000000000000000\"\n\
                     from = \"+15550100\"\nauth_token = \"TOKEN\"\n[channels.twilio.words]\nstop = \"Bye.\"\n";

#[test]
fn who_has_opted_out_is_sent_one_confirmation_and_nothing_more() {
    let mut stage = Stage::new(Channel::Sms, WORDS);
    stage.say("m1", "hello");
    stage.wait(5_000);
    stage.say("m2", "Stop.");
    stage.wait(5_000);
    assert_eq!((stage.sent(), stage.thoughts().len()), (2, 1));
    stage.say("m3", "where is my order?");
    stage.say("m4", "yes, where?");
    stage.wait(5_000);
    stage.take_over("Ann").unwrap();
    assert!(matches!(
        stage.reply("Ann", "r1", "Hi"),
        Err(Objection::OptedOut)
    ));
    stage.hand_back().unwrap();
    assert_eq!((stage.sent(), stage.thoughts().len()), (2, 1));
    stage.say("m5", "YES");
    stage.say("m6", "where is it?");
    stage.wait(10_000);
    let verdicts = [
        "answered", "refused", "refused", "refused", "refused", "answered",
    ];
    assert_eq!(stage.verdicts(), verdicts);
    assert_eq!(stage.sent(), 3);
    let reasons: Vec<_> = stage
        .trace()
        .turns
        .into_iter()
        .filter_map(|turn| turn.reason)
        .collect();
    assert_eq!(reasons[0], "the contact opted out");
    assert!(reasons[1].contains("START"), "{reasons:?}");
}
