// SPDX-License-Identifier: BSD-2-Clause
// The console without a page: its pure functions, in Node.js.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import vm from "node:vm";

import { console_ } from "./server.mjs";

const model = createRequire(import.meta.url)(path.join(console_, "model.js"));
const entry = (kind, data) => ({ kind, data, time: 0, size: data.length });

test("what is invisible, or reorders text, is named", () => {
    const cases = [
        ["plain é 漢 👩‍👩‍👧", "plain é 漢 👩‍👩‍👧"],
        ["a\nb\tc\rd", "a↵b⇥cCRd"],
        ["\0\x1b[31m\x7f\x85", "NULESC[31mDELU+0085"],
        ["\u202etxt.exe\u2066\u2069\u200f\u061c", "U+202Etxt.exeU+2066U+2069U+200FU+061C"],
        ["\u200b\ufeff\u00ad\u2028\u2029", "U+200BU+FEFFU+00ADU+2028U+2029"],
        ["\ud800 \udc00", "U+D800 U+DC00"],
        ["\u{e0041}", "U+E0041"],
        ["", ""],
    ];

    for (const [text, shown] of cases)
        assert.equal(model.visible(text), shown);
    assert.deepEqual(model.visibleParts("a\n\u202e", true), [{ text: "a\n", special: false }, { text: "U+202E", special: true }]);
});

test("sizes are those of UTF-8", () => {
    for (const text of ["", "a", "é", "漢", "👍", "aé漢👍".repeat(100)])
        assert.equal(model.utf8Length(text), Buffer.byteLength(text), JSON.stringify(text));
    assert.equal(model.head("a👍", 2), "a");
    assert.equal(model.head("a👍", 3), "a👍");
    assert.deepEqual([0, 1023, 1024, 10_240, 1_048_576, 1_048_575].map(model.formatBytes), ["0 B", "1023 B", "1.0 KiB", "10 KiB", "1.0 MiB", "1.0 MiB"]);
    assert.deepEqual([0.04, 9.96, 999, 1500, 61_000, 3_661_000].map(model.formatDuration), ["0.0 ms", "10.0 ms", "999 ms", "1.50 s", "1:01 min", "1:01:01 h"]);
});

test("hex is read and written", () => {
    for (const text of ["deadBEEF", "de ad be ef", "0xde, 0xAD, 0xbe, 0xef", "de:ad\nbe:ef"])
        assert.deepEqual([...model.parseHex(text)], [0xde, 0xad, 0xbe, 0xef]);
    assert.deepEqual([...model.parseHex("")], []);
    assert.throws(() => model.parseHex("abc"), /one hex digit is missing/);
    assert.throws(() => model.parseHex("0g"), /“g” is not a hex digit/);
    assert.throws(() => model.parseHex("\u202e"), /“U\+202E” is not/);
    assert.equal(model.hexDump(Uint8Array.from([0x41, 0, 0x7e, 0x7f, 0x42]), 4), "000000  41 00 7e 7f  A·~·\n000004  42           B");
});

test("JSON keeps its numbers", () => {
    assert.equal(model.parseJson("12"), undefined);
    assert.equal(model.parseJson("{"), undefined);
    model.parseJson("[".repeat(1e5) + "]".repeat(1e5)); // deeper than the stack: no error
    const { big, small } = model.parseJson('{"big": 12345678901234567890, "small": 1.5, "__proto__": {"x": 1}}');
    assert.equal(small, 1.5);
    if (big instanceof model.ExactNumber) // where JSON.parse gives the source
        assert.equal(big.source, "12345678901234567890");
    assert.equal({}.x, undefined);
});

test("the log keeps the newest entries within both limits", () => {
    const log = new model.Log(3, 100);
    const numbers = () => [...log].map(({ number }) => number);

    for (let i = 0; i < 5; i++)
        log.push({ size: 10 });
    assert.deepEqual([numbers(), log.bytes], [[2, 3, 4], 30]);
    log.push({ size: 85 });
    assert.deepEqual([numbers(), log.bytes], [[4, 5], 95]);
    log.push({ size: 1000 });
    assert.deepEqual([numbers(), log.bytes], [[6], 1000]);
    log.push({ size: 1 });
    assert.deepEqual([numbers(), log.bytes], [[7], 1]);
    assert.equal(log.get(6), undefined);
    assert.equal(log.get(8), undefined);
    log.clear();
    assert.deepEqual([numbers(), log.bytes, log.end], [[], 0, 0]);
});

test("the filter looks at direction, text and bytes", () => {
    assert.ok(model.matches(entry("in", "Hello"), "", "hell"));
    assert.ok(!model.matches(entry("in", "Hello"), "out", ""));
    assert.ok(!model.matches(entry("note", "Hello"), "in", ""));
    assert.ok(model.matches(entry("in", Uint8Array.from([0xde, 0xad])), "in", "de ad"));
});

test("saved lines are JSON", () => {
    assert.equal(model.toJsonLine(entry("in", "a\n")), '{"time":"1970-01-01T00:00:00.000Z","direction":"in","type":"text","size":2,"data":"a\\n"}');
    assert.deepEqual(JSON.parse(model.toJsonLine(entry("out", Uint8Array.from([0, 255])))),
        { time: "1970-01-01T00:00:00.000Z", direction: "out", type: "binary", size: 2, encoding: "base64", data: "AP8=" });
});

test("close codes are explained", () => {
    const cases = [
        [1000, "exit 0", true, /exited with status 0$/, /^$/],
        [1000, "", true, /^Closed normally/, /^$/],
        [1001, "", false, /shutting down/, /again/],
        [1003, "", false, /type of message/, /--binary/],
        [1008, "x", false, /policy/, /option/],
        [1009, "", false, /too large/, /--maxframesize/],
        [1013, "", false, /overloaded/, /--maxforks/],
        [4000, "bye", true, /program closed/, /^$/],
        [4003, "exit 3", false, /exited with status 3$/, /--passstderr/],
        [4127, "exit 127", false, /status 127/, /not found.*PATH/],
        [4137, "exit 137", false, /status 137/, /signal 9/],
        [4271, "signal TERM", false, /terminated by SIGTERM$/, /log/],
        [4290, "signal 34", false, /terminated by signal 34$/, /log/],
        [4999, "", false, /^Closed$/, /^$/],
    ];

    for (const [code, reason, good, text, advice] of cases) {
        const end = model.explainClose(code, reason);
        assert.equal(end.good, good, code);
        assert.match(end.text, text);
        assert.match(end.advice, advice);
    }
    const running = { command: "cat", programs: [] };
    assert.match(model.explainFailure(false, "/", undefined).text, /does not respond/);
    assert.match(model.explainFailure(true, "/", running).text, /lost/);
    assert.match(model.explainFailure(false, "/", running).advice, /log/);
    const many = { command: null, programs: ["/a.sh"] };
    assert.match(model.explainFailure(false, "/b.sh", many).text, /No program/);
    assert.match(model.explainFailure(false, "/a.sh/x?q", many).text, /rejected/);
});

test("a quoted text is one word of a shell, and the same", () => {
    for (const text of ["plain", "", "it's", "a b", "$(reboot) `x` \\ \" !", "line\nline\ttab\r", "\x1b[31m'\\", "é漢👍", "-n", "ws://h/?a=1&b=2"])
        assert.equal(execFileSync("bash", ["-c", `printf '%s|' ${model.shellQuote(text)}`], { encoding: "utf8" }), `${text}|`);
});

test("a quoted text is a string of JavaScript, and the same, also in a page", () => {
    for (const text of ["plain", "\"';\\", "</script><!--", "\u2028\u202e\u{e0041}", "a\nb"]) {
        const code = model.scriptQuote(text);
        assert.equal(vm.runInNewContext(code), text);
        assert.doesNotMatch(code, /[<\u2028\u202e\n]/);
    }
});

test("snippets name the URL, the subprotocols and the message", () => {
    const code = (list, title) => list.find((one) => one.title.startsWith(title))?.code;
    const all = model.snippets("ws://localhost:8080/a?b=1&c", ["x", "y"], "it's");

    assert.equal(code(all, "JavaScript").split("\n")[0], 'const ws = new WebSocket("ws://localhost:8080/a?b=1&c", ["x", "y"]);');
    assert.match(code(all, "JavaScript"), /ws\.onopen = \(\) => ws\.send\("it's"\);/);
    assert.equal(code(all, "websocat"), `printf '%s\\n' 'it'\\''s' | websocat --protocol x,y -n 'ws://localhost:8080/a?b=1&c'`);
    assert.equal(code(all, "Python"), undefined, "it has no subprotocols");
    assert.equal(code(model.snippets("ws://h/", [], ""), "Python"), "python3 -m websockets ws://h/");
});

test("the state of the page survives its address", () => {
    const state = [
        { path: "/a?b=1&c=#", protocol: "x, y", message: "<b>&\n" },
        { path: "/", protocol: "", message: "" },
    ];

    assert.deepEqual(model.hashToState(model.stateToHash(state)), state);
    assert.deepEqual(model.hashToState(""), []);
    assert.deepEqual(model.hashToState("#message=x&protocol=y"), []);
    assert.equal(model.hashToState(`#${"path=/&".repeat(1000)}`).length, 8);
    assert.deepEqual(["", "a", "/a#b", "//evil.example/", "ws://evil.example/"].map(model.normalizePath), ["/", "/a", "/a%23b", "//evil.example/", "/ws://evil.example/"]);
    assert.deepEqual(model.splitProtocols(" a,b  c,, "), ["a", "b", "c"]);
});
