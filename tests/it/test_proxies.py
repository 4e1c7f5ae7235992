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
from wsraw import Peer, free_port

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
    log-format "%HU %ST"
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


def block(kind):
    """The code block of that kind in doc/deploy.md."""
    with open(DOC, encoding="utf-8") as f:
        return re.search(r"^```%s\n(.*?)^```$" % kind, f.read(), re.M | re.S).group(1)


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

    def __init__(self, kind, directory, backend, name, certificate):
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
            config = block(kind).replace("127.0.0.1:8080", "127.0.0.1:%d" % backend)
        config = config.replace("/etc/ssl/ws.example.com.pem", chain).replace("/etc/ssl/ws.example.com.key", chain)
        config = re.sub(r"(listen |bind :|\*:)443\b", lambda m: m.group(1) + str(self.port), config).replace(NAME, name)
        if kind == "caddyfile":
            config = config.replace("reverse_proxy", "log {\noutput file %s/access.log\n}\nreverse_proxy" % self.dir)
        path = os.path.join(self.dir, "proxy.conf")
        with open(path, "w") as f:
            f.write(frame.format(config=config, dir=self.dir, port=self.port))
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

    def start(kind, backend, name=NAME):
        started.append(Proxy(kind, open_place, backend, name, certificates))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def wspipe(server, site, script):
    """wspipe with the options of doc/deploy.md, but for the port."""
    program = script("chat", "#!/bin/sh\necho \"$HTTP_X_FORWARDED_FOR\"\nexec cat\n")

    def start(*args, name=NAME, leave_out="none"):
        words = shlex.split(block("sh").replace(NAME, name).replace("/srv/www", str(site)).replace("./chat.py", program))[1:]
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
        assert peer.text() == "127.0.0.1"
        peer.send(b"\x81\x85\0\0\0\0hello")
        assert peer.text() == "hello"
        peer.send(b"\x88\x82\0\0\0\0" + b"\x03\xe8")
        assert peer.closed(answer=False)[0] == 1000


@each_proxy
def test_unix_socket(wspipe, proxy, open_place, kind):
    path = str(open_place / "socket")
    wspipe("--unixsocket=" + path, "--unixsocket-mode=0666", leave_out="--host")
    front = proxy(kind, path)
    assert front.get("/a.txt") == (200, b"the a.txt one\n")
    with front.connect() as peer:
        peer.upgrade("/", {"Origin": "https://" + NAME})
        assert peer.text() == "127.0.0.1"


@each_proxy
@pytest.mark.parametrize("option, status", (("--host", 421), ("--origin", 403)))
def test_missing_option_is_named_in_the_log(wspipe, proxy, kind, option, status):
    one = wspipe(leave_out=option)
    front = proxy(kind, one.addresses[0][1])
    with front.connect() as peer:
        peer.send(peer.request_bytes("/", {"Origin": "https://" + NAME}))
        assert peer.response()[0] == status
    one.wait_log(r"status=%d .*%s=" % (status, option))


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
        assert chat.text() == "127.0.0.1"
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
