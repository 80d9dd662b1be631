//! Draws a workflow: as Mermaid, for documents, and as SVG, for pages.
//!
//! The drawing follows the structure: steps below each other, ways and branches beside each other, what is
//! repeated in a frame.

use std::fmt::Write as _;

use crate::workflow::arrange::{Unit, arrange};
use crate::workflow::plan::{Action, Block, Rule, Step, Workflow};

/// The width and height of a step, and the space around it, in SVG units.
const WIDTH: f64 = 172.0;
const HEIGHT: f64 = 44.0;
const GAP: f64 = 26.0;
const PADDING: f64 = 14.0;
const TITLE: f64 = 20.0;

/// The workflow as a Mermaid flowchart.
#[must_use]
pub fn mermaid(workflow: &Workflow) -> String {
    let mut chart = Chart {
        text: "flowchart TD\n".to_owned(),
        deep: 1,
    };
    chart.line("start((start))");
    let ends = chart.block(&workflow.steps, vec![("start".to_owned(), None)]);
    chart.line("finish((end))");
    chart.lead(&ends, "finish");
    chart.text
}

struct Chart {
    text: String,
    deep: usize,
}

/// Where a flow stands, and what the arrow from there says.
type From = (String, Option<String>);

impl Chart {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{}{text}", "    ".repeat(self.deep));
    }

    fn lead(&mut self, from: &[From], to: &str) {
        for (name, label) in from {
            match label {
                Some(label) => self.line(&format!("{name} -->|\"{}\"| {to}", quoted(label))),
                None => self.line(&format!("{name} --> {to}")),
            }
        }
    }

    fn block(&mut self, block: &Block, from: Vec<From>) -> Vec<From> {
        let mut from = from;
        for unit in arrange(block, None, &mut Vec::new()) {
            from = match unit {
                Unit::One(step) => self.step(step, from),
                Unit::Together(chains) => {
                    let mut ends = Vec::new();
                    for chain in chains {
                        let mut here = from.clone();
                        for step in chain {
                            here = self.step(step, here);
                        }
                        ends.extend(here);
                    }
                    ends
                }
            };
        }
        from
    }

    fn step(&mut self, step: &Step, from: Vec<From>) -> Vec<From> {
        let name = format!("s_{}", step.name);
        let text = quoted(&format!("{}: {}", step.name, said(step)));
        let shape = match &step.action {
            Action::Choose(_) => format!("{name}{{\"{text}\"}}"),
            Action::Approve { .. } => format!("{name}[/\"{text}\"/]"),
            Action::Wait(_) | Action::Await { .. } => format!("{name}([\"{text}\"])"),
            Action::Fail { .. } => format!("{name}[[\"{text}\"]]"),
            _ => format!("{name}[\"{text}\"]"),
        };
        self.line(&shape);
        let mut from = from;
        if let Some(when) = &step.when {
            from.iter_mut()
                .for_each(|(_, label)| *label = Some(format!("when {}", when.source())));
        }
        self.lead(&from, &name);
        let mut ends = match &step.action {
            Action::Choose(rules) => self.ways(&name, rules),
            Action::Parallel(branches) => {
                let mut ends = Vec::new();
                for (branch, steps) in branches {
                    ends.extend(self.block(steps, vec![(name.clone(), Some(branch.clone()))]));
                }
                ends
            }
            Action::Each { steps, .. } | Action::Repeat { steps, .. } => {
                self.line(&format!(
                    "subgraph {name}_steps [\"{}\"]",
                    quoted(&said(step))
                ));
                self.deep += 1;
                let ends = self.block(steps, vec![(name.clone(), None)]);
                self.deep -= 1;
                self.line("end");
                ends
            }
            Action::Fail { .. } => Vec::new(),
            _ => vec![(name.clone(), None)],
        };
        for catch in &step.catch {
            let on = match catch.on.as_slice() {
                [] => "any error".to_owned(),
                names => names.join(", "),
            };
            ends.extend(self.block(&catch.steps, vec![(name.clone(), Some(on))]));
        }
        if step.when.is_some() {
            ends.extend(
                from.into_iter()
                    .map(|(name, _)| (name, Some("else".to_owned()))),
            );
        }
        ends
    }

    fn ways(&mut self, name: &str, rules: &[Rule]) -> Vec<From> {
        let mut ends = Vec::new();
        for rule in rules {
            let label = rule.when.as_ref().map_or("else", |when| when.source());
            ends.extend(self.block(&rule.steps, vec![(name.to_owned(), Some(label.to_owned()))]));
        }
        if rules.last().is_some_and(|rule| rule.when.is_some()) {
            ends.push((name.to_owned(), Some("else".to_owned())));
        }
        ends
    }
}

/// What a step does, in a few words.
#[must_use]
pub fn said(step: &Step) -> String {
    match &step.action {
        Action::Tool { tool, .. } => format!("tool {tool}"),
        Action::Ask { .. } => "ask the model".to_owned(),
        Action::Approve { role, .. } => format!("yes of {role}"),
        Action::Notify(notification) => format!("tell {}", notification.to),
        Action::Http { method, .. } => format!("HTTP {method}"),
        Action::Wait(_) => "wait".to_owned(),
        Action::Await { event, .. } => format!("wait for {event}"),
        Action::Choose(_) => "choose".to_owned(),
        Action::Each {
            variable, items, ..
        } => format!("each {variable} in {}", items.source()),
        Action::Parallel(_) => "at the same time".to_owned(),
        Action::Repeat { until, at_most, .. } => {
            format!("until {}, at most {at_most} times", until.source())
        }
        Action::Workflow { workflow, .. } => format!("workflow {workflow}"),
        Action::Set(_) => "set".to_owned(),
        Action::Fail { error, .. } => format!("fail: {error}"),
    }
}

fn quoted(text: &str) -> String {
    let text: String = text.chars().take(60).collect();
    text.replace('"', "#quot;").replace(['\n', '\r'], " ")
}

/// The workflow as an SVG image. `class` names the style class of a step, such as its state in a run.
#[must_use]
pub fn svg(workflow: &Workflow, class: &dyn Fn(&str) -> &'static str) -> String {
    let shape = Shape::of(&workflow.steps);
    let (width, height) = (shape.width + 2.0 * PADDING, shape.height + 2.0 * PADDING);
    let mut drawing = Drawing {
        text: String::new(),
        class,
    };
    drawing.shape(&shape, width / 2.0, PADDING);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"workflow\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\">{STYLE}{}</svg>",
        escaped(&workflow.name),
        drawing.text
    )
}

const STYLE: &str = "<style>.workflow{font:13px system-ui,sans-serif}.workflow rect{fill:#fff;stroke:#8a8f98;rx:8}\
    .workflow .frame{fill:none;stroke-dasharray:4 4}.workflow text{text-anchor:middle;fill:#1d2127}\
    .workflow .what{font-size:11px;fill:#5b616b}.workflow path{fill:none;stroke:#8a8f98}\
    .workflow .succeeded rect{fill:#e3f5e8;stroke:#2e8b57}.workflow .failed rect{fill:#fde7e7;stroke:#c0392b}\
    .workflow .running rect{fill:#e6f0fd;stroke:#2468c9}.workflow .waiting rect{fill:#fff4d9;stroke:#b8860b}</style>";

/// A piece of the drawing and its size.
struct Shape<'w> {
    width: f64,
    height: f64,
    kind: ShapeKind<'w>,
}

enum ShapeKind<'w> {
    Step(&'w Step),
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
            kind: ShapeKind::Step(step),
        };
        let beside: Vec<&Block> = match &step.action {
            Action::Choose(rules) => rules.iter().map(|rule| &rule.steps).collect(),
            Action::Parallel(branches) => branches.iter().map(|(_, steps)| steps).collect(),
            Action::Each { steps, .. } | Action::Repeat { steps, .. } => {
                let inner = Self::of(steps);
                return Self {
                    width: inner.width.max(WIDTH) + 2.0 * PADDING,
                    height: inner.height + 2.0 * PADDING + TITLE,
                    kind: ShapeKind::Frame(step, Box::new(inner)),
                };
            }
            _ => Vec::new(),
        };
        let caught = step
            .catch
            .iter()
            .map(|catch| &catch.steps)
            .filter(|steps| !steps.0.is_empty());
        let beside: Vec<Self> = beside.into_iter().chain(caught).map(Self::of).collect();
        match beside.is_empty() {
            true => leaf,
            false => Self::column(vec![leaf, Self::row(beside)]),
        }
    }

    fn column(parts: Vec<Self>) -> Self {
        Self {
            width: parts.iter().map(|part| part.width).fold(WIDTH, f64::max),
            height: parts.iter().map(|part| part.height + GAP).sum::<f64>() - GAP,
            kind: ShapeKind::Column(parts),
        }
    }

    fn row(parts: Vec<Self>) -> Self {
        Self {
            width: parts.iter().map(|part| part.width + GAP).sum::<f64>() - GAP,
            height: parts.iter().map(|part| part.height).fold(0.0, f64::max),
            kind: ShapeKind::Row(parts),
        }
    }
}

struct Drawing<'a> {
    text: String,
    class: &'a dyn Fn(&str) -> &'static str,
}

impl Drawing<'_> {
    /// Draws `shape` with its top at `y`, around the line at `x`.
    fn shape(&mut self, shape: &Shape<'_>, x: f64, y: f64) {
        match &shape.kind {
            ShapeKind::Step(step) => self.step(step, x, y),
            ShapeKind::Column(parts) => {
                let mut top = y;
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        self.lines(part, (x, top - GAP), top);
                    }
                    self.shape(part, x, top);
                    if let ShapeKind::Row(beside) = &part.kind
                        && at + 1 < parts.len()
                    {
                        let below = top + part.height;
                        for (middle, shape) in middles(beside, x, part.width) {
                            self.path((middle, top + shape.height), (x, below + GAP));
                        }
                    }
                    top += part.height + GAP;
                }
            }
            ShapeKind::Row(parts) => {
                for (middle, part) in middles(parts, x, shape.width) {
                    self.shape(part, middle, y);
                }
            }
            ShapeKind::Frame(step, inner) => {
                let (left, title) = (
                    x - shape.width / 2.0,
                    escaped(&short(&format!("{}: {}", step.name, said(step)))),
                );
                let class = (self.class)(&step.name);
                let _ = write!(
                    self.text,
                    "<g class=\"{class}\"><rect class=\"frame\" x=\"{left}\" y=\"{y}\" width=\"{}\" height=\"{}\"/>\
                     <text class=\"what\" x=\"{x}\" y=\"{}\">{title}</text></g>",
                    shape.width,
                    shape.height,
                    y + TITLE - 4.0
                );
                self.shape(inner, x, y + TITLE + PADDING);
            }
        }
    }

    /// The arrows that lead to a shape from above.
    fn lines(&mut self, to: &Shape<'_>, from: (f64, f64), top: f64) {
        match &to.kind {
            ShapeKind::Row(parts) => {
                for (middle, _) in middles(parts, from.0, to.width) {
                    self.path(from, (middle, top));
                }
            }
            _ => self.path(from, (from.0, top)),
        }
    }

    fn path(&mut self, (x, y): (f64, f64), (to, below): (f64, f64)) {
        let middle = f64::midpoint(y, below);
        let _ = write!(
            self.text,
            "<path d=\"M{x} {y}C{x} {middle} {to} {middle} {to} {below}\"/>"
        );
    }

    fn step(&mut self, step: &Step, x: f64, y: f64) {
        let class = (self.class)(&step.name);
        let (name, what) = (escaped(&short(&step.name)), escaped(&short(&said(step))));
        let _ = write!(
            self.text,
            "<g class=\"{class}\" data-step=\"{}\"><rect x=\"{}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\
             <text x=\"{x}\" y=\"{}\">{name}</text><text class=\"what\" x=\"{x}\" y=\"{}\">{what}</text></g>",
            escaped(&step.name),
            x - WIDTH / 2.0,
            y + 19.0,
            y + 35.0
        );
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

fn short(text: &str) -> String {
    match text.char_indices().nth(26) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
