//! What is said about mistakes: the line, what is wrong, what to do.

use std::collections::BTreeMap;

use crate::bot::{Bot, MemoryFiles};
use crate::workflow::{Around, Library, Syntax, Workflow, compile};

struct Anything;

impl Syntax for Anything {
    fn mistake(&self, expression: &str) -> Option<String> {
        expression
            .contains("((")
            .then(|| "unexpected end".to_owned())
    }
}

fn bot() -> Bot {
    let files = MemoryFiles::default()
        .with("bot.toml", "format = 1\nname = \"shop\"\n[model]\nuse = \"openai/gpt-4.1-mini\"\n")
        .with("SOUL.md", "You are a shop.")
        .with("people.toml", "format = 1\n[people.ana]\nroles = [\"manager\"]\nweb = \"ana\"\n[people.ben]\n[people.cem]\nsms = \"+15550107\"\n")
        .with(
            "tools/lookup.toml",
            "format = 1\ndescription = \"Looks up.\"\nkind = \"record\"\nside_effect = \"idempotent\"\n[parameters]\ntype = \"object\"\nrequired = [\"order\"]\nadditionalProperties = false\n[parameters.properties.order]\ntype = \"string\"\ndescription = \"The order.\"\n[record]\ncollection = \"things\"\n",
        )
        .with("tools/remind.toml", "format = 1\ndescription = \"Reminds.\"\nkind = \"reminder\"\n")
        .with(
            "tools/start.toml",
            "format = 1\ndescription = \"Starts.\"\nkind = \"workflow\"\n[workflow]\nname = \"other\"\n[parameters]\ntype = \"object\"\n",
        );
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

/// What is wrong with a workflow of these lines, one problem a line.
fn mistakes(text: &str) -> String {
    let bot = bot();
    let problems = match Workflow::read("workflows/w.yaml", text) {
        Err(problems) => problems,
        Ok(workflow) => {
            let other = Workflow::read(
                "workflows/other.yaml",
                "inputs: {id: integer}\nsteps:\n  again: {workflow: w}\n",
            );
            let workflows: BTreeMap<String, Workflow> = [workflow, other.unwrap()]
                .map(|workflow| (workflow.name.clone(), workflow))
                .into();
            let around = Around {
                bot: &bot,
                workflows: &workflows,
                syntax: &Anything,
            };
            match compile(&workflows["w"], around) {
                Err(problems) => problems,
                Ok(_) => return String::new(),
            }
        }
    };
    let told = problems.0.iter().map(|problem| {
        let hint = problem.hint.as_deref().unwrap_or("-");
        format!("{}: {} | {hint}", problem.line.unwrap_or(0), problem.what)
    });
    told.collect::<Vec<_>>().join("\n")
}

fn says(steps: &str, expected: &str) {
    let text =
        format!("inputs: {{id: string, amount: {{type: number, default: 1}}}}\nsteps:\n{steps}");
    assert_eq!(mistakes(&text), expected, "{text}");
}

#[test]
fn names_that_do_not_exist_are_told_with_their_line() {
    says(
        "  a: {tool: lokup, with: {order: x}}",
        "3: there is no tool `lokup` | did you mean `lookup`?",
    );
    says(
        "  a: {tool: lookup, with: {ordr: x}}",
        "3: `lookup` needs `order` | add `order:` under `with:`\n3: `lookup` takes no `ordr` | did you mean `order`?",
    );
    says(
        "  a: {tool: remind, with: {text: x}}",
        "3: `remind` needs a conversation, and a run has none | use `wait`, and `notify` for who is to be told",
    );
    says(
        "  a: {tool: start, with: {}}",
        "3: `start` starts a workflow from a conversation | run it as a step: `workflow: other`",
    );
    says(
        "  a: {set: $${x}\n  b: {set: \"${ $inputs.idd }\"}",
        "3: this is not valid YAML: while parsing a flow mapping, did not find expected ',' or '}' | put text that holds a colon in quotes",
    );
    says(
        "  b: {set: \"${ $inputs.idd }\"}",
        "3: there is no input `idd` | did you mean `id`?",
    );
    says(
        "  b: {set: \"${ inputs.id }\"}",
        "3: `inputs` is a variable | write `$inputs`",
    );
    says(
        "  b: {set: \"${ $steps.c }\"}",
        "3: there is no step `c` | -",
    );
    says(
        "  b: {set: \"${ $steps.c }\"}\n  c: {set: 1}",
        "3: `c` has not run yet when this is read | move the step up, or name it in `needs`",
    );
    says(
        "  c: {set: 1}\n  b: {set: \"${ $c }\"}",
        "4: there is no variable `$c` here | write `$steps.c`",
    );
    says(
        "  b: {set: \"${ $item }\"}",
        "3: there is no variable `$item` here | `$item` is known in the steps of an `each`",
    );
    says(
        "  b: {set: \"${ $uppercse('a') }\"}",
        "3: there is no variable `$uppercse` here | did you mean `$uppercase`?",
    );
    says(
        "  b: {set: \"${ (( }\"}",
        "3: `((` is not valid JSONata: unexpected end | see https://docs.jsonata.org",
    );
    says(
        "  b: {set: \"${ $inputs.id\"}",
        "3: an expression has no end | end it with `}`; write `$${` for a plain `${`",
    );
}

#[test]
fn what_is_inside_a_step_is_read_through_it() {
    says(
        "  p:\n    parallel:\n      a: {x: {set: 1}}\n      b: {y: {set: 2}}\n  z: {set: \"${ $steps.x }\"}",
        "7: `x` runs inside `p` | write `$steps.p.x`",
    );
    says(
        "  p:\n    each: $inputs.id\n    steps: {x: {set: 1}}\n  z: {set: \"${ $steps.x }\"}",
        "6: `x` runs inside `p`, once for every item | write `$steps.p`, the list of what its items gave",
    );
    says(
        "  p: {choose: [{when: true, steps: {x: {set: 1}}}]}\n  z: {set: \"${ $steps.p }\"}",
        "4: `p` has no output | -",
    );
}

#[test]
fn an_expression_may_bind_names_of_its_own() {
    says(
        "  b: {set: \"${ ($x := $inputs.id; $map([1], function($v, $i) { $v + $i }) ~> $sum() ; $x) }\"}",
        "",
    );
    says(
        "  b: {set: \"${ 'a $nothing' & `$nothing` & \\\"$nothing\\\" /* $nothing */ }\"}",
        "",
    );
    says(
        "  b: {set: \"${ $match($inputs.id, /\\\\$nothing/) }\"}",
        "",
    );
    says(
        "  b: {set: \"${ $inputs.amount / 2 + $inputs.orders[inputs > 2] }\"}",
        "3: there is no input `orders` | add `orders` to `inputs`",
    );
    says(
        "  b: {set: \"${ ($inputs := 1) }\"}",
        "3: `$inputs` cannot be given another value | use another name",
    );
}

#[test]
fn fields_and_kinds_are_told_apart() {
    says(
        "  a: {tol: lookup}",
        "3: `a` has an unknown field `tol` | did you mean `tool`?",
    );
    says(
        "  a: {set: 1, ask: x}",
        "3: `a` says two things to do: `set` and `ask` | make a step of each",
    );
    says(
        "  a: {set: 1, retry: {}}",
        "3: `retry` has no say in a step with `set` | put it on the steps inside, or remove it",
    );
    says(
        "  a: {tool: lookup, wiht: {order: x}}",
        "3: unknown field `wiht` in `a` | did you mean `with`?",
    );
    says(
        "  A: {set: 1}",
        "3: `A` cannot name a step | write a-z, 0-9 and `_`, beginning with a letter, at most 40",
    );
    says(
        "  a: {wait: 5 minutes}",
        "3: `wait` must be a length of time | write one such as `30s`, `5m`, `2h` or `1d`",
    );
    says(
        "  a: {notify: bob, text: x}",
        "3: `bob` is neither a person nor a role | add `[people.bob]` to people.toml",
    );
    says(
        "  a: {notify: ben, text: x}",
        "3: nobody can tell `ben` anything: people.toml says no contact | add `sms`, `whatsapp` or `web` there",
    );
    says(
        "  a: {notify: ana, text: x, escalate: 5m}",
        "3: `escalate` is for as long as nobody gives a sign, and none is waited for | say how long it is waited for, such as `acknowledge: 30m`",
    );
    says(
        "  a: {notify: ana, text: x, acknowledge: 5m, timeout: 5m}",
        "3: `acknowledge` says already how long this step waits | remove `timeout`",
    );
    says(
        "  a: {notify: ana, text: x, acknowledge: soon}",
        "3: `acknowledge` must be a length of time | write one such as `30s`, `5m`, `2h` or `1d`",
    );
    says(
        "  a: {approve: x, role: boss}",
        "3: nobody in people.toml has the role `boss` | the roles there are `manager`",
    );
    says(
        "  a: {http: {url: \"https://${ $inputs.id }/x\"}}",
        "3: `url` must have its host written out | begin with `https://host/`; expressions may follow",
    );
    says(
        "  a: {http: {url: \"https://x.test${ $inputs.id }\"}}",
        "3: `url` must have its host written out | begin with `https://host/`; expressions may follow",
    );
    says(
        "  a: {http: {url: \"http://x.test/${ $inputs.id }\"}}",
        "3: `url` is not encrypted | use `https`; plain `http` is for `localhost` and `127.0.0.1` only",
    );
    says(
        "  a: {http: {url: \"http://localhost:81/${ $inputs.id }\"}}",
        "3: `url` leads to this machine or a private network | add `allow_private: true` if it is meant to",
    );
    says(
        "  a: {http: {url: https://x.test/, method: POST}}",
        "3: `side_effect` is missing: may this POST be repeated? | write `idempotent` if it may, `irreversible` if it may not",
    );
    says(
        "  a: {set: 1}\n  a: {set: 2}",
        "4: `a` is there twice | remove one of them",
    );
    says(
        "  a: {set: 1}\n  b: {choose: [{when: true, steps: {a: {set: 1}}}]}",
        "4: there is another step `a` in line 3 | give each step a name of its own",
    );
}

#[test]
fn a_conversation_is_with_one_person_who_can_be_reached_and_for_something() {
    says("  a: {converse: ana, goal: x, timeout: 2h}", "");
    says("  a: {converse: \"${ $inputs.id }\", goal: x}", "");
    says(
        "  a: {converse: {channel: web, contact: \"${ $inputs.id }\"}, goal: x, answer: {mood: [good, bad]}}",
        "",
    );
    says(
        "  a: {converse: anna, goal: x}",
        "3: there is no person `anna` | did you mean `ana`?",
    );
    says(
        "  a: {converse: manager, goal: x}",
        "3: `manager` is a role, and a bot talks with one person at a time | name a person, or put the step into an `each`",
    );
    says(
        "  a: {converse: [ana, ben], goal: x}",
        "3: a bot talks with one person at a time | name a person of people.toml, or write `{channel: sms, contact: \"+15550100\"}`",
    );
    says(
        "  a: {converse: ben, goal: x}",
        "3: `ben` cannot be reached: people.toml says no contact | add `sms`, `whatsapp` or `web` there",
    );
    says(
        "  a: {converse: cem, goal: x}",
        "3: `cem` has no contact on a channel that the bot answers on | add `web` to people.toml, or `[channels.twilio]` or `[channels.whatsapp]` to bot.toml",
    );
    says(
        "  a: {converse: {channel: email, contact: x}, goal: x}",
        "3: `channel` must be one of `web`, `sms` and `whatsapp` | `email` is none of them",
    );
    says(
        "  a: {converse: {channel: sms, contact: \"555\"}, goal: x}",
        "3: a contact on sms is a phone number with its country code, such as +15550100 | write it in quotes\n3: the bot does not answer on sms | add `[channels.twilio]` to bot.toml",
    );
    says(
        "  a: {converse: {chanel: web, contact: x}, goal: x}",
        "3: `channel` is missing in `converse` | write `web`, `sms` or `whatsapp`\n3: unknown field `chanel` in `converse` | did you mean `channel`?",
    );
    says(
        "  a: {converse: ana}",
        "3: `goal` is missing in `a` | say what is to be reached, such as `goal: Find out whether she is well`",
    );
    says(
        "  a: {converse: ana, goal: x, answer: {properties: {mood: {type: happy}}}}",
        "3: `answer` is no JSON Schema: \"happy\" is not valid under any of the schemas listed in the 'anyOf' keyword | see https://json-schema.org",
    );
    says(
        "  a: {converse: ana, goal: \"${ $steps.b }\", retry: {max_attempts: 2}}",
        "3: `retry` has no say in a step with `converse` | put it on the steps inside, or remove it",
    );
    says(
        "  a: {tool: report_goal}\n  b: {converse: ana, goal: x}",
        "3: `report_goal` needs a conversation, and a run has none | use `converse`",
    );
}

#[test]
fn what_never_runs_or_never_ends_is_told() {
    says(
        "  a: {fail: no}\n  b: {set: 1}",
        "4: `b` is never reached: `a` ends the run | remove it, or move it up",
    );
    says(
        "  a: {needs: [b], set: 1}\n  b: {needs: [a], set: 1}",
        "3: `a` and `b` wait for each other | take one of them out of another's `needs`",
    );
    says(
        "  a: {needs: [c], set: 1}",
        "3: `a` needs `c`, which is no step beside it | name steps of the same block",
    );
    says(
        "  a: {workflow: other, with: {id: x}}",
        "3: the input `id` of `other` is no integer | see `inputs` in workflows/other.yaml\n3: the workflow runs itself: w > other > w | break the chain",
    );
    says(
        "  a: {wait: {event: session.close}}",
        "3: Confab does not tell of `session.close` | did you mean `session.closed`?",
    );
    says(
        "  a: {workflow: othr}",
        "3: there is no workflow `othr` | did you mean `other`?",
    );
}

#[test]
fn triggers_give_what_the_workflow_takes() {
    let on = |on: &str| {
        mistakes(&format!(
            "inputs: {{id: string}}\non:\n{on}\nsteps:\n  a: {{set: 1}}\n"
        ))
    };
    assert_eq!(
        on("  - {schedule: 55 6 * * *, timezone: Europe/Lisbon, with: {id: x}}"),
        ""
    );
    assert_eq!(
        on("  - {schedule: rate(5 minutes)}"),
        "3: `w` needs the input `id` | add `id:` under `with:`"
    );
    assert_eq!(
        on("  - {event: turn.completed, with: {id: \"${ $trigger.data.turn }\"}}"),
        ""
    );
    assert_eq!(
        on("  - {event: turn.complete, with: {id: x}}"),
        "3: Confab does not tell of `turn.complete` | did you mean `turn.completed`?"
    );
    assert_eq!(
        on("  - {event: Shipped, with: {id: x}}"),
        "3: an event cannot be called `Shipped` | write words of a-z, 0-9 and `_` with dots between, such as `order.shipped`"
    );
    assert_eq!(
        on("  - {webhook: {secret: HOOK, event: turn.completed}, with: {id: x}}"),
        "3: `turn.completed` is for Confab to tell | call the event otherwise"
    );
    assert!(
        on("  - {schedule: every day, with: {id: x}}")
            .starts_with("3: `every day` cannot be a schedule: it is neither")
    );
    assert!(
        on("  - {schedule: 55 6 * * *, timezone: Lisbon, with: {id: x}}")
            .contains("there is no time zone `Lisbon`")
    );
    assert_eq!(
        on("  - {webhook: {secret: hook}, with: {id: x}}"),
        "3: `secret` must be the name of a secret, such as `HOOK_SECRET` | put the secret itself into the secrets file"
    );
}

#[test]
fn a_schedule_that_the_cloud_cannot_keep_is_told_with_its_place() {
    let told = |trigger: &str| {
        let text =
            format!("on:\n  - webhook: {{secret: S}}\n  - {trigger}\nsteps:\n  done: {{set: 1}}\n");
        let workflow = Workflow::read("workflows/w.yaml", &text).unwrap();
        workflow.timers().unwrap_err().to_string()
    };
    let days = told("{schedule: '0 9 1 * MON'}");
    assert!(days.starts_with("workflows/w.yaml:3:"), "{days}");
    assert!(
        days.contains("EventBridge cannot keep `0 9 1 * MON`, since it names days of the month and of the week"),
        "{days}"
    );
    let jitter = told("{schedule: '0 9 * * *', jitter: 90s}");
    assert!(jitter.contains("whole minutes"), "{jitter}");
}

#[test]
fn a_tool_that_starts_a_workflow_takes_what_the_workflow_takes() {
    let told = |tool: &str| {
        let files = MemoryFiles::default()
            .with("bot.toml", "format = 1\nname = \"shop\"\n[model]\nuse = \"openai/gpt-4.1-mini\"\n")
            .with("SOUL.md", "You are a shop.")
            .with(
                "workflows/pack.yaml",
                "inputs: {order: string, copies: {type: number, default: 1}}\nsteps:\n  a: {set: 1}\n",
            )
            .with(
                "tools/pack.toml",
                format!("format = 1\ndescription = \"Packs.\"\nkind = \"workflow\"\n{tool}"),
            );
        let bot = Bot::load(&files)
            .unwrap_or_else(|problems| panic!("{problems}"))
            .bot;
        let library = Library::load(&files, &bot, &Anything);
        library
            .err()
            .map_or_else(String::new, |problems| problems.to_string())
    };
    let parameters = "[parameters]\ntype = \"object\"\n";
    let order = "[parameters.properties.order]\ntype = \"string\"\n";
    let required = "required = [\"order\"]\n";
    let pack = "[workflow]\nname = \"pack\"\n";
    assert_eq!(told(&format!("{pack}{parameters}{required}{order}")), "");
    assert_eq!(
        told(&format!(
            "enabled = false\n[workflow]\nname = \"pak\"\n{parameters}"
        )),
        "tools/pack.toml:6: there is no workflow `pak`\n  help: did you mean `pack`?"
    );
    assert_eq!(
        told(&format!("{pack}{parameters}{order}")),
        "tools/pack.toml:6: `pack` needs the input `order`, which a call may leave out here\n  help: declare `[parameters.properties.order]` and add `order` to `required`, or give the input a default in workflows/pack.yaml"
    );
    let more = |kind: &str, name: &str| {
        format!("{pack}{parameters}{required}{order}[parameters.properties.{name}]\n{kind}\n")
    };
    assert_eq!(told(&more("type = \"integer\"", "copies")), "");
    assert_eq!(told(&more("enum = [1, 2.5]", "copies")), "");
    assert_eq!(
        told(&more("enum = [1, \"two\"]", "copies")),
        "tools/pack.toml:11: the input `copies` of `pack` is of the type number\n  help: write `type` as one of `number` and `integer`"
    );
    assert_eq!(
        told(&more("type = \"integer\"", "copie")),
        "tools/pack.toml:11: `pack` takes no input `copie`\n  help: did you mean `copies`?"
    );
    assert!(
        Bot::load(&MemoryFiles::default().with(
            "tools/pack.toml",
            format!("format = 1\ndescription = \"Packs.\"\nkind = \"workflow\"\nside_effect = \"irreversible\"\n{pack}{parameters}"),
        ))
        .err()
        .is_some_and(|problems| problems.to_string().contains("always `idempotent`"))
    );
}
