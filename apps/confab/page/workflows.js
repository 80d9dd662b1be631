// The page of workflows: what there is, what ran, and what waits for a person. Changes are hints and may be lost;
// what is shown is always read again.

import { Problem, breathe, eventsIn, make, request } from "./host.js";
import { approvals } from "./approvals.js";
import { picture } from "./picture.js";
import { runView } from "./run.js";
import { startForm } from "./start.js";
import { badge, clock, keyed, link, runRow } from "./show.js";

const KEY = "confab.key";
// Milliseconds: between two readings at least; between two when nothing is told.
const HURRY = 250;
const REST = 15_000;
const LOST = "Connection lost. Reconnecting…";
// The most runs in a list.
const RUNS = 20;

const at = (id) => document.getElementById(id);
const main = at("main");

// What is known of the host, and how to ask it.
const host = {
	tenant: "",
	people: [],
	keyed: false,
	key: sessionStorage.getItem(KEY),
	async read(path, body, more) {
		const answer = await request(`/v1/${host.tenant}${path}`, body, host.key, undefined, more);
		return answer.json();
	},
	say: (text) => (at("say").textContent = text),
	// Reads again what is shown, soon.
	refresh: () => refresh(),
};

// ---- Views: each has an `element`, reads and shows in `read`, and ticks every second if it likes.

function overview() {
	const waiting = approvals(host, "", "h2");
	const list = make("ul.cards");
	const latest = make("ul.runs");
	const none = make("p.quiet", "Nothing has run yet.");
	const empty = make("p.quiet", "There are no workflows. Write one as workflows/<name>.yaml in the bot's folder.");
	const element = make(
		"div",
		waiting.element,
		make("section", make("h2", "Workflows"), list, empty),
		make("section", make("h2", "Latest runs"), latest, none),
	);
	async function read() {
		const [{ workflows }, { runs }, asked] = await Promise.all([
			host.read("/workflows"),
			host.read("/runs?limit=50"),
			host.read("/approvals"),
		]);
		const last = new Map();
		for (const run of runs) if (!last.has(run.workflow)) last.set(run.workflow, run);
		// What ran long ago is not among the latest of all.
		const older = runs.length < 50 ? [] : workflows.filter(({ name }) => !last.has(name));
		for (const { name } of older) {
			const { runs } = await host.read(`/runs?workflow=${encodeURIComponent(name)}&limit=1`);
			if (runs[0]) last.set(name, runs[0]);
		}
		waiting.show(asked.approvals);
		empty.hidden = workflows.length > 0;
		none.hidden = runs.length > 0;
		keyed(list, workflows, ({ name }) => name, card, (parts, workflow) => {
			parts.about.textContent = workflow.description;
			parts.when.textContent = workflow.triggers.join("; ") || "by hand";
			const run = last.get(workflow.name);
			parts.state.replaceChildren(...(run ? [badge(run.status, waiting.asks(run)), " ", clock(run.at)] : ["never ran"]));
		});
		rows(latest, runs.slice(0, RUNS), waiting);
	}
	return { element, read, tick: () => ticks(latest, waiting), title: "" };
}

function card({ name }) {
	const parts = { about: make("p"), when: make("p.quiet"), state: make("p.quiet") };
	const title = make("h3", link(name, "workflows", name));
	return { element: make("li.card", title, parts.about, parts.when, parts.state), ...parts };
}

function rows(list, runs, waiting) {
	const show = (row, run) => row.show(run, waiting.asks(run));
	keyed(list, runs, (run) => run.id, runRow, show);
}

function ticks(list, waiting) {
	waiting.tick();
	for (const row of list.children) row.parts.tick();
}

function workflowView(name) {
	const path = `/workflows/${encodeURIComponent(name)}`;
	const waiting = approvals(host, `run:${name}.`);
	const about = make("p.lead");
	const when = make("p.quiet");
	const form = make("div");
	const drawn = picture();
	const list = make("ul.runs");
	const none = make("p.quiet", "It has not run yet.");
	const element = make(
		"div",
		make("section", make("h2", name), about, when),
		waiting.element,
		make("section", make("h3", "Start a run"), form),
		make("section", make("h3", "Steps"), drawn.element),
		make("section", make("h3", "Runs"), list, none),
	);
	let version;
	async function read() {
		const [{ workflows }, { runs }, asked] = await Promise.all([
			host.read("/workflows"),
			host.read(`/runs?workflow=${encodeURIComponent(name)}&limit=${RUNS}`),
			host.read("/approvals"),
		]);
		const workflow = workflows.find((one) => one.name === name);
		if (!workflow) throw new Problem(404, `There is no workflow ${name}.`);
		if (version !== workflow.version) {
			// A form that is being filled in stays, unless the workflow is another one.
			drawn.show(await host.read(`${path}/graph`));
			form.replaceChildren(startForm(host, workflow));
			about.textContent = workflow.description;
			when.textContent = workflow.triggers.length ? `Starts ${workflow.triggers.join("; ")}.` : "Starts by hand only.";
			version = workflow.version;
		}
		waiting.show(asked.approvals);
		none.hidden = runs.length > 0;
		rows(list, runs, waiting);
	}
	return { element, read, tick: () => ticks(list, waiting), title: name };
}

function keyView(why) {
	const input = Object.assign(make("input"), { type: "password", name: "key", autocomplete: "off", required: true });
	const form = make(
		"form.sheet",
		make("p", why),
		make("label.field", make("span", "Key"), input),
		make("p.actions", Object.assign(make("button.primary", "Use it"), { type: "submit" })),
	);
	form.onsubmit = (event) => {
		event.preventDefault();
		host.key = input.value.trim();
		sessionStorage.setItem(KEY, host.key);
		// Whoever waits for a connection need not any more.
		dispatchEvent(new Event("online"));
		begin();
	};
	return { element: make("section", make("h2", "A key, please"), form), read: async () => {}, title: "" };
}

// ---- Showing

let view;

function route() {
	const [what, name, part] = location.hash.slice(1).split("/").map(decodeURIComponent);
	if (view?.at === `${what}/${name}` && part) return view.focus?.(part);
	at("home").hidden = !what;
	begin(what === "workflows" && name ? workflowView(name) : what === "runs" && name ? runView(host, name) : overview());
	view.at = `${what}/${name}`;
}

// Shows a view; the one of the address when none is given.
function begin(next) {
	if (!next) return route();
	view = next;
	main.replaceChildren(make("div.column", view.element));
	main.scrollTop = 0;
	document.title = [view.title, "Workflows"].filter(Boolean).join(" · ");
	main.focus({ preventScroll: true });
	tell("");
	refresh();
}

function tell(text) {
	at("banner").hidden = !text;
	at("banner").textContent = text;
}

let reading = null;
let again = false;

// Reads what is shown; what comes meanwhile makes it read once more.
function refresh() {
	if (document.hidden) return;
	if (reading) return (again = true);
	again = false;
	reading = read().finally(async () => {
		await new Promise((done) => setTimeout(done, HURRY));
		reading = null;
		if (again) refresh();
	});
}

async function read() {
	const mine = view;
	try {
		mine.fresh = Date.now();
		await mine.read();
		if (mine === view) tell("");
	} catch (problem) {
		if (mine !== view) return refresh();
		if (!(problem instanceof Problem)) throw problem;
		if ([401, 403].includes(problem.status) && host.keyed) begin(keyView(host.key ? `${problem.message}.` : "This host wants a key of its secrets file."));
		else if (problem.status === 404) mine.element.replaceChildren(make("section", make("h2", "Not here"), make("p", problem.message)));
		else tell(problem.passes ? LOST : problem.message);
	}
	if (mine !== view) refresh();
}

// ---- Following

let sign = Date.now();
let stream = new AbortController();

async function follow() {
	for (let failures = 0; ; ) {
		stream = new AbortController();
		try {
			const { body } = await request(`/v1/${host.tenant}/events`, null, host.key, stream.signal);
			sign = Date.now();
			refresh();
			for await (const change of eventsIn(body, () => (sign = Date.now()))) {
				failures = 0;
				const concerns = view?.concerns?.(change) ?? true;
				if (concerns) refresh();
			}
		} catch (problem) {
			// The view tells what else is wrong.
			if (failures++ && problem.passes) tell(LOST);
		}
		await breathe(Math.min(15_000, 250 * 2 ** failures));
	}
}

setInterval(() => {
	view?.tick?.();
	const now = Date.now();
	// The host says something every 15 s.
	if (now - sign > 40_000) stream.abort();
	if (now - (view?.fresh ?? 0) > REST) refresh();
}, 1000);

addEventListener("hashchange", route);
document.addEventListener("visibilitychange", refresh);

async function start() {
	for (let wait = 500; ; wait = Math.min(2 * wait, 10_000)) {
		try {
			const house = await (await request("/page/house")).json();
			Object.assign(host, house);
			break;
		} catch {
			tell("The host cannot be reached. Trying again…");
			await breathe(wait);
		}
	}
	const [name] = host.title.split(/,\s+/);
	at("name").textContent = name;
	at("mark").textContent = name[0];
	route();
	follow();
}

start();
