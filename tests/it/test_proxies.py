# SPDX-License-Identifier: BSD-2-Clause
"""
wspipe behind real proxies, with the configurations of doc/deploy.md. Not part of `make check`: ./dev interop runs it.
A proxy that is not installed is skipped.
"""

import collections
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from ambiguous import NEXT, ROWS, WAITS
from conftest import HERE, make_certificate, wait_for
from test_smuggling import split_responses
from test_streams import Client, Stream
from wsraw import PING, PONG, TEXT, Peer, frame, free_port

DOC = os.path.join(os.environ.get("top_srcdir") or os.path.join(HERE, "..", ".."), "doc", "deploy.md")
NAME = "ws.example.com"
LARGE = 64 << 20
SILENCE_S = 2.0  # after which a proxy that still waits for the rest of a request is given up

# What is around the configuration on a real system, and a log of one line "PATH STATUS" for each request that the
# proxy has passed on; for nginx STATUS is "-" when it has not.
NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
events {{}}
http {{
    log_format test "$request_uri $upstream_status"; access_log {dir}/access.log test;
    client_body_temp_path {dir}/1; proxy_temp_path {dir}/2; fastcgi_temp_path {dir}/3; uwsgi_temp_path {dir}/4; scgi_temp_path {dir}/5;
    {config}
}}
"""
HAPROXY = """global
    maxconn 200
{config}
    log stdout format raw local0
    log-format "%HV %HU %ST"
"""
CADDY = """{{
    admin off
    local_certs
    skip_install_trust
    auto_https disable_redirects
    https_port {port}
}}
{config}
"""
APACHE = """ServerRoot /usr/lib/apache2
PidFile {dir}/pid
ErrorLog {dir}/error.log
ServerName localhost
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule headers_module modules/mod_headers.so
LoadModule ssl_module modules/mod_ssl.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
LogFormat "%U%q %s" test
CustomLog {dir}/access.log test
Listen {port}
User nobody
Group nogroup
{config}
"""
PROXIES = {
    "nginx": (NGINX, "nginx", ["nginx", "-e", "{dir}/error.log", "-c", "{file}"]),
    "haproxy": (HAPROXY, "haproxy", ["haproxy", "-db", "-f", "{file}"]),
    "caddyfile": (CADDY, "caddy", ["caddy", "run", "--adapter", "caddyfile", "--config", "{file}"]),
    "apache": (APACHE, "apache2", ["apache2", "-DFOREGROUND", "-f", "{file}"]),
}


NAMES = {"nginx": "nginx", "haproxy": "HAProxy", "caddyfile": "Caddy", "apache": "Apache"}


def block(kind, section="Behind a proxy"):
    """The first code block of that kind in doc/deploy.md, after the heading of a section."""
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    return re.search(r"^```%s\n(.*?)^```$" % kind, text[text.index("# %s\n" % section) :], re.M | re.S).group(1)


def on_unix_socket(kind, config):
    """The configuration with the row of the table in doc/deploy.md."""
    with open(DOC, encoding="utf-8") as f:
        row = re.search(r"^\| %s \| `(.*)` \| `(.*)` \|$" % NAMES[kind], f.read(), re.M)
    assert row.group(1) in config
    return config.replace(row.group(1), row.group(2).replace("\\|", "|"))


def counted(targets):
    """How often each is there; a proxy may pass it on in another form."""
    return collections.Counter(t.replace("http://localhost/", "/").replace("%23", "#") for t in targets)


class Proxy:
    """A proxy in front of a wspipe that listens on a port, or on a Unix socket with the path; it is reached by the name."""

    def __init__(self, kind, directory, backend, name, certificate, config=None):
        frame, program, command = PROXIES[kind]
        self.kind, self.name, self.dir, self.port = kind, name, str(directory), free_port()
        program = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            pytest.skip("%s is missing: install it" % command[0])
        chain = os.path.join(self.dir, "chain.pem")
        with open(chain, "w") as out:
            for path in certificate:
                with open(path) as f:
                    out.write(f.read())
        if isinstance(backend, str):
            config = on_unix_socket(kind, block(kind)).replace("/run/wspipe/socket", backend)
        else:
            config = (config or block(kind)).replace("127.0.0.1:8080", "127.0.0.1:%d" % backend)
        config = config.replace("/etc/ssl/ws.example.com.pem", chain).replace("/etc/ssl/ws.example.com.key", chain)
        config = re.sub(r"(listen |bind :|\*:)443\b", lambda m: m.group(1) + str(self.port), config).replace(NAME, name)
        if kind == "caddyfile":
            config = config.replace("reverse_proxy", "log {\noutput file %s/access.log\n}\nreverse_proxy" % self.dir)
        path = os.path.join(self.dir, "proxy.conf")
        with open(path, "w") as f:
            text = frame.format(config=config, dir=self.dir, port=self.port)
            f.write(re.sub(r" *log-format .*", "", text) if "mode tcp" in config else text)
        os.chmod(self.dir, 0o755)
        self.output = os.path.join(self.dir, "output.log")
        with open(self.output, "wb") as log:
            self.process = subprocess.Popen(
                [program] + [word.format(dir=self.dir, file=path) for word in command[1:]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=dict(os.environ, HOME=self.dir, XDG_DATA_HOME=self.dir, XDG_CONFIG_HOME=self.dir),
            )
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        wait_for(self._serves, lambda: "%s serves:\n%s" % (kind, self.log()))

    def _serves(self):
        if self.process.poll() is not None:
            pytest.fail("%s exited:\n%s" % (self.kind, self.log()))
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def log(self):
        text = ""
        for name in ("output.log", "error.log", "access.log"):
            with contextlib.suppress(OSError), open(os.path.join(self.dir, name), errors="replace") as f:
                text += f.read()
        return text

    def requests(self):
        """How many requests of each target it has passed on, or tried to."""
        if self.kind == "haproxy":
            lines = open(self.output, errors="replace").read().splitlines()
        else:
            path = os.path.join(self.dir, "access.log")
            lines = open(path, errors="replace").read().splitlines() if os.path.exists(path) else []
        if self.kind == "caddyfile":
            return counted(json.loads(line)["request"]["uri"] for line in lines)
        return counted(line.split(" ")[-2] for line in lines if not line.endswith(" -"))

    def connect(self, **kwargs):
        peer = Peer(("127.0.0.1", self.port), context=self.context, server_name=self.name, **kwargs)
        peer.host = self.name
        return peer

    def get(self, path, fields=None):
        """(status, body) on a connection of its own."""
        with self.connect() as peer:
            peer.send(peer.request_bytes(path, {"Connection": "close", **(fields or {})}, upgrade=False))
            try:
                data = peer.read_to_end()
            except ConnectionResetError:  # the end came without close_notify
                data = bytes(peer.buffer)
        status, _, body = split_responses(data, False)[0]
        return status, body

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def certificates(tmp_path):
    return make_certificate(tmp_path, "proxy", names="DNS:%s,DNS:localhost" % NAME)


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "public"
    root.mkdir()
    for name in ("a.txt", "next", "hidden", "last", "victim"):
        (root / name).write_text("the %s one\n" % name)
    (root / "index.html").write_text("<p>start</p>\n")
    with open(root / "large.bin", "wb") as f:
        f.truncate(LARGE)
    return root


@pytest.fixture
def proxy(open_place, certificates):
    started = []

    def start(kind, backend, name=NAME, config=None):
        started.append(Proxy(kind, open_place, backend, name, certificates, config))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def wspipe(server, site, script):
    """wspipe with the options of doc/deploy.md, but for the port."""
    program = script("chat", "#!/bin/sh\necho \"$REMOTE_ADDR ${HTTPS:-off} $SERVER_NAME\"\nexec cat\n")

    def start(*args, name=NAME, leave_out="none", section="Behind a proxy"):
        words = shlex.split(block("sh", section).replace(NAME, name).replace("/srv/www", str(site)).replace("./chat.py", program))[1:]
        return server(*args, *(word for word in words if not word.startswith(leave_out)))

    return start


each_proxy = pytest.mark.parametrize("kind", sorted(PROXIES))


@each_proxy
def test_page_and_websocket(wspipe, proxy, kind):
    one = wspipe()
    front = proxy(kind, one.addresses[0][1])
    assert front.get("/") == (200, b"<p>start</p>\n")
    assert front.get("/missing")[0] == 404
    assert b"staticdir" not in front.get("/missing")[1]
    with front.connect() as peer:
        peer.upgrade("/", {"Origin": "https://" + NAME})
        assert peer.text() == "127.0.0.1 on " + NAME
        peer.send(b"\x81\x85\0\0\0\0hello")
        assert peer.text() == "hello"
        peer.send(b"\x88\x82\0\0\0\0" + b"\x03\xe8")
        assert peer.closed(answer=False)[0] == 1000


@each_proxy
def test_event_streams_and_polls(wspipe, proxy, kind):
    """Each message arrives when it is sent: no proxy waits for more of them."""
    one = wspipe()
    c = Client(proxy(kind, one.addresses[0][1]))
    c.host = NAME
    with Stream(c) as s:
        assert s.data() == "data: 127.0.0.1 on " + NAME
        for text in (b"hello", b"x" * 100000, b"last"):
            assert c.post(s.session, text) == 202
            assert s.data() == "data: " + text.decode()
        with Stream(c, "Last-Event-ID: %s-3\r\n" % s.session) as again:
            assert again.session == s.session and again.data() == "data: last"
            assert c.ask("DELETE", None, "Wspipe-Session: %s\r\n" % s.session)[0] == 204
            assert again.data().startswith("event: close\n")
            assert again.event() is None
    session = c.open_poll()
    assert [m["data"] for m in json.loads(c.ask("GET", "/?poll&session=" + session)[2])] == ["127.0.0.1 on " + NAME]
    with c.one.connect() as poll:
        c.send(poll, "GET", "/?poll&session=%s&after=1" % session)
        assert c.post(session, b"late") == 202
        status, fields = poll.response()
        assert status == 200
        assert json.loads(poll.read(int(dict(fields)["content-length"])))[0]["data"] == "late"
    assert c.ask("DELETE", "/?session=" + session)[0] == 204
    one.wait_log(r"#2 close ")


@each_proxy
def test_unix_socket(wspipe, proxy, open_place, kind):
    path = str(open_place / "socket")
    wspipe("--unixsocket=" + path, "--unixsocket-mode=0666", "--trusted-proxy=unix", leave_out=("--host", "--trusted"))
    front = proxy(kind, path)
    assert front.get("/a.txt") == (200, b"the a.txt one\n")
    with front.connect() as peer:
        peer.upgrade("/", {"Origin": "https://" + NAME})
        assert peer.text() == "127.0.0.1 on " + NAME


@each_proxy
@pytest.mark.parametrize("option, status, origin", (("--host", 421, NAME), ("--origin", 403, "other.example")))
def test_missing_option_is_named_in_the_log(wspipe, proxy, kind, option, status, origin):
    one = wspipe(leave_out=option)
    front = proxy(kind, one.addresses[0][1])
    with front.connect() as peer:
        peer.send(peer.request_bytes("/", {"Origin": "https://" + origin}))
        assert peer.response()[0] == status
    one.wait_log(r"status=%d .*%s=" % (status, option))


# What a client may send to pass for another one, or for a page of another server.
FORGED = {
    "X-Forwarded-For": ["127.0.0.1", "10.9.9.9"],
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Real-IP": "10.9.9.9",
    "Forwarded": "for=127.0.0.1;proto=http;host=evil.example",
}


@each_proxy
def test_client_address(wspipe, proxy, kind):
    one = wspipe("--max-per-ip=2")
    front = proxy(kind, one.addresses[0][1])
    clients = []
    for number in (2, 2, 3, 3, 4):
        clients.append(front.connect(source="127.0.0.%d" % number))
        clients[-1].upgrade("/", {"Origin": "https://" + NAME, **(FORGED if number > 2 else {})})
        assert clients[-1].text() == "127.0.0.%d on %s" % (number, NAME)
    one.wait_log(r"session #5 open remote=127\.0\.0\.4 ")
    with front.connect(source="127.0.0.3") as peer:
        peer.send(peer.request_bytes("/", {**FORGED, "Origin": "https://" + NAME}))
        assert peer.response()[0] == 429
    for peer in clients:
        peer.close()


@each_proxy
def test_health_check(wspipe, proxy, kind):
    one = wspipe()
    front = proxy(kind, one.addresses[0][1])
    assert front.get("/-/healthy")[0] == 200


# What a proxy has as its timeout, and how to shorten it.
IMPATIENT = {
    "nginx": ("location / {", "location / { proxy_read_timeout 2s; proxy_send_timeout 2s;"),
    "haproxy": ("60s", "2s"),
    "apache": ("SSLEngine on", "SSLEngine on\n    ProxyTimeout 2\n    Timeout 2"),
    "caddyfile": ("", ""),
}


@each_proxy
def test_idle_websocket(wspipe, proxy, script, kind):
    """The pings of wspipe come before the timeout of the proxy, which is 30 times as short here."""
    one = wspipe("--pingms=1000")
    front = proxy(kind, one.addresses[0][1], config=block(kind).replace(*IMPATIENT[kind]))
    with front.connect() as peer:
        peer.upgrade("/", {"Origin": "https://" + NAME})
        peer.text()
        for _ in range(5):
            assert peer.frame()[0] == PING
            peer.send(frame(PONG))
        peer.send(frame(TEXT, "hello"))
        assert peer.text() == "hello"


# As short as guides have it: neither Host nor protocol are passed on.
DEFAULTS = {
    "nginx": """
server {
    listen 443 ssl;
    ssl_certificate /etc/ssl/ws.example.com.pem;
    ssl_certificate_key /etc/ssl/ws.example.com.key;
    location / {
        proxy_pass http://127.0.0.1:8080;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
    }
}
""",
    "haproxy": """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
backend wspipe
    option httpchk
    server wspipe 127.0.0.1:8080 check
frontend https
    bind :443 ssl crt /etc/ssl/ws.example.com.pem
    default_backend wspipe
""",
    "caddyfile": "ws.example.com {\n    reverse_proxy 127.0.0.1:8080\n}\n",
    "apache": """
<VirtualHost *:443>
    SSLEngine on
    SSLCertificateFile /etc/ssl/ws.example.com.pem
    SSLCertificateKeyFile /etc/ssl/ws.example.com.key
    ProxyPass / http://127.0.0.1:8080/ upgrade=websocket
</VirtualHost>
""",
    "tcp": """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
backend wspipe
    server wspipe 127.0.0.1:8080
frontend https
    bind :443 ssl crt /etc/ssl/ws.example.com.pem
    default_backend wspipe
""",
}


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_default_configurations(wspipe, proxy, name):
    one = wspipe()
    front = proxy("haproxy" if name == "tcp" else name, one.addresses[0][1], config=DEFAULTS[name])
    wait_for(lambda: front.get("/")[0] != 503, lambda: "the health check succeeds:\n" + front.log())
    assert front.get("/") == (200, b"<p>start</p>\n")
    with front.connect() as peer:
        peer.upgrade("/", {"Origin": "https://" + NAME})
        peer.text()
        peer.send(frame(TEXT, "hello"))
        assert peer.text() == "hello"
    with front.connect() as peer:
        peer.send(peer.request_bytes("/", {"Origin": "https://evil.example"}))
        assert peer.response()[0] == 403
    one.wait_log(r"status=403 ")


def test_proxy_protocol(wspipe, proxy, open_place):
    section = "The PROXY protocol"
    one = wspipe("--max-per-ip=1", "--health-path=/-/healthy", section=section)
    front = proxy("haproxy", one.addresses[0][1], config=block("haproxy", section))
    wait_for(lambda: front.get("/")[0] != 503, lambda: "HAProxy has checked it:\n" + front.log())
    with front.connect(source="127.0.0.2") as first, front.connect(source="127.0.0.3") as second:
        for number, peer in ((2, first), (3, second)):
            peer.upgrade("/", {"Origin": "https://" + NAME, **FORGED})
            assert peer.text() == "127.0.0.%d on %s" % (number, NAME)
        with front.connect(source="127.0.0.3") as peer:
            peer.send(peer.request_bytes("/", {"Origin": "https://" + NAME}))
            assert peer.response()[0] == 429
    # Version 1 reports no TLS.
    other = proxy("haproxy", one.addresses[0][1], config=block("haproxy", section).replace("send-proxy-v2-ssl", "send-proxy"))
    with other.connect(source="127.0.0.4") as peer:
        peer.upgrade("/", {"Origin": "http://" + NAME})
        assert peer.text() == "127.0.0.4 off " + NAME


@each_proxy
def test_connection_to_wspipe_persists(wspipe, proxy, kind):
    one = wspipe()
    front = proxy(kind, one.addresses[0][1])
    with front.connect() as peer:
        for _ in range(20):
            peer.send(peer.request_bytes("/a.txt", upgrade=False))
            status, fields = peer.response()
            assert (status, peer.read(int(dict(fields)["content-length"]))) == (200, b"the a.txt one\n")
    assert len(set(re.findall(r"remote=(\S+) method=GET target=/a.txt", one.log()))) == 1


@each_proxy
def test_restart_behind_a_proxy(wspipe, proxy, kind):
    """A graceful shutdown completes what has begun, and a new wspipe is found at once."""
    port = free_port()
    one = wspipe("--port=%d" % port)
    front = proxy(kind, port)
    assert front.get("/a.txt")[0] == 200
    with front.connect() as download, front.connect() as chat:
        chat.upgrade("/", {"Origin": "https://" + NAME})
        assert chat.text() == "127.0.0.1 on " + NAME
        download.send(download.request_bytes("/large.bin", upgrade=False))
        assert download.response()[0] == 200
        one.process.send_signal(signal.SIGTERM)
        assert chat.closed(answer=False)[0] == 1001
        assert download.read(LARGE) == bytes(LARGE)
    wait_for(lambda: one.process.poll() is not None, lambda: "wspipe stops:\n" + one.log())
    assert one.process.returncode == 0
    one.stopped = True
    assert front.get("/a.txt")[0] in (502, 503)
    wspipe("--port=%d" % port)
    assert front.get("/a.txt") == (200, b"the a.txt one\n")


def read_while_it_comes(peer):
    peer.sock.settimeout(SILENCE_S)
    try:
        return peer.read_to_end()
    except (socket.timeout, ConnectionResetError, BrokenPipeError):
        return bytes(peer.buffer)


@each_proxy
@pytest.mark.parametrize("what", ("files", "scripts"))
def test_ambiguous_requests(wspipe, proxy, script, tmp_path, kind, what):
    """Scripts read the body of a request, for files it is not read."""
    for name in ("a.txt", "next", "hidden", "last", "victim"):
        script("cgi/" + name, "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\nthe %s one\\n'\n" % name)
    one = wspipe(*(["--cgidir=%s" % (tmp_path / "cgi")] if what == "scripts" else []), name="localhost")
    front = proxy(kind, one.addresses[0][1], name="localhost")
    order = [b"the %s one\n" % name for name in (b"a.txt", b"hidden", b"next", b"last")]
    wrong = []
    for name, _, request, expected in ROWS:
        with front.connect() as peer:
            if expected != WAITS:
                request += NEXT + peer.request_bytes("/last", {"Connection": "close"}, upgrade=False)
            with contextlib.suppress(OSError):  # it has closed already
                peer.send(request)
            data = read_while_it_comes(peer)
            # nginx accepts HTTP/0.9, where a response has no head.
            responses = split_responses(data, request.startswith(b"HEAD")) if data.startswith(b"HTTP/") else []
        found = [order.index(body) for _, _, body in responses if body in order]
        if found != sorted(set(found)):
            wrong.append((name, responses))
        if front.get("/victim") != (200, b"the victim one\n"):
            wrong.append((name, "another client gets its response"))
    assert not wrong
    # Each request that wspipe has seen is one that the proxy knows about.
    seen = counted(re.findall(r' http (?:reply|rejected) .* target="?([^\s"]+)', one.log()))
    assert seen["/victim"] == len(ROWS)
    wait_for(lambda: front.requests()["/victim"] == len(ROWS), lambda: "the proxy's log:\n" + front.log())
    passed = front.requests()
    assert not seen - passed, (seen, passed)
    # A head that wspipe can't parse has no target in the log.
    assert len(re.findall(r" http (?:reply|rejected) ", one.log())) <= sum(passed.values())


def test_http2_websocket_from_chromium(wspipe, proxy):
    """RFC 8441: the WebSocket is a stream of the HTTP/2 connection that the page came over."""
    chromium = shutil.which("chromium")
    interop = os.path.join(HERE, "..", "interop")
    if not chromium or not os.path.isdir(os.path.join(HERE, "..", "browser", "node_modules")):
        pytest.skip("Chromium or playwright-core is missing: run ./dev interop")
    one = wspipe("--origin=any")
    front = proxy("haproxy", one.addresses[0][1])
    wait_for(lambda: front.get("/")[0] == 200, lambda: "HAProxy has checked it:\n" + front.log())
    done = subprocess.run(["node", os.path.join(interop, "http2.mjs"), chromium, NAME, str(front.port)],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines() == ["127.0.0.1 on " + NAME, "hello", "1000"], done.stderr
    wait_for(lambda: re.search(r"^HTTP/2.0 https://%s:\d+/http2 " % re.escape(NAME), front.log(), re.M),
             lambda: "HAProxy has logged an HTTP/2 stream:\n" + front.log())
