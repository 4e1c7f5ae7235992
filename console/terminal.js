// SPDX-License-Identifier: BSD-2-Clause
// The page of a terminal, over ttyd's protocol. What a program writes reaches xterm.js alone: it can't open links, set
// the title or read the clipboard.

const HIGH = 256 << 10; // bytes that xterm.js has not drawn: the program is paused
const LOW = 64 << 10;
const FONT = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const THEMES = {
    light: {
        background: "#ffffff", foreground: "#1a1e22", cursor: "#0b5cad", cursorAccent: "#ffffff", selectionBackground: "#b9d7f5",
        black: "#1a1e22", red: "#b3261e", green: "#1d6b3a", yellow: "#7a5300", blue: "#0b5cad", magenta: "#8a2a86", cyan: "#006a72",
        white: "#6a737c", brightBlack: "#58626b", brightRed: "#b3261e", brightGreen: "#1d6b3a", brightYellow: "#7a5300",
        brightBlue: "#0b5cad", brightMagenta: "#8a2a86", brightCyan: "#006a72", brightWhite: "#1a1e22",
    },
    dark: {
        background: "#15181b", foreground: "#e3e7ea", cursor: "#78b5f5", cursorAccent: "#15181b", selectionBackground: "#2c4c74",
        black: "#343a40", red: "#ff9a92", green: "#7fd09d", yellow: "#e5c07b", blue: "#78b5f5", magenta: "#e29be0", cyan: "#6fd0d8",
        white: "#e3e7ea", brightBlack: "#9ea8b1", brightRed: "#ffb4ad", brightGreen: "#9be3b4", brightYellow: "#f2d59b",
        brightBlue: "#a3cdfa", brightMagenta: "#f0bdee", brightCyan: "#97e4ea", brightWhite: "#ffffff",
    },
};

const element = (id) => document.getElementById(id);
const base = location.pathname.replace(/(\/-\/console)?\/*$/, "");
const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${base}/ws${location.search}`;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const dark = matchMedia("(prefers-color-scheme: dark)");

const storage = {
    get(name) {
        try {
            return JSON.parse(localStorage.getItem(`wspipe.${name}`));
        } catch {
            return null;
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

// The page's policy allows no style that a script adds as an element or an attribute. xterm.js does both; these ways
// to the same end are allowed.
function allowStyles() {
    const create = document.createElement.bind(document);
    const { setAttribute } = Element.prototype;

    document.createElement = (name, options) => {
        if (name !== "style")
            return create(name, options);
        const node = create("span");
        const sheet = new CSSStyleSheet();
        node.hidden = true;
        Object.defineProperty(node, "textContent", { get: () => "", set: (text) => sheet.replaceSync(text) });
        Object.defineProperty(node, "sheet", { value: sheet });
        node.remove = () => {
            document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
            Element.prototype.remove.call(node);
        };
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        return node;
    };
    HTMLElement.prototype.setAttribute = function set(name, value) {
        if (name === "style")
            this.style.cssText = value;
        else
            setAttribute.call(this, name, value);
    };
}

allowStyles();
const terminal = new Terminal({
    fontFamily: FONT,
    fontSize: 13,
    scrollback: 10_000,
    minimumContrastRatio: 4.5,
    allowProposedApi: false,
    linkHandler: { activate() {} }, // a program's links lead nowhere
    screenReaderMode: storage.get("reader") === true,
});
const fit = new FitAddon.FitAddon();
let socket = null;
let undrawn = 0;
let paused = false;
let writable = true;
let used = false;

function setState(state, text) {
    document.querySelector(".dot").dataset.state = state;
    element("what").textContent = visible(text);
    element("connect").textContent = socket ? "Disconnect" : used ? "Reconnect" : "Connect";
    element("connect").classList.toggle("primary", !socket);
}

function send(kind, bytes) {
    if (socket?.readyState !== WebSocket.OPEN)
        return;
    const message = new Uint8Array(1 + bytes.length);
    message[0] = kind.charCodeAt(0);
    message.set(bytes, 1);
    socket.send(message);
}

const size = () => ({ columns: Math.min(terminal.cols, 1000), rows: Math.min(terminal.rows, 1000) });

// Whether xterm.js keeps up decides on whether the program may go on.
function drawn(length) {
    undrawn -= length;
    if (paused && undrawn < LOW) {
        paused = false;
        send("3", []);
    }
}

function draw(bytes) {
    undrawn += bytes.length;
    if (!paused && undrawn > HIGH) {
        paused = true;
        send("2", []);
    }
    terminal.write(bytes, () => drawn(bytes.length));
}

function prefer(text) {
    try {
        writable = JSON.parse(text).disableStdin !== true;
    } catch {
        writable = true;
    }
    terminal.options.disableStdin = !writable;
    element("paste").disabled = !writable;
}

function receive({ data }) {
    const bytes = new Uint8Array(data);

    switch (String.fromCharCode(bytes[0])) {
    case "0":
        draw(bytes.subarray(1));
        break;
    case "1":
        element("program").textContent = visible(decoder.decode(bytes.subarray(1)));
        document.title = `${element("program").textContent} · wspipe`;
        break;
    case "2":
        prefer(decoder.decode(bytes.subarray(1)));
        break;
    }
}

function ended(opened, event) {
    socket = null;
    const { good, text } = event.code === 1006
        ? { good: false, text: opened ? "The connection was lost" : "The server rejected the connection, or does not respond: its log shows the reason" }
        : explainClose(event.code, event.reason);
    const reason = event.reason !== "" && !/^(exit|signal) /.test(event.reason) ? `: ${event.reason}` : "";
    setState(good ? "idle" : "bad", `${text} (${event.code})${reason}`);
    terminal.options.cursorBlink = false;
}

function connect() {
    let opened = false;

    if (used)
        terminal.reset();
    used = true;
    undrawn = 0;
    paused = false;
    socket = new WebSocket(url, ["tty"]);
    socket.binaryType = "arraybuffer";
    setState("connecting", "Connecting");
    const mine = socket;
    socket.addEventListener("open", () => {
        opened = true;
        fit.fit();
        mine.send(encoder.encode(JSON.stringify({ AuthToken: "", ...size() })));
        setState("open", "Connected");
        terminal.options.cursorBlink = true;
        terminal.focus();
    });
    socket.addEventListener("message", (event) => {
        if (mine === socket)
            receive(event);
    });
    socket.addEventListener("close", (event) => ended(opened, event));
}

function setTheme(theme) {
    const name = theme === "dark" || (theme !== "light" && dark.matches) ? "dark" : "light";

    document.documentElement.dataset.theme = name;
    element("theme").value = theme;
    terminal.options.theme = THEMES[name];
}

function setReader(on) {
    terminal.options.screenReaderMode = on;
    element("reader").setAttribute("aria-pressed", String(on));
    storage.set("reader", on);
}

async function copySelection() {
    if (terminal.hasSelection())
        await navigator.clipboard?.writeText(terminal.getSelection()).catch(() => document.execCommand("copy"));
    terminal.focus();
}

// False: xterm.js does nothing with the key.
function onKey(event) {
    if (event.type !== "keydown" || !event.ctrlKey)
        return true;
    if (event.shiftKey && event.code === "KeyC") {
        event.preventDefault();
        copySelection();
        return false;
    }
    if (event.key === "F6") {
        event.preventDefault();
        element("connect").focus();
        return false;
    }
    return true;
}

// Only a page that the user asked for connects by itself, not one that another site has opened.
function wasTyped() {
    const [navigation] = performance.getEntriesByType("navigation");

    return (navigation?.serverTiming ?? []).some(({ name }) => name === "typed");
}

function start() {
    const theme = storage.get("theme");

    element("app").hidden = false;
    terminal.loadAddon(fit);
    setTheme(theme === "light" || theme === "dark" ? theme : "");
    terminal.open(element("terminal"));
    terminal.attachCustomKeyEventHandler(onKey);
    terminal.onData((text) => send("0", encoder.encode(text)));
    terminal.onBinary((text) => send("0", Uint8Array.from(text, (c) => c.charCodeAt(0))));
    terminal.onResize(() => send("1", encoder.encode(JSON.stringify(size()))));
    new ResizeObserver(() => fit.fit()).observe(element("terminal"));
    setReader(storage.get("reader") === true);
    element("messages").href = `${base}/-/messages`;
    setState("idle", "Not connected");
    if (wasTyped())
        connect();
}

element("connect").addEventListener("click", () => {
    if (socket)
        socket.close(1000);
    else
        connect();
});
element("copy").addEventListener("click", copySelection);
element("paste").addEventListener("click", async () => {
    try {
        terminal.paste(await navigator.clipboard.readText());
    } catch {
        element("what").textContent = "The browser does not allow the page to read the clipboard: press Ctrl+V";
    }
    terminal.focus();
});
element("reader").addEventListener("click", () => setReader(terminal.options.screenReaderMode !== true));
element("theme").addEventListener("input", ({ target }) => {
    storage.set("theme", target.value);
    setTheme(target.value);
});
dark.addEventListener("change", () => setTheme(element("theme").value));
start();
