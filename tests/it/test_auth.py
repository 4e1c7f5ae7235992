# SPDX-License-Identifier: BSD-2-Clause
"""Access control: who is admitted, before anything is started, and that no secret is passed on."""

import base64
import os
import re
import shlex
import shutil
import signal
import subprocess
import urllib.parse

import pytest
from conftest import WSPIPE, client_context, make_certificate, plain_only, wait_for
from wsraw import TEXT, Peer, close_frame, frame

TOKEN = "0123456789abcdef0123456789abcdef"
# "correct horse", with the lowest cost; and "slow", with one of about a tenth of a second.
BCRYPT = "$2y$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW"
SLOW = "$2y$10$u0at2klG2T5dJpAW3MNZku62xd1lFrqnl3EW/xy2xCQtiQBUHWfiq"
ENV = ("sh", "-c", "env; echo .; exec cat")
SAYS = '#!/bin/sh\necho "started $REMOTE_USER" >>%s\nprintf "Content-Type: text/plain\\n\\n"\n'


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("# who may connect\n%s ann\nsecond-token-without-a-name\n" % TOKEN)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def passwords(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text("# users\nann:%s\nbob:%s\n" % (BCRYPT, BCRYPT))
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def slow_passwords(tmp_path):
    path = tmp_path / "slow"
    path.write_text("ann:%s\n" % SLOW)
    path.chmod(0o600)
    return str(path)


def status_of(one, path="/", headers=None, upgrade=True, **kwargs):
    """Of the response to a handshake, or to a plain request; and its fields."""
    with one.connect(**kwargs) as peer:
        peer.send(peer.request_bytes(path, headers, upgrade=upgrade))
        return peer.response()


def env_of(one, path="/", headers=None, **kwargs):
    """The environment of a program, {name: value}."""
    with one.websocket(path, headers, **kwargs) as ws:
        lines = []
        while not lines or lines[-1] != ".":
            lines.append(ws.text())
        ws.send(close_frame(1000))
        ws.closed()
    return dict(line.split("=", 1) for line in lines[:-1])


def bearer(token):
    return {"Authorization": "Bearer " + token}


# In each place where a token is accepted: path and headers.
PLACES = [
    ("/", bearer(TOKEN)),
    ("/", {"Cookie": "a=b; wspipe_token=%s; c=d" % TOKEN}),
    ("/", {"Sec-WebSocket-Protocol": "bearer, %s" % TOKEN}),
    ("/?a=1&token=%s&b=2" % TOKEN, {}),
    ("/?%%74oken=%s" % TOKEN.replace("a", "%61"), {}),
]


@pytest.mark.parametrize("args,admitted", [
    (("--allow=127.0.0.0/8,::1",), True),
    (("--allow=192.0.2.0/24", "--allow=127.0.0.1,::1"), True),
    (("--allow=192.0.2.0/24",), False),
    (("--allow=unix",), False),
    (("--deny=127.0.0.0/8,::1",), False),
    (("--allow=127.0.0.1,::1", "--deny=127.0.0.1,::1"), False),
    (("--deny=192.0.2.1",), True),
])
def test_addresses(server, args, admitted):
    one = server(*args, "cat")
    status, _ = status_of(one)
    assert status == (101 if admitted else 403)
    if not admitted:
        one.wait_log("rejected status=403 .*(not in --allow|in --deny)")


@plain_only
@pytest.mark.parametrize("args,status", [(("--allow=unix",), 101), (("--allow=127.0.0.1",), 403), (("--deny=unix",), 403)])
def test_addresses_of_a_unix_socket(server, tmp_path, args, status):
    one = server("--unixsocket=" + str(tmp_path / "s"), *args, "cat")
    assert status_of(one)[0] == status


@pytest.mark.parametrize("path,headers", PLACES)
def test_token_is_accepted_and_passed_to_no_program(server, tokens, path, headers):
    one = server("--auth-token=" + tokens, "--log-format=json", "--pass-auth", "--loglevel=debug", *ENV)
    # Some proxies repeat the target in fields of their own, and a page is named in Referer.
    headers = dict(headers, **{"X-Original-URI": path, "Referer": "http://a/b?x=1&token=" + TOKEN})
    env = env_of(one, path, headers)
    assert env["REMOTE_USER"] == "ann" and env["AUTH_TYPE"] == "Bearer"
    assert not [value for value in env.values() if TOKEN in urllib.parse.unquote(value)], env
    if "a=1" in path:
        assert env["QUERY_STRING"] == "a=1&b=2" and env["REQUEST_URI"] == "/?a=1&b=2"
    if "Cookie" in headers:
        assert env["HTTP_COOKIE"] == "a=b; c=d"
    assert env["HTTP_REFERER"] == "http://a/b?x=1"
    assert "HTTP_SEC_WEBSOCKET_PROTOCOL" not in env and "HTTP_AUTHORIZATION" not in env
    one.wait_log('"message":"close"')
    assert TOKEN not in one.log()
    opened = [line for line in one.json_log() if line["message"] == "open"]
    assert opened[0]["user"] == "ann"


def test_token_is_not_in_the_open_event(server, tokens):
    one = server("--auth-token=" + tokens, "--framing-in=json", "--events", "cat")
    with one.websocket("/?x=1&token=%s" % TOKEN) as ws:
        text = ws.text()
        assert '"x=1"' in text and TOKEN not in text


def test_token_is_in_no_log_of_a_request_that_is_rejected(server, tokens):
    one = server("--auth-token=" + tokens, "--host=a.example", "cat")
    for headers in ({"Host": "evil.example"}, {"Host": "a.example", "Origin": "http://evil.example"}, {"Host": "a.example"}):
        for wrong in ("", "x"):
            status_of(one, "/?token=%s%s" % (TOKEN, wrong), headers)
    status_of(one, "/a/../%%?token=%s" % TOKEN, {"Host": "a.example"}, upgrade=False)
    one.wait_log(r"target=\"/a/../%\?token=\*\*\*")
    assert TOKEN not in one.log()


@pytest.mark.parametrize("offered,args,selected", [
    ("bearer, " + TOKEN, (), "bearer"),
    ("bearer, %s, chat" % TOKEN, ("--subprotocol=chat",), "chat"),
    ("chat, bearer, " + TOKEN, ("--subprotocol=chat",), "chat"),
    ("bearer, %s, talk" % TOKEN, ("--subprotocol=chat",), "bearer"),
])
def test_subprotocol_is_never_the_token(server, tokens, offered, args, selected):
    one = server("--auth-token=" + tokens, *args, "cat")
    with one.connect() as peer:
        fields = peer.upgrade(headers={"Sec-WebSocket-Protocol": offered})
        assert dict(fields)["sec-websocket-protocol"] == selected


@pytest.mark.parametrize("path,headers", [
    ("/", {}),
    ("/", bearer("")),
    ("/", bearer(TOKEN[:-1])),
    ("/", bearer(TOKEN + "0")),
    ("/", bearer(TOKEN.upper())),
    ("/", bearer("x" * 6000)),
    ("/", {"Authorization": ["Bearer " + TOKEN, "Bearer " + TOKEN]}),
    ("/", {"Authorization": "Basic " + TOKEN}),
    ("/", {"Cookie": "wspipe_token=" + TOKEN[:-1]}),
    ("/", {"Sec-WebSocket-Protocol": TOKEN}),
    ("/", {"Sec-WebSocket-Protocol": TOKEN + ", bearer"}),
    ("/?token=", {}),
    ("/?tokens=" + TOKEN, {}),
    ("/?token=" + "%30" * 2000, {}),
    ("/?token=" + TOKEN + "%00", {}),
])
@pytest.mark.parametrize("upgrade", [True, False], ids=["websocket", "plain"])
def test_wrong_token_starts_nothing(server, tokens, tmp_path, script, path, headers, upgrade):
    mark = tmp_path / "started"
    script("cgi/a", SAYS % mark)
    one = server("--auth-token=" + tokens, "--cgidir=cgi", "sh", "-c", "echo started >>%s" % mark)
    path = path if upgrade else "/a" + path[1:]
    status, fields = status_of(one, path, headers, upgrade)
    assert status == 401
    assert dict(fields)["www-authenticate"].startswith('Bearer realm="wspipe"')
    one.check_clean()
    assert not mark.exists()


def basic(user, password="correct horse"):
    return {"Authorization": "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()}


def test_password(server, passwords):
    one = server("--auth-basic=" + passwords, "--log-format=json", *ENV)
    env = env_of(one, headers=basic("ann"))
    assert env["REMOTE_USER"] == "ann" and env["AUTH_TYPE"] == "Basic" and "HTTP_AUTHORIZATION" not in env
    one.wait_log('"message":"open".*"user":"ann"')
    for log in ("correct horse", basic("ann")["Authorization"][6:]):
        assert log not in one.log()


@pytest.mark.parametrize("headers", [
    {},
    basic("ann", ""),
    basic("ann", "correct"),
    basic("ann", "correct horse "),
    basic("ANN"),
    basic("nobody"),
    basic(""),
    basic("ann", "x" * 511),
    basic("ann", "x" * 512),
    basic("a" * 5000),
    {"Authorization": "Basic"},
    {"Authorization": "Basic !"},
    {"Authorization": "Basic " + base64.b64encode(b"ann").decode()},
    {"Authorization": "Basic " + base64.b64encode(b"ann:correct horse\0").decode()},
    {"Authorization": [basic("ann")["Authorization"]] * 2},
    {"Authorization": "Bearer " + BCRYPT},
], ids=range(16))
@pytest.mark.parametrize("upgrade", [True, False], ids=["websocket", "plain"])
def test_wrong_password_starts_nothing(server, passwords, tmp_path, script, headers, upgrade):
    mark = tmp_path / "started"
    script("cgi/a", SAYS % mark)
    one = server("--auth-basic=" + passwords, "--cgidir=cgi", "sh", "-c", "echo started >>%s" % mark)
    status, fields = status_of(one, "/" if upgrade else "/a", headers, upgrade)
    assert status == 401
    assert dict(fields)["www-authenticate"] == 'Basic realm="wspipe", charset="UTF-8"'
    one.check_clean()
    assert not mark.exists()


def test_one_of_several_credentials_is_enough(server, passwords, tokens):
    one = server("--auth-basic=" + passwords, "--auth-token=" + tokens, *ENV)
    assert env_of(one, headers=basic("bob"))["REMOTE_USER"] == "bob"
    assert env_of(one, headers=bearer(TOKEN))["REMOTE_USER"] == "ann"
    # A token that is not valid, and a password that is.
    assert env_of(one, "/?token=x", headers=basic("bob"))["AUTH_TYPE"] == "Basic"
    status, fields = status_of(one, headers=basic("bob", "x"))
    assert status == 401 and [v.split()[0] for k, v in fields if k == "www-authenticate"] == ["Basic", "Bearer"]


def test_requests_of_a_connection_are_each_authenticated(server, passwords, script):
    script("www/page", "page")
    one = server("--auth-basic=" + passwords, "--staticdir=www")
    with one.connect() as peer:
        pipelined = [(basic("ann"), 200), ({}, 401), (basic("bob"), 200), (basic("bob", "x"), 401), (basic("ann"), 200)]
        for headers, _ in pipelined:
            peer.send(peer.request_bytes("/page", headers, upgrade=False))
        for _, status in pipelined:
            got, fields = peer.response()
            assert got == status
            peer.read(int(dict(fields)["content-length"]))


def cpu_time(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_page_with_many_sockets_costs_one_hash(server, slow_passwords):
    """All at once, and again later."""
    one = server("--auth-basic=" + slow_passwords, "cat")
    before = cpu_time(one.pid)
    with one.connect() as alone:
        alone.send(alone.request_bytes("/", basic("ann", "wrong")))
        assert alone.response()[0] == 401
    cost = max(cpu_time(one.pid) - before, 1)
    before = cpu_time(one.pid)
    for _ in range(2):
        page = [one.connect() for _ in range(10)]
        for peer in page:
            peer.send(peer.request_bytes("/", basic("ann", "slow")))
        assert [peer.response()[0] for peer in page] == [101] * 10
        for peer in page:
            peer.close()
    assert cpu_time(one.pid) - before < 6 * cost, "20 sockets cost the time of one hash and of 20 handshakes"


def test_clients_that_disconnect_leave_nothing(server, slow_passwords):
    one = server("--auth-basic=" + slow_passwords, "cat")
    for i in range(40):
        peer = one.connect()
        peer.send(peer.request_bytes("/", basic("ann", "guess%d" % i)))
        if i % 2:
            peer.reset()
        else:
            peer.close()
    assert status_of(one, headers=basic("ann", "slow"))[0] in (101, 503)
    wait_for(lambda: status_of(one, headers=basic("ann", "slow"))[0] == 101, "the queue is free again")


def test_flood_of_guesses_is_bounded(server, slow_passwords, tmp_path):
    """Guesses beyond the queue get a 503 at once, other addresses are served, and echoes go on."""
    one = server("--auth-basic=" + slow_passwords, "--address=127.0.0.1", "sh", "-c", "echo >>%s/started; exec cat" % tmp_path)
    with one.websocket(headers=basic("ann", "slow")) as ws:
        flood = [one.connect() for _ in range(60)]
        for i, peer in enumerate(flood):
            peer.send(peer.request_bytes("/", basic("ann", "guess%d" % i)))
        with one.connect(source="127.0.0.2") as other:
            other.send(other.request_bytes("/", basic("bob", "slow")))
            assert other.response()[0] == 401
        for i in range(20):
            ws.send(frame(TEXT, str(i)))
            assert ws.text() == str(i)
        statuses = [peer.response() for peer in flood]
        for peer in flood:
            peer.close()
    assert {status for status, _ in statuses} <= {401, 503}
    assert all("retry-after" in dict(fields) for status, fields in statuses if status == 503)
    assert sum(status == 401 for status, _ in statuses) >= 8
    assert (tmp_path / "started").read_text() == "\n"


def test_shutdown_while_a_password_is_checked(server, slow_passwords):
    one = server("--auth-basic=" + slow_passwords, "cat")
    waiting = [one.connect() for _ in range(5)]
    for i, peer in enumerate(waiting):
        peer.send(peer.request_bytes("/", basic("ann", "guess%d" % i)))
    assert status_of(one, headers={"Host": "x y"})[0] == 400  # all of them have been read by now
    one.process.send_signal(signal.SIGTERM)
    for peer in waiting:
        assert peer.response()[0] in (401, 503)
        peer.close()
    one.stop(0)


@plain_only
@pytest.mark.parametrize("text,mistake", [
    ("ann:%s\n\nbob:$apr1$0q8Dlpgl$dYAe31M6bqbWS8x4Fw/Gt0\n" % BCRYPT, ":3: the hash of 'bob' is MD5"),
    ("ann:plain-secret\n", ":1: the hash of 'ann' is a plain password"),
    ("ann:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ=\n", ":1: the hash of 'ann' is SHA-1"),
    ("", " contains no user"),
], ids=["MD5", "plain", "SHA-1", "empty"])
@pytest.mark.parametrize("option", ["command line", "file"])
def test_weak_hashes_are_rejected_at_startup(tmp_path, text, mistake, option):
    name = tmp_path / "htpasswd"
    name.write_text(text)
    (tmp_path / "c").write_text("port = 0\n[/]\ncommand = cat\nauth-basic = %s\n" % name)
    args = ["--port=0", "--auth-basic=%s" % name, "cat"] if option == "command line" else ["--config=%s" % (tmp_path / "c")]
    done = subprocess.run([WSPIPE, *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert str(name) + mistake in done.stderr and "htpasswd -B" in done.stderr and "secret" not in done.stderr
    if option == "file":
        assert done.stderr.startswith("%s:4: " % (tmp_path / "c"))


@plain_only
@pytest.mark.parametrize("args", [("--auth-basic=www/secret",), ("--auth-token=www/secret",), ("--admin-token=www/secret",)])
@pytest.mark.parametrize("option", ["command line", "file"])
def test_secrets_that_would_be_served_are_rejected(tmp_path, script, args, option):
    script("www/secret", "ann:%s\n" % BCRYPT)
    name, value = args[0][2:].split("=")
    line = "%s = %s\n" % (name, value)
    glob, local = ("admin = unix:a\n" + line, "") if name == "admin-token" else ("", line)
    (tmp_path / "c").write_text("port = 0\n%s[/a]\ncommand = cat\n%s[/b]\nstaticdir = www\n" % (glob, local))
    rest = ["--port=0", "--admin=unix:a", "--staticdir=www", *args, "cat"] if option == "command line" else ["--config=c"]
    done = subprocess.run([WSPIPE, *rest], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 78 and "download" in done.stderr, done.stderr


@plain_only
def test_reload_of_passwords_clears_the_cache(server, tmp_path, passwords):
    one = server("--auth-basic=" + passwords, "cat")
    assert status_of(one, headers=basic("ann"))[0] == 101
    with open(passwords, "w", encoding="utf-8") as f:
        f.write("bob:%s\n" % BCRYPT)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: configuration reloaded")
    assert status_of(one, headers=basic("ann"))[0] == 401
    assert status_of(one, headers=basic("bob"))[0] == 101


HOOK = """#!/bin/sh
echo "$REQUEST_URI $PATH_INFO $HTTP_AUTHORIZATION|$REMOTE_USER|$REMOTE_ADDR" >>%(dir)s/asked
cat
case $PATH_INFO in
/ok*) echo "REMOTE_USER=eve"; echo "TENANT=acme=1"; exit 0 ;;
/plain) exit 0 ;;
/bad) echo "LD_PRELOAD=/tmp/x.so"; exit 0 ;;
/much) head -c 20000 /dev/zero | tr '\\\\0' A; exit 0 ;;
/exit*) exit ${PATH_INFO#/exit} ;;
/kill) kill -KILL $$ ;;
/hang) trap '' INT; echo up >%(dir)s/up; exec sleep 1000 ;;
esac
"""


@pytest.fixture
def hook(script, tmp_path):
    return script("hook", HOOK % {"dir": tmp_path})


@pytest.mark.parametrize("path,status,log", [
    ("/exit1", 401, "rejects the request .exit 1"),
    ("/exit2", 403, "rejects the request .exit 2"),
    ("/exit126", 403, "exit 126"),
    ("/kill", 503, "was killed by signal KILL"),
    ("/bad", 500, "the line 'LD_PRELOAD...' sets a variable that a hook can't set"),
    ("/much", 500, "printed more than 16384 bytes"),
])
@pytest.mark.parametrize("upgrade", [True, False], ids=["websocket", "plain"])
def test_hook_rejects(server, hook, tmp_path, script, path, status, log, upgrade):
    mark = tmp_path / "started"
    script("cgi" + path, SAYS % mark)
    one = server("--auth-hook=" + hook, "--cgidir=cgi", "sh", "-c", "echo started >>%s" % mark)
    got, fields = status_of(one, path, {}, upgrade)
    assert got == status
    assert ("www-authenticate" in dict(fields)) == (status == 401)
    assert ("retry-after" in dict(fields)) == (status == 503)
    one.wait_log("rejected status=%d .*%s" % (status, log))
    one.check_clean()
    assert not mark.exists()


def test_hook_allows_and_adds_variables(server, hook, tmp_path):
    one = server("--auth-hook=" + hook, "--log-format=json", *ENV)
    env = env_of(one, "/ok?x=1", {"Authorization": "Negotiate abc"})
    assert env["REMOTE_USER"] == "eve" and env["AUTH_TYPE"] == "Hook" and env["TENANT"] == "acme=1"
    assert "HTTP_AUTHORIZATION" not in env and "LD_PRELOAD" not in env
    assert (tmp_path / "asked").read_text().startswith("/ok?x=1 /ok Negotiate abc||")
    one.wait_log('"message":"open".*"user":"eve"')
    env = env_of(one, "/plain")
    assert env["REMOTE_USER"] == "" and env["AUTH_TYPE"] == "Hook"


def test_hook_decides_after_valid_credentials(server, hook, tmp_path, passwords, tokens):
    """It runs after the credentials were valid, and not before."""
    one = server("--auth-hook=" + hook, "--auth-basic=" + passwords, "--auth-token=" + tokens, *ENV)
    assert status_of(one, "/ok")[0] == 401
    assert status_of(one, "/ok", basic("ann", "x"))[0] == 401
    assert not (tmp_path / "asked").exists()
    env = env_of(one, "/plain", basic("ann"))
    assert env["REMOTE_USER"] == "ann" and env["AUTH_TYPE"] == "Basic"
    assert env_of(one, "/ok", basic("ann"))["REMOTE_USER"] == "eve"
    assert status_of(one, "/exit1", basic("ann"))[0] == 401
    assert status_of(one, "/exit2", basic("ann"))[0] == 403
    # It sees Authorization, and no token anywhere else.
    status_of(one, "/plain?token=" + TOKEN)
    asked = (tmp_path / "asked").read_text()
    assert basic("ann")["Authorization"] + "|ann|" in asked
    assert TOKEN not in asked


def test_hook_guards_files_and_scripts(server, hook, script):
    script("www/exit2", "secret")
    script("www/plain", "page")
    script("cgi/okay", '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n%s" "$TENANT"\n')
    one = server("--auth-hook=" + hook, "--staticdir=www", "--cgidir=cgi")
    for path, status, body in [("/exit2", 403, None), ("/plain", 200, b"page"), ("/okay", 200, b"acme=1"), ("/none", 404, None)]:
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, {"Connection": "close"}, upgrade=False))
            got, _, text = peer.answer()
            assert got == status and (body is None or body in text)


def test_hook_that_hangs_is_ended(server, hook, tmp_path):
    one = server("--auth-hook=" + hook, "--auth-timeout=300ms", "cat")
    status, fields = status_of(one, "/hang")
    assert status == 503 and "retry-after" in dict(fields)
    one.wait_log("has not decided within --auth-timeout")
    one.check_clean()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_client_that_disconnects_ends_its_hook(server, hook, tmp_path, how):
    one = server("--auth-hook=" + hook, "--auth-timeout=1h", "cat")
    peer = one.connect()
    peer.send(peer.request_bytes("/hang"))
    wait_for((tmp_path / "up").exists, "the hook runs")
    getattr(peer, how)()
    one.check_clean()


def test_hooks_run_16_at_once(server, script, tmp_path):
    """Others wait; all are answered."""
    path = script("hook", '#!/bin/sh\nmkdir -p %s/now; : >%s/now/$$; ls %s/now | wc -l >>%s/counts\n'
                  'while [ ! -e %s/go ]; do sleep 0.02; done; rm %s/now/$$\n' % ((tmp_path,) * 6))
    one = server("--auth-hook=" + path, "--auth-timeout=1m", "cat")
    peers = [one.connect() for _ in range(24)]
    for peer in peers:
        peer.send(peer.request_bytes())
    counts = tmp_path / "counts"
    wait_for(lambda: counts.exists() and len(counts.read_text().split()) >= 16, "16 hooks run")
    (tmp_path / "go").touch()
    assert [peer.response()[0] for peer in peers] == [101] * 24
    for peer in peers:
        peer.close()
    assert len(counts.read_text().split()) == 24 and max(map(int, counts.read_text().split())) <= 16


def test_hook_that_never_ran_is_not_blamed(server, script, tmp_path):
    path = script("hook", "#!/bin/sh\nwhile [ ! -e %s/go ]; do sleep 0.02; done\n" % tmp_path)
    one = server("--auth-hook=" + path, "--auth-timeout=500ms", "--closems=60000", "cat")
    peers = [one.connect() for _ in range(17)]
    for peer in peers:
        peer.send(peer.request_bytes())
    assert [peer.response()[0] for peer in peers] == [503] * 17
    for peer in peers:
        peer.close()
    (tmp_path / "go").touch()
    one.wait_log('reason="too many requests wait for --auth-hook"')
    assert len(re.findall("error server .* has not decided within --auth-timeout", one.log())) == 16


def test_shutdown_while_a_hook_runs(server, hook, tmp_path):
    one = server("--auth-hook=" + hook, "--auth-timeout=1h", "cat")
    with one.connect() as peer:
        peer.send(peer.request_bytes("/hang"))
        wait_for((tmp_path / "up").exists, "the hook runs")
        one.process.send_signal(signal.SIGTERM)
        assert peer.response()[0] == 503
    one.stop(0)


@plain_only
def test_hook_is_found_at_startup(tmp_path, script):
    script("www/hook", "#!/bin/sh\n")
    script("denied", "#!/bin/sh\n", mode=0o644)
    for args, text in [
        (["--auth-hook=./none", "cat"], "--auth-hook './none'"),
        (["--auth-hook=./denied", "cat"], "--auth-hook './denied'"),
        (["--auth-hook=./www/hook", "--staticdir=www"], "--auth-hook"),
        (["--auth-hook=./www/hook", "--auth-timeout=0", "cat"], "--auth-timeout must be a time above 0"),
    ]:
        done = subprocess.run([WSPIPE, "--port=0", *args], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
        assert done.returncode in (64, 78) and text in done.stderr, done.stderr


def test_missing_hook_admits_no_request(server, hook, tmp_path):
    one = server("--auth-hook=" + hook, "cat")
    os.remove(hook)
    assert status_of(one, "/ok")[0] == 500
    one.wait_log("can't start .*hook.*(--auth-hook)")


def test_behind_a_trusted_proxy(server, tmp_path, tokens):
    """Addresses and --auth-header are those that it reports."""
    one = server("--trusted-proxy=127.0.0.0/8,::1", "--auth-header=Remote-User", "--deny=192.0.2.0/24", *ENV)
    forwarded = {"X-Forwarded-For": "198.51.100.7", "Remote-User": "eve"}
    env = env_of(one, headers=forwarded)
    assert env["REMOTE_USER"] == "eve" and env["REMOTE_ADDR"] == "198.51.100.7"
    assert status_of(one, headers=dict(forwarded, **{"X-Forwarded-For": "192.0.2.7"}))[0] == 403
    assert status_of(one, headers={"X-Forwarded-For": "198.51.100.7"})[0] == 401


def test_everything_of_an_endpoint_is_guarded(server, tokens, tmp_path, script):
    """Files, CGI scripts, the console and programs; other endpoints and the health check are open."""
    mark = tmp_path / "started"
    script("cgi/script", SAYS % mark)
    script("www/page.html", "page")
    (tmp_path / "c").write_text(
        "health-path = /-/healthy\n[/files]\nstaticdir = www\nauth-token = %s\n[/cgi]\ncgidir = cgi\nauth-token = %s\n"
        "[/term]\ncommand = cat\nauth-token = %s\n[/open]\ncommand = cat\n" % ((tokens,) * 3))
    one = server("--config=" + str(tmp_path / "c"))
    html = {"Accept": "text/html"}
    for path, upgrade, status in [("/files/page.html", False, 200), ("/files/none", False, 404), ("/cgi/script", False, 200),
                                  ("/term", False, 200), ("/term/-/console", False, 200), ("/term/-/programs", False, 200),
                                  ("/term", True, 101)]:
        assert status_of(one, path, html, upgrade)[0] == 401, path
        assert status_of(one, path, dict(html, **bearer(TOKEN)), upgrade)[0] == status, path
    assert status_of(one, "/open")[0] == 101
    assert status_of(one, "/-/healthy", upgrade=False)[0] == 200
    assert mark.read_text() == "started ann\n"


@pytest.mark.parametrize("args,wanted", [
    ((), ["private"]),
    (("--header-http=cache-control: max-age=9",), ["max-age=9"]),
])
def test_caches_do_not_store_what_is_guarded(server, tokens, script, args, wanted):
    script("www/page", "page")
    script("cgi/okay", '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\n')
    one = server("--auth-token=" + tokens, "--staticdir=www", "--cgidir=cgi", *args)
    for path in ("/page", "/okay"):
        status, fields = status_of(one, path, bearer(TOKEN), upgrade=False)
        assert status == 200 and [v for k, v in fields if k == "cache-control"] == wanted
    assert dict(status_of(one, "/page", upgrade=False)[1])["cache-control"] == "no-store"


def doc_commands(section):
    """The commands of a section of doc/deploy.md."""
    with open(os.path.join(os.environ["top_srcdir"], "doc", "deploy.md"), encoding="utf-8") as f:
        text = f.read()
    text = text[text.index("## " + section) :].split("\n## ")[0]
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", text, re.S)]


def test_commands_of_the_documentation(server, tmp_path, script):
    """Of doc/deploy.md, as printed there but for the paths, the port and the password that is typed."""
    if not shutil.which("htpasswd") or not shutil.which("openssl"):
        pytest.skip("htpasswd or openssl is missing: install apache2-utils and openssl")
    make_password, basic_server, make_token, token_server, hook_server = [
        text.replace("/etc/wspipe/", "%s/" % tmp_path) for text in doc_commands("Passwords and tokens")]
    script("chat.py", "#!/bin/sh\nexec cat\n")
    script("www/index.html", "page")

    def start(text):
        words = shlex.split(text.replace("/srv/www", "www"))
        assert words[0] == "wspipe"
        return server(*[w for w in words[1:] if not w.startswith(("--ssl", "--port", "--address"))])

    subprocess.run(make_password.replace("htpasswd ", "htpasswd -b ", 1) + " secret", shell=True, check=True, capture_output=True)
    one = start(basic_server)
    for path, upgrade, status in (("/", False, 200), ("/", True, 101)):
        assert status_of(one, path, basic("ann", "secret"), upgrade)[0] == status
        assert status_of(one, path, basic("ann", "wrong"), upgrade)[0] == 401
    subprocess.run(make_token, shell=True, check=True, capture_output=True)
    token = (tmp_path / "tokens").read_text().split()
    assert token[1:] == ["ann"]
    one = start(token_server)
    assert status_of(one, "/", {"Sec-WebSocket-Protocol": "bearer, " + token[0]})[0] == 101
    assert status_of(one, "/", {"Sec-WebSocket-Protocol": "bearer, " + token[0][1:]})[0] == 401
    name, source = re.search(r"cat >(\S+) <<'END'\n(.*?)END\n", hook_server, re.S).groups()
    script(os.path.relpath(name, tmp_path), source)
    one = start(hook_server.rsplit("\n", 1)[1])
    assert status_of(one, "/", {"Cookie": "session=4711"})[0] == 101
    assert status_of(one, "/", {"Cookie": "session=1"})[0] == 401


def test_realm_is_that_of_the_endpoint(server, tokens, tmp_path):
    (tmp_path / "c").write_text('[/a]\ncommand = cat\nauth-token = %s\n[/b"c]\ncommand = cat\nauth-token = %s\n' % (tokens, tokens))
    one = server("--config=" + str(tmp_path / "c"))
    assert dict(status_of(one, "/a/x")[1])["www-authenticate"] == 'Bearer realm="wspipe/a"'
    assert dict(status_of(one, "/b%22c")[1])["www-authenticate"] == 'Bearer realm="wspipe"'


def test_origin_and_addresses_come_first(server, tokens):
    one = server("--auth-token=" + tokens, "--deny=127.0.0.1,::1", "cat")
    assert status_of(one, headers=dict(bearer(TOKEN), Origin="http://evil.example"))[0] == 403
    one.wait_log("reason=.*--origin")
    assert status_of(one, headers=bearer(TOKEN))[0] == 403
    one.wait_log("in --deny")
    assert status_of(one, headers=dict(bearer(TOKEN), Host="evil.example"))[0] == 421


@plain_only
def test_user_of_a_trusted_header(server, tmp_path):
    one = server("--unixsocket=" + str(tmp_path / "s"), "--port=0", "--auth-header=Remote-User", *ENV)
    tcp, unix = sorted(one.addresses, key=lambda a: isinstance(a, str))

    def ask(address, headers):
        with Peer(address) as peer:
            peer.send(peer.request_bytes("/", headers))
            return peer.response()

    assert ask(unix, {"Remote-User": "eve"})[0] == 101
    for headers in ({}, {"Remote-User": ""}, {"Remote-User": ["eve", "bob"]}, {"Remote_User": "eve"}):
        status, fields = ask(unix, headers)
        assert status == 401 and "www-authenticate" in dict(fields), headers
    assert ask(tcp, {"Remote-User": "eve"})[0] == 401
    one.addresses = [unix]
    env = env_of(one, headers={"Remote-User": "eve"})
    assert env["REMOTE_USER"] == "eve" and env["AUTH_TYPE"] == "Trusted-Header"
    assert "HTTP_REMOTE_USER" not in env


def test_forged_header_is_dropped(server, tmp_path, tokens):
    args = ("--unixsocket=" + str(tmp_path / "s"), "--port=0", "--auth-header=Remote-User", "--auth-token=" + tokens)
    one = server(*args, *ENV)
    one.addresses = [a for a in one.addresses if not isinstance(a, str)]
    env = env_of(one, headers=dict(bearer(TOKEN), **{"Remote-User": "root"}))
    assert env["REMOTE_USER"] == "ann" and "HTTP_REMOTE_USER" not in env


def test_certificate(secure, tmp_path):
    ca = make_certificate(tmp_path, "ca", "/CN=ca", None)[0]
    client = make_certificate(tmp_path, "client", "/CN=ann/O=x", None, issuer="ca")
    one = secure("--sslca=" + ca, "--auth-cert", *ENV)
    context = client_context(one.ca)
    context.load_cert_chain(*client)
    env = env_of(one, context=context)
    assert env["REMOTE_USER"] == env["SSL_CLIENT_S_DN"] != "" and env["AUTH_TYPE"] == "Certificate"


@plain_only
def test_reload_replaces_the_files_or_keeps_them(server, tmp_path, tokens):
    for workers in (1, 2):
        one = server("--workers=%d" % workers, "--auth-token=" + tokens, "cat")
        with open(tokens, encoding="utf-8") as f:
            before = f.read()
        for text, ok in (("new-token-of-the-file new\n", True), ("bad\"token\n", False)):
            with open(tokens, "w", encoding="utf-8") as f:
                f.write(text)
            one.process.send_signal(signal.SIGHUP)
            one.wait_log("SIGHUP: configuration reloaded" if ok else "tokens:1: a token has")
            if ok:
                new = bearer("new-token-of-the-file")
                wait_for(lambda: all(status_of(one, headers=new)[0] == 101 for _ in range(6)), "the new tokens count")
                wait_for(lambda: status_of(one, headers=bearer(TOKEN))[0] == 401, "the old ones do not")
        assert status_of(one, headers=bearer("new-token-of-the-file"))[0] == 101
        with open(tokens, "w", encoding="utf-8") as f:
            f.write(before)
        one.wait_log("old configuration stays")


@pytest.mark.parametrize("path,headers,invalid", [("/", {}, False), ("/", bearer("x"), True), ("/?token=x", {}, True)])
def test_challenge_names_an_error_only_of_a_token(server, tokens, path, headers, invalid):
    """RFC 6750, section 3.1."""
    one = server("--auth-token=" + tokens, "cat")
    challenge = dict(status_of(one, path, headers)[1])["www-authenticate"]
    assert challenge == 'Bearer realm="wspipe"' + (', error="invalid_token"' if invalid else "")


def test_idle_websocket_outlives_its_token(server, tokens):
    one = server("--auth-token=" + tokens, "cat")
    with one.websocket(headers=bearer(TOKEN)) as ws:
        ws.send(frame(TEXT, "x"))
        assert ws.text() == "x"

