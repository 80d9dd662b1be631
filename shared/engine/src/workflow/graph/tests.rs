//! What the picture of a workflow says.

use super::{Drawing, Line, Node, svg};
use crate::workflow::Workflow;

const DOOR: &str = "
steps:
  ask:
    approve: Shall I?
    role: parent
    catch:
      on: Denied
      steps:
        stop: {fail: {error: Denied, cause: no}}
  way:
    choose:
      - when: $inputs.back
        steps: {back: {set: back}}
  open:
    ask: <open> & shut
    catch:
      steps: {told: {set: told}}
";

fn workflow() -> Workflow {
    Workflow::read("workflows/door.yaml", DOOR).unwrap_or_else(|problems| panic!("{problems}"))
}

fn node<'d>(drawing: &'d Drawing, step: &str) -> &'d Node {
    let found = drawing.nodes.iter().find(|node| node.step == step);
    found.unwrap_or_else(|| panic!("{step} is not drawn"))
}

/// The lines that begin under `node`.
fn below<'d>(drawing: &'d Drawing, node: &Node) -> Vec<&'d Line> {
    let end = (node.x + node.width / 2.0, node.y + node.height);
    let lines = drawing.lines.iter();
    lines.filter(|line| (line.x, line.y) == end).collect()
}

#[test]
fn what_failed_leads_nowhere_and_every_other_way_leads_on() {
    let drawing = Drawing::of(&workflow());
    assert!(below(&drawing, node(&drawing, "stop")).is_empty());
    let asked = below(&drawing, node(&drawing, "ask"));
    let caught: Vec<_> = asked.iter().filter(|line| line.caught).collect();
    let stop = node(&drawing, "stop");
    assert_eq!((asked.len(), caught.len()), (2, 1), "{asked:?}");
    assert!((caught[0].to_x - (stop.x + stop.width / 2.0)).abs() < 0.1);
    // From the step it chose, and past it when nothing holds.
    let open = node(&drawing, "open");
    let arrive = drawing
        .lines
        .iter()
        .filter(|line| (line.to_y - open.y).abs() < 0.1);
    assert_eq!(arrive.count(), 2, "{:?}", drawing.lines);
    // After the last step there is nothing to lead to.
    let told = node(&drawing, "told");
    let last: Vec<_> = below(&drawing, open);
    assert_eq!(last.len(), 1, "{last:?}");
    assert!((last[0].to_y - told.y).abs() < 0.1 && last[0].caught);
    assert!(below(&drawing, told).is_empty());
}

#[test]
fn steps_stand_apart_and_within_the_picture() {
    let drawing = Drawing::of(&workflow());
    for (at, one) in drawing.nodes.iter().enumerate() {
        assert!(
            one.x >= 0.0 && one.x + one.width <= drawing.width,
            "{one:?}"
        );
        assert!(
            one.y >= 0.0 && one.y + one.height <= drawing.height,
            "{one:?}"
        );
        for other in &drawing.nodes[at + 1..] {
            let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
            let above = one.y + one.height <= other.y || other.y + other.height <= one.y;
            assert!(beside || above, "{one:?} lies over {other:?}");
        }
    }
    assert!(svg(&workflow(), &|_| "step").contains("data-step=\"open\""));
}
