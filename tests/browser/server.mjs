// SPDX-License-Identifier: BSD-2-Clause
// Starts the real server and keeps what it logs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";

const source = path.resolve(process.env.top_srcdir || path.join(path.dirname(fileURLToPath(import.meta.url)), "../.."));
export const build = path.resolve(process.env.top_builddir || path.join(source, "build"));
export const examples = path.join(build, "examples");
export const sources = path.join(source, "examples");
export const tests = path.join(source, "tests/browser");
export const demo = path.join(source, "demo");
export const console_ = path.join(source, "console");
export const binary = path.resolve(process.env.WSPIPE || path.join(build, "wspipe"));

export const DEADLINE = 60_000; // for each wait

// PROMISE, or an error that says WHAT did not happen in time.
export async function within(what, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: nothing within ${DEADLINE / 1000} s`)), DEADLINE);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

export class Server {
    // Starts wspipe on a free port of the loopback address; ready when it says where it listens.
    static async start(...args) {
        const server = new Server();
        const process_ = spawn(binary, ["--address=127.0.0.1", "--port=0", "--loglevel=access", ...args], {
            cwd: source,
            stdio: ["ignore", "inherit", "pipe"],
        });

        server.process = process_;
        server.log = "";
        server.ended = once(process_, "close"); // status and signal, once all of the log was read
        const listening = new Promise((resolve, reject) => {
            process_.on("error", reject);
            process_.stderr.setEncoding("utf8").on("data", (text) => {
                server.log += text;
                const found = /(http|ws)(s?):\/\/(127\.0\.0\.1:\d+)\//.exec(server.log);
                if (found)
                    resolve(`http${found[2]}://${found[3]}`);
            });
            server.ended.then(([status, signal]) => {
                reject(new Error(`wspipe ended with ${status ?? signal}:\n${server.log}`));
            }, reject);
        });
        try {
            server.origin = await within("wspipe listens", listening);
        } catch (error) {
            process_.kill("SIGKILL");
            throw error;
        }
        server.ws = server.origin.replace("http", "ws");
        return server;
    }

    // Asks it to end; the exit status, or the name of the signal that ended it.
    async stop() {
        this.process.kill("SIGTERM");
        try {
            const [status, signal] = await within("wspipe ends on SIGTERM", this.ended);
            return status ?? signal;
        } finally {
            this.process.kill("SIGKILL");
        }
    }
}
