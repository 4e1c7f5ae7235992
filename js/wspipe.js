// SPDX-License-Identifier: BSD-2-Clause
// A WebSocket where there is one, and where there is none the same interface over HTTP: messages arrive as events of a
// stream, or by polls, and leave in POST requests. new WspipeSocket(url, protocols, {reconnect: false, transports:
// ["websocket", "events", "poll"]}). With reconnect, a connection that was lost is followed by another, and so by
// another session: "reconnecting" and "open" are dispatched in place of "close", and what was not sent is sent then.
(() => {
  const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];
  const ATTEMPT_MS = 10000, RESUME_MS = 30000, WAIT_MS = 1000, WAIT_MAX_MS = 30000, BATCH = 1 << 18;
  const encoder = new TextEncoder();
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const size = (data) => (typeof data === "string" ? encoder.encode(data).length : data.byteLength ?? data.size);
  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const encode = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  };
  const object = (data) => JSON.stringify(typeof data === "string" ? { type: "text", data }
    : { type: "binary", data: encode(new Uint8Array(data)) }) + "\n";

  // Each transport: connect() resolves once it is open; after that it calls message(data) and, once, end(code, reason).
  class WebSocketTransport {
    connect(url, protocols, to) {
      return new Promise((resolve, reject) => {
        const ws = this.ws = new WebSocket(url.href.replace(/^http/, "ws"), protocols);
        ws.binaryType = "arraybuffer";
        ws.onopen = () => resolve(ws.protocol);
        ws.onmessage = ({ data }) => to.message(data);
        ws.onclose = ({ code, reason }) => (reject(), to.end(code, reason));
      });
    }
    send(data) { this.ws.send(data); }
    get pending() { return this.ws.bufferedAmount; }
    close(code, reason) { this.ws.close(code, reason); }
  }

  class HttpTransport {
    queue = [];
    pending = 0;
    last = 0;
    abort = new AbortController();
    request(query, options = {}) {
      const url = new URL(this.url);
      if (query) url.search += (url.search ? "&" : "?") + query;
      const headers = { ...options.headers };
      if (this.session) headers["Wspipe-Session"] = this.session;
      return fetch(url, { cache: "no-store", credentials: "include", signal: this.abort.signal, ...options, headers });
    }
    end(code, reason) {
      if (this.over) return;
      this.over = true;
      this.abort.abort();
      this.to.end(code, reason);
    }
    send(data) {
      this.pending += size(data);
      this.queue.push(data);
      if (!this.posting) this.post();
    }
    // A request that got no response may have arrived, so it is not sent again: the session is lost.
    async post() {
      this.posting = true;
      while (this.queue.length && !this.over) {
        let body = "", bytes = 0, n = 0;
        do {
          const data = this.queue[n++];
          bytes += size(data);
          body += object(data instanceof Blob ? await data.arrayBuffer() : data);
        } while (n < this.queue.length && body.length < BATCH);
        const response = await this.request("", { method: "POST", body, headers: { "Content-Type": "application/x-ndjson" } })
          .catch(() => ({ status: 0 }));
        if (response.status === 202) {
          this.queue.splice(0, n);
          this.pending -= bytes;
        } else if (response.status === 429) {
          await wait(1000 * (response.headers.get("Retry-After") || 1));
        } else {
          this.end(1006, "");
        }
      }
      this.posting = false;
    }
    async close(code = 1000, reason = "") {
      this.queue.push = () => 0;
      while (this.posting) await wait(10);
      const body = JSON.stringify({ type: "close", code, reason });
      await this.request("", { method: "POST", body, headers: { "Content-Type": "application/x-ndjson" } }).catch(() => 0);
      this.end(code, reason);
    }
    finish({ code, reason }) { this.end(code, reason); }
  }

  class EventsTransport extends HttpTransport {
    connect(url, protocols, to) {
      Object.assign(this, { url, to });
      return new Promise((resolve, reject) => this.run(resolve, reject));
    }
    async run(opened, failed) {
      for (let since = Date.now(), tries = 0; !this.over;) {
        const headers = { Accept: "text/event-stream" };
        if (this.session) headers["Last-Event-ID"] = this.session + "-" + this.last;
        try {
          const response = await this.request("", { headers });
          if (response.status !== 200 || !/^text\/event-stream/.test(response.headers.get("Content-Type"))) break;
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let rest = "", piece; !(piece = await reader.read()).done;) {
            const events = (rest + piece.value).split("\n\n");
            rest = events.pop();
            since = Date.now();
            tries = 0;
            for (const event of events) this.event(event, opened);
          }
        } catch { /* it is tried again */ }
        if (!this.session || Date.now() - since > RESUME_MS) break;
        await wait(Math.min(WAIT_MS * 2 ** tries++, 5000) * Math.random());
      }
      failed();
      this.end(1006, "");
    }
    event(text, opened) {
      let type = "", data = [];
      for (const line of text.split("\n")) {
        if (line.startsWith("data: ")) data.push(line.slice(6));
        else if (line.startsWith("event: ")) type = line.slice(7);
        else if (line.startsWith("id: ")) this.last = Number(line.slice(line.lastIndexOf("-") + 1));
      }
      if (type === "open") opened((this.session = JSON.parse(data[0]).session) && "");
      else if (type === "close") this.finish(JSON.parse(data[0]));
      else if (type === "binary") this.to.message(decode(data[0]).buffer);
      else if (type === "text-base64") this.to.message(new TextDecoder().decode(decode(data[0])));
      else if (data.length) this.to.message(data.join("\n"));
    }
  }

  class PollTransport extends HttpTransport {
    async connect(url, protocols, to) {
      Object.assign(this, { url, to });
      const response = await this.request("poll", { method: "POST" });
      if (response.status !== 200) throw 0;
      this.session = (await response.json()).session;
      setTimeout(() => this.run());
      return "";
    }
    async run() {
      for (let since = Date.now(); !this.over && Date.now() - since < RESUME_MS;) {
        try {
          const response = await this.request("poll&after=" + this.last);
          if (response.status !== 200 && response.status !== 204) break;
          for (const { id, type, data, ...end } of response.status === 200 ? await response.json() : []) {
            this.last = id;
            if (type === "close") this.finish(end);
            else this.to.message(type === "text" ? data : decode(data).buffer);
          }
          since = Date.now();
        } catch {
          await wait(WAIT_MS);
        }
      }
      this.end(1006, "");
    }
  }

  const TRANSPORTS = { websocket: WebSocketTransport, events: EventsTransport, poll: PollTransport };

  class WspipeSocket extends EventTarget {
    readyState = CONNECTING;
    binaryType = "blob";
    protocol = "";
    extensions = "";
    #queue = [];
    #tries = 0;
    constructor(url, protocols = [], { reconnect = false, transports = Object.keys(TRANSPORTS) } = {}) {
      super();
      this.location = new URL(url, globalThis.location?.href);
      this.location.protocol = this.location.protocol.replace("ws", "http");
      this.url = this.location.href.replace(/^http/, "ws");
      Object.assign(this, { protocols, reconnect, transports });
      for (const type of ["open", "message", "close", "error", "reconnecting"])
        this.addEventListener(type, (event) => this["on" + type]?.(event));
      this.#connect();
    }
    async #connect() {
      for (const name of this.transports) {
        const transport = new TRANSPORTS[name]();
        const to = {
          message: (data) => this.#message(transport, data),
          end: (code, reason) => this.transport === transport && this.#ended(code, reason),
        };
        const late = wait(ATTEMPT_MS).then(() => Promise.reject());
        try {
          this.protocol = await Promise.race([transport.connect(this.location, this.protocols, to), late]);
        } catch {
          transport.abort?.abort();
          transport.ws?.close();
          continue;
        }
        if (this.readyState !== CONNECTING) return transport.close(1000, "");
        this.transport = transport;
        this.transportName = name;
        this.readyState = OPEN;
        this.#tries = 0;
        for (const data of this.#queue.splice(0)) transport.send(data);
        this.dispatchEvent(new Event("open"));
        return;
      }
      if (this.readyState !== CONNECTING) return;
      if (!this.reconnect) this.dispatchEvent(new Event("error"));
      this.#ended(1006, "");
    }
    #message(transport, data) {
      if (this.transport !== transport && this.transport) return;
      if (typeof data !== "string" && this.binaryType === "blob") data = new Blob([data]);
      this.dispatchEvent(new MessageEvent("message", { data, origin: this.location.origin }));
    }
    async #ended(code, reason) {
      this.transport = null;
      if (this.reconnect && this.readyState < CLOSING) {
        this.readyState = CONNECTING;
        this.dispatchEvent(new CustomEvent("reconnecting", { detail: { code, reason } }));
        await wait(Math.min(WAIT_MS * 2 ** this.#tries++, WAIT_MAX_MS) * (0.5 + Math.random() / 2));
        if (this.readyState === CONNECTING) this.#connect();
        return;
      }
      if (this.readyState === CLOSED) return;
      this.readyState = CLOSED;
      this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
    }
    get bufferedAmount() {
      return this.#queue.reduce((sum, data) => sum + size(data), 0) + (this.transport?.pending || 0);
    }
    send(data) {
      if (this.readyState === CONNECTING && !this.reconnect) throw new DOMException("not open", "InvalidStateError");
      if (this.readyState > OPEN) return;
      if (ArrayBuffer.isView(data)) data = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      else if (!(data instanceof ArrayBuffer || data instanceof Blob)) data = String(data);
      if (this.transport) this.transport.send(data);
      else this.#queue.push(data);
    }
    close(code, reason) {
      if (this.readyState > OPEN) return;
      const { transport } = this;
      this.readyState = CLOSING;
      if (transport) transport.close(code, reason);
      else this.#ended(1006, "");
    }
  }
  Object.assign(WspipeSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
  Object.assign(WspipeSocket.prototype, { CONNECTING, OPEN, CLOSING, CLOSED });
  globalThis.WspipeSocket = WspipeSocket;
})();
