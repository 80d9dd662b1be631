// One run: its picture, its steps in time, what they were given and gave.

import { Problem, button, make } from "./host.js";
import { approvals } from "./approvals.js";
import { picture } from "./picture.js";
import { badge, clock, dollars, keyed, link, look, takes, took } from "./show.js";

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
const starter = ({ by, type = "manual" }) => (by ? `by ${by}` : type === "manual" ? "by hand" : `by ${type}`);
const isOpen = ({ status }) => status === "running" || status === "queued";

// What a step or run had to do with, shown when it is asked for.
function values(label) {
	const [text, summary] = [make("pre"), make("summary", label)];
	const element = make("details", summary, text);
	let value;
	const write = () => element.open && (text.textContent = pretty(value));
	element.ontoggle = write;
	return {
		element,
		show(now) {
			value = now;
			element.hidden = now === undefined || now === null;
			write();
		},
	};
}

function row({ step, item }) {
	const [state, time, notes, trouble] = [make("span"), make("span.quiet"), make("span.quiet"), make("p.trouble")];
	const line = make("i");
	const [input, output] = [values("input"), values("output")];
	const name = make("b", item === undefined ? step : `${step} [${item}]`);
	const bar = Object.assign(make("span.bar", line), { ariaHidden: "true" });
	const element = make("li", make("div.line", name, state, bar, time, notes), trouble, make("div.values", input.element, output.element));
	element.tabIndex = -1;
	element.dataset.step = step;
	let [record, scale] = [];
	return {
		element,
		show(now, begun, ended) {
			[record, scale] = [now, { begun, ended }];
			state.replaceChildren(badge(record.status));
			const said = [
				record.attempts > 1 && `${record.attempts} tries`,
				record.cached && "from an earlier run",
				record.cost && `${record.cost.model}, ${record.cost.tokens} tokens ${dollars(record.cost.micro_dollars)}`,
			];
			notes.textContent = said.filter(Boolean).join(" · ");
			trouble.textContent = [record.error, record.cause].filter(Boolean).join(": ");
			trouble.hidden = !record.error;
			input.show(record.input);
			output.show(record.output);
			line.className = look(record.status);
			this.tick();
		},
		tick() {
			const now = Date.now();
			const from = Date.parse(record.at);
			const to = record.ended ? Date.parse(record.ended) : now;
			const whole = Math.max(1, (scale.ended ?? now) - scale.begun);
			const part = (millis) => `${Math.min(100, Math.max(0, (100 * millis) / whole))}%`;
			line.style.insetInlineStart = part(from - scale.begun);
			line.style.inlineSize = part(to - from);
			time.textContent = record.ended ? took(to - from) : takes(to - from);
		},
	};
}

export function runView(host, id) {
	const path = `/runs/${encodeURIComponent(id)}`;
	const title = make("h2");
	const facts = make("p.facts");
	const time = make("span");
	const trouble = make("p.trouble");
	const note = Object.assign(make("p.quiet", "The workflow was changed since: the picture shows its steps as they are now."), { hidden: true });
	const [inputs, outputs] = [values("What it was given"), values("What it gave")];
	const waiting = approvals(host);
	const drawn = picture();
	const steps = make("ol.steps");
	const none = make("p.quiet", "No step has begun.");
	const [ends, goesOn] = [ending(host, path), retrying(host, path)];
	const drawing = make("section", make("h3", "Steps"), drawn.element, note);
	const element = make(
		"div",
		make("section", title, facts, trouble, make("div.values", inputs.element, outputs.element), ends.element, goesOn.element),
		waiting.element,
		drawing,
		make("section", make("h3", "Timeline"), steps, none),
	);
	let run;
	function tick() {
		waiting.tick();
		if (!run) return;
		const begun = Date.parse(run.at);
		if (isOpen(run)) {
			for (const { parts } of steps.children) parts.tick();
			time.textContent = `for ${takes(Date.now() - begun)}`;
		} else time.textContent = run.ended ? `took ${took(Date.parse(run.ended) - begun)}` : "";
	}
	async function read() {
		const known = run;
		const [record, asked, graph] = await Promise.all([
			host.read(path),
			host.read("/approvals"),
			// The workflow may not be here any more.
			host.read(`${path}/graph`).catch((problem) => (problem.status === 404 ? null : Promise.reject(problem))),
		]);
		run = record;
		waiting.only = `run:${run.workflow}.${run.id}`;
		waiting.show(asked.approvals);
		if (!known) title.replaceChildren(link(run.workflow, "workflows", run.workflow));
		const asks = waiting.asks(run);
		if (known && known.status !== run.status) host.say(`The run is ${run.status.replace("_", " ")}.`);
		facts.replaceChildren(badge(run.status, asks), make("span", "started ", clock(run.at), ` ${starter(run.trigger)}`), time);
		if (run.micro_dollars) facts.append(make("span", `cost ${dollars(run.micro_dollars)}`));
		trouble.textContent = [run.error, run.cause].filter(Boolean).join(": ");
		trouble.hidden = !run.error && !run.cause;
		inputs.show(Object.keys(run.inputs).length ? run.inputs : null);
		outputs.show(run.outputs);
		ends.show(isOpen(run));
		goesOn.show(["failed", "cancelled", "timed_out"].includes(run.status));
		drawing.hidden = !graph;
		note.hidden = !graph || graph.version === run.version;
		const reached = new Set(run.steps.map(({ step }) => step));
		if (graph) drawn.show(graph, (step) => (reached.has(step) ? link("", "runs", id, step).hash : null));
		none.hidden = run.steps.length > 0;
		const last = run.ended ? Date.parse(run.ended) : null;
		const key = ({ step, item }) => JSON.stringify([step, item]);
		keyed(steps, run.steps, key, row, (parts, step) => parts.show(step, Date.parse(run.at), last));
		tick();
	}
	function focus(step) {
		const found = [...steps.children].find((child) => child.dataset.step === step);
		found?.scrollIntoView({ block: "center" });
		found?.focus({ preventScroll: true });
	}
	const concerns = ({ type, run }) => type !== "run.changed" || run === id;
	return { element, read, tick, focus, concerns, title: "Run" };
}

// Posts to `path`, after it was asked twice.
function deed(host, path, { label, sure, yes, no, said, look = "" }) {
	const trouble = Object.assign(make("p.trouble"), { hidden: true, role: "alert" });
	const first = button(label, () => ask(true));
	const warning = make("span", `${sure} `);
	const really = button(yes, async () => {
		trouble.hidden = true;
		try {
			await host.read(path, {});
			host.say(said);
		} catch (problem) {
			if (!(problem instanceof Problem)) throw problem;
			trouble.textContent = problem.message;
			trouble.hidden = false;
		}
		ask(false);
		host.refresh();
	});
	really.className = look;
	const rather = button(no, () => ask(false));
	const actions = make("p.actions", first, warning, really, rather);
	function ask(again) {
		first.hidden = again;
		for (const part of [warning, really, rather]) part.hidden = !again;
		if (again) rather.focus();
	}
	ask(false);
	const element = make("div", actions, trouble);
	return { element, show: (may) => (actions.hidden = !may) };
}

const ending = (host, path) =>
	deed(host, `${path}/cancel`, {
		label: "Cancel the run",
		sure: "What it did stands.",
		yes: "Cancel it",
		no: "Let it run",
		said: "The run is cancelled.",
		look: "danger",
	});

const retrying = (host, path) =>
	deed(host, `${path}/retry`, {
		label: "Retry from where it stopped",
		sure: "What it finished is not done again.",
		yes: "Retry it",
		no: "Leave it",
		said: "The run goes on.",
	});
