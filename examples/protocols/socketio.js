#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// A Socket.IO server for the unmodified front end, the npm package
// socket.io-client, with the WebSocket transport: it acknowledges events, and
// sends one of its own every second.
//
//     wspipe examples/protocols/socketio.js
//
//     const socket = io("http://localhost:8080", { transports: ["websocket"] });
//     socket.on("load", (load) => console.log(load));
//     socket.emit("shout", "hello", (loud) => console.log(loud));
//
// A message begins with the digit of an Engine.IO packet: 0 open, 2 ping, 3 pong,
// 4 message. In a message, the digit of a Socket.IO packet follows: 0 connect,
// 1 disconnect, 2 event, 3 acknowledgement, 4 error.
"use strict";

const { randomUUID } = require("node:crypto");
const { loadavg } = require("node:os");

const PING_INTERVAL = 25000;
const send = (packet, ...data) => console.log(packet + data.map((value) => JSON.stringify(value)).join(""));

// The events and their acknowledgements.
const events = new Map([
    ["shout", (text) => [String(text).toUpperCase()]],
    ["split", (text) => String(text).split(" ")],
]);
let connected = false;

function receive(packet) {
    const [, ack, data] = /^42(\d{0,15})(\[.*\])$/s.exec(packet) ?? [];

    if (packet === "40" && !connected) {
        connected = true;
        send("40", { sid: randomUUID() });
        const report = () => send("42", ["load", loadavg()[0]]);
        report();
        setInterval(report, 1000);
    } else if (/^40\/[\w/-]{1,80},/.test(packet)) {
        send(`44${packet.slice(2, packet.indexOf(",") + 1)}`, { message: "Invalid namespace" });
    } else if (packet === "41") {
        process.exit(0);
    } else if (connected && data) {
        const [name, ...values] = JSON.parse(data);
        const reply = events.get(name)?.(...values);
        if (reply && ack)
            send(`43${ack}`, reply);
    } else if (packet !== "3") { // wspipe's own pings find clients that have vanished
        throw new Error("unexpected packet");
    }
}

send("0", { sid: randomUUID(), upgrades: [], pingInterval: PING_INTERVAL, pingTimeout: 20000, maxPayload: 1048576 });
setInterval(send, PING_INTERVAL, "2");

// The module readline would also end a line at U+2028, which JSON may contain.
let rest = "";
process.stdin.setEncoding("utf8").on("data", (text) => {
    const packets = (rest + text).split("\n");
    rest = packets.pop();
    try {
        packets.forEach(receive);
    } catch (error) {
        console.error(error.message);
        process.exit(1);
    }
}).on("end", () => process.exit(0));
