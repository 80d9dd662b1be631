// A workflow as a picture, each step with how it stands. It is made of elements and text, never of markup.

import { make } from "./host.js";
import { STATES, look } from "./show.js";

const SVG = "http://www.w3.org/2000/svg";

// How many characters fit into a step.
const NAME = 18;
const WHAT = 24;

function draw(tag, attributes, ...children) {
	const element = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	element.append(...children);
	return element;
}

const short = (text, most) => ([...text].length > most ? `${[...text].slice(0, most - 1).join("")}…` : text);

// `show(drawing, to)` draws it; `to(step)` is the address that a step leads to, if it leads anywhere.
export function picture() {
	const figure = make("figure.picture");
	const legend = make("figcaption.legend");
	const element = make("div", figure, legend);
	let [drawn, steps] = ["", new Map()];

	function show(drawing, to = () => null) {
		const { workflow, width, height, nodes, lines } = drawing;
		const shape = JSON.stringify([workflow, drawing.version, width, height]);
		if (shape !== drawn) {
			const image = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `The steps of ${workflow}` });
			image.append(...lines.map(curve), ...nodes.map((node) => place(node)));
			figure.replaceChildren(image);
			drawn = shape;
		}
		for (const { step, what, state } of nodes) tell(steps.get(step), { step, what, state }, to(step));
		const states = [...new Set(nodes.map((node) => node.state).filter(Boolean))];
		legend.replaceChildren(...states.map((state) => make(`span.badge ${look(state)}`, Object.assign(make("i", STATES[state][0]), { ariaHidden: "true" }), STATES[state][1])));
		legend.hidden = !states.length;
	}

	function place({ step, what, frame, x, y, width, height }) {
		// A little to the right of the mark.
		const middle = x + width / 2 + 7;
		const mark = draw("text", { class: "mark", x: x + 14, y: y + (frame ? 17 : 26) });
		const ring = draw("circle", { class: "ring", cx: x + 14, cy: y + (frame ? 13 : 22), r: 5 });
		const title = draw("title", {});
		const name = draw("text", { class: "name", x: middle, y: y + 19 }, short(step, NAME));
		const about = draw("text", { class: "what", x: middle, y: y + (frame ? 17 : 35) }, short(frame ? `${step}: ${what}` : what, frame ? Math.floor(width / 7) : WHAT));
		const anchor = draw("a", {}, title, draw("rect", { x, y, width, height, rx: 8 }), ring, mark, ...(frame ? [] : [name]), about);
		steps.set(step, { anchor, mark, title, frame });
		return anchor;
	}

	function tell({ anchor, mark, title, frame }, { step, what, state }, href) {
		const [sign, word] = STATES[state] ?? ["", ""];
		const said = [`${step}: ${what}`, word].filter(Boolean).join(", ");
		anchor.setAttribute("class", `step ${state ? look(state) : "plain"} ${frame ? "frame" : ""}`);
		anchor.setAttribute("aria-label", said);
		mark.textContent = sign;
		title.textContent = said;
		if (href) anchor.setAttribute("href", href);
		else anchor.removeAttribute("href");
		anchor.setAttribute("role", href ? "link" : "img");
	}

	return { element, show };
}

function curve({ x, y, to_x, to_y, caught }) {
	const middle = (y + to_y) / 2;
	return draw("path", { class: caught ? "caught" : "", d: `M${x} ${y}C${x} ${middle} ${to_x} ${middle} ${to_x} ${to_y}` });
}
