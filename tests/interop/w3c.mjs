// SPDX-License-Identifier: BSD-2-Clause
// The checks for whatever has the WebSocket of browsers: libraries of node, and browsers, where this
// function is sent into the page. So it is one function, and uses nothing from outside itself.

// URLS as in the environment (see run). Returns lines.
export async function checks({ text, bytes, exit, idle, sizes, deflate }) {
    const DEADLINE = 30_000;
    const lines = [];
    let compressed = false;

    const within = (promise, what) => new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${what}: nothing came in time`)), DEADLINE);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
    const same = (got, wanted, what) => {
        if (got !== wanted)
            throw new Error(`${what} is ${String(got).slice(0, 60)}, not ${String(wanted).slice(0, 60)}`);
    };
    const words = (n) => "€01234567890123".repeat(Math.floor(n / 17)) + "x".repeat(n % 17);
    const numbers = (n) => Uint8Array.from({ length: n }, (_, i) => (i * 31 + (i >> 8)) & 255);

    // A connection, with what came and was not asked for yet.
    async function open(url) {
        const socket = new WebSocket(url);
        const came = [];
        let wake = () => {};
        let end = null;

        socket.binaryType = "arraybuffer";
        socket.onmessage = ({ data }) => {
            came.push(data);
            wake();
        };
        const closed = new Promise((resolve) => {
            socket.onclose = (event) => {
                end = event;
                wake();
                resolve(event);
            };
        });
        await within(new Promise((resolve, reject) => {
            socket.onopen = resolve;
            socket.onerror = () => reject(new Error("it could not be opened"));
        }), "the handshake");
        socket.onerror = () => {};
        return {
            socket,
            next: async () => {
                while (came.length === 0) {
                    if (end)
                        throw new Error(`closed with ${end.code} ${end.reason}`);
                    await within(new Promise((resolve) => {
                        wake = resolve;
                    }), "a message");
                }
                return came.shift();
            },
            closed: () => within(closed, "the close"),
        };
    }
    async function check(name, body) {
        try {
            await body();
            lines.push(`ok ${name}`);
        } catch (error) {
            lines.push(`not ok ${name}: ${error.message}`);
        }
    }
    async function shared(url, body) {
        try {
            await body(await open(url));
        } catch (error) {
            lines.push(`not ok open: ${error.message}`);
        }
    }

    await shared(text, async (talk) => {
        compressed = talk.socket.extensions.includes("permessage-deflate");
        for (const n of sizes) {
            await check(`text-${n}`, async () => {
                talk.socket.send(words(n));
                const back = await talk.next();
                same(typeof back, "string", "the type");
                same(back, words(n), "the text");
            });
        }
        await check("close-client", async () => {
            talk.socket.close(4001, "bye");
            const { code, wasClean } = await talk.closed();
            same(code, 4001, "the code");
            same(wasClean, true, "wasClean");
        });
    });
    await shared(bytes, async (talk) => {
        for (const n of sizes) {
            await check(`binary-${n}`, async () => {
                // Of nothing nothing comes back, so another byte follows it.
                const all = n === 0 ? numbers(1) : numbers(n);
                if (n === 0)
                    talk.socket.send(numbers(0));
                talk.socket.send(all);
                for (let got = 0; got < all.length;) {
                    const part = new Uint8Array(await talk.next());
                    part.forEach((byte, i) => same(byte, all[got + i], `byte ${got + i}`));
                    got += part.length;
                }
            });
        }
        talk.socket.close();
        await talk.closed();
    });
    await check("close-server", async () => {
        const talk = await open(exit);
        talk.socket.send("3");
        const { code, reason, wasClean } = await talk.closed();
        same(`${code} ${reason} ${wasClean}`, "4003 exit 3 true", "the end");
    });
    await check("pong", async () => {
        const talk = await open(idle);
        same(await talk.next(), "awake", "the message");
        talk.socket.send("still here");
        same(await talk.next(), "still here", "the message");
        talk.socket.close();
        await talk.closed();
    });
    if (deflate)
        lines.push(compressed ? "ok deflate" : "not ok deflate: it was not agreed on");
    return lines;
}

export const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];

export const input = () => ({
    text: process.env.INTEROP_TEXT,
    bytes: process.env.INTEROP_BYTES,
    exit: process.env.INTEROP_EXIT,
    idle: process.env.INTEROP_IDLE,
    deflate: Boolean(process.env.INTEROP_DEFLATE),
    sizes,
});
