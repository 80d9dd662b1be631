// The chat page. Events are hints and may be lost; the history of the session decides.

import { Problem, breathe, button, eventsIn, make, newId, request } from "./host.js";

const TOKEN = "confab.token";
const OUTBOX = "confab.outbox.";
// Milliseconds between attempts to send; then the person decides.
const ATTEMPTS = [500, 1000, 2000, 4000, 8000];
const VERDICTS = {
	handed_off: "A person has taken over this conversation.",
	refused: "This is not answered here.",
	unconfirmed: "It is not certain that this answer arrived.",
	failed: "Something went wrong while answering.",
};

const at = (id) => document.getElementById(id);
const put = (id, text) => (at(id).textContent = text);
const [thread, typing, scroller, banner, box] = ["thread", "typing", "scroll", "banner", "text"].map(at);

const pointer = matchMedia("(hover: hover)").matches;

// The conversation shown; replaced as a whole when another begins.
let chat;

// ---- Text

const INLINE =
	/`([^`\n]+)`|\*\*(?=\S)([^\n]{1,2000}?)\*\*|\*(?![\s*])([^*\n]+)\*|(?<!\w)_(?!\s)([^_\n]+)_(?!\w)|\[([^[\]\n]{1,300})\]\((https:\/\/[^\s()]{1,2000})\)|(https:\/\/[^\s<>"'`*]{0,2000}[^\s<>"'`*.,;:!?)\]])/g;
const FENCE = /^ *(```+)/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)]) +(\S.*)$/;
const HEADING = /^#{1,6} +(.*)$/;

function inline(text, depth = 0) {
	if (depth > 3) return [text];
	const nodes = [];
	let end = 0;
	for (const found of text.matchAll(INLINE)) {
		const [whole, code, bold, star, underscore, label, target, bare] = found;
		const address = target || bare;
		const within = (part) => inline(part, depth + 1);
		nodes.push(text.slice(end, found.index));
		end = found.index + whole.length;
		if (code) nodes.push(make("code", code));
		else if (bold) nodes.push(make("strong", ...within(bold)));
		else if (!address) nodes.push(make("em", ...within(star || underscore)));
		else nodes.push(Object.assign(make("a", label || bare), { href: address, title: address, rel: "noopener noreferrer", target: "_blank" }));
	}
	return [...nodes, text.slice(end)];
}

// The part of Markdown that bots write; anything else stays text.
function blocks(lines, depth = 0) {
	const made = [];
	for (let n = 0; n < lines.length; ) {
		const from = n++;
		const line = lines[from];
		const fence = line.match(FENCE)?.[1];
		const heading = line.match(HEADING)?.[1];
		if (fence) {
			while (n < lines.length && !lines[n].trim().startsWith(fence)) n++;
			made.push(make("pre", make("code", lines.slice(from + 1, n++).join("\n"))));
		} else if (depth < 4 && ITEM.test(line)) {
			n = listAt(lines, from, depth, made);
		} else if (heading) {
			made.push(make("p", make("strong", ...inline(heading))));
		} else if (line.trim()) {
			const goesOn = (line) => line?.trim() && ![FENCE, ITEM, HEADING].some((other) => other.test(line));
			while (goesOn(lines[n])) n++;
			made.push(make("p", ...inline(lines.slice(from, n).join("\n"))));
		}
	}
	return made;
}

// Makes the list that begins at line `n`; returns the line after it.
function listAt(lines, n, depth, made) {
	const [, { length: indent }, mark] = lines[n].match(ITEM);
	const ordered = /\d/.test(mark);
	const list = make(ordered ? "ol" : "ul");
	if (ordered) list.start = parseInt(mark, 10);
	made.push(list);
	const deeper = (line) => line?.search(/\S/) > indent + 1;
	const blank = (line) => line?.trim() === "";
	for (let item; (item = lines[n]?.match(ITEM)) && item[1].length < indent + 2 && /\d/.test(item[2]) === ordered; ) {
		const from = ++n;
		while (deeper(lines[n]) || (blank(lines[n]) && deeper(lines[n + 1]))) n++;
		const below = lines.slice(from, n);
		const margin = below[0]?.search(/\S/);
		list.append(make("li", ...blocks([item[3], ...below.map((line) => line.slice(margin))], depth + 1)));
		if (blank(lines[n]) && ITEM.test(lines[n + 1])) n++;
	}
	return n;
}

// ---- The host

// Opens a session, or goes on with the one of `token`.
async function open(token) {
	const response = await request("/page/session", { token });
	const session = await response.json();
	const life = Date.parse(session.expires) - Date.now();
	localStorage.setItem(TOKEN, session.token);
	// A wrong clock must not renew all the time.
	return { ...session, renewal: Date.now() + Math.max(life * 0.8, 60_000) };
}

async function renew(mine) {
	mine.renewing ??= open(mine.token).finally(() => (mine.renewing = null));
	const session = await mine.renewing;
	if (mine === chat && session.session === mine.session) return Object.assign(mine, session);
	if (mine === chat) begin(session, "The earlier conversation has expired. This is a new one.");
	throw new Problem(409, "The conversation has ended.");
}

async function ask(mine, path, body, signal) {
	const { tenant, bot, session } = mine;
	const address = `/v1/${tenant}/${bot}/sessions/${encodeURIComponent(session)}${path}`;
	const once = () => request(address, body, mine.token, signal);
	if (Date.now() > mine.renewal) await renew(mine);
	return once().catch((problem) => {
		if (problem.status !== 401) throw problem;
		return renew(mine).then(once);
	});
}

// Brings what the history has and the page has not.
async function sync(mine, wait = 0) {
	const signal = AbortSignal.timeout(1000 * (20 + wait));
	const response = await ask(mine, `/messages?after=${mine.last}&wait=${wait}`, null, signal);
	const { messages } = await response.json();
	if (mine !== chat) return;
	messages.forEach(take);
	mine.loading = false;
	// What a reload interrupted is sent again; the same id twice does no harm.
	for (const item of mine.items) if (item.own && !item.seq && !item.sent) send(item);
	refresh();
}

// May fail: whoever follows the session syncs again.
const hint = (mine) => sync(mine).catch(() => {});

// ---- Following the session

async function watch(mine, connected) {
	mine.stream = new AbortController();
	mine.sign = Date.now();
	const { body } = await ask(mine, "/events", null, mine.stream.signal);
	const events = eventsIn(body, () => (mine.sign = Date.now()));
	await sync(mine);
	connected();
	for await (const event of events) {
		if (mine !== chat) return;
		mine.heard = Date.now();
		happened(event);
	}
}

async function follow(mine) {
	let [failures, streams, lost] = [0, true, 0];
	const connected = () => {
		clearTimeout(lost);
		failures = lost = 0;
		if (mine === chat && banner.dataset.kind === "lost") tell("");
	};
	while (mine === chat) {
		try {
			if (streams) await watch(mine, connected);
			else await sync(mine, mine.loading ? 0 : 25).then(connected);
		} catch (problem) {
			if ([404, 405, 406, 501].includes(problem.status)) streams = false;
			failures++;
			mine.stream.abort();
		}
		for (const item of mine.items) item.whole = false;
		if (!streams && !failures) continue;
		lost ||= setTimeout(() => mine === chat && tell("Connection lost. Reconnecting…", "lost"), 1500);
		await breathe(Math.min(15_000, 250 * 2 ** failures) * (0.75 + Math.random() / 2));
	}
}

function happened(event) {
	const { type, turn, text, tool, call, status, millis, verdict } = event;
	const item = replyOf(turn, unanswered()[event.messages - 1]);
	const last = type === "reply" || type === "turn.ended";
	if (item.seq && !last) return;
	let step = item.steps.find((step) => step.call === call);
	if (type === "turn.started") item.steps = [];
	if (type === "turn.started" || type === "text.restarted") Object.assign(item, { text: "", whole: true });
	// A text without its beginning is no use; the whole reply follows.
	if (type === "text.delta" && item.whole) item.text += text;
	if (call && !step) {
		// What was said before a call is not part of the reply.
		if (item.text) item.steps.push({ said: item.text });
		item.text = "";
		item.steps.push((step = { call, tool }));
	}
	if (type === "tool.finished") Object.assign(step, { status, millis });
	if (type === "reply") settle(item, { ...event, at: new Date().toISOString() });
	if (type === "turn.ended") {
		item.ended = true;
		if (verdict !== "answered") say((item.note = VERDICTS[verdict] ?? VERDICTS.failed));
		chat.ended = Math.max(chat.ended, turn);
	}
	item.frame ??= requestAnimationFrame(() => draw(item));
	if (type === "reply" || (last && !item.seq)) hint(chat);
	refresh();
}

// ---- The thread

const unanswered = () => chat.items.filter((item) => item.own && !item.done && !item.failed);

// Puts an item where its `seq` says; one without stays, or goes after `other`.
function place(item, other) {
	const { items } = chat;
	const now = items.indexOf(item);
	const astray = (one, n) => one.seq && item.seq && one !== item && n < now !== one.seq < item.seq;
	if (now >= 0 && !chat.loading && !items.some(astray)) return;
	if (now >= 0) items.splice(now, 1);
	let to = items.length;
	if (other) to = items.indexOf(other) + 1;
	else if (item.seq) to = items.findLastIndex((one) => one.seq < item.seq) + 1;
	items.splice(to, 0, item);
	thread.insertBefore(item.element, items[to + 1]?.element ?? typing);
}

function newItem(fields) {
	const parts = {
		from: make("span.unseen", `${fields.own ? "You" : chat.name}: `),
		steps: make("ul.steps"),
		bubble: make("div.bubble"),
		note: make("p.note"),
		meta: make("div.meta"),
	};
	parts.bubble.dir = "auto";
	return { text: "", steps: [], parts, element: make(`li.${fields.own ? "user" : "bot"}`, ...Object.values(parts)), ...fields };
}

const newOwn = (fields) => newItem({ own: true, ...fields });

// The reply of a turn, made when there is none yet.
function replyOf(turn, after) {
	const known = chat.items.find((item) => !item.own && item.turn === turn);
	if (known) return known;
	const item = newItem({ turn });
	place(item, after);
	draw(item);
	return item;
}

function settle(item, { seq, text, at, by }) {
	if (item.seq && item.text === text) return;
	if (!item.seq && !chat.loading) say(`${by ?? chat.name}: ${text.replace(/[*_`#]/g, "")}`);
	Object.assign(item, { seq, text, at, by });
	chat.ended = Math.max(chat.ended, item.turn);
	place(item);
	draw(item);
}

// Takes a message of the history. Own messages are known by the ids they were sent with.
function take({ seq, id, role, by, text, turn, at }) {
	const { items } = chat;
	chat.last = Math.max(chat.last, seq);
	if (role === "assistant" || role === "person") return settle(replyOf(turn), { seq, text, at, by });
	const item = items.find((item) => item.own && item.id === id) ?? newOwn({ id, text });
	Object.assign(item, { seq, turn, at, sending: false, failed: null });
	place(item);
	draw(item);
	keep();
}

function draw(item) {
	const { own, parts, element, text, steps, failed, note } = item;
	item.frame = null;
	const date = new Date(item.at);
	const time = make("time", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
	time.title = date.toLocaleString();
	if (own) {
		const state = failed ? `Not sent. ${failed.message}` : item.sending ? "Sending…" : item.sent && !item.done ? "Sent" : "";
		element.className = `user ${item.sending ? "sending" : failed ? "failed" : ""}`;
		parts.bubble.textContent = text;
		parts.meta.replaceChildren(time);
		if (state) parts.meta.append(make("span.state", state));
		if (failed) parts.meta.append(button("Try again", () => send(item)));
		return;
	}
	const running = !item.seq && !item.ended;
	const shown = blocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"));
	if (item.by) {
		// A person's words stand as they were written.
		element.className = "bot person";
		parts.from.className = "by";
		parts.from.textContent = item.by;
	}
	parts.steps.replaceChildren(...steps.map(stepRow));
	parts.bubble.replaceChildren(...(shown.length || !running ? shown : [typing.querySelector(".dots").cloneNode(true)]));
	parts.note.textContent = note ?? "";
	if (item.seq && !parts.meta.firstChild) parts.meta.append(time, details(item));
}

// What a call that did not just work came to.
const ENDS = { failed: "did not work", unknown: "may or may not have happened", waiting: "waits for a yes" };
const MARKS = { succeeded: "good", waiting: "waits" };

function told({ tool, status, millis }) {
	const name = tool.replace(/[_-]+/g, " ");
	if (!status) return `${name}…`;
	const time = millis < 1000 ? `${millis || "<1"} ms` : `${(millis / 1000).toFixed(1)} s`;
	return `${name} ${status === "succeeded" ? time : ENDS[status] ?? ENDS.failed}`;
}

function stepRow(step) {
	if (step.said) return make("li", step.said);
	return make(`li.${step.status ? MARKS[step.status] ?? "bad" : "busy"}`, told(step));
}

// What stands behind a reply; the tools only if the page saw them work.
function details({ turn, steps }) {
	const tools = steps.filter((step) => step.tool).map(told);
	return make("details", make("summary", "Details"), [`Turn ${turn}`, ...tools].join(" · "));
}

// Shows what follows from the items together.
function refresh() {
	const { items, ended, heard = 0, loading } = chat;
	document.body.classList.toggle("empty", !items.length && !loading);
	for (const item of unanswered().filter((item) => item.turn <= ended)) {
		item.done = true;
		draw(item);
	}
	const open = unanswered().filter((item) => !item.sending);
	const running = items.some((item) => !item.own && !item.seq && !item.ended);
	const waited = Date.now() - Math.max(heard, ...open.map((item) => Date.parse(item.at)));
	typing.hidden = running || !open.length || waited > 120_000;
	at("slow").hidden = waited < 15_000;
	chat.waiting = running || !typing.hidden;
	at("fresh").disabled = !items.length;
	measure();
}

const say = (text) => put("say", text);

// A quiet line above the conversation, with one thing to do about it.
function tell(text, kind = "", label = "", onclick = null) {
	banner.hidden = !text;
	banner.dataset.kind = kind;
	banner.firstChild.textContent = text;
	Object.assign(banner.lastChild, { textContent: label, hidden: !label, onclick });
}

// ---- Sending

// Keeps what the history has not shown yet, so that a reload loses nothing.
function keep() {
	const unseen = chat.items.filter((item) => item.own && !item.seq);
	sessionStorage.setItem(OUTBOX + chat.session, JSON.stringify(unseen, ["id", "text", "at"]));
}

function send(item) {
	Object.assign(item, { sent: true, sending: true, failed: null });
	place(item);
	draw(item);
	keep();
	refresh();
	// One after the other, so that they arrive in their order.
	const mine = chat;
	mine.sending = Promise.resolve(mine.sending).then(() => deliver(mine, item));
}

async function deliver(mine, item, attempt = 0) {
	if (mine !== chat || item.seq) return;
	try {
		await ask(mine, "/messages", { text: item.text, id: item.id });
	} catch (problem) {
		if (problem.passes && attempt < ATTEMPTS.length) {
			await breathe(ATTEMPTS[attempt]);
			return deliver(mine, item, attempt + 1);
		}
		if (mine !== chat || item.seq) return;
		item.failed = problem;
		say(`Not sent. ${problem.message}`);
	}
	item.sending = false;
	mine.heard = Date.now();
	draw(item);
	if (mine === chat) refresh();
}

function compose(text) {
	if (banner.dataset.kind === "undo") tell("");
	stick = true;
	const id = newId();
	send(newOwn({ id, text, at: new Date().toISOString() }));
}

// A suggestion vanishes with the focus it had; a phone's keyboard stays away.
function suggest(text) {
	compose(text);
	(pointer ? box : scroller).focus();
}

function write(texts) {
	box.value = texts.filter(Boolean).join("\n");
	fit();
	refresh();
	box.focus();
}

// ---- The composer

function measure() {
	const text = box.value.trim();
	const left = (chat?.message_chars ?? 8000) - [...text].length;
	at("send").disabled = !chat || !text || left < 0;
	put("count", left < 0 ? `${-left} characters too long` : left < 800 ? `${left} characters left` : "");
}

function fit() {
	box.style.height = "auto";
	box.style.height = `${box.scrollHeight}px`;
	measure();
}

box.oninput = fit;
box.onkeydown = (event) => {
	if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
	event.preventDefault();
	at("send").click();
};
at("send").onclick = () => {
	compose(box.value.trim());
	write([]);
};

// ---- Scrolling

// Whether the end stays in sight: until the reader leaves it.
let stick = true;
let reached = 0;

const toEnd = () => scroller.scrollTo(0, scroller.scrollHeight);
scroller.onscroll = () => {
	const { scrollTop, scrollHeight, clientHeight } = scroller;
	if (scrollHeight - scrollTop - clientHeight < 4) stick = true;
	else if (scrollTop < reached) stick = false;
	reached = scrollTop;
	at("down").hidden = stick;
};
at("down").onclick = () => {
	toEnd();
	box.focus();
};
const growth = new ResizeObserver(() => stick && toEnd());
growth.observe(scroller);
growth.observe(scroller.firstElementChild);

// Phones lay their keyboard over the page, and only the visual viewport tells.
function inSight() {
	const { scale, height, offsetTop } = visualViewport;
	if (scale > 1.01) return;
	const { style } = document.body;
	style.height = `${height}px`;
	style.top = `${offsetTop}px`;
}
visualViewport.onresize = visualViewport.onscroll = inSight;

// ---- Conversations

// Shows a session; below the one before when the reader did not ask for it.
function begin(session, why = "") {
	const before = chat?.items ?? [];
	chat?.stream.abort();
	const [name, ...about] = (session.title || session.bot).split(/,\s+/);
	chat = { ...session, name, stream: new AbortController(), items: [], last: 0, ended: 0, loading: true };
	document.title = session.title || name;
	put("name", name);
	put("about", about.join(", "));
	put("mark", name[0]);
	put("greeting", session.greeting ?? "");
	at("scripted").hidden = !session.scripted;
	at("work").hidden = !session.workflows;
	at("intro").hidden = false;
	box.placeholder = `Message ${name}`;
	const chip = (text) => make("li", button(text, () => suggest(text)));
	at("chips").replaceChildren(...(session.suggestions ?? []).map(chip));
	const unsent = before.filter((item) => item.failed || item.sending);
	for (const item of why ? unsent : before) item.element.remove();
	if (why) write([...unsent.map((item) => item.text), box.value]);
	stick = true;
	tell(why);
	const kept = JSON.parse(sessionStorage.getItem(OUTBOX + session.session) ?? "[]");
	for (const item of kept.map(newOwn)) {
		place(item);
		draw(item);
	}
	follow(chat);
}

async function fresh() {
	const { token } = chat;
	const change = (token) => open(token).then(begin).catch((problem) => tell(problem.message));
	await change(null);
	if (!chat.items.length) tell("This is a new conversation.", "undo", "Back to the earlier one", () => change(token));
	box.focus();
}

async function start() {
	for (let wait = 500; !chat; wait = Math.min(2 * wait, 10_000)) {
		try {
			begin(await open(localStorage.getItem(TOKEN)));
		} catch (problem) {
			if (!problem.passes) return tell(problem.message, "", "Try again", start);
			tell("The host cannot be reached. Trying again…");
			await breathe(wait);
		}
	}
}

// Tokens run out, connections die, events get lost, people wait.
setInterval(() => {
	if (!chat) return;
	const now = Date.now();
	if (now > chat.renewal) renew(chat).catch(() => {});
	// The host says something every 15 s.
	if (now - chat.sign > 40_000) chat.stream.abort();
	if (chat.waiting && now - (chat.heard ?? 0) > 8000) hint(chat);
	refresh();
}, 5000);

at("fresh").onclick = fresh;
fit();
if (pointer) box.focus();
start();
