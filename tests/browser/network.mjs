// SPDX-License-Identifier: BSD-2-Clause
// A network between a page and a server: a proxy that blocks what it is told to, and breaks.
import http from "node:http";
import net from "node:net";

export class Network {
    // What becomes of requests for a WebSocket, and of those for a stream of events: "pass", "reject", or "hang".
    websocket = "pass";
    events = "pass";
    down = false; // new connections are closed at once
    deaf = false; // responses to POST are lost, and their connections with them
    #sockets = new Set();

    static async start(t, server) {
        const network = new Network();

        network.target = server.origin;
        network.server = http.createServer((request, response) => network.#forward(request, response))
            .on("upgrade", (request, socket, head) => network.#upgrade(request, socket, head))
            .on("connection", (socket) => network.#keep(socket));
        await new Promise((resolve) => network.server.listen(0, "127.0.0.1", resolve));
        network.origin = `http://127.0.0.1:${network.server.address().port}`;
        t.after(() => {
            network.server.close();
            network.cut();
        });
        return network;
    }

    // Breaks all connections.
    cut() {
        this.#sockets.forEach((socket) => socket.destroy());
    }

    #keep(socket) {
        socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
        this.#sockets.add(socket);
        if (this.down)
            socket.destroy();
    }

    #forward(request, response) {
        const how = request.headers.accept === "text/event-stream" ? this.events : "pass";

        if (how === "reject")
            response.writeHead(502).end();
        if (how !== "pass")
            return;
        const { hostname, port } = new URL(this.target);
        const { method, url: path, headers } = request;
        const onward = http.request({ hostname, port, method, path, headers, agent: false }, (result) => {
            if (this.deaf && method === "POST") {
                this.cut();
                return;
            }
            response.writeHead(result.statusCode, result.headers);
            response.flushHeaders();
            result.on("error", () => response.destroy()).pipe(response);
        });

        onward.on("error", () => response.destroy());
        response.on("close", () => onward.destroy());
        request.pipe(onward);
    }

    #upgrade(request, socket, head) {
        if (this.websocket === "reject")
            socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        if (this.websocket !== "pass")
            return;
        const { hostname, port } = new URL(this.target);
        const far = net.connect(Number(port), hostname);
        const lines = [`${request.method} ${request.url} HTTP/1.1`];

        for (let i = 0; i < request.rawHeaders.length; i += 2)
            lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
        far.write(`${lines.join("\r\n")}\r\n\r\n`);
        far.write(head);
        far.on("error", () => {}).on("close", () => socket.destroy());
        socket.on("close", () => far.destroy());
        socket.pipe(far).pipe(socket);
    }
}
