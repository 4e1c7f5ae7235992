# SPDX-License-Identifier: BSD-2-Clause
"""What a program sees: its variables, arguments, descriptors, signals, limits. Read from outside, in /proc."""

import ctypes
import json
import os
import re
import resource
import signal
import tempfile

import pytest
from conftest import PORT, TAG, TLS, listening_addresses, wait_for
from wsraw import KEY, TEXT, frame, has_ipv6

STANDARD = (
    "SERVER_SOFTWARE TAG REMOTE_ADDR REMOTE_HOST SERVER_NAME SERVER_PORT SERVER_PROTOCOL GATEWAY_INTERFACE "
    "REQUEST_METHOD SCRIPT_NAME PATH_INFO PATH_TRANSLATED QUERY_STRING AUTH_TYPE CONTENT_LENGTH CONTENT_TYPE "
    "REMOTE_IDENT REMOTE_USER UNIQUE_ID REMOTE_PORT REQUEST_URI"
).split()
# Over TLS, between the two.
HTTPS = ["HTTPS"] if TLS else []
TRACE = ["TRACEPARENT"]
HANDSHAKE = "HTTP_HOST HTTP_UPGRADE HTTP_CONNECTION HTTP_SEC_WEBSOCKET_KEY HTTP_SEC_WEBSOCKET_VERSION".split()


def started(ws):
    """Waits until `cat` runs as itself: it has answered."""
    ws.send(frame(TEXT, "ready?"))
    assert ws.text() == "ready?"


def pid_of(one):
    """The one program of a server."""
    ((pid, _),) = one.tagged()
    return pid


def environ_of(pid):
    """The variables in their order, each once: {name: value}."""
    with open("/proc/%d/environ" % pid, "rb") as f:
        text = f.read().decode("utf-8", "surrogateescape")
    assert text.endswith("\0")
    pairs = [entry.split("=", 1) for entry in text[:-1].split("\0")]
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def variables(one, headers=None, path="/"):
    """The variables of a program for a request with these fields."""
    with one.websocket(path, headers) as ws:
        started(ws)
        env = environ_of(pid_of(one))
    one.check_clean()
    return env


def status_of(pid):
    with open("/proc/%s/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def set_of(mask):
    """The numbers of a mask of signals as /proc shows it."""
    return {n for n in range(1, 65) if int(mask, 16) & (1 << (n - 1))}


def ignored_by_make():
    """Two signals of glibc's own, which can't be named: posix_spawn() leaves them ignored, so who is run by make has
    them so, and that stays."""
    return set_of(status_of("self")["SigIgn"]) & {32, 33}


def nofile_of(pid):
    with open("/proc/%d/limits" % pid) as f:
        return re.search(r"Max open files\s+(\d+)\s+(\d+)", f.read()).groups()


def test_all_variables_of_a_request(server):
    one = server("--passenv=%s" % TAG, "cat")
    host, port = one.addresses[0]
    with one.connect() as ws:
        lines = [
            "GET /a%20b/%C3%A4?x=1&y=%20z HTTP/1.1",
            "Host: localhost:%d" % port,
            "Upgrade: websocket",
            "Connection: keep-alive, Upgrade",
            "Sec-WebSocket-Key: " + KEY,
            "Sec-WebSocket-Version: 13",
            "User-Agent: tests/1.0 (it)",
            "cookie: a=1",
            "X-Empty:",
            "Cookie: b=2",
            "X-Twice: one",
            "x-TWICE:   two, three  ",
            "X-Shell: () { :;}; echo $(id) `id`",
            "X-Bytes: \xff\x80",
        ]
        ws.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        assert ws.response()[0] == 101
        started(ws)
        env = environ_of(pid_of(one))
        remote_port = ws.sock.getsockname()[1]
    assert re.fullmatch(r"wspipe/[0-9.]+\S*", env.pop("SERVER_SOFTWARE"))
    assert re.fullmatch(r"[0-9a-f]{32}", env.pop("UNIQUE_ID"))
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", env.pop("TRACEPARENT"))
    assert env == {
        TAG: one.tag,
        "REMOTE_ADDR": host,
        "REMOTE_HOST": host,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "/",
        "PATH_INFO": "/a b/ä",
        "PATH_TRANSLATED": "/a b/ä",
        "QUERY_STRING": "x=1&y=%20z",
        "AUTH_TYPE": "",
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "",
        "REMOTE_IDENT": "",
        "REMOTE_USER": "",
        "REMOTE_PORT": str(remote_port),
        "REQUEST_URI": "/a%20b/%C3%A4?x=1&y=%20z",
        **dict.fromkeys(HTTPS, "on"),
        "HTTP_HOST": "localhost:%d" % port,
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "keep-alive, Upgrade",
        "HTTP_SEC_WEBSOCKET_KEY": KEY,
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_USER_AGENT": "tests/1.0 (it)",
        "HTTP_COOKIE": "a=1; b=2",
        "HTTP_X_EMPTY": "",
        "HTTP_X_TWICE": "one, two, three",
        "HTTP_X_SHELL": "() { :;}; echo $(id) `id`",
        "HTTP_X_BYTES": "\udcff\udc80",
    }


def test_names_and_order_of_the_usual_variables(server):
    """In the order of websocketd, with the trace."""
    names = list(variables(server("--passenv=%s" % TAG, "cat")))
    assert names == [TAG if name == "TAG" else name for name in STANDARD] + HTTPS + TRACE + HANDSHAKE


def test_the_trace_of_the_request_reaches_the_program_and_the_log(server):
    one = server("--log-format=json", "sh", "-c", 'echo "$TRACEPARENT $TRACESTATE"')
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    sent = {"Traceparent": given, "Tracestate": ["a=1", "b=2"]}, {"Traceparent": "00-1", "Tracestate": "a=1"}, {}
    seen = []
    for headers in sent:
        with one.websocket(headers=headers) as ws:
            seen.append(ws.text())
            ws.closed()
    assert seen[0] == given + " a=1,b=2"
    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01 ", text) for text in seen[1:]), seen
    assert seen[1] != seen[2]
    logged = [line["traceparent"] for line in one.json_log() if line["message"] == "open"]
    assert logged == [text.split(" ")[0] for text in seen]


def test_unique_ids_differ(server):
    one = server("cat")
    assert len({variables(one)["UNIQUE_ID"] for _ in range(5)}) == 5


def test_unique_id_in_the_handshake_response(server):
    """The one of the program; anything else with a '%' is text."""
    headers = ["--header-ws=Id: %{UNIQUE_ID}", "--header-ws=Twice: a%{UNIQUE_ID}%%{UNIQUE_ID}100%", "--header-ws=Plain: 100% {x}"]
    one = server(*headers, "sh", "-c", 'echo "$UNIQUE_ID"')
    seen = set()
    for _ in range(20):
        with one.connect() as ws:
            fields = dict(ws.upgrade())
            unique_id = ws.text()
            assert re.fullmatch(r"[0-9a-f]{32}", unique_id)
            assert fields["id"] == unique_id
            assert fields["twice"] == "a%s%%%s100%%" % (unique_id, unique_id)
            assert fields["plain"] == "100% {x}"
            seen.add(unique_id)
    assert len(seen) == 20


def test_server_name_and_port(server):
    """From the request, never empty."""
    one = server("cat")
    table = [
        ("localhost", ("localhost", PORT)),
        ("localhost:", ("localhost", PORT)),
        ("LocalHost:8081", ("LocalHost", "8081")),
        ("[::1]:9", ("::1", "9")),
        ("127.0.0.1", ("127.0.0.1", PORT)),
    ]
    got = []
    for host, _ in table:
        env = variables(one, {"Host": host})
        got.append((host, (env["SERVER_NAME"], env["SERVER_PORT"])))
    assert got == table
    env = variables(one, {"Host": "127.0.0.1"}, path="http://localhost:81/a?b")
    assert (env["SERVER_NAME"], env["SERVER_PORT"], env["PATH_INFO"]) == ("localhost", "81", "/a")
    assert (env["REQUEST_URI"], env["QUERY_STRING"]) == ("http://localhost:81/a?b", "b")


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_address_of_a_peer_over_ipv6(server):
    one = server("--address=::1", "cat")
    env = variables(one)
    assert (env["REMOTE_ADDR"], env["REMOTE_HOST"]) == ("::1", "::1")


def test_names_that_could_be_taken_for_others(server):
    """Only letters, digits and '-'; no Proxy, no secrets, no second Content-*."""
    hostile = {
        "Proxy": "http://evil.example",
        "PROXY": "http://evil.example",
        "X_Forwarded_For": "1",
        "X.Forwarded.For": "2",
        "X!Auth": "3",
        "X'Auth": "4",
        "X|Auth": "5",
        "_": "6",
        "Content-Type": "text/plain",
        "Content-Length": "0",
        "Authorization": "Basic c2VjcmV0",
        "Proxy-Authorization": "Basic c2VjcmV0",
        "X-Forwarded-For": "allowed",
        "Https": "not the variable",
    }
    env = variables(server("cat"), hostile)
    extra = {k: v for k, v in env.items() if k.startswith("HTTP_") and k not in HANDSHAKE}
    assert extra == {"HTTP_X_FORWARDED_FOR": "allowed", "HTTP_HTTPS": "not the variable"}
    assert (env["CONTENT_TYPE"], env["CONTENT_LENGTH"], env.get("HTTPS")) == ("", "", "on" if TLS else None)


def test_pass_auth(server):
    secrets = {"Authorization": "Basic a", "Proxy-Authorization": "Basic b", "Proxy": "c"}
    for options in (["--pass-auth"], ["--compat=websocketd"]):
        env = variables(server(*options, "cat"), secrets)
        extra = {k: v for k, v in env.items() if k.startswith("HTTP_") and k not in HANDSHAKE}
        assert extra == {"HTTP_AUTHORIZATION": "Basic a", "HTTP_PROXY_AUTHORIZATION": "Basic b"}


def test_compat_names_websocketd(server):
    assert variables(server("--compat=websocketd", "cat"), {})["SERVER_SOFTWARE"] == "websocketd/0.5.0"


def test_variables_of_the_server_reach_no_program(server):
    own = {
        "LD_LIBRARY_PATH": "",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "NOTIFY_SOCKET": "/run/notify",
        "LISTEN_FDS": "1",
        "LISTEN_PID": "1",
        "WATCHDOG_USEC": "1",
        "HTTPS": "a word of the server",
        "HTTP_PROXY": "http://evil.example",
        "REMOTE_USER": "root",
        "MULTI": " two\nlines\t",
        "EMPTY": "",
        "PLAIN": "a=b c",
        "TZ": "UTC",
        "LANG": "C",
    }
    one = server("--passenv=%s,%s" % (TAG, " , ".join(own)), "cat", env=own)
    env = variables(one)
    passed = {k: v for k, v in env.items() if k in own}
    # WATCHDOG_USEC and LISTEN_FDS have no service manager behind them here, and mean nothing to a program.
    assert passed == {
        "AWS_SECRET_ACCESS_KEY": "secret",
        "MULTI": "two lines",
        "PLAIN": "a=b c",
        "TZ": "UTC",
        "LANG": "C",
        "REMOTE_USER": "",
        **dict.fromkeys(HTTPS, "on"),
    }
    assert "HTTP_PROXY" not in env


# What command line programs need; the manual says of each why it is safe.
DEFAULT = "HOME LOGNAME USER SHELL PATH TERM TMPDIR TZ LANG".split()
DEFAULT += sorted({"LC_ALL", "LC_TIME"} | {name for name in os.environ if name.startswith("LC_")})


def shown(one):
    """What `env` prints: {name: value}"""
    with one.websocket() as ws:
        found = []
        while True:
            opcode, _, payload = ws.frame()
            if opcode != TEXT:
                break
            found.append(payload.decode().split("=", 1))
    assert len(dict(found)) == len(found), found
    return dict(found)


def own_of(one):
    """Those of the server's own environment."""
    return {k: v for k, v in shown(one).items() if k not in STANDARD + HTTPS + TRACE and not k.startswith("HTTP_")}


def test_default_of_passenv(server):
    own = {name: "of " + name for name in DEFAULT}
    own.update(PATH=os.environ["PATH"], OTHER="x", LD_LIBRARY_PATH="/x", LC="x", XLC_ALL="x")
    names = list(shown(server("env", env=own, passenv=False)))
    assert [n for n in names if not n.startswith("LC_")] == STANDARD[:1] + DEFAULT[:9] + STANDARD[2:] + HTTPS + TRACE + HANDSHAKE
    assert own_of(server("env", env=own, passenv=False)) == {name: own[name] for name in DEFAULT}


def test_default_of_passenv_in_compat(server):
    own = {name: "of " + name for name in DEFAULT}
    own.update(PATH=os.environ["PATH"], LD_LIBRARY_PATH="/x")
    one = server("--compat=websocketd", "--address=127.0.0.1", "env", env=own, passenv=False)
    assert own_of(one) == {"PATH": own["PATH"], "LD_LIBRARY_PATH": "/x"}


def test_what_is_not_set_is_not_made_up(server):
    """Not from the user database either: what the user took away stays away."""
    one = server("/usr/bin/env", wrapper=("env", "-u", "HOME", "-u", "USER", "-u", "LOGNAME", "-u", "SHELL"), passenv=False)
    assert not {"HOME", "USER", "LOGNAME", "SHELL"} & set(shown(one))
    assert "--passenv" not in one.log()


def test_lists_of_passenv(server):
    """A '+' adds, to the default or to the list before it; none passes a variable twice."""
    own = {name: "of " + name for name in DEFAULT}
    own.update(PATH=os.environ["PATH"], GOPATH="/go", JAVA_HOME="/java", MY_A="a", MY_B="b", HTTP_PROXY="x")
    default = {name: own[name] for name in DEFAULT}
    for args, expected in (
        (["--passenv=+GOPATH"], {**default, "GOPATH": "/go"}),
        (["--passenv=+GOPATH, JAVA_HOME,HOME"], {**default, "GOPATH": "/go", "JAVA_HOME": "/java"}),
        (["--passenv=+GOPATH", "--passenv=+JAVA_HOME"], {**default, "GOPATH": "/go", "JAVA_HOME": "/java"}),
        (["--passenv=GOPATH", "--passenv=+JAVA_HOME"], {"GOPATH": "/go", "JAVA_HOME": "/java"}),
        (["--passenv=+GOPATH", "--passenv=JAVA_HOME"], {"JAVA_HOME": "/java"}),
        (["--passenv=+"], default),
        (["--passenv="], {}),
        (["--passenv=MY_*,MY_A,HTTP_*"], {"MY_A": "a", "MY_B": "b"}),
        (["--passenv=PATH,GOPATH,PATH"], {"PATH": own["PATH"], "GOPATH": "/go"}),
    ):
        one = server(*args, "/usr/bin/env", env=own)
        assert own_of(one) == expected, args


def test_names_that_are_never_passed_are_warned_of(server):
    own = {"SET": "x", "EMPTY": ""}
    one = server("--passenv=+SET,EMPTY,GREETNIG,NONE_*,HTTPS", "cat", env=own)
    for name, why in (("GREETNIG", "is not set"), (r"NONE_\*", "is not set"), ("HTTPS", "is reserved")):
        one.wait_log(r" warn server --passenv: %s %s, so programs do not get it\n" % (name, why))
    assert one.log().count("--passenv") == 3
    one.websocket().close()
    one.wait_log("session #1 close")
    assert one.log().count("--passenv") == 3


def test_large_fields_reach_the_program(server):
    """What a head may hold, an environment holds."""
    value = "x" * 15000
    assert variables(server("cat"), {"X-Large": value})["HTTP_X_LARGE"] == value


def test_arguments_are_those_of_the_command_line(server, script):
    """No shell looks at them, and no query adds to them."""
    show = script("show", '#!/bin/sh\nfor a; do printf "[%s]" "$a"; done\nprintf "%s\\n" "${0##*/}"\n')
    one = server("--port=0", show, "-d", "$(id)", "`id`", "a b", "", "*", ";id", "--port=1")
    for path in ("/", "/?-d+allow_url_include", "/?%3Bid", "/;id"):
        with one.websocket(path) as ws:
            assert ws.text() == "[-d][$(id)][`id`][a b][][*][;id][--port=1]show"


def test_descriptors_are_three_pipes(server):
    """With other sessions open, too; each program has its own pipes."""
    one = server("cat")
    peers = [one.websocket() for _ in range(21)]
    for ws in peers:
        started(ws)
    idle = one.connect()
    seen = set()
    pids = [pid for pid, _ in one.tagged()]
    assert len(pids) == 21
    for pid in pids:
        links = {fd: os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)}
        assert sorted(links) == ["0", "1", "2"]
        assert all(link.startswith("pipe:[") for link in links.values())
        seen.update(links.values())
        for fd, flags in (("0", os.O_RDONLY), ("1", os.O_WRONLY), ("2", os.O_WRONLY)):
            with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
                got = int(re.search(r"flags:\s+(\d+)", f.read()).group(1), 8)
            # The program's ends block: most programs can't bear EAGAIN.
            assert got & (os.O_ACCMODE | os.O_NONBLOCK) == flags
    assert len(seen) == 3 * 21
    idle.close()
    for ws in peers:
        ws.close()


def test_open_descriptors_of_the_user_reach_no_program(server):
    """Those that the server inherited, too."""
    one = server("cat", wrapper=["sh", "-c", 'exec "$@" 7</dev/null', "sh"])
    assert os.readlink("/proc/%d/fd/7" % one.pid) == "/dev/null"
    with one.websocket() as ws:
        started(ws)
        assert sorted(os.listdir("/proc/%d/fd" % pid_of(one))) == ["0", "1", "2"]


def test_process_is_as_the_user_would_have_started_it(server, tmp_path):
    """Own session and group; the user's umask, directory, limits."""

    def prepare():
        os.umask(0o027)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000))

    one = server("cat", preexec=prepare)
    with one.websocket() as ws:
        started(ws)
        pid = pid_of(one)
        status = status_of(pid)
        assert (set_of(status["SigIgn"]), set_of(status["SigBlk"]), set_of(status["SigCgt"])) == (
            ignored_by_make(),
            set(),
            set(),
        )
        assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)
        assert status["PPid"] == str(one.pid)
        assert status["Umask"] == "0027"
        assert os.readlink("/proc/%d/cwd" % pid) == str(tmp_path)
        assert nofile_of(pid) == ("200", "1000")
        assert nofile_of(one.pid) == ("1000", "1000")
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            assert f.read() == b"cat\0"
        with open("/proc/%d/stat" % pid) as f:
            assert f.read().rsplit(")", 1)[1].split()[4] == "0", "it has a terminal"


def test_a_limit_that_was_lowered_since_the_start(server):
    """As by prlimit(1): the soft limit of the start is above the hard one now, and can't be had."""
    one = server("cat", preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000)))
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (150, 150))
    with one.websocket() as ws:
        started(ws)
        assert nofile_of(pid_of(one)) == ("150", "150")


def remove_directory():
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    os.rmdir(gone)


def close_standard():
    for fd in (0, 1, 2):
        os.close(fd)


INHERITED = {
    "0, 1 and 2 are closed": close_standard,
    "2 is closed": lambda: os.close(2),
    "no file may grow": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    "umask 777": lambda: os.umask(0o777),
    "all signals are blocked": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)),
    "the directory is gone": remove_directory,
    "256 KiB of stack": lambda: resource.setrlimit(resource.RLIMIT_STACK, (256 * 1024, 256 * 1024)),
    "no signal may be queued": lambda: resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0)),
    "no address randomization": lambda: ctypes.CDLL(None).personality(0x0040000),
    "not dumpable": lambda: ctypes.CDLL(None).prctl(4, 0, 0, 0, 0),
    "a subreaper": lambda: ctypes.CDLL(None).prctl(36, 1, 0, 0, 0),
}


@pytest.mark.parametrize("workers", (1, 2))
@pytest.mark.parametrize("name", INHERITED)
def test_odd_inherited_state(server, name, workers):
    """It serves, a program exits, and SIGTERM ends it, whatever the process was like when it was started."""
    one = server("--workers=%d" % workers, "/bin/sh", "-c", "read line; echo $line; exit 3", preexec=INHERITED[name], ready=False)
    one.addresses = wait_for(lambda: listening_addresses(one.pid), "it listens")
    one.take_baseline()
    with one.websocket() as ws:
        ws.send(frame(TEXT, "hello"))
        assert ws.text() == "hello"
        assert ws.closed() == (4003, "exit 3")


def test_child_view_of_a_script(server, script):
    """The same from inside, through an interpreter."""
    show = script(
        "show",
        "#!/usr/bin/python3 -I\nimport json, os\n"
        "print(json.dumps([os.getpid() == os.getsid(0) == os.getpgid(0), os.getcwd(), os.isatty(0)]), flush=True)\n",
    )
    with server(show).websocket() as ws:
        assert json.loads(ws.text()) == [True, os.path.dirname(show), False]
