// SPDX-License-Identifier: BSD-2-Clause
// The WebSocket tests of the web platform tests in Chromium, with wspipe as their server: its programs are those in
// handlers/. See usage().
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Server } from "../../browser/server.mjs";
import { HOST, serve } from "./serve.mjs";
import { findTests, readExpected } from "./tests.mjs";

const { chromium } = createRequire(new URL("../../browser/", import.meta.url))("playwright-core");

const here = path.dirname(fileURLToPath(import.meta.url));
const TEST_STATUS = ["pass", "fail", "timeout", "not run", "precondition failed"];
const HARNESS_STATUS = ["ok", "error", "timeout", "precondition failed"];
// What the tests offer and expect to be selected.
const SUBPROTOCOLS = "echo,foobar,foo,sub";

function usage() {
    console.log(`usage: run --wpt=DIR [--quick] [--list] [PATTERN...]

Runs the tests below DIR/websockets in Chromium against wspipe; DIR is a checkout of
https://github.com/web-platform-tests/wpt. PATTERN is a part of a test's name. --quick
runs one page of each file: no workers and variants. --list shows the tests and why
some are skipped. Known failures and their reasons are in
expected.txt; the exit status is 1 when a test has another result than expected.`);
}

let root;
let list = false;
let quick = false;
const patterns = [];
for (const argument of process.argv.slice(2)) {
    if (argument === "--help") {
        usage();
        process.exit(0);
    } else if (argument.startsWith("--wpt=")) {
        root = path.resolve(argument.slice("--wpt=".length));
    } else if (argument === "--list") {
        list = true;
    } else if (argument === "--quick") {
        quick = true;
    } else if (argument.startsWith("-")) {
        console.error(`run: unknown option: ${argument}`);
        process.exit(64);
    } else {
        patterns.push(argument);
    }
}
if (!root || !fs.existsSync(path.join(root, "websockets")) || !fs.existsSync(path.join(root, "resources/testharness.js"))) {
    console.error(root ? `run: ${root} is not a checkout of the web platform tests` : "run: --wpt=DIR is missing");
    process.exit(64);
}

const tests = findTests(root, readExpected(path.join(here, "expected.txt")))
    .filter(({ name }) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)))
    .filter((test, i, all) => !quick || all.find(({ file, skip }) => file === test.file && !skip) === test);

if (list) {
    for (const { name, skip, fail } of tests)
        console.log(skip ? `${name}  # skipped: ${skip}` : fail.length ? `${name}  # known failure: ${fail.map((one) => one.reason).join("; ")}` : name);
    process.exit(0);
}

// Loads the page of TEST in a browser context of its own: what did not pass, as { part, text }.
async function run(browser, ports, test) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
        const page = await context.newPage();
        const scheme = test.https ? "https" : "http";
        await page.goto(`${scheme}://${HOST}:${ports[scheme]}/${test.name}`, { timeout: test.timeout });
        await page.waitForFunction(() => window.outcome, null, { timeout: test.timeout + 5_000 });
        const { status, message, tests: parts } = await page.evaluate(() => window.outcome);
        const bad = parts.filter((part) => part.status !== 0)
            .map((part) => ({ part: part.name, text: `${part.name}: ${TEST_STATUS[part.status]}: ${part.message ?? ""}` }));
        test.parts = `${parts.length - bad.length}/${parts.length}`;
        if (status !== 0 || parts.length === 0)
            bad.push({ part: null, text: `harness: ${HARNESS_STATUS[status]}, ${parts.length} tests: ${message ?? ""}` });
        return bad;
    } catch (error) {
        return [{ part: null, text: error.message.split("\n")[0] }];
    } finally {
        await context.close();
    }
}

// What is not as TEST's rules say.
function unexpected(test, bad) {
    const covers = (rule, one) => rule.part === undefined || rule.part === one.part;
    return [
        ...bad.filter((one) => !test.fail.some((rule) => covers(rule, one))).map((one) => one.text),
        ...test.fail.filter((rule) => rule.kind === "fail" && !bad.some((one) => covers(rule, one))).map((rule) => `passed, but is expected to fail: ${rule.what}`),
    ];
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "wspipe-wpt-"));
const servers = [];
process.on("exit", () => {
    for (const server of servers)
        server.process.kill("SIGKILL"); // when it was not stopped
    fs.rmSync(directory, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => process.exit(1));

const key = path.join(directory, "key.pem");
const cert = path.join(directory, "cert.pem");
execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2",
    "-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST},DNS:*.${HOST}`, "-keyout", key, "-out", cert], { stdio: "pipe" });

process.env.WPT_STASH = path.join(directory, "stash");
fs.mkdirSync(process.env.WPT_STASH);
const options = [
    `--dir=${path.join(here, "handlers")}`, "--framing=json", "--maxframesize=0", `--subprotocol=${SUBPROTOCOLS}`, "--passenv=+WPT_STASH",
    "--origin=any", ...["", "www.", "www1.", "www2."].map((name) => `--host=${name}${HOST}`),
];
const ports = {};
for (const [scheme, more] of [["ws", []], ["wss", ["--ssl", `--sslcert=${cert}`, `--sslkey=${key}`]]]) {
    const server = await Server.start(...options, ...more);
    servers.push(server);
    ports[scheme] = Number(new URL(server.origin).port);
}
const pages = await serve(root, ports, { key: fs.readFileSync(key), cert: fs.readFileSync(cert) });
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
        ...(process.getuid() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-popup-blocking", "--ignore-certificate-errors",
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP *.${HOST} 127.0.0.1`,
    ],
});

const counts = { passed: 0, "failed as expected": 0, unexpected: 0, skipped: 0 };
for (const test of tests) {
    if (test.skip) {
        counts.skipped++;
        console.log(`skip  ${test.name}: ${test.skip}`);
        continue;
    }
    const from = servers.map((server) => server.log.length);
    const bad = await run(browser, ports, test);
    const wrong = unexpected(test, bad);
    const label = `${test.name} (${test.parts ?? "no result"})`;
    if (wrong.length) {
        counts.unexpected++;
        console.log(`FAIL  ${label}\n    ${wrong.join("\n    ")}`);
        console.log(servers.map((server, i) => server.log.slice(from[i])).join("").replace(/^(?=.)/gm, "    | "));
    } else if (bad.length) {
        counts["failed as expected"]++;
        console.log(`known ${label}: ${test.fail.map((rule) => rule.reason).join("; ")}`);
    } else {
        counts.passed++;
        console.log(`ok    ${label}`);
    }
}
await browser.close();
pages.close();
for (const server of servers) {
    const status = await server.stop();
    if (status !== 0) {
        counts.unexpected++;
        console.log(`FAIL  wspipe ended with ${status}\n${server.log.slice(-2000)}`);
    }
}
const files = new Set(tests.filter((test) => !test.skip).map((test) => test.file)).size;
console.log(`\n${tests.length} tests, ${files} files run: ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", ")}`);
process.exit(counts.unexpected || counts.passed + counts["failed as expected"] === 0 ? 1 : 0);
