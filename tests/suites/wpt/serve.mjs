// SPDX-License-Identifier: BSD-2-Clause
// Serves the files of a checkout of the web platform tests as their own server does, as far as the WebSocket
// tests need it: pages around scripts, and the names of hosts and ports filled in.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";

export const HOST = "web-platform.test";

const TYPES = {
    ".css": "text/css",
    ".htm": "text/html; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".xhtml": "application/xhtml+xml",
};

// What the page reports to is the runner. On a busy machine everything takes longer.
const REPORT = `
setup({ output: false, timeout_multiplier: 3 });
add_completion_callback((tests, harness) => {
    window.outcome = {
        status: harness.status,
        message: harness.message,
        tests: tests.map(({ name, status, message }) => ({ name, status, message })),
    };
});`;

// The "// META: key=value" lines at the start of a script.
export function meta(text, key) {
    return [...text.matchAll(/^\/\/ *META: *([\w-]+)=(.*?)\s*$/gm)].filter((m) => m[1] === key).map((m) => m[2]);
}

const globals = (worker) =>
    `self.GLOBAL = { isWindow: () => ${!worker}, isWorker: () => ${worker}, isShadowRealm: () => false };\n`;

const page = (text, body) => `<!DOCTYPE html>
<meta charset="utf-8">
${meta(text, "timeout").map((value) => `<meta name="timeout" content="${value}">`).join("")}
<script src="/resources/testharness.js"></script>
<script src="/resources/testharnessreport.js"></script>
${body}
`;

// Pages and workers that exist only as a script: the end of their name, that of the script, their content.
const MADE = [
    [".any.html", ".any.js", (text, name) => page(text, [
        `<script>${globals(false)}</script>`,
        ...meta(text, "script").map((script) => `<script src="${script}"></script>`),
        `<div id="log"></div><script src="${name}"></script>`,
    ].join("\n"))],
    [".any.worker.html", ".any.js", (text, name) => page(text,
        `<script>fetch_tests_from_worker(new Worker("${name.replace(/\.js$/, ".worker.js")}" + location.search));</script>`)],
    [".any.sharedworker.html", ".any.js", (text, name) => page(text,
        `<script>fetch_tests_from_worker(new SharedWorker("${name.replace(/\.js$/, ".worker.js")}" + location.search));</script>`)],
    [".any.worker.js", ".any.js", (text, name) => globals(true) +
        ["/resources/testharness.js", ...meta(text, "script"), name].map((script) => `importScripts("${script}");\n`).join("") +
        "done();\n"],
    [".window.html", ".window.js", (text, name) => page(text, [
        ...meta(text, "script").map((script) => `<script src="${script}"></script>`),
        `<div id="log"></div><script src="${name}"></script>`,
    ].join("\n"))],
    [".worker.html", ".worker.js", (text, name) => page(text,
        `<script>fetch_tests_from_worker(new Worker("${name}" + location.search));</script>`)],
];

// {{host}}, {{ports[ws][0]}}, {{domains[www]}}, {{hosts[][www]}}, {{location[host]}}, {{GET[name]}}
function substitute(text, ports, url) {
    const domain = (name) => (name ? `${name}.${HOST}` : HOST);
    return text.replace(/\{\{([^{}]+)\}\}/g, (whole, expression) => {
        const [name, ...keys] = expression.split(/[[\]]+/).filter((part, i) => i === 0 || part !== "");
        switch (name) {
        case "host": return HOST;
        case "domains": return domain(keys[0]);
        case "hosts": return domain(keys.at(-1));
        case "ports": return String(ports[keys[0]] ?? "");
        case "location": return { server: url.origin, scheme: url.protocol.slice(0, -1), path: url.pathname }[keys[0]] ?? url[keys[0]] ?? "";
        case "GET": return url.searchParams.get(keys[0]) ?? "";
        default: return whole;
        }
    });
}

// The bytes and the type of a URL, or null.
function content(root, ports, url) {
    if (url.pathname === "/resources/testharnessreport.js")
        return { type: TYPES[".js"], body: REPORT };

    const file = path.join(root, decodeURIComponent(url.pathname));
    if (!file.startsWith(root + path.sep))
        return null;
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
        let body = fs.readFileSync(file);
        if (/\.sub\./.test(path.basename(file)) || /\bsub\b/.test(url.searchParams.get("pipe") ?? ""))
            body = substitute(body.toString(), ports, url);
        return { type, body };
    }
    for (const [end, script, make] of MADE) {
        const source = file.slice(0, -end.length) + script;
        if (file.endsWith(end) && fs.existsSync(source))
            return { type, body: make(fs.readFileSync(source, "utf8"), path.basename(source)) };
    }
    return null;
}

// Starts a server for http and one for https on free ports; PORTS, which gets theirs, is what {{ports}} stands for.
export async function serve(root, ports, certificate) {
    const answer = (scheme) => (request, response) => {
        const url = new URL(request.url, `${scheme}://${request.headers.host}`);
        // The only program of that server which the tests need: a cookie of their choice.
        if (url.pathname.endsWith("/cookies/support/set-cookie.py")) {
            response.writeHead(200, { "Content-Type": "text/html", "Set-Cookie": decodeURIComponent(url.search.slice(1)) }).end();
            return;
        }
        const found = content(root, ports, url);
        response.writeHead(found ? 200 : 404, { "Content-Type": found?.type ?? "text/plain", "Cache-Control": "no-store" });
        response.end(found?.body ?? "not found");
    };
    const servers = { http: http.createServer(answer("http")), https: https.createServer(certificate, answer("https")) };
    for (const [scheme, server] of Object.entries(servers)) {
        await new Promise((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", resolve));
        ports[scheme] = server.address().port;
    }
    return {
        close() {
            for (const server of Object.values(servers)) {
                server.close();
                server.closeAllConnections();
            }
        },
    };
}
