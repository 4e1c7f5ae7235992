// SPDX-License-Identifier: BSD-2-Clause
// The tests of a checkout, and what is known of them.
import fs from "node:fs";
import path from "node:path";

import { meta } from "./serve.mjs";

// A line of expected.txt is a rule, a tab and its reason. Rules: "handler NAME" (no program can be that), "skip
// PATTERN" (tests; * is any text) and "fail PATTERN" or "fail PATTERN :: PART" (the same, or a part of such a
// test, by its name); "flaky" is a "fail" that may pass. A test with such a rule runs whatever handler it needs.
export function readExpected(file) {
    const rules = [];
    for (const line of fs.readFileSync(file, "utf8").split("\n")) {
        if (line === "" || line.startsWith("#"))
            continue;
        const [, kind, what, reason] = /^(handler|skip|fail|flaky) ([^\t]+)\t+(\S.*)$/.exec(line) ?? [];
        if (!kind)
            throw new Error(`${file}: not a rule: ${line}`);
        const [test, part] = what.split(" :: ");
        const escaped = test.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
        // A handler is the end of a path in a string of a test.
        rules.push({ kind, what, part, reason, pattern: new RegExp(kind === "handler" ? `/${escaped}(?=["'\`?])` : `^${escaped}$`) });
    }
    return rules;
}

// Paths of the pages that a script is for.
function pagesOf(file, text) {
    if (file.endsWith(".any.js")) {
        const wanted = (meta(text, "global")[0] ?? "window,dedicatedworker").split(",").map((name) => name.trim());
        const has = (...names) => names.some((name) => wanted.includes(name));
        const base = file.slice(0, -"js".length);
        return [
            ...(has("window") ? [`${base}html`] : []),
            ...(has("dedicatedworker", "worker") ? [`${base}worker.html`] : []),
            ...(has("sharedworker", "worker") ? [`${base}sharedworker.html`] : []),
        ];
    }
    if (/\.(window|worker)\.js$/.test(file))
        return [file.replace(/js$/, "html")];
    return /\.x?html?$/.test(file) ? [file] : [];
}

function variantsOf(file, text) {
    const found = file.endsWith(".js")
        ? meta(text, "variant")
        : [...text.matchAll(/<meta\s+name=["']?variant["']?\s+content=["']([^"']*)["']/g)].map((m) => m[1]);
    return found.length ? found : [""];
}

// Why a test can't be run here, or null.
function reasonToSkip(file, text, variant) {
    if (/wpt_flags=h2/.test(variant) || /\.h2\./.test(file))
        return "HTTP/2";
    if (/testdriver\.js/.test(text))
        return "needs WebDriver";
    if (/[\w-]+\.py\b/.test(text.replaceAll("set-cookie.py", "")))
        return "needs a program of the tests' own server";
    if (/serviceWorker|service-worker/.test(text))
        return "needs a service worker";
    return null;
}

// All tests below websockets/, in order: { name, file, skip, fail, https, timeout }.
export function findTests(root, rules) {
    const tests = [];
    const files = fs.readdirSync(path.join(root, "websockets"), { recursive: true }).map((name) => `websockets/${name}`).sort();
    const rule = (kind, text) => rules.find((one) => one.kind === kind && one.pattern.test(text));

    for (const file of files) {
        if (/\/(resources|support|handlers|crashtests)\//.test(file) || /-(manual|ref)\./.test(file) || !/\.(js|x?html?)$/.test(file))
            continue;
        const text = fs.readFileSync(path.join(root, file), "utf8");
        if (!/\.(any|window|worker)\.js$/.test(file) && !text.includes("testharness.js"))
            continue;
        const handler = rule("handler", text);
        const long = meta(text, "timeout").includes("long") || /name=["']?timeout["']? content=["']?long/.test(text);
        for (const page of pagesOf(file, text)) {
            for (const variant of variantsOf(file, text)) {
                const name = page + variant;
                const fail = rules.filter((one) => one.kind.startsWith("f") && one.pattern.test(name));
                const skip = rule("skip", name)?.reason ?? reasonToSkip(file, text, variant) ??
                    (handler && !fail.length ? `needs ${handler.what}: ${handler.reason}` : null);
                tests.push({
                    name, file, skip, fail,
                    https: /\.https\./.test(file) || /wpt_flags=https/.test(variant),
                    timeout: (long ? 60_000 : 10_000) * 3,
                });
            }
        }
    }
    return tests;
}
