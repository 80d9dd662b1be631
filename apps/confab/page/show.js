// How states, times and sums are shown.

import { make } from "./host.js";

// A mark and a word for each state, so that neither needs the colour.
export const STATES = {
	queued: ["○", "waits for room"],
	upcoming: ["○", "to come"],
	// Its mark is drawn; the space keeps the line.
	running: ["\u00a0", "running"],
	waiting: ["?", "waits for a person"],
	succeeded: ["✓", "done"],
	failed: ["✕", "failed"],
	timed_out: ["✕", "took too long"],
	cancelled: ["■", "cancelled"],
	stopped: ["■", "stopped"],
	skipped: ["–", "skipped"],
};

// Those that look like another one.
const LIKE = { timed_out: "failed", cancelled: "stopped", queued: "upcoming" };

export const look = (state) => LIKE[state] ?? state;

// The state of a run or step; `asks`: it waits for somebody.
export function badge(state, asks = false) {
	const shown = asks && state === "running" ? "waiting" : state;
	const [mark, word] = STATES[shown] ?? ["", shown];
	const sign = Object.assign(make("i", mark), { ariaHidden: "true" });
	return make(`span.badge ${look(shown)}`, sign, word);
}

export function link(text, ...to) {
	const href = `#${to.map(encodeURIComponent).join("/")}`;
	return Object.assign(make("a", text), { href });
}

const SAME_DAY = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const OTHER_DAY = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

// A time of day, with the date when it is not today's.
export function clock(at) {
	const date = new Date(at);
	const today = date.toDateString() === new Date().toDateString();
	const time = make("time", date.toLocaleString([], today ? SAME_DAY : OTHER_DAY));
	return Object.assign(time, { dateTime: at, title: date.toLocaleString() });
}

// A number of milliseconds, such as `340 ms`, `4.2 s`, `3 min 5 s`.
export function took(millis) {
	if (millis < 1000) return `${Math.max(0, Math.round(millis))} ms`;
	if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`;
	const seconds = Math.round(millis / 1000);
	const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
	if (days) return `${days} d ${hours} h`;
	return hours ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

// As `took`, in whole seconds, for what goes on.
export const takes = (millis) => (millis < 60_000 ? `${Math.max(0, Math.floor(millis / 1000))} s` : took(millis));

// Millionths of a dollar.
export function dollars(micro) {
	if (!micro) return "";
	return `$${(micro / 1e6).toFixed(micro < 10_000 ? 4 : 2)}`;
}

// Makes `parent` show `items` in their order; what shows one of them already stays, with its focus and what is open.
export function keyed(parent, items, key, create, show) {
	const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
	items.forEach((item, n) => {
		const id = String(key(item));
		let child = known.get(id);
		known.delete(id);
		if (!child) {
			const parts = create(item);
			child = parts.element;
			Object.assign(child, { parts });
			child.dataset.key = id;
		}
		if (parent.children[n] !== child) parent.insertBefore(child, parent.children[n] ?? null);
		show(child.parts, item);
	});
	for (const child of known.values()) child.remove();
}

// A run in a list.
export function runRow({ id }) {
	const state = make("span");
	const name = make("b");
	const [started, time, cost, by] = [make("span.quiet"), make("span.quiet"), make("span.quiet"), make("span.quiet by")];
	const anchor = link("", "runs", id);
	anchor.append(state, name, started, time, cost, by);
	let shown;
	return {
		element: make("li", anchor),
		show(run, asks) {
			const now = JSON.stringify([run, asks]);
			if (now === shown) return;
			shown = now;
			state.replaceChildren(badge(run.status, asks));
			name.textContent = run.workflow;
			started.replaceChildren(clock(run.at));
			cost.textContent = dollars(run.micro_dollars);
			by.textContent = run.trigger === "manual" ? "by hand" : run.trigger;
			this.run = run;
			this.tick();
		},
		tick() {
			const { at, ended, status } = this.run;
			if (ended) time.textContent = took(Date.parse(ended) - Date.parse(at));
			else time.textContent = status === "running" ? takes(Date.now() - Date.parse(at)) : "";
		},
	};
}
