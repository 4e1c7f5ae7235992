// The console's page. What a server sends is only ever set as text. Each connection has a worker, which counts its
// messages and hands over the newest ones once a frame; only the rows in view exist. So the page stays responsive
// however fast messages arrive.
"use strict";

const KEEP_COUNT = 10_000; // entries of a connection
const KEEP_BYTES = 32 << 20;
const ROW = 24; // pixels: --row of the style sheet
const PREVIEW = 400; // characters of a row
const JSON_MAX = 2 << 20; // bytes of a message that is parsed
const CHUNK = 100_000; // characters, or bytes, that are shown at first
const CHILDREN = 200; // of an object or array that are shown at first
const HISTORY = 100; // messages
const SAMPLES = 60; // seconds of the rate
const ANNOUNCE_MS = 2000;
const CLOSE_MS = 3000; // to wait for the end of a connection that the user ends

const SIGNS = { in: "↓", out: "↑", note: "·", good: "✓", bad: "✕" };
const NAMES = { in: "Received", out: "Sent", note: "Note", good: "Ended", bad: "Failed" };

const element = (id) => document.getElementById(id);
const own = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}`;
const now = () => performance.timeOrigin + performance.now();
const narrow = matchMedia("(max-width: 759px)");

// A new element with TEXT, or with children.
function make(name, className, ...children) {
    const node = document.createElement(name);

    if (className)
        node.className = className;
    node.append(...children);
    return node;
}

function makeButton(text, action, className) {
    const button = make("button", className, text);

    button.type = "button";
    button.addEventListener("click", action);
    return button;
}

// TEXT with its special characters shown by name.
function makeText(text, keep) {
    const nodes = visibleParts(text, keep).map((part) => (part.special ? make("span", "special", part.text) : part.text));

    return nodes.length > 0 ? nodes : [""];
}

// What the browser keeps; nothing when it is not allowed to.
const storage = {
    get(name, initial) {
        try {
            return JSON.parse(localStorage.getItem(`wspipe.${name}`)) ?? initial;
        } catch {
            return initial;
        }
    },
    set(name, value) {
        try {
            localStorage.setItem(`wspipe.${name}`, JSON.stringify(value));
        } catch {
            // Full, or turned off: it lasts as long as the page.
        }
    },
};

const noCounts = () => ({ in: 0, out: 0, inBytes: 0, outBytes: 0, lost: 0 });
const strings = (value) => (Array.isArray(value) ? value.filter((item) => typeof item === "string") : []);
let past = strings(storage.get("history", []));
let saved = strings(storage.get("saved", []));

function remember(text) {
    past = [...past.filter((other) => other !== text), text].slice(-HISTORY);
    storage.set("history", past);
}

let toastTimer = 0;

function toast(text) {
    clearTimeout(toastTimer);
    element("toast").textContent = text;
    toastTimer = setTimeout(() => {
        element("toast").textContent = "";
    }, 3000);
}

async function copy(text, done) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        const area = make("textarea", "unseen");
        const focused = document.activeElement;
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
        focused?.focus();
    }
    toast(done);
}

// The path of the page without that of the console itself; "" is the root.
const base = location.pathname.replace(/(\/-\/(console|messages))?\/*$/, "");

// The content of /-/programs; undefined if the server does not respond.
async function askServer() {
    try {
        const response = await fetch(`${base}/-/programs`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
        const server = response.ok ? await response.json() : {};
        return {
            command: typeof server.command === "string" ? server.command : null,
            unterminated: server.unterminated === true,
            programs: strings(server.programs).sort(),
            scripts: strings(server.scripts).sort(),
        };
    } catch {
        return undefined;
    }
}

// ---- Drawing

const dirty = new Set();
let frame = 0;

function draw() {
    const due = [...dirty];

    frame = 0;
    dirty.clear();
    for (const pane of due)
        pane.draw();
}

// A page that is not visible has no frames, and still takes what arrives.
function drawSoon() {
    if (frame === 0)
        frame = document.hidden ? setTimeout(draw, 250) : requestAnimationFrame(draw);
}

// ---- The worker of a connection

const BATCH_COUNT = 2000; // messages of a frame that are kept; the others are only counted
const BATCH_BYTES = 8 << 20;

// Runs in the worker: {open: {url, protocols}}, {send: data}, {close: true} and {more: true} from the page are answered
// by {opened}, {failed}, {batch, counts} and {closed}. A batch is sent only after the page has asked for more.
function serveSocket(count, bytes) {
    const counts = { in: 0, out: 0, inBytes: 0, outBytes: 0, lost: 0 };
    const pending = new Log(count, bytes);
    let socket = null;
    let asked = true;
    let started = 0;
    let lastTime = 0;
    let lastSent = 0;

    function flush() {
        if (!asked || pending.end === 0)
            return;
        asked = false;
        counts.lost += pending.first;
        postMessage({ batch: [...pending], counts });
        pending.clear();
    }

    function add(kind, data) {
        const time = performance.timeOrigin + performance.now();
        const size = typeof data === "string" ? utf8Length(data) : data.length;

        pending.push({
            kind, data, size, time, number: 0,
            gap: lastTime > 0 ? time - lastTime : -1,
            since: kind === "in" && lastSent > 0 ? time - lastSent : -1,
        });
        lastTime = time;
        if (kind === "out")
            lastSent = time;
        counts[kind]++;
        counts[`${kind}Bytes`] += size;
        flush();
    }

    function open({ url, protocols }) {
        started = performance.now();
        try {
            socket = new WebSocket(url, protocols);
        } catch (error) {
            postMessage({ failed: error.message });
            close();
            return;
        }
        socket.binaryType = "arraybuffer";
        socket.onopen = () => postMessage({ opened: { protocol: socket.protocol, took: performance.now() - started } });
        socket.onmessage = ({ data }) => add("in", typeof data === "string" ? data : new Uint8Array(data));
        socket.onclose = ({ code, reason }) => {
            asked = true;
            flush();
            postMessage({ closed: { code, reason, lasted: performance.now() - started } });
            close();
        };
    }

    onmessage = ({ data }) => {
        if (data.open) {
            open(data.open);
        } else if (data.more) {
            asked = true;
            flush();
        } else if (data.close) {
            socket.close(1000);
        } else if (socket.readyState === WebSocket.OPEN) {
            socket.send(data.send);
            add("out", data.send);
        }
    };
}

let workerUrl = "";

function makeWorker() {
    workerUrl ||= URL.createObjectURL(new Blob([`"use strict";${utf8Length}${Log}(${serveSocket})(${BATCH_COUNT}, ${BATCH_BYTES});`],
        { type: "text/javascript" }));
    return new Worker(workerUrl);
}

// ---- A tree of JSON. The children of a node are made when it is opened.

function makeLeaf(value) {
    if (typeof value === "string")
        return make("span", "string", "\"", ...makeText(value), "\"");
    return make("span", "", value instanceof ExactNumber ? value.source : String(value));
}

function makeChildren(box, value, from, depth) {
    const isArray = Array.isArray(value);
    const keys = isArray ? value : Object.keys(value);
    const end = Math.min(keys.length, from + CHILDREN);

    for (let i = from; i < end; i++) {
        const label = isArray ? String(i) : keys[i];
        box.append(makeNode(label, value[isArray ? i : label], depth));
    }
    if (end < keys.length) {
        const more = makeButton(`${formatCount(keys.length - end)} more`, () => {
            more.remove();
            makeChildren(box, value, end, depth);
        });
        box.append(more);
    }
}

function makeNode(label, value, depth) {
    const key = label === null ? [] : [make("span", "key", ...makeText(label)), ": "];

    if (value === null || typeof value !== "object" || value instanceof ExactNumber)
        return make("p", "", ...key, makeLeaf(value));
    const count = Array.isArray(value) ? value.length : Object.keys(value).length;
    const sum = Array.isArray(value) ? `[${formatCount(count)}]` : `{${formatCount(count)}}`;
    const box = make("div");
    const node = make("details", "", make("summary", "", ...key, make("span", "count", sum)), box);
    const fill = () => {
        if (node.open && !box.hasChildNodes())
            makeChildren(box, value, 0, depth + 1);
    };
    node.open = depth < 2 && count <= 50;
    fill();
    node.addEventListener("toggle", fill);
    return node;
}

// ---- A connection

let panes = [];
let active = null;
let server = { command: null, unterminated: false, programs: [], scripts: [] };
let lastId = 0;

class Pane {
    constructor({ path = "/", protocol = "", message = "" } = {}) {
        this.root = element("pane").content.firstElementChild.cloneNode(true);
        this.id = ++lastId;
        this.base = own;
        this.example = null;
        this.worker = null; // while there is a connection, or is going to be one
        this.asked = false; // the user ended it
        this.pending = []; // to send once the connection is open
        this.state = "idle";
        this.log = new Log(KEEP_COUNT, KEEP_BYTES);
        this.held = null; // while it is paused, what arrives
        this.counts = noCounts(); // of earlier connections
        this.live = noCounts(); // of this one
        this.asks = false; // a batch was received: the worker waits to be asked for more
        this.samples = new Array(SAMPLES).fill(0);
        this.sampled = { count: 0, lost: 0, time: now() };
        this.shown = []; // numbers of the entries that the filter passes, from shown[from]
        this.from = 0;
        this.seen = 0;
        this.follow = true;
        this.rows = [];
        this.height = 0;
        this.selected = null;
        this.view = "";
        this.announced = 0;
        this.unread = 0;
        this.pastAt = past.length;
        this.draft = "";

        for (const name of ["what", "advice", "code", "about", "empty", "list", "sizer", "latest", "detail", "facts", "views", "content",
            "saved", "pause", "files", "target", "composer"])
            this[name] = this.root.querySelector(`.${name}`);
        this.button = this.target.querySelector("[type=submit]");
        for (const name of ["path", "protocol", "filter", "direction", "message", "format", "newline"])
            this[`${name}Input`] = this.root.querySelector(`[name=${name}]`);
        this.figures = ["in", "out", "rate"].map((name) => this.root.querySelector(`.figures .${name}`));
        this.spark = this.root.querySelector(".spark path");

        this.pathInput.value = normalizePath(path);
        this.protocolInput.value = protocol;
        this.messageInput.value = message;
        this.root.setAttribute("aria-label", `Connection ${this.id}`);
        this.tab = makeButton("", () => activate(this, true));
        this.tabDot = make("span", "dot");
        this.tabName = make("span", "name");
        this.tabNew = make("span", "new");
        this.tab.append(this.tabDot, this.tabName, this.tabNew);
        this.listen();
        this.setBase(own);
        this.setUnterminated(server.unterminated);
        this.setState("idle", "Not connected", "");
        this.showSaved();
        this.fit();
        this.touch();
    }

    on(selector, type, action) {
        this.root.querySelector(selector).addEventListener(type, action);
    }

    listen() {
        this.target.addEventListener("submit", (event) => {
            event.preventDefault();
            if (this.state === "open" || this.state === "connecting")
                this.disconnect();
            else
                this.connect();
        });
        this.root.addEventListener("focusin", () => activate(this, false));
        this.on(".remove", "click", () => removePane(this));
        this.on(".code-button", "click", () => this.toggleCode());
        this.on(".clear", "click", () => this.clear());
        this.on(".save", "click", () => this.save());
        this.pause.addEventListener("click", () => this.togglePause());
        for (const input of [this.pathInput, this.protocolInput]) {
            input.addEventListener("input", () => {
                this.showTab();
                this.showCode();
            });
        }
        for (const input of [this.filterInput, this.directionInput])
            input.addEventListener("input", () => this.refilter());

        this.list.addEventListener("scroll", () => {
            this.follow = this.list.scrollTop + this.height >= this.count * ROW - ROW / 2;
            this.touch();
        });
        this.list.addEventListener("keydown", (event) => this.onListKey(event));
        this.list.addEventListener("click", (event) => {
            const row = event.target.closest(".row");
            if (row)
                this.select(Number(row.dataset.at));
        });
        new ResizeObserver(() => {
            this.height = this.list.clientHeight;
            this.touch();
        }).observe(this.list);
        this.latest.addEventListener("click", () => {
            this.follow = true;
            this.touch();
            this.list.focus();
        });

        this.on(".detail .close", "click", () => this.closeDetail());
        this.on(".copy", "click", () => copy(typeof this.selected.data === "string" ? this.selected.data : toHex(this.selected.data), "Copied"));
        this.on(".edit", "click", () => this.edit(this.selected.data));
        this.detail.addEventListener("keydown", (event) => {
            if (event.key === "Escape")
                this.closeDetail();
        });

        this.composer.addEventListener("submit", (event) => {
            event.preventDefault();
            this.submit();
        });
        this.messageInput.addEventListener("keydown", (event) => this.onMessageKey(event));
        this.messageInput.addEventListener("input", () => {
            this.pastAt = past.length;
            this.fit();
            this.showCode();
        });
        this.formatInput.addEventListener("input", () => this.fit());
        this.on(".file", "click", () => this.files.click());
        this.files.addEventListener("change", () => this.sendFiles());
        this.on(".keep", "click", () => this.keep());
    }

    // ---- The connection

    setBase(base) {
        this.base = base;
        this.root.querySelector(".base").textContent = base ?? "";
        this.button.disabled = base === null;
    }

    setUnterminated(unterminated) {
        this.newlineInput.checked = unterminated;
        this.newlineInput.closest("label").hidden = !unterminated;
    }

    setState(state, what, advice) {
        const busy = state === "open" || state === "connecting";

        this.state = state;
        this.root.querySelector(".state").dataset.state = state;
        this.tabDot.dataset.state = state;
        this.what.textContent = visible(what);
        this.advice.textContent = visible(advice);
        this.button.textContent = busy ? "Disconnect" : "Connect";
        this.button.classList.toggle("primary", !busy);
        this.showTab();
    }

    showTab() {
        const name = this.example?.name ?? this.pathInput.value;

        this.tabName.textContent = visible(head(name, 40)) || "/";
        this.tab.setAttribute("aria-label", `${visible(head(name, 80))}, connection ${this.id}: ${this.what.textContent}`);
        this.tabNew.textContent = this.unread > 0 ? (this.unread > 999 ? "999+" : this.unread) : "";
    }

    connect() {
        const path = normalizePath(this.pathInput.value);
        const worker = makeWorker();
        let opened = false;

        this.forget();
        this.pathInput.value = path;
        this.worker = worker;
        this.setState("connecting", "Connecting…", "");
        worker.onmessage = ({ data }) => {
            if (data.batch) {
                this.receive(data);
            } else if (data.opened) {
                const protocol = data.opened.protocol ? `, subprotocol ${data.opened.protocol}` : "";
                const took = formatDuration(data.opened.took);
                opened = true;
                this.note("note", `Connected in ${took}${protocol}`);
                this.setState("open", "Connected", `in ${took}${protocol}`);
                for (const message of this.pending.splice(0))
                    this.send(message);
            } else {
                this.worker = null;
                this.asks = false;
                this.total();
                if (data.closed)
                    this.onClose(data.closed, path, opened);
                else
                    this.fail("Can’t connect", data.failed);
            }
        };
        worker.onerror = () => {
            this.worker = null;
            this.fail("Can’t connect", "The browser starts no worker for this page.");
        };
        worker.postMessage({ open: { url: this.base + path, protocols: splitProtocols(this.protocolInput.value) } });
    }

    // No connection was made: what was to be sent goes back.
    fail(what, advice) {
        const [back] = this.pending.splice(0);

        if (typeof back === "string" && this.messageInput.value === "")
            this.write(back);
        this.setState("bad", what, advice);
    }

    async onClose({ code, reason, lasted }, path, opened) {
        const after = opened ? ` after ${formatDuration(lasted)}` : "";
        const asked = this.asked;

        this.asked = false;
        if (code !== 1006) {
            const { good, text, advice } = asked && code <= 1005 ? { good: true, text: "Disconnected", advice: "" } : explainClose(code, reason);
            const full = `${text} (${code}${reason === "" ? "" : ` “${reason}”`})`;
            this.note(good ? "good" : "bad", `${full}${after}`);
            this.setState(good ? "idle" : "bad", full, advice);
            return;
        }
        if (asked) {
            this.note("note", "Disconnected");
            this.setState("idle", "Disconnected", "");
            return;
        }
        this.fail(opened ? "Connection lost (1006)" : "Not connected (1006)", "");
        const { text, advice } = explainFailure(opened, path, await askServer());
        this.note("bad", `${text} (1006)${after}`);
        if (this.worker === null)
            this.setState("bad", `${text} (1006)`, advice);
    }

    // Ends the connection, and shows how it ended.
    disconnect() {
        const { worker } = this;

        this.asked = true;
        this.pending = [];
        worker.postMessage({ close: true });
        this.setState("closing", "Disconnecting…", "");
        setTimeout(() => {
            if (this.worker !== worker)
                return;
            this.forget();
            worker.terminate(); // the other side does not respond, or too much is on its way
            this.note("note", "Disconnected without a response");
            this.setState("idle", "Disconnected", "");
        }, CLOSE_MS);
    }

    // Leaves the connection, if any: nothing more of it is shown. Its worker ends with it.
    forget() {
        const worker = this.worker;

        this.worker = null;
        this.asked = false;
        this.asks = false;
        if (worker === null)
            return;
        worker.onmessage = worker.onerror = null;
        worker.postMessage({ close: true });
        this.total();
    }

    send(data) {
        if (this.state === "open") {
            this.worker.postMessage({ send: data });
            this.follow = true;
            return;
        }
        if (this.base === null)
            return;
        this.pending.push(data);
        if (this.state !== "connecting")
            this.connect();
    }

    // ---- Messages

    receive({ batch, counts }) {
        for (const entry of batch)
            (this.held || this.log).push(entry);
        if (this.root.hidden)
            this.unread += counts.in - this.live.in;
        this.live = counts;
        this.asks = true;
        this.touch();
    }

    // What this connection has counted is added to what earlier ones have.
    total() {
        for (const name of Object.keys(this.live))
            this.counts[name] += this.live[name];
        this.live = noCounts();
    }

    countOf(name) {
        return this.counts[name] + this.live[name];
    }

    note(kind, data) {
        (this.held || this.log).push({ kind, data, size: data.length, time: now(), number: 0, gap: -1, since: -1 });
        this.touch();
    }

    touch() {
        dirty.add(this);
        drawSoon();
    }

    clear() {
        this.log.clear();
        if (this.held)
            this.held.clear();
        this.counts = noCounts();
        for (const name of Object.keys(this.live))
            this.counts[name] -= this.live[name];
        this.sampled = { count: 0, lost: 0, time: now() };
        this.samples.fill(0);
        this.announced = 0;
        this.closeDetail();
        this.refilter();
    }

    togglePause() {
        const held = this.held;

        this.held = held ? null : new Log(KEEP_COUNT, KEEP_BYTES);
        this.pause.setAttribute("aria-pressed", String(!held));
        if (held) {
            if (held.first > 0)
                this.note("note", `${formatCount(held.first)} messages that arrived during the pause were counted, not kept`);
            for (const entry of held)
                this.log.push(entry);
        }
        this.touch();
    }

    refilter() {
        this.shown = [];
        this.from = 0;
        this.seen = this.log.first;
        this.follow = true;
        for (const row of this.rows)
            row.number = -1;
        this.touch();
    }

    save() {
        const lines = [...this.log].filter(({ kind }) => kind === "in" || kind === "out").map(toJsonLine);
        const link = make("a");

        if (lines.length === 0) {
            toast("No messages to save");
            return;
        }
        link.href = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "application/jsonl" }));
        link.download = `wspipe-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.jsonl`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
        const lost = this.countOf("in") + this.countOf("out") - lines.length;
        toast(`Saved ${formatCount(lines.length)} messages${lost > 0 ? `; ${formatCount(lost)} are no longer kept` : ""}`);
    }

    get count() {
        return this.shown.length - this.from;
    }

    // Brings the list of what passes the filter up to date; how many rows are gone at its front.
    update() {
        const { log } = this;
        const direction = this.directionInput.value;
        const text = this.filterInput.value.toLowerCase();
        const before = this.from;

        while (this.from < this.shown.length && this.shown[this.from] < log.first)
            this.from++;
        const gone = this.from - before;
        for (let number = Math.max(this.seen, log.first); number < log.end; number++) {
            if (matches(log.get(number), direction, text))
                this.shown.push(number);
        }
        this.seen = log.end;
        if (this.from > KEEP_COUNT) {
            this.shown = this.shown.slice(this.from);
            this.from = 0;
        }
        return gone;
    }

    draw() {
        const gone = this.update();
        const { count } = this;

        if (this.asks) {
            this.asks = false;
            this.worker?.postMessage({ more: true });
        }
        this.showFigures();
        if (this.root.hidden)
            this.showTab();
        if (this.root.hidden || this.height === 0)
            return;
        this.sizer.style.height = `${count * ROW}px`;
        if (this.follow)
            this.list.scrollTop = count * ROW;
        else if (gone > 0)
            this.list.scrollTop -= gone * ROW;
        const top = this.follow ? Math.max(0, count * ROW - this.height) : this.list.scrollTop;
        const first = Math.floor(top / ROW);
        const rows = Math.ceil(this.height / ROW) + 1;
        while (this.rows.length < rows)
            this.rows.push(this.makeRow());
        let descendant = "";
        for (let i = 0; i < this.rows.length; i++) {
            const at = first + i;
            const row = this.rows[at % this.rows.length]; // a row keeps its message while the list scrolls
            row.node.hidden = at >= count;
            if (row.node.hidden)
                continue;
            this.fillRow(row, this.log.get(this.shown[this.from + at]), at, count);
            if (row.node.ariaSelected === "true")
                descendant = row.node.id;
        }
        if (descendant)
            this.list.setAttribute("aria-activedescendant", descendant);
        else
            this.list.removeAttribute("aria-activedescendant");
        this.latest.hidden = this.follow || count * ROW <= this.height;
        this.showEmpty(count);
    }

    showEmpty(count) {
        const filtered = this.log.end > this.log.first;

        this.empty.hidden = count > 0;
        if (count > 0)
            return;
        this.empty.textContent = filtered
            ? "No message passes the filter."
            : this.state === "open" ? "No messages yet." : "Connect to start the program. A message that you send connects, too.";
    }

    showFigures() {
        const [input, output] = this.figures;
        const set = (node, text) => {
            if (node.textContent !== text)
                node.textContent = text;
        };

        set(input, `↓ ${formatCount(this.countOf("in"))} · ${formatBytes(this.countOf("inBytes"))}`);
        set(output, `↑ ${formatCount(this.countOf("out"))} · ${formatBytes(this.countOf("outBytes"))}`);
        set(this.pause, this.held && this.held.end > 0 ? `Paused, ${formatCount(this.held.end)} new` : this.held ? "Paused" : "Pause");
    }

    // Once a second.
    sample() {
        const count = this.countOf("in") + this.countOf("out");
        const lost = this.countOf("lost");
        const time = now();
        const rate = (count - this.sampled.count) * 1000 / Math.max(1, time - this.sampled.time);

        const dropped = lost > this.sampled.lost;

        this.sampled = { count, lost, time };
        this.samples = [...this.samples.slice(1), rate];
        this.figures[2].textContent = `${formatCount(rate)}/s${dropped ? ", sampled" : ""}`;
        const top = Math.max(1, ...this.samples);
        this.spark.setAttribute("d", `M${this.samples.map((value, i) => `${i},${(15 - 14 * value / top).toFixed(1)}`).join("L")}`);
    }

    // For a screen reader, every two seconds.
    announce() {
        const received = this.countOf("in");
        const fresh = received - this.announced;

        if (fresh <= 0)
            return;
        this.announced = received;
        let last;
        for (let number = this.log.end - 1; number >= this.log.first && !last; number--)
            last = this.log.get(number).kind === "in" ? this.log.get(number) : undefined;
        const text = !last ? "" : typeof last.data === "string" ? visible(head(last.data, 200)) : `${formatBytes(last.size)} of binary data`;
        element("live").textContent = fresh === 1 ? `Received: ${text}` : fresh < 100 ? `${fresh} messages received, last: ${text}` : `${formatCount(fresh)} messages received`;
    }

    makeRow() {
        const [sign, time, text, gap, size] = ["sign", "", "text", "gap", "size"].map((name, i) => make(i === 1 ? "time" : "span", name));
        const node = make("div", "row", sign, time, text, gap, size);

        node.setAttribute("role", "option");
        sign.setAttribute("aria-hidden", "true");
        this.sizer.append(node);
        return { node, sign, time, text, gap, size, number: -1, at: -1, count: -1 };
    }

    fillRow(row, entry, at, count) {
        const { node } = row;
        const selected = String(entry === this.selected);

        if (node.ariaSelected !== selected)
            node.ariaSelected = selected;
        if (row.at !== at) {
            node.style.transform = `translateY(${at * ROW}px)`;
            node.dataset.at = at;
            node.ariaPosInSet = at + 1;
            row.at = at;
        }
        if (row.count !== count) {
            node.ariaSetSize = count;
            row.count = count;
        }
        if (row.number === entry.number)
            return;
        row.number = entry.number;
        const message = entry.kind === "in" || entry.kind === "out";
        node.id = `row-${this.id}-${entry.number}`;
        node.className = `row ${entry.kind}`;
        row.sign.textContent = SIGNS[entry.kind];
        row.time.textContent = formatTime(entry.time);
        row.gap.textContent = message && entry.gap >= 0 ? `+${formatDuration(entry.gap)}` : "";
        row.size.textContent = message ? formatBytes(entry.size) : "";
        if (typeof entry.data === "string") {
            row.text.className = "text";
            row.text.replaceChildren(...makeText(head(entry.data, PREVIEW)));
        } else {
            row.text.className = "text binary";
            row.text.textContent = toHex(entry.data.subarray(0, 64)) || "(empty)";
        }
    }

    // ---- The selected message

    select(at) {
        const entry = this.log.get(this.shown[this.from + at]);

        if (!entry)
            return;
        this.selected = entry;
        this.follow = at === this.count - 1 && this.follow;
        this.showDetail();
        this.touch();
    }

    onListKey(event) {
        const page = Math.max(1, Math.floor(this.height / ROW) - 1);
        const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
        const last = this.count - 1;

        if (event.key === "Escape") {
            this.closeDetail();
        } else if (event.key === "Enter" && this.selected) {
            this.content.focus();
        } else if (event.key in steps && last >= 0 && !event.altKey && !event.ctrlKey && !event.metaKey) {
            const current = this.selected ? this.shown.indexOf(this.selected.number, this.from) - this.from : -1;
            const from = current >= 0 ? current : event.key === "ArrowDown" ? -1 : last + 1;
            const at = Math.max(0, Math.min(last, from + steps[event.key]));
            this.select(at);
            if (at * ROW < this.list.scrollTop)
                this.list.scrollTop = at * ROW;
            else if ((at + 1) * ROW > this.list.scrollTop + this.height)
                this.list.scrollTop = (at + 1) * ROW - this.height;
        } else {
            return;
        }
        event.preventDefault();
    }

    closeDetail() {
        if (this.detail.contains(document.activeElement))
            this.list.focus();
        this.selected = null;
        this.detail.hidden = true;
        this.touch();
    }

    // The views of a message: {name: function that returns its node}.
    viewsOf({ data, size, kind }) {
        const views = {};
        const bytes = () => (typeof data === "string" ? new TextEncoder().encode(data) : data);
        let text = typeof data === "string" ? data : null;

        if (text === null) {
            try {
                text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
            } catch {
                text = null;
            }
        }
        if (kind !== "in" && kind !== "out")
            return { Text: () => this.makeLong(text.length, (end) => makeText(text.slice(0, end), true), "") };
        const json = text !== null && size <= JSON_MAX ? parseJson(text) : undefined;
        if (json !== undefined)
            views.JSON = () => make("div", "tree", makeNode(null, json, 0));
        const dump = () => this.makeLong(bytes().length, (end) => [hexDump(bytes().subarray(0, end), this.root.clientWidth < 640 ? 8 : 16)], "dump");
        if (typeof data !== "string")
            views.Hex = dump;
        if (text !== null)
            views.Text = () => this.makeLong(text.length, (end) => makeText(head(text, end), true), "");
        views.Hex = dump;
        return views;
    }

    // The start of something long, with a button for more of it.
    makeLong(length, content, className) {
        const pre = make("pre", className);
        const box = make("div", "", pre);
        const show = (end) => {
            pre.replaceChildren(...content(end));
            box.querySelector("button")?.remove();
            if (end < length)
                box.append(makeButton(`Show more of ${formatCount(length)}`, () => show(end * 8)));
        };

        show(className === "dump" ? CHUNK / 16 : CHUNK);
        return box;
    }

    showDetail() {
        const entry = this.selected;
        const views = this.viewsOf(entry);
        const names = Object.keys(views);
        const chosen = names.includes(this.view) && !(names[0] === "JSON" && this.view === "") ? this.view : names[0];
        const message = entry.kind === "in" || entry.kind === "out";
        const facts = [`${NAMES[entry.kind]} ${formatTime(entry.time)}`];

        if (message)
            facts.push(`${typeof entry.data === "string" ? "text" : "binary"}, ${formatCount(entry.size)} B`);
        if (entry.since >= 0)
            facts.push(`${formatDuration(entry.since)} after the last sent`);
        else if (message && entry.gap >= 0)
            facts.push(`${formatDuration(entry.gap)} after the one before`);
        this.facts.textContent = facts.join(" · ");
        this.root.querySelector(".edit").hidden = !message;
        const buttons = names.map((name) => {
            const button = makeButton(name, () => {
                this.view = name;
                for (const other of buttons)
                    other.setAttribute("aria-pressed", String(other === button));
                this.content.replaceChildren(views[name]());
            });
            button.setAttribute("aria-pressed", String(name === chosen));
            return button;
        });
        this.views.replaceChildren(...(buttons.length > 1 ? buttons : []));
        this.content.replaceChildren(views[chosen]());
        this.content.scrollTop = 0;
        this.detail.hidden = false;
    }

    // ---- Writing

    // As many lines as the message has, up to eight.
    fit() {
        this.messageInput.rows = Math.min(8, this.messageInput.value.split("\n").length);
        this.messageInput.placeholder = this.formatInput.value === "hex" ? "de ad be ef" : "Message";
        this.wrong("");
    }

    wrong(text) {
        this.messageInput.classList.toggle("wrong", text !== "");
        if (text) {
            this.messageInput.setAttribute("aria-invalid", "true");
            toast(text);
        } else {
            this.messageInput.removeAttribute("aria-invalid");
        }
    }

    write(text) {
        this.messageInput.value = text;
        this.fit();
        this.showCode();
    }

    submit() {
        const text = this.messageInput.value;
        let data = this.newlineInput.checked ? `${text}\n` : text;

        if (this.formatInput.value === "hex") {
            try {
                data = parseHex(text);
            } catch (error) {
                this.wrong(error.message);
                return;
            }
        }
        if (text !== "")
            remember(text);
        this.pastAt = past.length;
        this.write("");
        this.send(data);
    }

    edit(data) {
        this.formatInput.value = typeof data === "string" ? "text" : "hex";
        this.write(typeof data === "string" ? data : toHex(data));
        this.messageInput.focus();
    }

    onMessageKey(event) {
        const { value, selectionStart, selectionEnd } = this.messageInput;

        if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
            return;
        if (event.key === "Enter") {
            event.preventDefault();
            this.submit();
            return;
        }
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        const outside = step === -1 ? value.slice(0, selectionStart) : value.slice(selectionEnd);
        const next = this.pastAt + step;
        if (!step || outside.includes("\n") || next < 0 || next > past.length)
            return;
        event.preventDefault();
        if (this.pastAt === past.length)
            this.draft = value;
        this.pastAt = next;
        this.write(past[next] ?? this.draft);
        this.messageInput.setSelectionRange(this.messageInput.value.length, this.messageInput.value.length);
    }

    async sendFiles() {
        for (const file of [...this.files.files])
            this.send(new Uint8Array(await file.arrayBuffer()));
        this.files.value = "";
    }

    keep() {
        const text = this.messageInput.value;

        if (text === "") {
            toast("Write a message to keep first");
            return;
        }
        saved = [...saved.filter((other) => other !== text), text];
        storage.set("saved", saved);
        for (const pane of panes)
            pane.showSaved();
        toast("Kept above the message box");
    }

    showSaved() {
        const makeItem = (data, removable) => {
            const text = typeof data === "string" ? data : `${formatCount(data.length)} bytes`;
            const use = makeButton(visible(head(text, 60)), () => this.send(data === text && this.newlineInput.checked ? `${data}\n` : data), "use");
            const item = make("li", "", use);

            use.setAttribute("aria-label", `Send ${visible(head(text, 200))}`);
            if (removable) {
                const drop = makeButton("×", () => {
                    saved = saved.filter((other) => other !== data);
                    storage.set("saved", saved);
                    for (const pane of panes)
                        pane.showSaved();
                    this.messageInput.focus();
                }, "drop");
                drop.setAttribute("aria-label", `Remove ${visible(head(text, 200))}`);
                item.append(drop);
            }
            return item;
        };
        const tries = this.example?.tries ?? [];

        this.saved.hidden = tries.length + saved.length === 0;
        this.saved.replaceChildren(...tries.map((data) => makeItem(data, false)), ...saved.map((data) => makeItem(data, true)));
    }

    // ---- The same elsewhere

    toggleCode() {
        this.code.hidden = !this.code.hidden;
        this.root.querySelector(".code-button").setAttribute("aria-expanded", String(!this.code.hidden));
        this.showCode();
    }

    showCode() {
        if (this.code.hidden)
            return;
        const message = this.formatInput.value === "text" ? this.messageInput.value : "";
        const url = (this.base ?? own) + normalizePath(this.pathInput.value);
        this.code.replaceChildren(...snippets(url, splitProtocols(this.protocolInput.value), message).flatMap(({ title, code }) => {
            const button = makeButton("Copy", () => copy(code, "Copied"));
            const pre = make("pre", "", ...makeText(code, true));
            button.setAttribute("aria-label", `Copy: ${title}`);
            pre.tabIndex = 0;
            pre.setAttribute("role", "group");
            pre.setAttribute("aria-label", title);
            return [make("h2", "", title), make("div", "", pre, button)];
        }));
    }

    // ---- Programs

    // Starts a program of the list: {name, path}, and of the demo more.
    use(program) {
        this.forget();
        this.pending = [];
        this.example = program;
        this.pathInput.value = program.path;
        this.setBase(program.base === undefined ? own : program.base);
        this.setUnterminated(program.unterminated ?? server.unterminated);
        this.clear();
        this.setState("idle", "Not connected", "");
        this.showSaved();
        this.showCode();
        this.about.hidden = !program.about;
        if (program.about)
            this.about.replaceChildren(...program.about());
        if (this.base !== null)
            this.connect();
        markProgram();
    }
}

// ---- The page

function activate(pane, focus) {
    if (active !== pane) {
        active = pane;
        layOut();
    }
    if (focus && matchMedia("(pointer: fine)").matches)
        pane.messageInput.focus();
}

function layOut() {
    const columns = element("columns").getAttribute("aria-pressed") === "true" && !narrow.matches;

    for (const pane of panes) {
        pane.root.hidden = !columns && pane !== active;
        if (!pane.root.hidden)
            pane.unread = 0;
        pane.root.querySelector(".remove").hidden = panes.length === 1;
        if (pane === active)
            pane.tab.setAttribute("aria-current", "true");
        else
            pane.tab.removeAttribute("aria-current");
        pane.showTab();
        pane.touch();
    }
    element("tabs").firstElementChild.hidden = panes.length === 1;
    element("tabs").classList.toggle("many", panes.length > 1);
    element("columns").hidden = panes.length === 1;
    markProgram();
}

function addPane(state) {
    const pane = new Pane(state);

    panes.push(pane);
    element("panes").append(pane.root);
    element("tabs").firstElementChild.append(make("li", "", pane.tab));
    return pane;
}

function removePane(pane) {
    const at = panes.indexOf(pane);

    pane.forget();
    panes = panes.filter((other) => other !== pane);
    pane.root.remove();
    pane.tab.parentElement.remove();
    dirty.delete(pane);
    if (active === pane)
        active = null;
    activate(active ?? panes[Math.max(0, at - 1)], true);
    layOut();
}

let programs = []; // {name, tag, path, and so on}

function markProgram() {
    element("programs").querySelectorAll("button").forEach((button, i) => {
        if (active && (active.example ? active.example === programs[i] : active.pathInput.value === programs[i].path))
            button.setAttribute("aria-current", "true");
        else
            button.removeAttribute("aria-current");
    });
}

function listPrograms() {
    const list = element("programs").querySelector("ul");

    list.replaceChildren(...programs.map((program) => {
        const button = makeButton("", (event) => {
            const pane = event.ctrlKey || event.metaKey ? addPane() : active;
            activate(pane, event.detail > 0);
            pane.use(program);
            if (program.hash)
                history.replaceState(null, "", program.hash); // a reload stays here
        });
        button.append(make("span", "name", visible(program.name)), make("span", "tag", program.tag ?? ""));
        return make("li", "", button);
    }), ...server.scripts.map((path) => {
        const link = make("a", "", make("span", "name", visible(path.slice(1))), make("span", "tag", "CGI"));
        link.href = path.split("/").map(encodeURIComponent).join("/");
        link.target = "_blank";
        link.rel = "noopener";
        return make("li", "", link);
    }));
    element("programs").hidden = list.childElementCount === 0;
}

function setTheme(theme) {
    const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);

    document.documentElement.dataset.theme = dark ? "dark" : "light";
    element("theme").value = theme;
}

// The server marks a page that the user asked for, not another site: only that one connects by itself.
function wasTyped() {
    const [navigation] = performance.getEntriesByType("navigation");

    return (navigation?.serverTiming ?? []).some(({ name }) => name === "typed");
}

async function start() {
    const isConsole = /\/-\/(console|messages)$/.test(location.pathname);
    const states = hashToState(location.hash);
    const theme = storage.get("theme", "");

    setTheme(theme === "light" || theme === "dark" ? theme : "");
    server = await askServer() ?? server;
    programs = typeof EXAMPLES === "undefined" ? server.programs.map((path) => ({ name: path.slice(1), path })) : await EXAMPLES();
    listPrograms();
    if (server.command !== null) {
        element("program").textContent = visible(server.command);
        document.title = `${visible(server.command)} · wspipe`;
    }
    for (const state of states.length > 0 ? states : [{ path: isConsole ? base || "/" : location.pathname + location.search }])
        addPane(state);
    element("app").hidden = false;
    activate(panes[0], true);
    if (typeof EXAMPLES !== "undefined" && states.length === 0)
        active.use(programs.find(({ hash }) => hash === location.hash) ?? programs[0]);
    else if (wasTyped() && location.hash === "" && location.search === "" && (isConsole || base === "") && server.command !== null)
        active.connect();
    setInterval(() => panes.forEach((pane) => pane.sample()), 1000);
    setInterval(() => active.announce(), ANNOUNCE_MS);
}

element("add").addEventListener("click", () => {
    const pane = addPane({ path: active.pathInput.value, protocol: active.protocolInput.value });

    pane.setBase(active.base);
    pane.example = active.example;
    pane.setUnterminated(active.newlineInput.checked);
    pane.showSaved();
    activate(pane, true);
});
element("columns").addEventListener("click", ({ currentTarget }) => {
    currentTarget.setAttribute("aria-pressed", String(currentTarget.getAttribute("aria-pressed") !== "true"));
    layOut();
});
element("share").addEventListener("click", () => {
    const hash = stateToHash(panes.map((pane) => ({ path: pane.pathInput.value, protocol: pane.protocolInput.value, message: pane.messageInput.value })));

    history.replaceState(null, "", hash);
    copy(location.href, "Link copied. It fills in this page, and sends nothing.");
});
element("theme").addEventListener("input", ({ target }) => {
    storage.set("theme", target.value);
    setTheme(target.value);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(element("theme").value));
narrow.addEventListener("change", layOut);
window.addEventListener("hashchange", () => location.reload());
start();
