#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Answers each message with its type and size, says who came, and has enough after three: JSON keeps
// the type of a message, newlines and all its bytes, and a program can choose the close code.
//
//     wspipe --framing=json --events examples/framings/counter.js
"use strict";

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
let count = 0;

require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { type, data, path } = JSON.parse(line);

    if (type === "open")
        say({ type: "text", data: `You came to ${path}` });
    if (type !== "text" && type !== "binary")
        return;
    say({ type: "text", data: `${type} of ${Buffer.from(data, type === "binary" ? "base64" : "utf8").length} bytes` });
    if (++count === 3)
        say({ type: "close", code: 4000, reason: "three are enough" });
});
