#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Answers each message with its type and size, and closes the
// connection after the third. JSON keeps the type of a message, its newlines
// and all its bytes, and lets the program choose the close code.
//
//     wspipe --framing=json --events examples/framings/counter.js
"use strict";

const readline = require("node:readline");

const send = (message) => console.log(JSON.stringify(message));
let count = 0;

readline.createInterface(process.stdin).on("line", (line) => {
    const { type, data, path } = JSON.parse(line);

    if (type === "open")
        send({ type: "text", data: `You connected to ${path}` });
    if (type !== "text" && type !== "binary")
        return;

    const encoding = type === "binary" ? "base64" : "utf8";
    const bytes = Buffer.from(data, encoding);
    send({ type: "text", data: `${type} of ${bytes.length} bytes` });
    if (++count === 3)
        send({ type: "close", code: 4000, reason: "three are enough" });
});
