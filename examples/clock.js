#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Sends the time every second and answers messages in between: the two
// directions are independent.
const readline = require("node:readline");

const timer = setInterval(() => {
    console.log(new Date().toLocaleTimeString("en-GB"));
}, 1000);

readline
    .createInterface({ input: process.stdin })
    .on("line", (line) => console.log(`You said "${line}".`))
    .on("close", () => clearInterval(timer)); // the client disconnected
