// SPDX-License-Identifier: BSD-2-Clause
// WebKitGTK by WebDriver, with the part of playwright's interface that the tests of streams use. Its display is Xvfb's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";

import { DEADLINE, within } from "./server.mjs";

// Debian has it in the directory of its architecture.
const BROWSER = fs.readdirSync("/usr/lib").map((name) => `/usr/lib/${name}/webkit2gtk-4.1/MiniBrowser`).find(fs.existsSync);

// The kernel assigns none of these to another socket.
async function freePort() {
    for (;;) {
        const port = 10000 + Math.floor(Math.random() * 20000);
        const server = net.createServer().listen(port, "127.0.0.1");

        if (await once(server, "listening").catch(() => null)) {
            server.close();
            await once(server, "close");
            return port;
        }
    }
}

// Commands of W3C WebDriver.
class Driver {
    constructor(address) {
        this.address = address;
    }

    async send(method, path, body) {
        const response = await fetch(this.address + path, {
            method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(4 * DEADLINE),
        });
        const { value } = await response.json();

        if (!response.ok)
            throw new Error(`${value.error}: ${value.message}`);
        return value;
    }
}

class Page {
    constructor(driver) {
        this.driver = driver;
    }

    setDefaultTimeout() {}

    goto(url) {
        return this.driver.send("POST", "/url", { url });
    }

    goBack() {
        return this.driver.send("POST", "/back", {});
    }

    async evaluate(call, argument) {
        const script = `const [argument, done] = arguments;
            Promise.resolve().then(() => (${call})(argument)).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
        const { value, error } = await this.driver.send("POST", "/execute/async", { script, args: [argument ?? null] });

        if (error)
            throw new Error(error);
        return value;
    }

    async waitForFunction(call, argument) {
        for (const end = Date.now() + DEADLINE; !await this.evaluate(call, argument);) {
            if (Date.now() > end)
                throw new Error(`not in time: ${call}`);
        }
    }
}

export async function launch() {
    const display = spawn("Xvfb", ["-displayfd", "1", "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "ignore"] });
    const [number] = await within("Xvfb", once(display.stdout, "data"));
    const port = await freePort();
    const env = { ...process.env, DISPLAY: `:${String(number).trim()}`, GDK_BACKEND: "x11" };
    const server = spawn("WebKitWebDriver", [`--port=${port}`], { stdio: "ignore", env });
    const driver = new Driver(`http://127.0.0.1:${port}`);
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": { binary: BROWSER, args: ["--automation"] } } };
    let session;

    for (const end = Date.now() + DEADLINE; !session;) {
        session = await driver.send("POST", "/session", { capabilities }).catch((error) => {
            if (Date.now() > end)
                throw error;
        });
    }
    driver.address += `/session/${session.sessionId}`;
    await driver.send("POST", "/timeouts", { script: 4 * DEADLINE, pageLoad: DEADLINE });
    return {
        // There is one page; it leaves the one that it had.
        newContext: async () => ({
            newPage: async () => new Page(driver),
            close: () => driver.send("POST", "/url", { url: "about:blank" }),
        }),
        version: () => session.capabilities.browserVersion,
        close: async () => {
            await driver.send("DELETE", "").catch(() => {});
            server.kill();
            display.kill();
        },
    };
}
