// SPDX-License-Identifier: BSD-2-Clause
// A server with "ws" of node for wspipe as a client: prints its port, returns each message, closes with 4007 after
// "bye", and prints the code of each Close.
import { WebSocketServer } from "ws";

const perMessageDeflate = process.argv[2] === "deflate" && { threshold: 0 };
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });

server.on("listening", () => console.log(server.address().port));
server.on("connection", (ws) => {
    ws.on("message", (data, isBinary) => {
        if (!isBinary && data.toString() === "bye")
            ws.close(4007, "as requested");
        else
            ws.send(data, { binary: isBinary });
    });
    ws.on("close", (code) => console.log(`closed ${code} ${ws.extensions}`));
});
