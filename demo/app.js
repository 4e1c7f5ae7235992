// SPDX-License-Identifier: BSD-2-Clause
// The demo page: pick a program, talk to it, see how it ends. Output of a program is only ever set as text.
"use strict";

// The examples that ./dev demo serves. TRIES are messages that make sense, ALONE is the command without wspipe.
const PROGRAMS = [
    {
        name: "cpu.sh",
        language: "Bash",
        about: "The CPU load, four times a second. Send “work” to raise it.",
        tries: ["work"],
        view: "chart",
        alone: "examples/cpu.sh",
    },
    {
        name: "count.sh",
        language: "Bash",
        about: "Counts to ten and exits. It reads nothing.",
        tries: [],
        alone: "examples/count.sh",
    },
    {
        name: "greeter.py",
        language: "Python",
        about: "Greets you by name.",
        tries: ["Ada", "Grace"],
        alone: "printf 'Ada\\n' | examples/greeter.py",
    },
    {
        name: "shout.pl",
        language: "Perl",
        about: "Returns each message in capital letters.",
        tries: ["hello there", "straße"],
        alone: "printf 'hello there\\n' | examples/shout.pl",
    },
    {
        name: "dice.awk",
        language: "awk",
        about: "Rolls dice: 2d6 is two dice with six sides each.",
        tries: ["2d6", "1d20", "10d4"],
        alone: "printf '2d6\\n' | examples/dice.awk",
    },
    {
        name: "clock.js",
        language: "Node.js",
        about: "Sends the time every second and answers messages in between.",
        tries: ["tick"],
        alone: "examples/clock.js",
    },
    {
        name: "rpn",
        language: "C",
        about: "Calculates in reverse Polish notation and keeps its stack.",
        tries: ["3 4 +", "2 *", "clear"],
        source: "rpn.c",
        file: "build/examples/rpn",
        alone: "printf '3 4 +\\n' | build/examples/rpn",
    },
    {
        name: "exit.sh",
        language: "Bash",
        about: "Exits as you ask, to show how the close code reports it. Each button starts it again.",
        tries: ["0", "3", "signal TERM"],
        alone: "printf '3\\n' | examples/exit.sh; echo $?",
    },
    {
        name: "env.sh",
        language: "Bash",
        about: "Lists what a program knows about you and your request.",
        tries: [],
        alone: "examples/env.sh",
    },
    {
        name: "cat.sh",
        language: "Bash",
        about: "Echoes each message.",
        tries: ["anything at all"],
        alone: "printf 'anything at all\\n' | examples/cat.sh",
    },
    {
        name: "missing.sh",
        language: "",
        about: "Does not exist, to show a rejected connection.",
        tries: [],
        alone: "examples/missing.sh",
    },
    {
        name: "guess.py",
        framing: "text",
        about: "A guessing game, written for a terminal: its prompt does not end with a newline.",
        tries: ["50", "25", "75"],
        alone: "examples/framings/guess.py",
    },
    {
        name: "thumbnail.py",
        framing: "length",
        about: "Receives pictures and returns them at half the size: binary messages in both directions.",
        tries: [],
        view: "picture",
    },
    {
        name: "counter.js",
        framing: "json",
        options: "--events ",
        about: "Reports the type and size of messages, and closes the connection after the third, with its own close code.",
        tries: ["hello", "two\nlines", new Uint8Array(5)],
        alone: "printf '{\"type\":\"text\",\"data\":\"hello\"}\\n' | examples/framings/counter.js",
    },
    {
        name: "repl.sh",
        framing: "text",
        about: "Python’s interactive prompt.",
        unsafe: true,
        tries: [],
        alone: "examples/framings/repl.sh",
    },
    {
        name: "language-server.sh",
        framing: "lsp",
        about: "An unmodified language server (python3-pylsp or clangd), for an editor in a web page.",
        unsafe: true,
        tries: [],
    },
];

const LINES_MAX = 1000; // lines that the log keeps
const TEXT_MAX = 4000; // characters that it shows of one message
const VALUES_MAX = 121; // points of the chart: 30 seconds

// The close codes that wspipe itself sends; endText() explains those that report a program's end.
const CLOSE_TEXTS = {
    1001: "The server is shutting down",
    1002: "Protocol error",
    1003: "The program does not accept this type of message",
    1007: "A message was not valid UTF-8",
    1008: "The client violated a server policy",
    1009: "A message was too long",
    1011: "The program’s output was malformed, or the server had an error",
    1013: "The server is overloaded: try again later",
};

const element = (id) => document.getElementById(id);
const log = element("log");
const lines = element("lines");
const input = element("message");

let program = PROGRAMS[0];
let socket = null; // the connection that the page shows; events of others are ignored
let pending = null; // a message to send once the program has started
let recent = []; // sent messages, for the arrow keys
let recentAt = 0;

// ---- The log. A program may write thousands of lines a second, so the page is updated in batches.

let queue = [];
let timer = 0;

function addLine(kind, text) {
    queue.push({ kind, text, time: new Date() });
    if (queue.length > LINES_MAX)
        queue.shift();
    if (timer === 0)
        timer = setTimeout(showLines, 16);
}

const LABELS = { sent: "Sent", received: "Received", note: "Note", good: "Ended", bad: "Ended" };
const SIGNS = { sent: "→", received: "←", note: "·", good: "✓", bad: "✕" };

function makeLine({ kind, text, time }) {
    const line = document.createElement("li");
    const stamp = document.createElement("time");
    const sign = document.createElement("span");
    const label = document.createElement("span");
    const body = document.createElement("span");

    line.className = kind;
    stamp.dateTime = time.toISOString();
    stamp.textContent = time.toTimeString().slice(0, 8);
    sign.className = "sign";
    sign.textContent = SIGNS[kind];
    sign.setAttribute("aria-hidden", "true");
    label.className = "hidden";
    label.textContent = `${LABELS[kind]}: `;
    body.className = "text";
    body.textContent = text.length > TEXT_MAX
        ? `${text.slice(0, TEXT_MAX)}… (${text.length.toLocaleString("en")} characters in total)`
        : text;
    line.append(stamp, sign, label, body);
    return line;
}

function showLines() {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const batch = document.createDocumentFragment();

    timer = 0;
    for (const line of queue)
        batch.append(makeLine(line));
    queue = [];
    lines.append(batch);
    while (lines.childElementCount > LINES_MAX)
        lines.firstElementChild.remove();
    if (atEnd)
        log.scrollTop = log.scrollHeight;
}

function clearLog() {
    queue = [];
    lines.replaceChildren();
}

// ---- The chart of cpu.sh: the newest value is at the right.

let values = [];

function drawChart() {
    const points = values.map((value, i) => `${VALUES_MAX - values.length + i},${100 - value}`);
    const first = VALUES_MAX - values.length;

    element("curve").setAttribute("d", points.length > 0 ? `M${points.join("L")}` : "");
    element("area").setAttribute("d", points.length > 0 ? `M${first},103L${points.join("L")}V103Z` : "");
    element("value").textContent = values.length > 0 ? `${values[values.length - 1]} %` : "";
}

function addValue(text) {
    if (!/^\d{1,3}$/.test(text))
        return;
    values = [...values, Math.min(100, Number(text))].slice(-VALUES_MAX);
    drawChart();
}

// ---- The drawing for thumbnail.py: one byte per pixel, 255 is ink.

const SIZE = 64;
const drawing = new Uint8Array(SIZE * SIZE);
let changed = false;

// Shows bytes in a canvas, in the page's text colour.
function paint(canvas, bytes) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const [red, green, blue] = getComputedStyle(canvas).color.match(/\d+/g);

    for (let i = 0; i < bytes.length; i++)
        image.data.set([red, green, blue, bytes[i]], 4 * i);
    context.putImageData(image, 0, 0);
}

// A round brush with soft edges.
function dab(x, y) {
    for (let row = Math.floor(y) - 3; row <= y + 3; row++) {
        for (let column = Math.floor(x) - 3; column <= x + 3; column++) {
            if (row < 0 || row >= SIZE || column < 0 || column >= SIZE)
                continue;
            const ink = Math.max(0, Math.min(1, 2.5 - Math.hypot(column - x, row - y)));
            const at = row * SIZE + column;
            drawing[at] = Math.max(drawing[at], Math.round(255 * ink));
        }
    }
    if (!changed)
        requestAnimationFrame(sendDrawing);
    changed = true;
}

function sendDrawing() {
    changed = false;
    paint(element("drawing"), drawing);
    if (program.view === "picture")
        deliver(drawing);
}

// The drawing to start with: a smiling face.
function drawFace() {
    drawing.fill(0);
    for (let angle = 0; angle < 2 * Math.PI; angle += 0.05) {
        dab(31.5 + 27 * Math.cos(angle), 31.5 + 27 * Math.sin(angle));
        if (angle > 0.5 && angle < Math.PI - 0.5)
            dab(31.5 + 16 * Math.cos(angle), 31.5 + 16 * Math.sin(angle));
    }
    dab(22, 24);
    dab(41, 24);
}

function addStroke(event) {
    const box = event.target.getBoundingClientRect();

    if (event.buttons !== 0)
        dab((event.clientX - box.left) * SIZE / box.width, (event.clientY - box.top) * SIZE / box.height);
}

// ---- The connection.

// Describes how an established connection ended; GOOD when nothing went wrong.
function endText(code, reason) {
    if (code === 1000)
        return { good: true, text: "The program exited with status 0 (close code 1000)." };
    if (code === 4000)
        return { good: true, text: `The program closed the connection: ${reason} (close code 4000).` };
    if (code > 4000 && code <= 4255) {
        const status = code - 4000;
        const hint = { 126: ": a command could not be executed", 127: ": command not found" }[status] || "";
        return { good: false, text: `The program exited with status ${status}${hint} (close code ${code}).` };
    }
    if (code > 4256 && code <= 4320) {
        const name = /^signal ([A-Z0-9+]+)$/.exec(reason);
        const signal = name && /[A-Z]/.test(name[1]) ? `SIG${name[1]}` : `signal ${code - 4256}`;
        return { good: false, text: `The program was terminated by ${signal} (close code ${code}).` };
    }
    const text = CLOSE_TEXTS[code] || (reason ? `Closed: ${reason}` : "Closed");
    return { good: false, text: `${text} (close code ${code}).` };
}

// Whether the server of this page responds.
async function isServerRunning() {
    try {
        await fetch(location.pathname, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) });
        return true;
    } catch {
        return false;
    }
}

function show(state, text) {
    const running = state === "open" || state === "connecting";

    element("state").className = state;
    element("state").textContent = text;
    element("again").textContent = running ? "Disconnect" : "Run again";
    element("again").hidden = Boolean(program.unsafe);
}

function disconnect() {
    const old = socket;

    socket = null;
    pending = null;
    if (old !== null)
        old.close(1000);
    return old;
}

// Reports a connection that failed, or was lost without a CLOSE frame: a browser gives no reason for either.
async function reportFailure(current, opened) {
    const running = await isServerRunning();

    if (current !== socket)
        return;
    socket = null;
    if (typeof pending === "string" && input.value === "")
        input.value = pending;
    pending = null;
    if (!running) {
        addLine("bad", "The server is not running. Start it again, for instance with ./dev demo.");
        show("bad", "Server stopped");
    } else if (opened) {
        addLine("bad", "The connection was lost; the server is running.");
        show("bad", "Lost");
    } else {
        addLine("bad", `The server rejected the connection to ${program.name}. Its log gives the reason.`);
        show("bad", "Rejected");
    }
}

// The ports of the servers with other framings; empty when ./dev demo did not start them.
const servers = fetch("servers.json").then((response) => (response.ok ? response.json() : {})).catch(() => ({}));

async function programUrl({ name, framing }) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";

    if (!framing)
        return `${scheme}//${location.host}/${name}`;
    const port = (await servers)[framing];
    return port ? `${scheme}//${location.hostname}:${port}/` : null;
}

async function connect() {
    const started = program;
    const url = await programUrl(started);

    if (started !== program || socket !== null)
        return;
    if (url === null) {
        addLine("note", `This example needs a server with --framing=${program.framing}; ./dev demo starts one.`);
        show("idle", "Not running");
        return;
    }

    const current = new WebSocket(url);
    let opened = false;

    show("connecting", "Starting…");
    socket = current;
    current.binaryType = "arraybuffer";
    current.addEventListener("open", () => {
        if (current !== socket)
            return;
        opened = true;
        show("open", "Running");
        addLine("note", `${program.name} was started.`);
        if (program.view === "picture")
            pending = drawing;
        if (pending !== null)
            deliver(pending);
        pending = null;
    });
    current.addEventListener("message", ({ data }) => {
        if (current === socket)
            receive(data);
    });
    current.addEventListener("close", ({ code, reason }) => {
        if (current !== socket)
            return;
        if (code === 1006) {
            reportFailure(current, opened);
            return;
        }
        const end = endText(code, reason);
        socket = null;
        addLine(end.good ? "good" : "bad", end.text);
        show(end.good ? "good" : "bad", "Ended");
    });
}

const sizeText = (bytes) => `${bytes.toLocaleString("en")} bytes of binary data`;

function receive(data) {
    if (typeof data !== "string") {
        addLine("received", sizeText(data.byteLength));
        if (program.view === "picture")
            paint(element("thumbnail"), new Uint8Array(data));
        return;
    }
    addLine("received", program.framing === "text" ? data.replace(/\n$/, "") : data);
    if (program.view === "chart")
        addValue(data);
}

// Sends a message; starts the program first if it is not running.
function deliver(message) {
    if (socket === null || socket.readyState !== WebSocket.OPEN) {
        pending = message;
        if (socket === null)
            connect();
        return;
    }
    if (typeof message !== "string") {
        socket.send(message);
        addLine("sent", sizeText(message.byteLength));
        return;
    }
    // A program that was written for a terminal reads lines, also where output needs no newline.
    socket.send(program.framing === "text" ? `${message}\n` : message);
    addLine("sent", message);
    if (message !== "" && recent[recent.length - 1] !== message)
        recent = [...recent.slice(-99), message];
    recentAt = recent.length;
}

// ---- The page.

async function showSource() {
    const shown = program;
    const file = shown.source || shown.name;
    let text = "";

    element("source").hidden = true;
    if (shown.name === "missing.sh")
        return;
    try {
        const response = await fetch(`source/${shown.framing ? "framings/" : ""}${file}`);
        text = response.ok ? await response.text() : "";
    } catch {
        // The server has stopped, which the connection reports.
    }
    if (shown !== program || text === "")
        return;
    element("source-title").textContent = `Source of ${file}`;
    element("source-text").textContent = text;
    element("source").hidden = false;
}

function makeTry(message) {
    const button = document.createElement("button");

    button.type = "button";
    button.textContent = typeof message === "string" ? message.replace("\n", "⏎") : `${message.byteLength} bytes`;
    button.addEventListener("click", () => deliver(message));
    return button;
}

function makeAction(text, action) {
    const button = document.createElement("button");

    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", action);
    return button;
}

function pick(name) {
    const list = document.querySelector("nav");

    disconnect();
    program = PROGRAMS.find((candidate) => candidate.name === name) || PROGRAMS[0];
    for (const button of list.querySelectorAll("button")) {
        if (button.dataset.name === program.name) {
            button.setAttribute("aria-current", "true");
            list.scrollLeft = button.offsetLeft - (list.clientWidth - button.offsetWidth) / 2; // on a phone it is one row
        } else {
            button.removeAttribute("aria-current");
        }
    }

    const file = program.file || `examples/${program.framing ? "framings/" : ""}${program.name}`;
    const framing = program.framing ? `--framing=${program.framing} ${program.options || ""}` : "";
    element("name").textContent = program.name;
    element("about").textContent = program.about;
    element("message-label").textContent = `Message to ${program.name}`;
    element("form").hidden = Boolean(program.unsafe);
    element("text").hidden = program.view === "picture";
    element("chart").hidden = program.view !== "chart";
    element("picture").hidden = program.view !== "picture";
    element("alone").textContent = program.alone || "";
    element("alone").parentElement.hidden = !program.alone;
    element("alone").parentElement.previousElementSibling.hidden = !program.alone;
    element("served").textContent = `build/wspipe --port=8081 ${framing}${file}`;
    log.setAttribute("aria-live", program.view ? "off" : "polite"); // a screen reader should not read out four numbers a second
    element("tries").replaceChildren(...program.tries.map(makeTry));
    if (program.view === "picture")
        element("tries").replaceChildren(
            makeAction("A face", drawFace),
            makeAction("Clear", () => {
                drawing.fill(0);
                dab(-9, -9);
            }),
        );

    clearLog();
    values = [];
    drawChart();
    showSource();
    if (program.unsafe) {
        addLine("note", "Not started: anyone who can connect to it can run programs with your privileges.");
        show("idle", "Not started");
        return;
    }
    if (program.view === "picture" && drawing.every((byte) => byte === 0))
        drawFace();
    connect();
}

function makeItem({ name, language, framing }) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const title = document.createElement("span");
    const tag = document.createElement("span");

    button.type = "button";
    button.dataset.name = name;
    title.className = "name";
    title.textContent = name;
    tag.className = "tag";
    tag.textContent = framing || language;
    button.append(title, " ", tag);
    button.addEventListener("click", (event) => {
        history.replaceState(null, "", `#${name}`); // a reload stays here
        pick(name);
        // With a mouse, the next thing is to type. Keyboard and screen reader users stay where they are, and a
        // touch must not open the screen keyboard, but the input has to be in view.
        if (event.detail > 0 && matchMedia("(pointer: fine)").matches)
            input.focus();
        else if (element("form").getBoundingClientRect().bottom > innerHeight)
            element("main").scrollIntoView();
    });
    item.append(button);
    return item;
}

element("programs").append(...PROGRAMS.filter(({ framing }) => !framing).map(makeItem));
element("framings").append(...PROGRAMS.filter(({ framing }) => framing).map(makeItem));

element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    deliver(input.value);
    input.value = "";
});

// Arrow up and down go through the sent messages, as in a shell.
input.addEventListener("keydown", (event) => {
    if ((event.key !== "ArrowUp" && event.key !== "ArrowDown") || event.isComposing)
        return;
    event.preventDefault();
    recentAt = Math.max(0, Math.min(recent.length, recentAt + (event.key === "ArrowUp" ? -1 : 1)));
    input.value = recent[recentAt] || "";
});

element("again").addEventListener("click", () => {
    if (disconnect() === null) {
        connect();
        return;
    }
    addLine("note", "You disconnected; the program’s input has ended.");
    show("idle", "Disconnected");
});

element("drawing").addEventListener("pointerdown", (event) => {
    event.target.setPointerCapture(event.pointerId);
    addStroke(event);
});
element("drawing").addEventListener("pointermove", addStroke);

window.addEventListener("hashchange", () => pick(location.hash.slice(1)));
element("page").hidden = false;
element("invitation").hidden = false;
pick(location.hash.slice(1));
