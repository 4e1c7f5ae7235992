// SPDX-License-Identifier: BSD-2-Clause
// A WebSocket, or its interface over HTTP: messages arrive as events or by polls, and leave in POST requests.
// doc/javascript.md describes it.
(() => {
  const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
  const { CONNECTING, OPEN, CLOSING, CLOSED } = STATES;
  // A stream has a comment every 15 s, and a poll ends after 25 s.
  const SILENCE_MS = 40000;
  // Larger messages go alone: their base64 might not fit into a request.
  const LAST_MS = 30000, RETRY_MS = 5000, TRIES = 10, BATCH = 1 << 18, LARGE = 1 << 15;
  const CODES = { 400: 1007, 413: 1009, 415: 1003 };
  const listen = (type, call, options) => globalThis.addEventListener?.(type, call, options);
  const delay = (tries, max) => Math.min(500 * 2 ** tries, max) * (0.5 + Math.random() / 2);
  const check = (good, name) => { if (!good) throw new DOMException(name, name); };
  const size = (data) => (typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength ?? data.size);
  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const encode = (data) => btoa(String.fromCharCode(...new Uint8Array(data)));
  const line = (type, data) => JSON.stringify({ type, data }) + "\n";

  // Waits, but no longer than until the page is back or has a network again.
  const pause = (ms) => new Promise((resolve) => {
    const end = new AbortController();
    const done = () => (end.abort(), clearTimeout(timer), resolve());
    const timer = setTimeout(done, ms);
    listen("online", done, end);
    listen("pageshow", done, end);
  });

  // Each transport calls to.open(protocol, extensions), to.message(data), and at the end to.end(code, reason).
  class WebSocketTransport {
    constructor(url, protocols, to) {
      const ws = this.ws = new WebSocket(url.replace("http", "ws"), protocols);
      ws.binaryType = "arraybuffer";
      ws.onopen = () => to.open(ws.protocol, ws.extensions);
      ws.onmessage = ({ data }) => to.message(data);
      ws.onclose = ({ code, reason }) => to.end(code, reason);
    }
    get pending() { return this.ws.bufferedAmount; }
    send(data) { this.ws.send(data); }
    close(...args) { this.ws.close(...args); }
    stop() { this.ws.close(); }
  }

  class HttpTransport {
    pending = 0;
    last = 0;
    posts = 0;
    queue = [];
    headers = {};
    over = new AbortController();
    constructor(url, [scheme, token], to) {
      this.to = to;
      this.url = url;
      if (scheme === "bearer") this.headers.Authorization = "Bearer " + token;
      listen("pagehide", ({ persisted }) => persisted || this.stop(), this.over);
      this.run();
    }
    fetch({ query, headers, ...options }) {
      const url = new URL(this.url);
      if (query) url.search += (url.search ? "&" : "?") + query;
      return fetch(url, { cache: "no-store", credentials: "include", ...options, headers: { ...this.headers, ...headers } });
    }
    // Sends the request of MAKE until USE accepts the response, or the session is over.
    async request(make, use) {
      const over = this.over.signal;
      for (let tries = 0; !over.aborted; tries++) {
        const request = new AbortController(), start = Date.now();
        let timer, wait = delay(tries, RETRY_MS);
        const alive = () => {
          if (Date.now() - start > RETRY_MS) tries = 0;
          clearTimeout(timer);
          timer = setTimeout(() => request.abort(), SILENCE_MS);
        };
        over.addEventListener("abort", () => request.abort(), request);
        // A page that is kept sends it again.
        listen("pagehide", () => request.abort(), request);
        try {
          alive();
          const options = make(), response = await this.fetch({ signal: request.signal, ...options }), { status } = response;
          if (response.ok) return await use(response, alive);
          // The program has ended: the other request has the close code.
          if (status === 404 && options.method && this.session) await new Promise(() => 0);
          if (status === 429) tries = 0;
          else if (status < 500) this.stop(CODES[status]);
          wait = Math.max(wait, 1000 * response.headers.get("Retry-After") || 0);
        } catch { /* it is sent again */ } finally {
          clearTimeout(timer);
          request.abort();
        }
        if (tries >= TRIES || !this.session) this.stop();
        if (!over.aborted) await pause(wait);
      }
    }
    opened(session) {
      const first = !this.session;
      this.headers["Wspipe-Session"] = this.session = session;
      if (first) this.to.open("", "");
    }
    send(data) {
      if (typeof data === "string") data = data.replace(/\p{Cs}/gu, "\ufffd");
      this.pending += size(data);
      this.queue.push(data);
      this.posting ??= this.post();
    }
    // A request has a number, so that it counts once even if it is sent again.
    upload(type, body, use) {
      const headers = { "Content-Type": type, "Wspipe-Post": ++this.posts };
      return this.request(() => ({ method: "POST", headers, body }), use);
    }
    async post() {
      for (await 0; this.queue.length && !this.over.signal.aborted;) {
        const single = this.queue.length === 1 || size(this.queue[0]) > LARGE;
        let body = "", bytes = 0, count = 0, type = "application/x-ndjson";
        do {
          let data = this.queue[count++];
          const text = typeof data === "string";
          bytes += size(data);
          if (data instanceof Blob) data = await data.arrayBuffer();
          if (single) [body, type] = [data, text ? "text/plain" : "application/octet-stream"];
          else body += text ? line("text", data) : line("binary", encode(data));
        } while (!single && count < this.queue.length && body.length < BATCH && size(this.queue[count]) <= LARGE);
        await this.upload(type, body, () => {
          this.pending -= bytes;
          this.queue.splice(0, count);
        });
      }
      this.posting = null;
    }
    async close(code, reason = "") {
      await this.posting;
      this.code = code ?? 1005;
      await this.upload("application/x-ndjson", JSON.stringify({ type: "close", code: code ?? 1000, reason }), () => this.end(this));
    }
    end({ code, reason = "" }) {
      this.over.abort();
      this.to.end(this.code ?? code, reason);
    }
    stop(code = 1006) {
      if (this.over.signal.aborted) return;
      if (this.session) this.fetch({ method: "DELETE", keepalive: true }).catch(() => 0);
      this.end({ code: this.code = code });
    }
  }

  class EventsTransport extends HttpTransport {
    run() {
      this.request(() => ({
        headers: { Accept: "text/event-stream", ...(this.session && { "Last-Event-ID": this.session + "-" + this.last }) },
      }), async ({ body }, alive) => {
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = "", piece; !(piece = await reader.read()).done;) {
          alive();
          const events = (rest + piece.value).split("\n\n");
          rest = events.pop();
          for (const event of events) this.event(event);
        }
        throw 0;
      });
    }
    event(text) {
      const data = [];
      let type;
      for (const line of text.split("\n")) {
        if (line.startsWith("data: ")) data.push(line.slice(6));
        else if (line.startsWith("event: ")) type = line.slice(7);
        else if (line.startsWith("id: ")) this.last = line.slice(line.lastIndexOf("-") + 1);
      }
      if (type === "open") this.opened(JSON.parse(data[0]).session);
      else if (type === "close") this.end(JSON.parse(data[0]));
      else if (type === "binary") this.to.message(decode(data[0]).buffer);
      else if (type) this.to.message(new TextDecoder("utf-8", { ignoreBOM: true }).decode(decode(data[0])));
      else if (data.length) this.to.message(data.join("\n"));
    }
  }

  class PollTransport extends HttpTransport {
    async run() {
      await this.request(() => ({ method: "POST", query: "poll" }), async (response) => this.opened((await response.json()).session));
      while (!this.over.signal.aborted) {
        await this.request(() => ({ query: "poll&after=" + this.last }), async (response) => {
          for (const record of response.status === 200 ? await response.json() : []) {
            this.last = record.id;
            if (record.type === "close") this.end(record);
            else this.to.message(record.type === "text" ? record.data : decode(record.data).buffer);
          }
        });
      }
    }
  }

  const TRANSPORTS = { websocket: WebSocketTransport, events: EventsTransport, poll: PollTransport };

  class WspipeSocket extends EventTarget {
    onopen = null;
    onmessage = null;
    onerror = null;
    onclose = null;
    onreconnecting = null;
    readyState = CONNECTING;
    protocol = "";
    extensions = "";
    transport = "";
    #binaryType = "blob";
    #queue = [];
    #tries = 0;
    #first = 0;
    #options;
    #to;
    #link;
    #since;
    constructor(url, protocols = [], { reconnect = false, transports = Object.keys(TRANSPORTS), timeout = 4000 } = {}) {
      super();
      protocols = [].concat(protocols);
      try {
        this.url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href.replace("http", "ws");
      } catch { /* it is checked next */ }
      check(/^wss?:[^#]*$/.test(this.url), "SyntaxError");
      check(protocols.every((name, i) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && protocols.indexOf(name) === i), "SyntaxError");
      this.#options = { protocols, reconnect, transports, timeout };
      for (const type of ["open", "message", "error", "close", "reconnecting"])
        this.addEventListener(type, (event) => this["on" + type]?.(event));
      this.#connect(0);
    }
    #connect(index) {
      const { protocols, transports, timeout } = this.#options, transport = transports[index], more = index + 1 < transports.length;
      let link;
      const to = this.#to = {
        open: (protocol, extensions) => {
          if (this.#to !== to) return;
          clearTimeout(timer);
          Object.assign(this, { protocol, extensions, transport, readyState: OPEN });
          this.#since = Date.now();
          for (const data of this.#queue.splice(0)) link.send(data);
          this.dispatchEvent(new Event("open"));
        },
        message: (data) => {
          if (this.#to !== to || this.readyState !== OPEN) return;
          if (typeof data !== "string" && this.binaryType === "blob") data = new Blob([data]);
          this.dispatchEvent(new MessageEvent("message", { data, origin: new URL(this.url).origin }));
        },
        end: (code, reason) => {
          if (this.#to !== to) return;
          clearTimeout(timer);
          if (more && this.readyState === CONNECTING) this.#connect(index + 1);
          else this.#ended(code, reason);
        },
      };
      // One that hangs is left out from now on.
      const timer = setTimeout(() => {
        if (more) this.#first = index + 1;
        to.end(1006, "");
        link.stop();
      }, more ? timeout : LAST_MS);
      try {
        link = this.#link = new TRANSPORTS[transport](this.url.replace("ws", "http"), protocols, to);
      } catch {
        queueMicrotask(() => to.end(1006, ""));
      }
    }
    async #ended(code, reason) {
      this.#to = null;
      if (this.#options.reconnect && this.readyState < CLOSING && (code === 1001 || code === 1006 || code > 1010)) {
        if (this.readyState === CONNECTING) this.#first = 0;
        else if (Date.now() - this.#since > RETRY_MS) this.#tries = 0;
        this.#link = null;
        this.readyState = CONNECTING;
        this.dispatchEvent(new CloseEvent("reconnecting", { code, reason }));
        await pause(delay(this.#tries++, LAST_MS));
        if (this.readyState === CONNECTING) this.#connect(this.#first);
        return;
      }
      this.readyState = CLOSED;
      if (code === 1006) this.dispatchEvent(new Event("error"));
      this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
    }
    get binaryType() { return this.#binaryType; }
    set binaryType(type) { if (type === "blob" || type === "arraybuffer") this.#binaryType = type; }
    get bufferedAmount() { return this.#queue.reduce((sum, data) => sum + size(data), this.#link?.pending ?? 0); }
    send(data) {
      check(this.readyState !== CONNECTING || this.#options.reconnect, "InvalidStateError");
      if (ArrayBuffer.isView(data)) data = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      else if (data instanceof ArrayBuffer) data = data.slice();
      else if (!(data instanceof Blob)) data = String(data);
      if (this.readyState === OPEN) this.#link.send(data);
      else if (this.readyState === CONNECTING) this.#queue.push(data);
    }
    close(code, reason) {
      const state = this.readyState;
      check(code === undefined || code === 1000 || (code >= 3000 && code < 5000), "InvalidAccessError");
      check(size(String(reason ?? "")) < 124, "SyntaxError");
      if (state > OPEN) return;
      this.readyState = CLOSING;
      if (state === OPEN) return this.#link.close(code, reason);
      this.#to = null;
      this.#link?.stop();
      setTimeout(() => this.#ended(1006, ""));
    }
  }
  Object.assign(WspipeSocket, STATES);
  Object.assign(WspipeSocket.prototype, STATES);
  globalThis.WspipeSocket = WspipeSocket;
})();
