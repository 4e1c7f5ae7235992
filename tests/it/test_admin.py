# SPDX-License-Identifier: BSD-2-Clause
"""The administrator's interface (--admin): checks, metrics that agree with the log, sessions, and who may use it."""

import collections
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import WSPIPE, children, plain_only, wait_for
from wsraw import DEADLINE, TEXT, Peer, close_frame, frame

# Endings of each kind, and a directory for rejections.
CONFIG = """
maxforks = {maxforks}
devconsole = false

[/echo]
command = cat

[/%22quoted%22]
command = cat

[/fails]
command = sh -c "read line; exit 3"

[/ends]
command = sh -c "read line; echo $line"

[/killed]
command = sh -c "read line; kill -KILL $$"

[/broken]
command = sh -c "read line; echo {{"
framing-out = json

[/codes]
command = sh -c "read line; echo '{{\\"type\\":\\"close\\",\\"code\\":4999}}'; read line"
framing-out = json

[/dir]
dir = programs

[/refused]
command = tcp:127.0.0.1:{port}

[/secret]
command = cat
auth-token = tokens
"""
REJECTIONS = {
    400: ("/echo", {"Sec-WebSocket-Key": "short"}, "GET"),
    401: ("/secret", {}, "GET"),
    403: ("/echo", {"Origin": "https://evil.example"}, "GET"),
    404: ("/dir/missing", {}, "GET"),
    405: ("/echo", {}, "POST"),
    421: ("/echo", {"Host": "evil.example"}, "GET"),
    426: ("/echo", {"Sec-WebSocket-Version": "12"}, "GET"),
    500: ("/dir/broken", {}, "GET"),
    502: ("/refused", {}, "GET"),
}


def admin_address(one):
    """The address of --admin, by the log."""
    host, port, path = one.wait_log(r"administration on http(?:://(\S+?):(\d+)/|\+unix:([^\s:]+))").groups()
    return path if path else (host.strip("[]"), int(port))


def ask(one, path, method="GET", headers=None):
    """One request to the administrator's interface: (status, fields, body)."""
    with Peer(admin_address(one)) as peer:
        peer.send(peer.request_bytes(path, dict({"Connection": "close"}, **(headers or {})), method, upgrade=False))
        status, fields, body = peer.answer()
    return status, dict(fields), body


def text_of(one, path):
    status, fields, body = ask(one, path)
    assert status == 200, body
    if fields.get("transfer-encoding") == "chunked":
        whole = b""
        while body:
            size, body = body.split(b"\r\n", 1)
            whole += body[: int(size, 16)]
            body = body[int(size, 16) + 2 :]
        body = whole
    return body.decode()


def metrics(one):
    """{(name, ((label, value), ...)): value}"""
    found = {}
    for line in text_of(one, "/metrics").splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', labels or "")
            found[name, tuple((k, re.sub(r"\\(.)", r"\1", v)) for k, v in pairs)] = float(value)
    return found


def sessions(one):
    return json.loads(text_of(one, "/sessions"))


def log_lines(one):
    """[(message, fields)] of the log in either format."""
    found = []
    for line in one.log().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            found.append((entry["message"], {k: str(v) for k, v in entry.items()}))
            continue
        words = re.fullmatch(r"\S+ access (?:session #(?P<session>\d+)|http) (?P<message>\w+)(?P<fields>.*)", line)
        if words:
            pairs = re.findall(r' (\w+)=("(?:[^"\\]|\\.)*"|\S*)', words["fields"])
            fields = {k: re.sub(r"\\(.)", r"\1", v[1:-1]) if v.startswith('"') else v for k, v in pairs}
            found.append((words["message"], dict(fields, session=words["session"])))
    return found


# ---- Checks


def test_checks_and_their_methods(server):
    one = server("--admin=127.0.0.1:0", "cat")
    assert text_of(one, "/-/healthy") == "healthy\n"
    assert text_of(one, "/-/ready") == "ready\n"
    for path in ("/-/healthy", "/-/ready", "/metrics", "/sessions"):
        status, fields, body = ask(one, path, "HEAD")
        assert (status, body) == (200, b"")
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, fields, _ = ask(one, path, method)
            assert (status, fields["allow"]) == (405, "GET, HEAD"), path
    status, fields, _ = ask(one, "/sessions/1/close")
    assert (status, fields["allow"]) == (405, "POST")
    for path in ("/", "/nothing", "/metrics/", "/sessions/", "/sessions/1", "/sessions//close"):
        assert ask(one, path)[0] == 404, path
    for path in ("/sessions/1/close", "/sessions/x/close", "/sessions/-1/close", "/sessions/99999999999999999999/close"):
        assert ask(one, path, "POST")[0] == 404, path


def test_it_is_not_reachable_through_the_public_port(server):
    one = server("--admin=127.0.0.1:0", "--devconsole=false", "cat")
    for path in ("/-/healthy", "/-/ready", "/metrics", "/sessions"):
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, upgrade=False))
            assert peer.response()[0] == 426, path
    with Peer(admin_address(one)) as peer:
        peer.send(peer.request_bytes("/"))
        assert peer.response()[0] == 404


@plain_only
def test_a_full_server_is_not_ready(server):
    one = server("--admin=127.0.0.1:0", "--maxforks=1", "cat")
    with one.websocket() as ws:
        status, _, body = ask(one, "/-/ready")
        assert (status, body) == (503, b"--maxforks programs are running\n")
        assert metrics(one)["wspipe_ready", ()] == 0
        assert ask(one, "/-/healthy")[0] == 200
        ws.send(close_frame(1000))
        ws.closed(answer=False)
    wait_for(lambda: ask(one, "/-/ready")[0] == 200, "the server is ready")


@plain_only
def test_a_server_is_ready_while_its_shared_program_runs(server, tmp_path):
    flag = tmp_path / "flag"
    one = server("--admin=127.0.0.1:0", "--shared", "--shared-start=always", "sh", "-c", '[ -e "$0" ] && exec cat', str(flag))
    wait_for(lambda: ask(one, "/-/ready")[2] == b"a shared program is not running\n", "the server is not ready")
    flag.touch()
    wait_for(lambda: ask(one, "/-/ready")[0] == 200, "the server is ready")
    one.stop()


@plain_only
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_shuts_down_is_healthy_but_not_ready(server, workers):
    one = server("--admin=127.0.0.1:0", "--closems=3600000", "--workers=%d" % workers, "sh", "-c", 'trap "" INT TERM; echo on; sleep 3600')
    with one.websocket() as ws:
        assert ws.text() == "on"
        one.process.send_signal(signal.SIGTERM)
        one.wait_log("shutting down|waiting for 1 session")
        # A worker without sessions exits, and may close a connection that has sent nothing yet.
        wait_for(lambda: workers == 1 or len(children(one.pid)) == 1, "the other worker has exited")
        wait_for(lambda: ask(one, "/-/ready")[0] == 503, "the server is not ready")
        assert ask(one, "/-/ready")[2] == b"the server is shutting down\n"
        assert ask(one, "/-/healthy")[0] == 200
        assert metrics(one)["wspipe_programs", ()] == 1
    one.stop_now()


@plain_only
def test_a_request_that_has_begun_gets_a_response_before_the_end(server):
    one = server("--admin=127.0.0.1:0", "cat")
    with Peer(admin_address(one)) as idle, Peer(admin_address(one)) as begun:
        request = begun.request_bytes("/-/ready", upgrade=False)
        idle.send(request)
        assert idle.response()[0] == 200
        begun.send(request[:10])
        wait_for(lambda: metrics(one)["process_open_fds", ()] == one.fds + 3, "the connections are accepted")
        one.process.send_signal(signal.SIGTERM)
        assert idle.read_to_end() == b"ready\n"
        begun.send(request[10:])
        status, fields = begun.response()
        assert (status, dict(fields)["connection"]) == (503, "close")
    one.stop()


@plain_only
def test_it_works_while_descriptors_are_exhausted(server):
    limit = 90
    one = server("--admin=127.0.0.1:0", "--maxforks=0", "cat", preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    with contextlib.ExitStack() as stack:
        while True:
            peer = stack.enter_context(one.connect())
            peer.send(peer.request_bytes())
            if peer.response()[0] != 101:
                break
        for _ in range(limit):
            with contextlib.suppress(OSError):
                stack.enter_context(one.connect()).send(b"GET")
        status, _, body = ask(one, "/-/ready")
        assert (status, body) == (503, b"no descriptors for another session\n")
        found = metrics(one)
        assert found["wspipe_sessions", ()] == len(sessions(one)) > 0
        assert found["process_open_fds", ()] <= limit
    wait_for(lambda: metrics(one)["wspipe_sessions", ()] == 0, "all sessions have ended")


@plain_only
def test_it_survives_bad_input_and_many_connections(server):
    one = server("--admin=127.0.0.1:0", "cat")
    with contextlib.ExitStack() as stack:
        for data in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\0" * 100, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000, b"POST /sessions/1/close HTTP/1.1\r\n"):
            stack.enter_context(Peer(admin_address(one))).send(data)
        for _ in range(100):
            stack.enter_context(Peer(admin_address(one)))
        assert ask(one, "/-/healthy")[0] == 200
        with one.websocket() as ws:
            ws.send(frame(TEXT, "still there"))
            assert ws.text() == "still there"


# ---- Who may use it


@plain_only
def test_pages_can_not_use_it(server):
    one = server("--admin=127.0.0.1:0", "cat")
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.", ""):
        status = ask(one, "/metrics", headers={"Host": host})[0]
        assert status in (400, 421) if host else status in (200, 400), host
    for host in ("localhost", "127.0.0.1:1", "[::1]"):
        assert ask(one, "/metrics", headers={"Host": host})[0] == 200
    own = "http://%s:%d" % admin_address(one)
    with one.websocket() as ws:
        path = "/sessions/%d/close" % sessions(one)[0]["id"]
        for origin in ("https://evil.example", "null", own + "0", own.replace("http:", "https:"), "http://localhost:1"):
            assert ask(one, path, "POST", {"Origin": origin})[0] == 403, origin
        assert len(sessions(one)) == 1
        assert ask(one, path, "POST", {"Origin": own})[0] == 202
        assert ws.closed() == (1001, "closed by the administrator")


def refused(*args):
    """The exit status of a server that does not start, and what it reports."""
    done = subprocess.run([WSPIPE, "--port=0", *args, "cat"], capture_output=True, text=True, timeout=DEADLINE, check=False)
    return done.returncode, done.stderr.splitlines()[-1]


@plain_only
def test_other_machines_need_a_token(server, tmp_path):
    token = tmp_path / "token"
    assert refused("--admin=0.0.0.0:0") == (
        78,
        "wspipe: --admin=0.0.0.0: other machines can connect to this address: add --admin-token=FILE, or use 127.0.0.1 or unix:PATH",
    )
    status, text = refused("--admin=0.0.0.0:0", "--admin-token=%s" % token)
    assert status == 78 and "can't read --admin-token" in text and "No such file" in text
    token.write_text("# none\n")
    status, text = refused("--admin=0.0.0.0:0", "--admin-token=%s" % token)
    assert status == 78 and "--admin-token" in text
    assert refused("--admin-token=%s" % token)[0] == 64
    token.write_text("0123456789abcdef prometheus\nfedcba9876543210\n")
    one = server("--admin=0.0.0.0:0", "--admin-token=%s" % token, "cat")
    for path in ("/-/healthy", "/metrics", "/nothing"):
        for given in (None, "Basic 0123456789abcdef", "Bearer", "Bearer 0123456789abcde", "Bearer 0123456789abcdeg", ["Bearer 0123456789abcdef"] * 2):
            status, fields, _ = ask(one, path, headers={"Authorization": given})
            assert (status, fields["www-authenticate"]) == (401, 'Bearer realm="wspipe"'), given
    assert ask(one, "/metrics", headers={"Authorization": "bearer 0123456789abcdef", "Host": "wspipe.example:9100"})[0] == 200
    assert ask(one, "/metrics", headers={"Authorization": "Bearer fedcba9876543210"})[0] == 200
    assert "0123456789abcdef" not in one.log()


@plain_only
@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_reads_the_tokens_again(server, tmp_path, workers):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o600)
    text = "admin = 127.0.0.1:0\nadmin-token = token\n[/]\ncommand = cat\n"
    (tmp_path / "wspipe.conf").write_text(text)
    one = server("--config=wspipe.conf", "--workers=%d" % workers)

    def is_accepted(secret):
        return ask(one, "/-/ready", headers={"Authorization": secret and "Bearer " + secret})[0] == 200

    assert is_accepted("0123456789abcdef")
    token.write_text("fedcba9876543210\n")
    one.process.send_signal(signal.SIGHUP)
    # Each connection goes to any worker.
    wait_for(lambda: not any(is_accepted("0123456789abcdef") for _ in range(20)), "the old token is rejected")
    wait_for(lambda: all(is_accepted("fedcba9876543210") for _ in range(20)), "the new one is accepted")
    token.write_text("# none\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("the old configuration stays in use")
    assert is_accepted("fedcba9876543210")
    (tmp_path / "wspipe.conf").write_text(text.replace("admin-token = token\n", ""))
    one.process.send_signal(signal.SIGHUP)
    wait_for(lambda: all(is_accepted(None) for _ in range(20)), "no token is needed")


@plain_only
@pytest.mark.parametrize("workers", [1, 2])
def test_a_token_is_revoked_without_a_configuration_file(server, tmp_path, workers):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o600)
    one = server("--admin=127.0.0.1:0", "--admin-token=token", "--workers=%d" % workers, "cat")
    old, new = ({"Authorization": "Bearer " + secret} for secret in ("0123456789abcdef", "fedcba9876543210"))
    assert ask(one, "/-/ready", headers=old)[0] == 200
    token.write_text("fedcba9876543210\n")
    one.process.send_signal(signal.SIGHUP)
    # Each connection goes to any worker.
    wait_for(lambda: all(ask(one, "/-/ready", headers=new)[0] == 200 for _ in range(20)), "the new token is accepted")
    wait_for(lambda: all(ask(one, "/-/ready", headers=old)[0] == 401 for _ in range(20)), "the old token is rejected")


def test_wrong_addresses(server):
    for wrong in ("", "9090", ":9090", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "::1:9090", "unix:", "[]:1", "a" * 300 + ":1"):
        status, text = refused("--admin=" + wrong)
        assert status == 64 and "must be HOST:PORT, [IPV6]:PORT or unix:PATH" in text, wrong
    status, text = refused("--admin=192.0.2.1:9090")
    assert status == 71 and "--admin=192.0.2.1, port 9090" in text


# ---- Sessions


@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_are_listed_and_closed(server, tmp_path, workers):
    one = server("--admin=unix:%s/admin" % tmp_path, "--workers=%d" % workers, "cat")
    assert sessions(one) == []
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(one.websocket("/some/path")) for _ in range(6)]
        for i, ws in enumerate(peers):
            ws.send(frame(TEXT, "x" * i) * i)
            for _ in range(i):
                ws.text()
        found = {entry["remote"].rsplit(":", 1)[1]: entry for entry in sessions(one)}
        assert len(found) == len(peers)
        for i, ws in enumerate(peers):
            entry = found[str(ws.port)]
            assert list(entry) == "id endpoint via remote user pid worker age_seconds in_messages in_bytes out_messages out_bytes".split()
            assert (entry["endpoint"], entry["user"]) == ("/", None)
            assert [entry[k] for k in ("in_messages", "in_bytes", "out_messages", "out_bytes")] == [i, i * i] * 2
            assert 1 <= entry["worker"] <= workers and 0 <= entry["age_seconds"] < 600
            assert any(pid == entry["pid"] for pid, _ in one.tagged())
        sums = metrics(one)
        assert sums["wspipe_sessions", ()] == len(peers)
        assert sums["wspipe_received_bytes_total", ()] == sums["wspipe_sent_bytes_total", ()] == sum(i * i for i in range(6))
        for i in (1, 4):
            assert ask(one, "/sessions/%d/close" % found[str(peers[i].port)]["id"], "POST")[0] == 202
            assert peers[i].closed() == (1001, "closed by the administrator")
        wait_for(lambda: len(sessions(one)) == 4, "the other sessions stay")
        for i in (0, 2, 3, 5):
            peers[i].send(frame(TEXT, "still there"))
            assert peers[i].text() == "still there"
    wait_for(lambda: sessions(one) == [], "all sessions have ended")
    assert not ask(one, "/sessions/1/close", "POST")[0] == 202


@plain_only
def test_many_sessions_are_listed_in_pieces(server):
    one = server("--admin=127.0.0.1:0", "cat")
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(one.websocket())
        found = sessions(one)
        assert len({entry["id"] for entry in found}) == len(found) == 300


# ---- Metrics


def session(one, path, data, end):
    """A session that sends some data and ends somehow."""
    with one.websocket(path) as ws:
        ws.send(data)
        end(ws)


def by_close(ws):
    ws.send(close_frame(1000))
    ws.closed(answer=False)


def by_admin(one):
    def end(ws):
        assert ws.text() == "closes"
        (entry,) = [e for e in sessions(one) if e["remote"].endswith(":%d" % ws.port)]
        assert ask(one, "/sessions/%d/close" % entry["id"], "POST")[0] == 202
        ws.closed()

    return end


def load(one):
    """Sessions that end in each way, rejections of each kind. Returns {(endpoint, end): number}."""
    hello = frame(TEXT, "h\u00e9llo")
    rows = [
        ("/echo", "client", hello * 3, by_close, 4),
        ("/%22quoted%22/below", "client", hello, by_close, 2),
        ("/echo/below?query", "lost", hello, lambda ws: ws.reset(), 3),
        ("/fails", "failure", hello, lambda ws: ws.closed(), 2),
        ("/ends", "exit", hello, lambda ws: ws.closed(), 3),
        ("/killed", "signal", hello, lambda ws: ws.closed(), 2),
        ("/codes", "exit", hello, lambda ws: ws.closed(), 1),
        ("/broken", "error", hello, lambda ws: ws.closed(), 1),
        ("/echo", "violation", hello + frame(TEXT, "unmasked", mask=None), lambda ws: ws.closed(), 2),
        ("/echo", "violation", frame(TEXT, b"\xff"), lambda ws: ws.closed(), 1),
        ("/echo", "server", frame(TEXT, "closes"), by_admin(one), 2),
    ]
    with one.websocket("/secret", {"Authorization": "Bearer 0123456789abcdef"}) as ws:
        assert [entry["user"] for entry in sessions(one)] == ["grace"]
        by_close(ws)
    wanted = collections.Counter({("/secret", "client"): 1})
    for path, end, data, how, count in rows:
        for _ in range(count):
            session(one, path, data, how)
            # It counts for --maxforks until it has ended.
            wait_for(lambda: metrics(one)["wspipe_programs", ()] == 0, "the program has ended")
        wanted["/" + path.split("/")[1].split("?")[0].replace("%22", '"'), end] += count
    for status, (path, headers, method) in REJECTIONS.items():
        for _ in range(2):
            with one.connect() as peer:
                peer.send(peer.request_bytes(path, headers, method))
                assert peer.response()[0] == status
    return wanted


def load_beyond_the_limit(one, limit):
    with contextlib.ExitStack() as stack:
        for _ in range(limit):
            stack.enter_context(one.websocket("/echo")).send(frame(TEXT, "x" * 70000))
        with one.connect() as peer:
            peer.send(peer.request_bytes("/echo"))
            assert peer.response()[0] == 429


@pytest.fixture
def mixed(server, tmp_path):
    """mixed(*args): a server with endpoints that end in each way."""

    def start(*args):
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "broken").write_text("#!/does/not/exist\n")
        (programs / "broken").chmod(0o755)
        (tmp_path / "tokens").write_text("0123456789abcdef grace\n")
        (tmp_path / "tokens").chmod(0o600)
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        (tmp_path / "wspipe.conf").write_text(CONFIG.format(maxforks=5, port=closed.getsockname()[1]))
        one = server("--config=%s/wspipe.conf" % tmp_path, "--admin=127.0.0.1:0", *args)
        one.closed = closed
        return one

    return start


@pytest.mark.parametrize("args", [[], ["--workers=2"], ["--log-format=json"]], ids=["plain", "workers", "json"])
def test_metrics_agree_with_the_log(mixed, args):
    one = mixed(*args)
    wanted = load(one)
    wait_for(lambda: metrics(one)["wspipe_programs", ()] == 0, "all programs have ended")
    load_beyond_the_limit(one, 5)
    wanted["/echo", "lost"] += 5
    wait_for(lambda: metrics(one)["wspipe_sessions", ()] == 0, "all sessions have ended")
    found = metrics(one)
    lines = log_lines(one)
    opened = {fields["session"]: fields for message, fields in lines if message == "open"}
    closed = [fields for message, fields in lines if message == "close"]
    assert len(opened) == len(closed)

    ended = collections.Counter()
    for fields in closed:
        path = opened[fields["session"]]["target"]
        ended["/" + path.split("/")[1].split("?")[0].replace("%22", '"'), fields["cause"]] += 1
    assert ended == wanted
    assert ended == {(dict(k)["endpoint"], dict(k)["end"]): v for (name, k), v in found.items() if name == "wspipe_sessions_total"}

    statuses = collections.Counter(fields["status"] for message, fields in lines if message == "rejected")
    statuses["101"] = len(opened)
    assert statuses == {dict(k)["status"]: v for (name, k), v in found.items() if name == "wspipe_handshakes_total"}
    assert statuses.keys() >= {str(status) for status in [*REJECTIONS, 429]}

    for metric, field in (
        ("received_messages", "in_messages"),
        ("received_bytes", "in_bytes"),
        ("sent_messages", "out_messages"),
        ("sent_bytes", "out_bytes"),
    ):
        assert found["wspipe_%s_total" % metric, ()] == sum(int(fields[field]) for fields in closed), metric
    durations = [int(fields["duration_ms"]) for fields in closed]
    assert found["wspipe_session_seconds_sum", ()] == sum(durations) / 1000
    assert found["wspipe_session_seconds_count", ()] == len(durations)
    for (name, labels), value in found.items():
        if name == "wspipe_session_seconds_bucket":
            assert value == sum(d <= 1000 * float(dict(labels)["le"]) for d in durations)
    one.closed.close()


@plain_only
def test_promtool_accepts_the_metrics(mixed):
    if not shutil.which("promtool"):
        pytest.skip("the program promtool is missing: install prometheus")
    one = mixed("--workers=2")
    load(one)
    done = subprocess.run(["promtool", "check", "metrics"], input=text_of(one, "/metrics"), capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    one.closed.close()


def blocks_of(language):
    with open(os.path.join(os.environ["top_srcdir"], "doc", "deploy.md"), encoding="utf-8") as file:
        return re.findall(r"^```%s\n(.*?)^```" % language, file.read(), re.M | re.S)


@plain_only
def test_promtool_accepts_the_documented_configuration(tmp_path):
    if not shutil.which("promtool"):
        pytest.skip("the program promtool is missing: install prometheus")
    scrape, rules = [text for text in blocks_of("yaml") if "wspipe" in text]
    (tmp_path / "token").write_text("0123456789abcdef")
    (tmp_path / "prometheus.yml").write_text(scrape.replace("/etc/prometheus/wspipe-token", str(tmp_path / "token")))
    (tmp_path / "rules.yml").write_text(rules)
    for command in (["config", "prometheus.yml"], ["rules", "rules.yml"]):
        done = subprocess.run(["promtool", "check", *command], cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    names = set(re.findall(r"\bwspipe_[a-z_]+", rules))
    assert names <= {"wspipe_" + name for name in ("ready", "sessions_total", "handshakes_total", "programs_max", "programs")}


@plain_only
def test_the_manual_has_all_metrics_and_causes(mixed):
    with open(os.path.join(os.environ["top_srcdir"], "doc", "wspipe.1"), encoding="utf-8") as file:
        section = re.search(r"^\.Sh ADMINISTRATION\n(.*?)^\.Sh ", file.read(), re.M | re.S)[1]
    one = mixed()
    load(one)
    found = metrics(one)
    names = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in found if name.startswith("wspipe_")}
    assert names == set(re.findall(r"\bwspipe_[a-z_]+", section))
    causes = {dict(labels)["end"] for (name, labels) in found if name == "wspipe_sessions_total"}
    assert causes < set(re.findall(r"^\.It Cm ([a-z]+)$", section, re.M))
    one.closed.close()


@plain_only
def test_each_process_has_its_metrics(server):
    one = server("--admin=127.0.0.1:0", "cat")
    found = {name: value for (name, labels), value in metrics(one).items() if name.startswith("process_") and labels == ()}
    assert set(found) == {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    }
    assert found["process_resident_memory_bytes"] > 100000
    two = server("--admin=127.0.0.1:0", "--workers=2", "cat")
    labels = [labels for (name, labels), _ in metrics(two).items() if name == "process_resident_memory_bytes"]
    assert labels == [(("worker", "parent"),), (("worker", "1"),), (("worker", "2"),)]


@plain_only
def test_figures_of_a_worker_that_dies_are_kept(server):
    one = server("--admin=127.0.0.1:0", "--workers=2", "cat")
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(one.websocket()) for _ in range(8)]
        for ws in peers:
            ws.send(frame(TEXT, "12345"))
            assert ws.text() == "12345"
        before = metrics(one)
        lost = collections.Counter(entry["worker"] for entry in sessions(one))
        number = max(lost)
        program = next(entry["pid"] for entry in sessions(one) if entry["worker"] == number)
        (pid,) = (pid for pid in one.workers() if program in (child for child, _ in children(pid)))
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(sessions(one)) == 8 - lost[number], "the sessions of the worker are not listed")
        wait_for(lambda: pid not in (one.workers() or [pid]), "the worker is replaced")
        found = metrics(one)
        assert found["wspipe_sessions", ()] == 8 - lost[number]
        assert found["wspipe_sessions_total", (("endpoint", "/"), ("end", "worker"))] == lost[number]
        for name in ("received_messages", "received_bytes", "sent_messages", "sent_bytes"):
            assert found["wspipe_%s_total" % name, ()] == before["wspipe_%s_total" % name, ()] > 0
    wait_for(lambda: metrics(one)["wspipe_sessions", ()] == 0, "all sessions have ended")


@plain_only
def test_endpoints_of_a_reload_have_figures_and_the_old_ones_keep_theirs(server, tmp_path):
    file = tmp_path / "wspipe.conf"
    file.write_text("admin = 127.0.0.1:0\n[/old]\ncommand = cat\n")
    one = server("--config=%s" % file, "--workers=2")
    session(one, "/old", frame(TEXT, "x"), by_close)
    file.write_text("admin = 127.0.0.1:0\n[/new]\ncommand = cat\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: configuration reloaded")

    def opens():
        with one.connect() as ws:
            ws.send(ws.request_bytes("/new"))
            return ws.response()[0] == 101

    wait_for(opens, "a worker has the new endpoint")
    wait_for(lambda: metrics(one)["wspipe_sessions", ()] == 0, "all sessions have ended")
    found = {labels: value for (name, labels), value in metrics(one).items() if name == "wspipe_sessions_total"}
    assert found == {(("endpoint", "/old"), ("end", "client")): 1, (("endpoint", "/new"), ("end", "lost")): 1}
    file.write_text("admin = 127.0.0.1:1\n[/new]\ncommand = cat\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: .*a reload can't change admin: restart the server")
