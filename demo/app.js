// SPDX-License-Identifier: BSD-2-Clause
// The demo page: pick a program, talk to it, see how it ends. Whatever comes
// from a program is only ever set as text.
"use strict";

// What the server has in its --dir. TRIES are messages that make sense; ALONE is the command line without wspipe.
const PROGRAMS = [
    {
        name: "count.sh",
        language: "Bash",
        about: "Counts to ten and ends. It reads nothing.",
        tries: [],
        alone: "examples/count.sh",
    },
    {
        name: "greeter.py",
        language: "Python",
        about: "Greets whoever you name.",
        tries: ["Ada", "Grace"],
        alone: "printf 'Ada\\n' | examples/greeter.py",
    },
    {
        name: "shout.pl",
        language: "Perl",
        about: "Sends your words back in capital letters.",
        tries: ["hello there", "straße"],
        alone: "printf 'hello there\\n' | examples/shout.pl",
    },
    {
        name: "dice.awk",
        language: "awk",
        about: "Rolls dice: 2d6 is two dice of six sides.",
        tries: ["2d6", "1d20", "10d4"],
        alone: "printf '2d6\\n' | examples/dice.awk",
    },
    {
        name: "clock.js",
        language: "Node.js",
        about: "Sends the time each second, and answers you in between.",
        tries: ["tick"],
        alone: "examples/clock.js",
    },
    {
        name: "rpn",
        file: "build/examples/rpn", // compiled, so it is where the build is
        language: "C",
        about: "Calculates in reverse Polish notation, and keeps its stack.",
        tries: ["3 4 +", "2 *", "clear"],
        alone: "printf '3 4 +\\n' | build/examples/rpn",
    },
    {
        name: "exit.sh",
        language: "Bash",
        about: "Ends the way you say, to show what a close code tells.",
        tries: ["0", "3", "signal TERM"],
        alone: "printf '3\\n' | examples/exit.sh; echo $?",
    },
    {
        name: "env.sh",
        language: "Bash",
        about: "Lists what a program is told about you and your request.",
        tries: [],
        alone: "examples/env.sh",
    },
    {
        name: "cat.sh",
        language: "Bash",
        about: "Echo: what goes in comes out.",
        tries: ["anything at all"],
        alone: "printf 'anything at all\\n' | examples/cat.sh",
    },
    {
        name: "missing.sh",
        language: null,
        about: "Is not there, to show how a refusal looks.",
        tries: [],
        alone: "examples/missing.sh",
    },
];

const LINES_MAX = 1000; // lines that the log keeps
const TEXT_MAX = 4000; // characters of one message that it shows

// The close codes that wspipe itself sends, RFC 6455 section 7.4.1; the ends of a program are in endText().
const CLOSE_TEXTS = {
    1001: "The server is shutting down",
    1002: "The connection broke the protocol",
    1003: "This program takes no messages of this type",
    1006: "The connection was lost",
    1007: "A message was not valid UTF-8",
    1008: "The server's rules ended the connection",
    1009: "The message was too long",
    1011: "The server met an error",
    1013: "The server is busy: try again later",
};

const element = (id) => document.getElementById(id);
const log = element("log");
const lines = element("lines");
const input = element("message");

let program = PROGRAMS[0];
let socket = null; // the connection that the page shows; events of any other are ignored
let recent = []; // what was sent, for the arrow keys
let recentAt = 0;

// ---- The log. Lines are gathered and put on the page in batches, as a program may write thousands a second.

let waiting = [];
let timer = 0;

function addLine(kind, text) {
    waiting.push({ kind, text, time: new Date() });
    if (waiting.length > LINES_MAX)
        waiting.shift();
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
        ? `${text.slice(0, TEXT_MAX)}… (${text.length.toLocaleString("en")} characters in all)`
        : text;
    line.append(stamp, sign, label, body);
    return line;
}

function showLines() {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const batch = document.createDocumentFragment();

    timer = 0;
    for (const line of waiting)
        batch.append(makeLine(line));
    waiting = [];
    lines.append(batch);
    while (lines.childElementCount > LINES_MAX)
        lines.firstElementChild.remove();
    if (atEnd)
        log.scrollTop = log.scrollHeight;
}

function clearLog() {
    waiting = [];
    lines.replaceChildren();
}

// ---- The connection.

// How a connection that had been open ended, in words; GOOD when nothing went wrong.
function endText(code, reason) {
    if (code === 1000)
        return { good: true, text: "The program ended with exit status 0 (code 1000)." };
    if (code > 4000 && code <= 4255) {
        const status = code - 4000;
        const hint = { 126: ": something could not be executed", 127: ": a command was not found" }[status] || "";
        return { good: false, text: `The program ended with exit status ${status}${hint} (code ${code}).` };
    }
    if (code > 4256 && code <= 4320) {
        const name = /^signal ([A-Z0-9+]+)$/.exec(reason);
        const signal = name && /[A-Z]/.test(name[1]) ? `SIG${name[1]}` : `signal ${code - 4256}`;
        return { good: false, text: `The program was killed by ${signal} (code ${code}).` };
    }
    const text = CLOSE_TEXTS[code] || (reason ? `Closed: ${reason}` : "Closed");
    return { good: false, text: `${text} (code ${code}).` };
}

function show(state, text) {
    const open = state === "open";

    element("state").className = `state ${state}`;
    element("state").textContent = text;
    element("again").textContent = open || state === "connecting" ? "Disconnect" : "Run again";
    element("send").setAttribute("aria-disabled", String(!open));
}

function disconnect() {
    const old = socket;

    socket = null;
    if (old !== null)
        old.close(1000);
    return old;
}

function connect() {
    disconnect();
    clearLog();
    show("connecting", "Starting…");

    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const current = new WebSocket(`${scheme}//${location.host}/${program.name}`);
    let opened = false;

    socket = current;
    current.binaryType = "arraybuffer";
    current.addEventListener("open", () => {
        if (current !== socket)
            return;
        opened = true;
        show("open", "Running");
        addLine("note", `${program.name} was started.`);
    });
    current.addEventListener("message", ({ data }) => {
        if (current === socket)
            addLine("received", typeof data === "string" ? data : `${data.byteLength} bytes of binary data`);
    });
    current.addEventListener("close", ({ code, reason }) => {
        if (current !== socket)
            return;
        socket = null;
        if (!opened) {
            addLine("bad", `${program.name} could not be started, or the server refused. Its log says why.`);
            show("bad", "Refused");
            return;
        }
        const end = endText(code, reason);
        addLine(end.good ? "good" : "bad", end.text);
        show(end.good ? "good" : "bad", "Ended");
    });
}

function send(text) {
    if (socket === null || socket.readyState !== WebSocket.OPEN) {
        addLine("note", "Not sent: no program is running. “Run again” starts one.");
        return;
    }
    socket.send(text);
    addLine("sent", text);
    if (text !== "" && recent[recent.length - 1] !== text)
        recent = [...recent.slice(-99), text];
    recentAt = recent.length;
}

// ---- The page.

function pick(name) {
    program = PROGRAMS.find((candidate) => candidate.name === name) || PROGRAMS[0];
    for (const button of element("programs").querySelectorAll("button")) {
        if (button.dataset.name === program.name)
            button.setAttribute("aria-current", "true");
        else
            button.removeAttribute("aria-current");
    }
    element("name").textContent = program.name;
    element("about").textContent = program.language ? `${program.about} Written in ${program.language}.` : program.about;
    element("message-label").textContent = `Message to ${program.name}`;
    element("hint").textContent = program.tries.length > 0
        ? "Enter sends it as one line."
        : "This program reads nothing, but you can send.";
    element("alone").textContent = program.alone;
    element("served").textContent = `build/wspipe --port=8081 ${program.file || `examples/${program.name}`}`;
    element("tries").replaceChildren(...program.tries.map((text) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.addEventListener("click", () => send(text));
        return button;
    }));
    connect();
}

for (const { name, about } of PROGRAMS) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const title = document.createElement("span");
    const text = document.createElement("span");

    button.type = "button";
    button.dataset.name = name;
    title.className = "name";
    title.textContent = name;
    text.className = "about";
    text.textContent = about;
    button.append(title, " ", text);
    button.addEventListener("click", (event) => {
        history.replaceState(null, "", `#${name}`); // so that a reload stays here
        pick(name);
        // Whoever uses a mouse can type at once; a keyboard or a screen reader is left where it is.
        if (event.detail > 0 && matchMedia("(pointer: fine)").matches)
            input.focus();
    });
    item.append(button);
    element("programs").append(item);
}

element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    send(input.value);
    if (socket !== null)
        input.value = "";
});

// Arrow up and down go through what was sent, as in a shell.
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
    addLine("note", "You disconnected; the program is told that its input has ended.");
    show("idle", "Disconnected");
});

window.addEventListener("hashchange", () => pick(location.hash.slice(1)));
pick(location.hash.slice(1));
