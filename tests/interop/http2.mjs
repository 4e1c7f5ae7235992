// SPDX-License-Identifier: BSD-2-Clause
// Opens a page and a WebSocket to its server in Chromium, and prints what the WebSocket received: the arguments are
// the path of Chromium, the name of the server, which is on this machine, and its port.
import { createRequire } from "node:module";

const require = createRequire(new URL("../browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [executablePath, name, port] = process.argv.slice(2);

const args = ["--disable-gpu", `--host-resolver-rules=MAP ${name} 127.0.0.1`];
const browser = await chromium.launch({
    executablePath,
    timeout: 60_000,
    args: process.getuid() === 0 ? ["--no-sandbox", ...args] : args,
});
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();

await page.goto(`https://${name}:${port}/`);
const messages = await page.evaluate(
    () =>
        new Promise((resolve, reject) => {
            const socket = new WebSocket(`wss://${location.host}/http2`);
            const received = [];

            socket.onopen = () => socket.send("hello");
            socket.onmessage = (event) => {
                received.push(event.data);
                if (received.length === 2)
                    socket.close(1000);
            };
            socket.onclose = (event) => resolve([...received, String(event.code)]);
            socket.onerror = () => reject(new Error("the WebSocket failed"));
        }),
);
console.log(messages.join("\n"));
await browser.close();
