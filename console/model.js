// SPDX-License-Identifier: BSD-2-Clause
// The console without the page: pure functions, which tests/browser/model.test.mjs tests in Node.js.
"use strict";

// ---- Text

// What would be invisible, or change the order or the place of other text: control and format characters, line
// separators and lone surrogates. The joiners of emoji and the number signs of Arabic are none of that.
const SPECIAL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d\u0600-\u0605\u06dd])\p{Cf}/gu;

const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

function nameOfSpecial(character) {
    const code = character.codePointAt(0);

    if (character === "\n")
        return "↵";
    if (character === "\t")
        return "⇥";
    if (code < 0x20)
        return CONTROLS[code];
    return code === 0x7f ? "DEL" : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

// TEXT as [{text, special}], where special parts are names of characters. With KEEP, newlines and tabs stay.
function visibleParts(text, keep = false) {
    const parts = [];
    let end = 0;

    for (const { 0: character, index } of text.matchAll(SPECIAL)) {
        if (keep && (character === "\n" || character === "\t"))
            continue;
        if (index > end)
            parts.push({ text: text.slice(end, index), special: false });
        parts.push({ text: nameOfSpecial(character), special: true });
        end = index + character.length;
    }
    if (end < text.length)
        parts.push({ text: text.slice(end), special: false });
    return parts;
}

const visible = (text) => visibleParts(text).map((part) => part.text).join("");

// The first LENGTH units of TEXT, without half a character at the end.
function head(text, length) {
    return text.slice(0, length).replace(/[\ud800-\udbff]$/, text.length > length ? "" : "$&");
}

function utf8Length(text) {
    let bytes = text.length;

    for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        if (unit < 0x80)
            continue;
        bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2; // half of a pair is 2 of 4 bytes
    }
    return bytes;
}

const formatCount = (count) => Math.round(count).toLocaleString("en");

function formatBytes(bytes) {
    if (bytes < 1024)
        return `${bytes} B`;
    for (const unit of ["KiB", "MiB", "GiB"]) {
        bytes /= 1024;
        if (bytes < 1023.5 || unit === "GiB")
            return `${bytes.toFixed(bytes < 9.95 ? 1 : 0)} ${unit}`;
    }
    return "";
}

function formatTime(ms) {
    const date = new Date(ms);
    const two = (number) => String(number).padStart(2, "0");

    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function formatDuration(ms) {
    if (ms < 10)
        return `${ms.toFixed(1)} ms`;
    if (ms < 1000)
        return `${Math.round(ms)} ms`;
    if (ms < 60_000)
        return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
    const seconds = Math.floor(ms / 1000);
    const two = (number) => String(number).padStart(2, "0");
    return seconds < 3600
        ? `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`
        : `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} h`;
}

// ---- Bytes

// Bytes from hex digits, with or without blanks, commas, colons and 0x. Throws an Error that says what is wrong.
function parseHex(text) {
    const digits = text.replace(/0x/gi, "").replace(/[\s,:]/g, "");
    const wrong = /[^0-9a-f]/i.exec(digits);

    if (wrong)
        throw new Error(`“${visible(wrong[0])}” is not a hex digit`);
    if (digits.length % 2 !== 0)
        throw new Error("one hex digit is missing: each byte has two");
    return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

// Lines of offset, COLUMNS bytes and the same as ASCII.
function hexDump(bytes, columns) {
    const lines = [];

    for (let at = 0; at < bytes.length; at += columns) {
        const row = bytes.subarray(at, at + columns);
        const ascii = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
        lines.push(`${at.toString(16).padStart(6, "0")}  ${toHex(row).padEnd(3 * columns - 1)}  ${ascii}`);
    }
    return lines.join("\n");
}

function toBase64(bytes) {
    let text = "";

    for (let at = 0; at < bytes.length; at += 0x8000)
        text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
}

// ---- JSON

// A number that JavaScript would change, as it was written.
class ExactNumber {
    constructor(source) {
        this.source = source;
    }
}

// The object or array that TEXT is in JSON; undefined when it is something else.
function parseJson(text) {
    if (!/^\s*[[{]/.test(text))
        return undefined;
    try {
        return JSON.parse(text, (key, value, context) =>
            (typeof value === "number" && context?.source && context.source !== String(value)
                ? new ExactNumber(context.source)
                : value));
    } catch {
        return undefined;
    }
}

// ---- Messages

// The newest entries: at most COUNT, and at most BYTES in all, but at least one. Each has a number, and a size.
class Log {
    constructor(count, bytes) {
        this.ring = new Array(count);
        this.maxBytes = bytes;
        this.clear();
    }

    clear() {
        this.ring.fill(undefined);
        this.first = 0; // the number of the oldest entry
        this.end = 0; // and of the next
        this.bytes = 0;
    }

    push(entry) {
        if (this.end - this.first === this.ring.length)
            this.drop();
        entry.number = this.end;
        this.ring[this.end++ % this.ring.length] = entry;
        this.bytes += entry.size;
        while (this.bytes > this.maxBytes && this.end - this.first > 1)
            this.drop();
    }

    drop() {
        const at = this.first++ % this.ring.length;

        this.bytes -= this.ring[at].size;
        this.ring[at] = undefined;
    }

    get(number) {
        return number >= this.first && number < this.end ? this.ring[number % this.ring.length] : undefined;
    }

    * [Symbol.iterator]() {
        for (let number = this.first; number < this.end; number++)
            yield this.ring[number % this.ring.length];
    }
}

const FILTER_MAX = 65_536; // characters of a message that are searched

// True when ENTRY is to be listed: DIRECTION is "", "in" or "out", TEXT in lower case.
function matches(entry, direction, text) {
    if (direction !== "" && entry.kind !== direction)
        return false;
    if (text === "")
        return true;
    const data = typeof entry.data === "string" ? entry.data.slice(0, FILTER_MAX) : toHex(entry.data.subarray(0, 4096));
    return data.toLowerCase().includes(text);
}

// A line of the file that messages are saved to.
function toJsonLine({ kind, time, size, data }) {
    const line = { time: new Date(time).toISOString(), direction: kind };

    if (typeof data === "string")
        Object.assign(line, { type: "text", size, data });
    else
        Object.assign(line, { type: "binary", size, encoding: "base64", data: toBase64(data) });
    return JSON.stringify(line);
}

// ---- How a connection ended

const CLOSES = {
    1000: ["Closed normally", ""],
    1001: ["The server is shutting down", "Connect again once it is back."],
    1002: ["Protocol error", "The server received a frame that violates RFC 6455; its log shows the reason."],
    1003: ["The program does not accept this type of message",
        "A line-based program accepts text only. To send bytes, start wspipe with --binary or another --framing."],
    1005: ["Closed without a code", ""],
    1007: ["A message was not valid UTF-8", "Send such data as binary."],
    1008: ["The connection violated a policy of the server", "The reason names the option that sets it."],
    1009: ["A message was too large", "Start wspipe with a larger --maxframesize."],
    1011: ["The program’s output was malformed, or the server had an error", "The server’s log says what was wrong."],
    1012: ["The program is being restarted", "Connect again."],
    1013: ["The server is overloaded", "Try again later, or start wspipe with a larger --maxforks."],
};

const STATUSES = {
    2: "Often this means that an argument is wrong.",
    126: "A command could not be executed: check its permissions and its first line.",
    127: "A command was not found: check its name and PATH. Programs get the variables in --passenv only.",
};

// What CODE and REASON of a Close frame mean: {good, text, advice}. The codes from 4000 are those of wspipe.
function explainClose(code, reason) {
    const [text, advice] = CLOSES[code] || ["Closed", ""];
    const log = "Its error output is in the server’s log; --passstderr sends it here.";

    if (code === 1000)
        return reason === "exit 0" ? { good: true, text: "The program exited with status 0", advice: "" } : { good: true, text, advice };
    if (code === 4000)
        return { good: true, text: "The program closed the connection", advice: "" };
    if (code > 4000 && code <= 4255) {
        const status = code - 4000;
        const hint = STATUSES[status] || (status > 128 && status < 193 ? `A shell reports this when signal ${status - 128} killed a command.` : "");
        return { good: false, text: `The program exited with status ${status}`, advice: `${hint} ${log}`.trim() };
    }
    if (code > 4256 && code <= 4320) {
        const name = /^signal ([A-Z][A-Z0-9+]*)$/.exec(reason);
        return { good: false, text: `The program was terminated by ${name ? `SIG${name[1]}` : `signal ${code - 4256}`}`, advice: log };
    }
    return { good: code === 1005, text, advice };
}

// What a connection that ended without a Close frame means (1006). SERVER is what /-/programs says: undefined when
// the server does not respond.
function explainFailure(opened, path, server) {
    const pathname = path.replace(/[?#].*$/s, "");

    if (server === undefined)
        return { text: "The server does not respond", advice: "It was stopped, or the network is down. Start it and connect again." };
    if (opened)
        return { text: "The connection was lost without a Close frame", advice: "A proxy may have closed it. The server is running; connect again." };
    if (server.command === null && server.programs.length > 0 &&
        !server.programs.some((program) => pathname === program || pathname.startsWith(`${program}/`)))
        return { text: "No program has this path", advice: "Choose one from the list." };
    return {
        text: "The server rejected the connection",
        advice: "Browsers do not show why; the server’s log does. It may be the limit on programs (--maxforks), a " +
            "subprotocol that it requires, or a program that can’t be started.",
    };
}

// ---- The same elsewhere

// TEXT as one word of a shell.
function shellQuote(text) {
    if (/^[\w@%+=:,./-]+$/.test(text))
        return text;
    if (!/[\x00-\x1f\x7f]/.test(text))
        return `'${text.replace(/'/g, "'\\''")}'`;
    const escapes = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'" };
    return `$'${text.replace(/[\x00-\x1f\x7f'\\]/g, (c) => escapes[c] || `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)}'`;
}

// TEXT as a string of JavaScript that can also stand in a page.
const scriptQuote = (text) =>
    JSON.stringify(text).replace(/[<\u2028\u2029]|\p{Cf}/gu, (c) =>
        Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""));

// [{title, code}] that connect to URL, and send MESSAGE unless it is empty.
function snippets(url, protocols, message) {
    const list = protocols.map(scriptQuote).join(", ");
    const script = [
        `const ws = new WebSocket(${scriptQuote(url)}${protocols.length > 0 ? `, [${list}]` : ""});`,
        message === "" ? "" : `ws.onopen = () => ws.send(${scriptQuote(message)});`,
        "ws.onmessage = (event) => console.log(event.data);",
        "ws.onclose = (event) => console.log(event.code, event.reason);",
    ];
    const chosen = protocols.length > 0 ? shellQuote(protocols.join(",")) : "";
    const send = message === "" ? "" : `printf '%s\\n' ${shellQuote(message)} | `;

    return [
        { title: "JavaScript", code: script.filter(Boolean).join("\n") },
        { title: "websocat", code: `${send}websocat ${chosen ? `--protocol ${chosen} ` : ""}${message === "" ? "" : "-n "}${shellQuote(url)}` },
        ...(chosen ? [] : [{ title: "Python’s websockets", code: `python3 -m websockets ${shellQuote(url)}` }]),
        { title: "curl 8.11 or newer, receives only", code: `curl -sN ${chosen ? `-H ${shellQuote(`Sec-WebSocket-Protocol: ${protocols.join(", ")}`)} ` : ""}${shellQuote(url)}` },
    ];
}

// ---- The state in the address

const STATE_MAX = 8; // connections

// [{path, protocol, message}] as the fragment of a URL, and back.
function stateToHash(connections) {
    const parameters = new URLSearchParams();

    for (const { path, protocol, message } of connections) {
        parameters.append("path", path);
        if (protocol !== "")
            parameters.append("protocol", protocol);
        if (message !== "")
            parameters.append("message", message);
    }
    return `#${parameters}`;
}

function hashToState(hash) {
    const connections = [];

    for (const [name, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
        if (name === "path" && connections.length < STATE_MAX)
            connections.push({ path: value, protocol: "", message: "" });
        else if ((name === "protocol" || name === "message") && connections.length > 0)
            connections[connections.length - 1][name] = value;
    }
    return connections;
}

// What a user typed as path and query, as it goes into a URL. It never leads to another host.
function normalizePath(text) {
    const path = text.trim().replace(/#/g, "%23");

    return path.startsWith("/") ? path : `/${path}`;
}

const splitProtocols = (text) => text.split(/[\s,]+/).filter(Boolean);

if (typeof module !== "undefined")
    module.exports = {
        ExactNumber, explainClose, explainFailure, formatBytes, formatCount, formatDuration, hashToState, head, hexDump, Log, matches,
        normalizePath, parseHex, parseJson, scriptQuote, shellQuote, snippets, splitProtocols, stateToHash, toHex, toJsonLine, utf8Length,
        visible, visibleParts,
    };
