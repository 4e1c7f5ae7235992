// SPDX-License-Identifier: BSD-2-Clause
// The examples that ./dev demo serves, for the console's list of programs. TRIES are messages that make sense, ALONE is
// the command without wspipe.
"use strict";

// A picture for thumbnail.py, one byte per pixel: a disc that fades out.
const PICTURE = Uint8Array.from({ length: 64 * 64 }, (_, i) =>
    Math.max(0, Math.min(255, Math.round(16 * (28 - Math.hypot(i % 64 - 31.5, Math.floor(i / 64) - 31.5))))));

const PROGRAMS = [
    {
        name: "cpu.sh",
        language: "Bash",
        about: "The CPU load, four times a second. Send “work” to raise it.",
        tries: ["work"],
        alone: "examples/cpu.sh",
    },
    {
        name: "count.sh",
        language: "Bash",
        about: "Counts to ten and exits. It reads nothing.",
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
        about: "Exits on request, to show how the close code reports it. Each message starts it again.",
        tries: ["0", "3", "signal TERM"],
        alone: "printf '3\\n' | examples/exit.sh; echo $?",
    },
    {
        name: "env.sh",
        language: "Bash",
        about: "Lists what a program knows about you and your request.",
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
        source: "",
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
        about: "Receives pictures of 64 × 64 bytes and returns them at half the size: binary messages in both directions.",
        tries: [PICTURE],
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
        name: "chat.awk",
        shared: "chat",
        options: "--shared=addressed --events ",
        about: "A chat in five lines of awk: one program for all clients. Connect twice, or with somebody else.",
        tries: ["hello all"],
    },
    {
        name: "counter.py",
        shared: "counter",
        options: "--shared --history=1 --linger=forever ",
        about: "A number that all clients see and change.",
        tries: ["1", "10", "-5"],
    },
    {
        name: "rooms.py",
        shared: "rooms",
        options: "--shared --framing=json --events ",
        about: "A guessing game with rooms: all clients at one path play together.",
        tries: ["50", "25", "75"],
    },
    {
        name: "top.sh",
        terminal: true,
        options: "--pty --readonly ",
        about: "The processes of this machine, in a terminal that you can watch.",
    },
    {
        name: "python.sh",
        terminal: true,
        options: "--pty ",
        about: "Python’s interactive prompt, in a terminal.",
        unsafe: true,
    },
    {
        name: "repl.sh",
        framing: "text",
        about: "Python’s interactive prompt.",
        unsafe: true,
    },
    {
        name: "language-server.sh",
        framing: "lsp",
        about: "An unmodified language server (python3-pylsp or clangd), for an editor in a web page.",
        unsafe: true,
    },
];

// The description of an example: text, its source once it is opened, and the commands that run it.
function describe({ name, about, framing, shared, terminal, options, file, alone, unsafe, source }, page) {
    const folder = shared ? "shared/" : terminal ? "terminal/" : framing ? "framings/" : "";
    const path = `${folder}${source ?? name}`;
    const served = `build/wspipe --port=8081 ${framing ? `--framing=${framing} ` : ""}${options ?? ""}${file ?? `examples/${folder}${name}`}`;
    const text = make("pre", "", "…");
    const box = make("details", "source", make("summary", "", "Source and commands"),
        make("pre", "commands", ...(alone ? [`${alone}\n`] : []), served), text);

    text.tabIndex = 0;
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", `Source of ${name}`);
    box.addEventListener("toggle", async () => {
        const response = await fetch(`source/${path}`).catch(() => undefined);
        text.replaceChildren(...makeText(response?.ok ? await response.text() : "The server does not respond.", true));
    }, { once: true });
    const link = make("a", "", "Open the terminal");

    link.href = page ?? "";
    link.target = "_blank";
    link.rel = "noopener";
    return [
        ...(page ? [make("p", "", link)] : []),
        make("p", "", about, unsafe ? " Not started: anyone who can connect to it can run programs with your privileges." : ""),
        ...(source === "" ? [] : [box]),
    ];
}

// For the console: the examples as entries of its list. One wspipe has one framing, so those of other framings, and those
// that all clients share, have a server each, whose ports are in servers.json.
async function EXAMPLES() {
    const ports = await fetch("servers.json").then((response) => (response.ok ? response.json() : {})).catch(() => ({}));
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";

    const server = (program) => program.shared ?? (program.terminal ? "terminal" : program.framing);
    const page = ({ terminal, unsafe }) =>
        (terminal && !unsafe && ports.terminal ? `${location.protocol}//${location.hostname}:${ports.terminal}/` : undefined);

    return PROGRAMS.map((program) => ({
        name: program.name,
        tag: program.shared ? "shared" : program.terminal ? "terminal" : program.framing ?? program.language,
        path: server(program) ? "/" : `/${program.name}`,
        base: !server(program) ? undefined : ports[server(program)] && !program.unsafe && !program.terminal ? `${scheme}//${location.hostname}:${ports[server(program)]}` : null,
        unterminated: program.framing === "text",
        tries: program.tries,
        hash: `#${program.name}`,
        about: () => describe(program, page(program)),
    }));
}
