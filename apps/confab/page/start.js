// Starts a run: a form whose fields are what the workflow takes.

import { Problem, button, make, newId } from "./host.js";

const KINDS = { integer: "a whole number", number: "a number", list: "a list, as JSON", object: "a table, as JSON", any: "any value, as JSON" };

function control({ type, default: initial }) {
	const written = initial === undefined || initial === null ? "" : typeof initial === "string" ? initial : JSON.stringify(initial);
	if (type === "boolean") return Object.assign(make("input"), { type: "checkbox", checked: initial === true });
	if (type === "integer" || type === "number") {
		return Object.assign(make("input"), { type: "number", step: type === "integer" ? "1" : "any", value: written });
	}
	const text = Object.assign(make("textarea"), { rows: type === "string" ? 1 : 3, value: written });
	text.spellcheck = type === "string";
	if (type !== "string") text.className = "json";
	return text;
}

function field(name, input) {
	const box = control(input);
	const optional = input.default !== undefined;
	box.name = name;
	box.required = !optional && input.type !== "boolean";
	const help = [input.description, KINDS[input.type], optional && input.type !== "boolean" && "may be left empty"].filter(Boolean).join(" · ");
	const label = make(`label.field${input.type === "boolean" ? " check" : ""}`, make("span", name), box);
	if (help) label.append(make("small", help));
	// What is left empty is the workflow's own default.
	function value() {
		if (input.type === "boolean") return box.checked;
		if (!box.value.trim()) return undefined;
		if (input.type === "string") return box.value;
		if (input.type === "integer" || input.type === "number") return Number(box.value);
		try {
			return JSON.parse(box.value);
		} catch {
			throw new Problem(422, `${name} is not JSON: texts stand in double quotes.`);
		}
	}
	return { name, label, value };
}

export function startForm(host, workflow) {
	// What must be given comes first.
	const inputs = Object.entries(workflow.inputs);
	inputs.sort(([, one], [, other]) => (one.default !== undefined) - (other.default !== undefined));
	const fields = inputs.map(([name, input]) => field(name, input));
	const trouble = Object.assign(make("p.trouble"), { hidden: true, role: "alert" });
	const submit = Object.assign(make("button.primary", "Start"), { type: "submit" });
	const form = make("form.sheet", ...fields.map(({ label }) => label), trouble, make("p.actions", submit));
	if (!fields.length) form.prepend(make("p.quiet", "It takes nothing."));
	// The same wish, sent twice, is one run; another wish is another.
	let key = newId();
	form.oninput = () => (key = newId());
	form.onsubmit = async (event) => {
		event.preventDefault();
		submit.disabled = true;
		trouble.hidden = true;
		try {
			const given = fields.map(({ name, value }) => [name, value()]).filter(([, value]) => value !== undefined);
			const path = `/workflows/${encodeURIComponent(workflow.name)}/runs`;
			const run = await host.read(path, { inputs: Object.fromEntries(given) }, { "Idempotency-Key": key });
			key = newId();
			if (run.status === "skipped") throw new Problem(409, "There was no room for it: a run is under way, and the workflow wants no other then.");
			location.hash = `#runs/${encodeURIComponent(run.id)}`;
		} catch (problem) {
			if (!(problem instanceof Problem)) throw problem;
			trouble.textContent = problem.message;
			trouble.hidden = false;
		}
		submit.disabled = false;
	};
	return form;
}
