// What waits for a person's yes, and their answers.

import { Problem, button, make } from "./host.js";
import { clock, keyed, link, takes } from "./show.js";

const PERSON = "confab.person";

const sessionOf = ({ session }) => session.slice(session.indexOf("/", session.indexOf("/") + 1) + 1);
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

// `only`: what the sessions of those that are shown begin with; `heading`: the element of the title.
export function approvals(host, only = "", heading = "h3") {
	const list = make("ul.asked");
	const element = Object.assign(make("section", make(heading, "Waits for a yes"), list), { hidden: true });
	let pending = [];
	const self = {
		element,
		only,
		show(all) {
			pending = all;
			const mine = all.filter((approval) => sessionOf(approval).startsWith(self.only));
			keyed(list, mine, ({ id }) => id, (approval) => card(host, approval), (parts, approval) => parts.show(approval));
			element.hidden = !mine.length;
		},
		// Whether a run waits for one of them.
		asks: (run) => pending.some((approval) => sessionOf(approval) === `run:${run.workflow}.${run.id}`),
		tick() {
			for (const { parts } of list.children) parts.tick();
		},
	};
	return self;
}

// Who asks: a run of a workflow, or a conversation.
function asker(approval) {
	const session = sessionOf(approval);
	const [, workflow, run] = session.match(/^run:(.*)\.([^.]*)$/) ?? [];
	return run ? make("span", "asked by a run of ", link(workflow, "runs", run)) : make("span", `asked in the conversation ${session}`);
}

function card(host, approval) {
	const { id, envelope, role, needed } = approval;
	const rows = Object.entries(envelope.inputs ?? {});
	const more = [
		["leads to", envelope.expected_output],
		["to undo it", envelope.rollback_plan],
		["risk", envelope.risk_level],
	];
	const terms = [...rows, ...more].filter(([, value]) => value !== undefined && value !== null && value !== "");
	const left = make("span");
	const said = make("p.quiet");
	const who = choice(host, role);
	const reason = Object.assign(make("input"), { type: "text", maxLength: 500, placeholder: "optional; whoever asked is told" });
	const trouble = Object.assign(make("p.trouble"), { hidden: true, role: "alert" });
	const yes = button("Approve", () => decide("approve"));
	const no = button("Deny", () => decide("deny"));
	yes.className = "primary";
	const element = make(
		"li.card",
		make("p.question", envelope.intent),
		make("p.facts", make("span", needed > 1 ? `${needed} people with the role ${role} decide` : `a ${role} decides`), asker(approval), make("span", "until ", clock(approval.expires_at), " (", left, ")")),
		make("dl", ...terms.flatMap(([name, value]) => [make("dt", name), make("dd", text(value))])),
		said,
		make("div.answer", who.element, make("label.field", make("span", "Reason"), reason)),
		trouble,
		make("p.actions", yes, no),
	);
	async function decide(verb) {
		[yes.disabled, no.disabled, trouble.hidden] = [true, true, true];
		try {
			await host.read(`/approvals/${encodeURIComponent(id)}/${verb}`, { reason: reason.value.trim() || undefined, person: who.value() });
			host.say(verb === "approve" ? "Approved." : "Denied.");
		} catch (problem) {
			if (!(problem instanceof Problem)) throw problem;
			trouble.textContent = problem.message;
			trouble.hidden = false;
		}
		[yes.disabled, no.disabled] = [false, false];
		host.refresh();
	}
	let until = 0;
	return {
		element,
		show(now) {
			until = Date.parse(now.expires_at);
			const words = (now.decisions ?? []).map(({ person, answer, reason }) => `${person} said ${answer}${reason ? `: ${reason}` : ""}`);
			said.textContent = words.join("; ");
			said.hidden = !words.length;
			this.tick();
		},
		tick() {
			left.textContent = until > Date.now() ? `${takes(until - Date.now())} left` : "its time is over";
		},
	};
}

// Who decides: the key says it, or who sits here.
function choice(host, role) {
	const may = host.people.filter(({ roles }) => roles.includes(role));
	if (host.keyed || !may.length) return { element: "", value: () => undefined };
	const select = make("select", ...may.map(({ id, name }) => Object.assign(make("option", name || id), { value: id })));
	const last = localStorage.getItem(PERSON);
	if (may.some(({ id }) => id === last)) select.value = last;
	select.onchange = () => localStorage.setItem(PERSON, select.value);
	return { element: make("label.field", make("span", "As"), select), value: () => select.value };
}
