//! Every command of the session machine as one conditional write. The conditions are those of
//! `Session::refusal`, one for one.

use engine::runtime::Time;
use engine::session::{
    Chain, Claim, Command, Consent, Hold, Intended, InvocationId, Next, Out, OwnerId, Pending,
    Rotate, Step, Terms,
};

use super::expression::{Draft, Update};
use super::item::{claim_value, hash_bytes, hash_set, out_value, pending_value};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::bodies::BodyKey;
use crate::item::Item;

/// The write that carries `command` out, and whose condition fails exactly when the machine refuses.
///
/// `parted` is where the text of an accepted message lies when it is too long for the item.
///
/// `Rotate::Spilled` is for a session that remembers a message; on any other the write is invalid.
#[must_use]
pub(crate) fn update(command: &Command, parted: Option<&BodyKey>) -> Update {
    let draft = match command {
        Command::Accept {
            message,
            owner,
            until,
            inbox_limit,
        } => accept(message, parted, *owner, *until, *inbox_limit),
        Command::Reclaim {
            from,
            now,
            owner,
            until,
        } => reclaim(*from, *now, *owner, *until),
        Command::Renew { hold, until } => mine(*hold)
            .when("#lease < :until")
            .set("#lease", ":until")
            .number(":until", until.0),
        Command::Claim {
            step,
            chain,
            intent,
            by,
            until,
            calm,
            commits,
        } => {
            let draft = claim(*step, *chain, intent, *by, *until);
            let draft = if *commits {
                draft.set("#commit", ":turn").number(":turn", step.turn)
            } else {
                draft
            };
            self::calm(draft, step.turn, *calm)
        }
        Command::TakeUp {
            step,
            intent,
            from,
            by,
            until,
        } => take_up(*step, intent, *from, *by, *until),
        Command::Gate {
            step,
            chain,
            from,
            upto,
            by,
            until,
            terms,
        } => {
            let out = Out {
                turn: step.turn,
                plan: chain.plan,
                from: *from,
                upto: *upto,
                by: *by,
                fence: step.hold.fence,
            };
            gate(*step, *chain, &out, *until, *terms)
        }
        Command::Finish {
            hold,
            turn,
            by,
            next,
            rotate,
        } => settle(*hold, *turn, *next, *rotate)
            .when("#out.#by = :by")
            .text(":by", by),
        Command::Recover {
            hold,
            turn,
            next,
            rotate,
        } => settle(*hold, *turn, *next, *rotate).when("#out.#fence < :fence"),
        Command::Skip { step, from, count } => {
            let unbound = running(*step).when("attribute_not_exists(#plan)");
            drain(unbound, *from, *count as u64)
        }
        Command::Free { step } => {
            let unbound = running(*step).when("attribute_not_exists(#plan)");
            free(unbound)
        }
        Command::TakeOver { person } => Draft::default()
            .when("(attribute_not_exists(#handoff) OR #handoff = :person)")
            .set("#handoff", ":person")
            .text(":person", person),
        Command::HandBack => Draft::default()
            .when("attribute_exists(#handoff)")
            .remove("#handoff"),
        Command::Close { turn } => Draft::default()
            .when("attribute_not_exists(#owner)")
            .when("#delivered = :turn")
            .when("#delivered > :zero")
            .set("#closed", ":turn")
            .number(":turn", turn)
            .set("#spent", ":zero")
            .set("#tokens", ":zero")
            .number(":zero", 0)
            .remove("#handoff"),
    };
    draft.finish()
}

fn accept(
    message: &Pending,
    parted: Option<&BodyKey>,
    owner: OwnerId,
    until: Time,
    inbox_limit: usize,
) -> Draft {
    let hash = message.hash();
    let draft = Draft::default()
        .when("NOT contains(#seen, :hash)")
        .when("NOT contains(#seen_old, :hash)")
        .value(":hash", hash_bytes(hash))
        .when("(attribute_not_exists(#inbox) OR size(#inbox) < :limit)")
        .number(":limit", inbox_limit)
        .set(
            "#inbox",
            "list_append(if_not_exists(#inbox, :nothing), :message)",
        )
        .value(":nothing", AttributeValue::L(Vec::new()))
        .value(
            ":message",
            AttributeValue::L(vec![pending_value(message, parted)]),
        )
        .set("#owner", "if_not_exists(#owner, :owner)")
        .text(":owner", owner)
        .set("#lease", "if_not_exists(#lease, :until)")
        .number(":until", until.0)
        .set("#intents", "if_not_exists(#intents, :none)")
        .value(":none", AttributeValue::M(Item::new()))
        .add("#arrivals", ":one")
        .number(":one", 1)
        .add("#seen", ":hashes")
        .add("#fence", ":zero")
        .add("#delivered", ":zero")
        .add("#drained", ":zero")
        .add("#tries", ":zero")
        .number(":zero", 0);
    match hash_set(&[hash]) {
        Some(hashes) => draft.value(":hashes", hashes),
        None => draft,
    }
}

fn reclaim(from: Hold, now: Time, owner: OwnerId, until: Time) -> Draft {
    mine(from)
        .when("#lease < :now")
        .number(":now", now.0)
        .set("#owner", ":new_owner")
        .text(":new_owner", owner)
        .set("#lease", ":until")
        .number(":until", until.0)
        .add("#fence", ":one")
        .add("#tries", ":one")
        .number(":one", 1)
}

fn claim(step: Step, chain: Chain, intent: &str, by: InvocationId, until: Time) -> Draft {
    let fence = step.hold.fence;
    chained(running(step), chain)
        .when("attribute_not_exists(#handoff)")
        .when("attribute_not_exists(#intents.#intent)")
        .name("#intent", intent)
        .set("#intents.#intent", ":claim")
        .value(":claim", claim_value(&Claim { fence, by }))
        .set("#plan", ":plan")
        .set("#lease", ":until")
        .number(":until", until.0)
}

fn take_up(step: Step, intent: &str, from: Claim, by: InvocationId, until: Time) -> Draft {
    let fence = step.hold.fence;
    running(step)
        .when("#intents.#intent = :from")
        .name("#intent", intent)
        .value(":from", claim_value(&from))
        .set("#intents.#intent", ":claim")
        .value(":claim", claim_value(&Claim { fence, by }))
        .set("#lease", ":until")
        .number(":until", until.0)
}

/// Under the policy `supersede`: no message after `upto`, or the commit point is reached.
fn calm(draft: Draft, turn: u64, upto: Option<u64>) -> Draft {
    match upto {
        None => draft,
        Some(upto) => draft
            .when("(#commit = :turn OR #arrivals = :upto)")
            .number(":turn", turn)
            .number(":upto", upto),
    }
}

fn gate(step: Step, chain: Chain, out: &Out, until: Time, terms: Terms) -> Draft {
    let count = (out.upto + 1).saturating_sub(out.from);
    let bound = chained(running(step), chain);
    let bound = match terms.verdict {
        Intended::Answered => bound.when("attribute_not_exists(#handoff)"),
        Intended::Other => bound,
    };
    let bound = bound
        .when("size(#intents) = :effects")
        .number(":effects", terms.effects);
    let bound = calm(bound, step.turn, terms.calm.then_some(out.upto));
    let drained = drain(bound, out.from, count)
        .set("#delivered", ":turn")
        .number(":turn", step.turn)
        .set("#out", ":out")
        .value(":out", out_value(out))
        .set("#lease", ":until")
        .number(":until", until.0)
        .set("#tries", ":zero")
        .number(":zero", 0);
    let drained = match terms.spent {
        0 => drained,
        spent => drained.add("#spent", ":spent").number(":spent", spent),
    };
    let drained = match terms.tokens {
        0 => drained,
        tokens => drained.add("#tokens", ":tokens").number(":tokens", tokens),
    };
    match terms.consent {
        None => drained,
        Some(Consent::OptOut) => drained
            .set("#opted_out", ":yes")
            .value(":yes", AttributeValue::Bool(true)),
        Some(Consent::OptIn) => drained.remove("#opted_out"),
    }
}

/// Finish and recover, but for whose outbox it is.
fn settle(hold: Hold, turn: u64, next: Next, rotate: Rotate) -> Draft {
    let settled = mine(hold)
        .when("#out.#turn = :turn")
        .number(":turn", turn)
        .set("#last", "#out")
        .set("#intents", ":none")
        .value(":none", AttributeValue::M(Item::new()))
        .remove("#out")
        .remove("#plan")
        .remove("#commit");
    let settled = match next {
        Next::Free => free(settled),
        Next::Round(until) => settled.set("#lease", ":until").number(":until", until.0),
    };
    match rotate {
        Rotate::No => settled,
        Rotate::Spilled => settled.set("#seen_old", "#seen").remove("#seen"),
    }
}

fn mine(hold: Hold) -> Draft {
    Draft::default()
        .when("#owner = :owner")
        .text(":owner", hold.owner)
        .when("#fence = :fence")
        .number(":fence", hold.fence)
}

fn running(step: Step) -> Draft {
    mine(step.hold)
        .when("#delivered = :before")
        .number(":before", i128::from(step.turn) - 1)
        .when("attribute_not_exists(#out)")
}

fn chained(draft: Draft, chain: Chain) -> Draft {
    let draft = draft.text(":plan", chain.plan);
    match chain.previous {
        None => draft.when("(attribute_not_exists(#plan) OR #plan = :plan)"),
        Some(previous) => draft
            .when("(attribute_not_exists(#plan) OR #plan = :plan OR #plan = :previous)")
            .text(":previous", previous),
    }
}

/// Takes `count` messages from the head of the inbox, which must be number `from`.
fn drain(draft: Draft, from: u64, count: u64) -> Draft {
    let draft = draft
        .when("#drained = :drained")
        .number(":drained", i128::from(from) - 1)
        .when("size(#inbox) >= :count")
        .number(":count", count)
        .add("#drained", ":count");
    (0..count).rev().fold(draft, |draft, place| {
        draft.remove(format!("#inbox[{place}]"))
    })
}

/// Lets go, if no message waits.
fn free(draft: Draft) -> Draft {
    draft
        .when("size(#inbox) = :nobody")
        .number(":nobody", 0)
        .add("#fence", ":one")
        .number(":one", 1)
        .remove("#owner")
        .remove("#lease")
}
