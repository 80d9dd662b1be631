// What both pages need: elements made of text, and the host behind them.

// An element, as in `make("p.note", "text")`. What it is made of is text, never HTML.
export function make(what, ...children) {
	const [tag, className = ""] = what.split(".");
	const element = Object.assign(document.createElement(tag), { className });
	element.append(...children);
	return element;
}

export const button = (label, onclick) => Object.assign(make("button", label), { type: "button", onclick });

export class Problem extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
		this.passes = !status || status >= 500;
	}
}

// Waits, but not longer than until the network or the reader is back.
export const breathe = (millis) =>
	new Promise((done) => {
		setTimeout(done, millis);
		for (const name of ["online", "focus"]) addEventListener(name, done, { once: true });
	});

export async function request(path, body, token, signal = AbortSignal.timeout(20_000), more = {}) {
	const headers = { ...more };
	if (body) headers["Content-Type"] = "application/json";
	if (token) headers.Authorization = `Bearer ${token}`;
	const options = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal };
	const response = await fetch(path, options).catch(() => {
		throw new Problem(0, "There is no connection.");
	});
	if (response.ok) return response;
	const { detail } = await response.json().catch(() => ({}));
	throw new Problem(response.status, detail || `The host answered ${response.status}.`);
}

// The events of a stream; `alive` is called at every sign of life.
export async function* eventsIn(body, alive) {
	if (!body || !window.TextDecoderStream) throw new Problem(501);
	const reader = body.pipeThrough(new TextDecoderStream()).getReader();
	for (let rest = ""; ; ) {
		const { done, value } = await reader.read();
		if (done) return;
		alive();
		const parts = (rest + value).split(/\r?\n\r?\n/);
		rest = parts.pop();
		for (const part of parts) {
			const data = part.match(/^data:(.*)$/m);
			if (data) yield JSON.parse(data[1]);
		}
	}
}

// `randomUUID` exists in secure contexts only, and a host in the local network is none.
export function newId() {
	const digit = (mark) => (mark ^ ((crypto.getRandomValues(new Uint8Array(1))[0] & 15) >> (mark / 4))).toString(16);
	return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, digit);
}
