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
        name: "when.php",
        language: "PHP",
        about: "Replies with the date that English words mean. It needs php-cli.",
        tries: ["tomorrow", "last friday of next month"],
        alone: "printf 'tomorrow\\n' | examples/when.php",
    },
    {
        name: "clock.js",
        language: "Node.js",
        page: "/fallback/",
        about: "Sends the time every second and answers messages in between. Its page also works without a WebSocket.",
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
        folder: "framings",
        framing: "text",
        about: "A guessing game, written for a terminal: its prompt does not end with a newline.",
        tries: ["50", "25", "75"],
        alone: "examples/framings/guess.py",
    },
    {
        name: "thumbnail.py",
        folder: "framings",
        framing: "length",
        about: "Receives pictures of 64 × 64 bytes and returns them at half the size: binary messages in both directions.",
        tries: [PICTURE],
    },
    {
        name: "counter.js",
        folder: "framings",
        framing: "json",
        options: "--events ",
        about: "Reports the type and size of messages, and closes the connection after the third, with its own close code.",
        tries: ["hello", "two\nlines", new Uint8Array(5)],
        alone: "printf '{\"type\":\"text\",\"data\":\"hello\"}\\n' | examples/framings/counter.js",
    },
    {
        name: "chat.awk",
        folder: "shared",
        options: "--shared=addressed --events ",
        about: "A chat in five lines of awk: one program for all clients. Connect twice, or with somebody else.",
        tries: ["hello all"],
    },
    {
        name: "counter.py",
        folder: "shared",
        options: "--shared --history=1 --linger=forever ",
        about: "A number that all clients see and change.",
        tries: ["1", "10", "-5"],
    },
    {
        name: "rooms.py",
        folder: "shared",
        framing: "json",
        options: "--shared --events ",
        about: "A guessing game with rooms: all clients at one path play together.",
        tries: ["50", "25", "75"],
    },
    {
        name: "log",
        folder: "shared",
        options: "--shared --history=100 ",
        about: "A log for everyone: here that of this server, with one tail for all clients.",
        source: "",
        file: "tail -n 20 -F /var/log/syslog",
    },
    {
        name: "zmq-subscriber.py",
        folder: "shared",
        options: "--shared --linger=forever ",
        about: "What a ZeroMQ publisher sends.",
        needs: "python3-zmq and a publisher",
        file: "examples/shared/zmq-subscriber.py tcp://127.0.0.1:5556",
    },
    {
        name: "redis-cli",
        folder: "shared",
        options: "--shared --linger=forever ",
        about: "A channel of Redis or Valkey: three lines for each message.",
        needs: "redis-tools and a server",
        source: "",
        file: "redis-cli subscribe news",
    },
    {
        name: "top.sh",
        folder: "terminal",
        page: "/top.sh/-/console",
        options: "--pty --readonly ",
        about: "The processes of this machine, in a terminal that you can watch.",
    },
    {
        name: "python.sh",
        folder: "terminal",
        options: "--pty ",
        about: "Python’s interactive prompt, in a terminal.",
        unsafe: true,
    },
    {
        name: "shopping.py",
        folder: "live",
        path: "/live/",
        page: "/live/",
        options: "--staticdir=examples/live/www ",
        about: "Renders its page in the manner of Phoenix LiveView. Here you see the events, and the HTML of what has changed.",
        tries: ['{"event":"add","value":"Milk"}', '{"event":"toggle","value":"Milk"}'],
    },
    {
        name: "phoenix.py",
        folder: "protocols",
        path: "/socket/websocket?vsn=2.0.0",
        page: "/protocols/",
        framing: "json",
        options: "--shared --events ",
        about: "A Phoenix channel for the front end of the npm package phoenix, which speaks to it as you can here.",
        tries: ['["1","1","room:lobby","phx_join",{"name":"Ada"}]', '["1","2","room:lobby","say",{"text":"hello"}]'],
    },
    {
        name: "socketio.js",
        folder: "protocols",
        path: "/socket.io/",
        page: "/protocols/",
        about: "Events and acknowledgements for the npm package socket.io-client.",
        tries: ["40", '420["shout","hello"]'],
    },
    {
        name: "signalr.py",
        folder: "protocols",
        path: "/hub",
        page: "/protocols/",
        about: "A hub for the npm package @microsoft/signalr. The character U+001E ends each object.",
        tries: ['{"protocol":"json","version":1}\x1e', '{"type":1,"invocationId":"1","target":"Add","arguments":[5]}\x1e'],
    },
    {
        name: "repl.sh",
        folder: "framings",
        framing: "text",
        about: "Python’s interactive prompt.",
        unsafe: true,
    },
    {
        name: "language-server.sh",
        folder: "framings",
        framing: "lsp",
        about: "An unmodified language server (python3-pylsp or clangd), for an editor in a web page.",
        unsafe: true,
    },
];

// The description of an example: text, its source once it is opened, and the commands that run it.
function describe({ name, about, framing, folder, options, file, alone, page, unsafe, needs, source }) {
    const path = `${folder ? `${folder}/` : ""}${source ?? name}`;
    const served = `build/wspipe --port=8081 ${framing ? `--framing=${framing} ` : ""}${options ?? ""}${file ?? `examples/${path}`}`;
    const text = make("pre", "", "…");
    const link = make("a", "", folder === "terminal" ? "Open the terminal" : "Open its page");
    const box = make("details", "source", make("summary", "", "Source and commands"),
        make("pre", "commands", ...(alone ? [`${alone}\n`] : []), served), text);

    text.tabIndex = 0;
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", `Source of ${name}`);
    box.addEventListener("toggle", async () => {
        const response = await fetch(`source/${path}`).catch(() => undefined);
        text.replaceChildren(...makeText(response?.ok ? await response.text() : "The server does not respond.", true));
    }, { once: true });
    link.href = page ?? "";
    link.target = "_blank";
    link.rel = "noopener";
    return [
        ...(page ? [make("p", "", link)] : []),
        make("p", "", about, unsafe ? " Not started: anyone who can connect to it can run programs with your privileges." : "",
            needs ? ` Not started: it needs ${needs}.` : ""),
        ...(source !== "" ? [box] : file ? [make("pre", "commands", served)] : []),
    ];
}

// For the console: the examples as entries of its list. They are endpoints of one server, but for those that are unsafe or
// need another server. Terminals have a page of their own.
async function EXAMPLES() {
    return PROGRAMS.map((program) => ({
        name: program.name,
        tag: program.folder === "framings" ? program.framing : program.folder ?? program.language,
        path: program.path ?? `/${program.name}`,
        base: program.unsafe || program.needs || program.folder === "terminal" ? null : undefined,
        unterminated: program.framing === "text",
        tries: program.tries,
        hash: `#${program.name}`,
        about: () => describe(program),
    }));
}
