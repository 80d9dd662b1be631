//! A picture as SVG text, for documents.

use std::fmt::Write as _;

use super::drawing::{Drawing, Line, TITLE};
use crate::workflow::plan::Workflow;

/// The workflow as an SVG image. `class` names the style class of a step, such as its state in a run.
#[must_use]
pub fn svg(workflow: &Workflow, class: &dyn Fn(&str) -> &'static str) -> String {
    let Drawing {
        width,
        height,
        nodes,
        lines,
        ..
    } = Drawing::of(workflow);
    let mut drawn = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"workflow\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\">{STYLE}",
        escaped(&workflow.name),
    );
    for line in lines {
        let Line {
            x, y, to_x, to_y, ..
        } = line;
        let middle = f64::midpoint(y, to_y);
        let class = if line.caught { " class=\"caught\"" } else { "" };
        let _ = write!(
            drawn,
            "<path{class} d=\"M{x} {y}C{x} {middle} {to_x} {middle} {to_x} {to_y}\"/>"
        );
    }
    for node in nodes {
        let _ = write!(
            drawn,
            "<g class=\"{}\" data-step=\"{}\"><rect{} x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            class(&node.step),
            escaped(&node.step),
            if node.frame { " class=\"frame\"" } else { "" },
            node.x,
            node.y,
            node.width,
            node.height,
        );
        let middle = node.x + node.width / 2.0;
        if node.frame {
            let title = escaped(&short(&format!("{}: {}", node.step, node.what)));
            let y = node.y + TITLE - 4.0;
            let _ = write!(
                drawn,
                "<text class=\"what\" x=\"{middle}\" y=\"{y}\">{title}</text></g>"
            );
        } else {
            let (name, what) = (escaped(&short(&node.step)), escaped(&short(&node.what)));
            let _ = write!(
                drawn,
                "<text x=\"{middle}\" y=\"{}\">{name}</text><text class=\"what\" x=\"{middle}\" y=\"{}\">{what}</text></g>",
                node.y + 19.0,
                node.y + 35.0
            );
        }
    }
    drawn.push_str("</svg>");
    drawn
}

const STYLE: &str = "<style>.workflow{font:13px system-ui,sans-serif}.workflow rect{fill:#fff;stroke:#8a8f98;rx:8}\
    .workflow .frame{fill:none;stroke-dasharray:4 4}.workflow text{text-anchor:middle;fill:#1d2127}\
    .workflow .what{font-size:11px;fill:#5b616b}.workflow path{fill:none;stroke:#8a8f98}\
    .workflow .caught{stroke-dasharray:4 4}\
    .workflow .succeeded rect{fill:#e3f5e8;stroke:#2e8b57}.workflow .failed rect{fill:#fde7e7;stroke:#c0392b}\
    .workflow .running rect{fill:#e6f0fd;stroke:#2468c9}.workflow .waiting rect{fill:#fff4d9;stroke:#b8860b}</style>";

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
