//! A workflow as a picture: where its steps stand, and what leads from one to the next.
//!
//! It follows the structure: steps below each other, ways and branches beside each other, what is repeated in a
//! frame.

use schemars::JsonSchema;
use serde::Serialize;

use super::{StepState, said};
use crate::workflow::arrange::{Unit, arrange};
use crate::workflow::plan::{Action, Block, Step, Workflow};

/// The width and height of a step, and the space around it, in SVG units.
const WIDTH: f64 = 172.0;
const HEIGHT: f64 = 44.0;
const GAP: f64 = 26.0;
const PADDING: f64 = 14.0;
pub(super) const TITLE: f64 = 20.0;

/// A picture of a workflow, the origin at its top left. Lengths are in SVG units.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Drawing {
    /// The workflow.
    pub workflow: String,
    /// The version that is drawn.
    pub version: String,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
    /// Its steps, a frame before what is in it.
    pub nodes: Vec<Node>,
    /// What leads from one to the next.
    pub lines: Vec<Line>,
}

/// A step in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Node {
    /// Its name.
    pub step: String,
    /// What it does, in a few words.
    pub what: String,
    /// Whether it is a frame around the steps that it repeats.
    pub frame: bool,
    /// Its left edge.
    pub x: f64,
    /// Its top edge.
    pub y: f64,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
    /// How it stands in the run that is drawn; absent where a workflow is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StepState>,
}

/// A line from one place to another, which bends as the cubic Bézier curve through the middle of both heights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Line {
    /// Where it begins, from the left.
    pub x: f64,
    /// Where it begins, from the top.
    pub y: f64,
    /// Where it ends, from the left.
    pub to_x: f64,
    /// Where it ends, from the top.
    pub to_y: f64,
    /// Whether this way is taken when a step has failed.
    pub caught: bool,
}

impl Drawing {
    /// A workflow, without any run of it.
    #[must_use]
    pub fn of(workflow: &Workflow) -> Self {
        let shape = Shape::of(&workflow.steps);
        let mut drawing = Self {
            workflow: workflow.name.clone(),
            version: workflow.version.clone(),
            width: shape.width + 2.0 * PADDING,
            height: shape.height + 2.0 * PADDING,
            nodes: Vec::new(),
            lines: Vec::new(),
        };
        drawing.shape(&shape, (drawing.width / 2.0, PADDING), Then::Nothing);
        drawing
    }

    /// Draws `shape` with its top at `y`, around the line at `x`.
    fn shape(&mut self, shape: &Shape<'_>, (x, y): (f64, f64), then: Then) {
        match &shape.kind {
            ShapeKind::Step(step) => self.node(step, shape, (x, y)),
            ShapeKind::Pass => {}
            ShapeKind::Column(parts) => {
                let mut top = y;
                let mut ends: Vec<(f64, f64)> = Vec::new();
                for (at, part) in parts.iter().enumerate() {
                    let then = match at + 1 == parts.len() {
                        true => then,
                        false => Then::More,
                    };
                    for (to_x, caught) in part.tops(x, then) {
                        let lines = ends.iter().map(|&(x, y)| Line {
                            x,
                            y,
                            to_x,
                            to_y: top,
                            caught,
                        });
                        self.lines.extend(lines);
                    }
                    self.shape(part, (x, top), then);
                    ends = part.ends(x, top);
                    top += part.height + GAP;
                }
            }
            ShapeKind::Row(parts) => {
                for (middle, part) in middles(parts, x, shape.width) {
                    if matches!((&part.kind, then), (ShapeKind::Pass, Then::More)) {
                        self.lines.push(Line {
                            x: middle,
                            y,
                            to_x: middle,
                            to_y: y + shape.height,
                            caught: false,
                        });
                    }
                    self.shape(part, (middle, y), then);
                }
            }
            ShapeKind::Frame(step, inner) => {
                self.node(step, shape, (x, y));
                self.shape(inner, (x, y + TITLE + PADDING), Then::Nothing);
            }
        }
    }

    fn node(&mut self, step: &Step, shape: &Shape<'_>, (middle, y): (f64, f64)) {
        self.nodes.push(Node {
            step: step.name.clone(),
            what: said(step),
            frame: matches!(shape.kind, ShapeKind::Frame(..)),
            x: middle - shape.width / 2.0,
            y,
            width: shape.width,
            height: shape.height,
            state: None,
        });
    }
}

/// A piece of the drawing and its size.
struct Shape<'w> {
    width: f64,
    height: f64,
    /// Whether a failed step leads to it.
    caught: bool,
    kind: ShapeKind<'w>,
}

/// What comes below a piece.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    More,
    Nothing,
}

enum ShapeKind<'w> {
    Step(&'w Step),
    /// Nothing is done this way.
    Pass,
    Column(Vec<Shape<'w>>),
    Row(Vec<Shape<'w>>),
    Frame(&'w Step, Box<Shape<'w>>),
}

impl<'w> Shape<'w> {
    fn of(block: &'w Block) -> Self {
        let mut parts = Vec::new();
        for unit in arrange(block, None, &mut Vec::new()) {
            match unit {
                Unit::One(step) => parts.push(Self::step(step)),
                Unit::Together(chains) => {
                    let chains = chains.into_iter();
                    let chains = chains
                        .map(|chain| Self::column(chain.into_iter().map(Self::step).collect()));
                    parts.push(Self::row(chains.collect()));
                }
            }
        }
        Self::column(parts)
    }

    fn step(step: &'w Step) -> Self {
        let leaf = Self {
            width: WIDTH,
            height: HEIGHT,
            caught: false,
            kind: ShapeKind::Step(step),
        };
        let caught = step.catch.iter().map(|catch| &catch.steps);
        let caught = caught
            .filter(|steps| !steps.0.is_empty())
            .map(|steps| Self {
                caught: true,
                ..Self::of(steps)
            });
        let caught: Vec<Self> = caught.collect();
        let mut ways: Vec<Self> = match &step.action {
            Action::Choose(rules) => {
                let ways = rules.iter().map(|rule| Self::of(&rule.steps));
                let is_open = rules.last().is_some_and(|rule| rule.when.is_some());
                ways.chain(is_open.then(Self::pass)).collect()
            }
            Action::Parallel(branches) => {
                branches.iter().map(|(_, steps)| Self::of(steps)).collect()
            }
            Action::Each { steps, .. } | Action::Repeat { steps, .. } => {
                let inner = Self::of(steps);
                let frame = Self {
                    width: inner.width.max(WIDTH) + 2.0 * PADDING,
                    height: inner.height + 2.0 * PADDING + TITLE,
                    caught: false,
                    kind: ShapeKind::Frame(step, Box::new(inner)),
                };
                return match caught.is_empty() {
                    true => frame,
                    false => Self::column(vec![frame, Self::beside(caught)]),
                };
            }
            _ => Vec::new(),
        };
        if ways.is_empty() && caught.is_empty() {
            return leaf;
        }
        if ways.is_empty() {
            return Self::column(vec![leaf, Self::beside(caught)]);
        }
        ways.extend(caught);
        Self::column(vec![leaf, Self::row(ways)])
    }

    /// What is done when a step failed, beside the way on.
    fn beside(caught: Vec<Self>) -> Self {
        Self::row(std::iter::once(Self::pass()).chain(caught).collect())
    }

    fn pass() -> Self {
        Self {
            width: GAP,
            height: 0.0,
            caught: false,
            kind: ShapeKind::Pass,
        }
    }

    fn column(parts: Vec<Self>) -> Self {
        if parts.is_empty() {
            return Self::pass();
        }
        Self {
            width: parts.iter().map(|part| part.width).fold(0.0, f64::max),
            height: parts.iter().map(|part| part.height + GAP).sum::<f64>() - GAP,
            caught: false,
            kind: ShapeKind::Column(parts),
        }
    }

    fn row(parts: Vec<Self>) -> Self {
        Self {
            width: parts.iter().map(|part| part.width + GAP).sum::<f64>() - GAP,
            height: parts.iter().map(|part| part.height).fold(0.0, f64::max),
            caught: false,
            kind: ShapeKind::Row(parts),
        }
    }

    /// Where lines from above arrive, and whether they come from a failed step.
    fn tops(&self, x: f64, then: Then) -> Vec<(f64, bool)> {
        match &self.kind {
            ShapeKind::Row(parts) => {
                let tops = middles(parts, x, self.width);
                tops.into_iter()
                    .flat_map(|(middle, part)| part.tops(middle, then))
                    .collect()
            }
            ShapeKind::Column(parts) => {
                let then = if parts.len() > 1 { Then::More } else { then };
                let first = parts.first();
                let tops = first.map(|part| part.tops(x, then)).unwrap_or_default();
                tops.into_iter()
                    .map(|(x, caught)| (x, caught || self.caught))
                    .collect()
            }
            // A way past everything, to nothing, is no way.
            ShapeKind::Pass if then == Then::Nothing => Vec::new(),
            _ => vec![(x, self.caught)],
        }
    }

    /// Where lines to what is below begin; nowhere after an end.
    fn ends(&self, x: f64, y: f64) -> Vec<(f64, f64)> {
        match &self.kind {
            ShapeKind::Step(step) if matches!(step.action, Action::Fail { .. }) => Vec::new(),
            ShapeKind::Column(parts) => {
                let last = parts
                    .last()
                    .map(|part| (part, y + self.height - part.height));
                last.map(|(part, y)| part.ends(x, y)).unwrap_or_default()
            }
            ShapeKind::Row(parts) => {
                let end = |(middle, part): (f64, &Self)| match part.kind {
                    ShapeKind::Pass => vec![(middle, y + self.height)],
                    _ => part.ends(middle, y),
                };
                let parts = middles(parts, x, self.width);
                parts.into_iter().flat_map(end).collect()
            }
            _ => vec![(x, y + self.height)],
        }
    }
}

/// The middles of shapes beside each other, around `x`.
fn middles<'s, 'w>(parts: &'s [Shape<'w>], x: f64, width: f64) -> Vec<(f64, &'s Shape<'w>)> {
    let mut left = x - width / 2.0;
    let middle = |part: &'s Shape<'w>| {
        let middle = left + part.width / 2.0;
        left += part.width + GAP;
        (middle, part)
    };
    parts.iter().map(middle).collect()
}
