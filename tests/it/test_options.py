# SPDX-License-Identifier: BSD-2-Clause
"""The command line of the real binary: statuses, texts, addresses, header lines; and as websocketd."""

import os
import re
import socket
import subprocess

import pytest
from conftest import SCHEME, TLS, WSPIPE, listening_addresses
from wsraw import BINARY, DEADLINE, TEXT, Peer, close_frame, frame, has_ipv6, own_address

USAGE = (
    "Usage: %s [OPTION]... COMMAND [ARGUMENT]...\n%s       %s [OPTION]... --dir=DIR\n"
    "       %s [OPTION]... --staticdir=DIR\n%sTry '%s --help' for more information.\n"
)
needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
STAMP = r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"


def run(*args, name="wspipe", env=None):
    """(status, stdout, stderr) of a start that ends by itself."""
    done = subprocess.run(
        [name, *args],
        executable=WSPIPE,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ, **(env or {})),
    )
    return done.returncode, done.stdout, done.stderr


# Each is one line on stderr that begins with the name: (arguments, status, the line)
ERRORS = [
    ((), 64, USAGE % ("wspipe", "       wspipe [OPTION]... tcp:HOST:PORT | unix:PATH\n", "wspipe", "wspipe",
        "       wspipe [OPTION]... --config=FILE\n       wspipe [OPTION]... --connect=URL [COMMAND [ARGUMENT]...]\n", "wspipe")),
    (
        ("--port=0",),
        64,
        "nothing to serve: give a COMMAND, --dir=DIR, --staticdir=DIR or --cgidir=DIR; 'wspipe --help' shows how",
    ),
    (("--describe", "--check-config", "cat"), 64, "--describe and --check-config can't be combined: leave out one of them"),
    (("--dir=/", "cat"), 64, "COMMAND and --dir can't be combined: leave out one of them"),
    (("--nosuch", "cat"), 64, "unknown option --nosuch; see 'wspipe --help=all'"),
    (("--prot=1", "cat"), 64, "unknown option --prot; did you mean --port?"),
    (("--=1", "cat"), 64, "invalid option '--=1'; see 'wspipe --help=all'"),
    (("--port",), 64, "--port needs a value: write --port=N"),
    (("--port=65536", "cat"), 64, "--port must be a number from 0 to 65535, not '65536'"),
    (("--workers=0", "cat"), 64, "--workers must be 'auto' or a number from 1 to 256, not '0'"),
    (("--workers=257", "cat"), 64, "--workers must be 'auto' or a number from 1 to 256, not '257'"),
    (("--workers=abc", "cat"), 64, "--workers must be 'auto' or a number from 1 to 256, not 'abc'"),
    (("--workers=", "cat"), 64, "--workers must be 'auto' or a number from 1 to 256, not ''"),
    (("--port=http", "cat"), 64, "--port must be a number from 0 to 65535, not 'http'"),
    (("--binary=maybe", "cat"), 64, "--binary must be true or false, not 'maybe'"),
    (("--address=", "cat"), 64, "--address must be an address or '*' for all interfaces, not ''"),
    (
        ("--address=127.0.0.1:80", "cat"),
        64,
        "--address must be an address without a port, not '127.0.0.1:80'; set the port with --port",
    ),
    (("--health-path=", "cat"), 64, "--health-path must be a URL path such as /name, not ''"),
    (("--health-path=health", "cat"), 64, "--health-path must be a URL path such as /name, not 'health'"),
    (("--spa=index.html", "--staticdir=/"), 64, "--spa must be a URL path such as /name, not 'index.html'"),
    (("--spa=/index.html", "cat"), 64, "--spa needs --staticdir=DIR: add it, or leave out --spa"),
    (("--unixsocket-mode=0600", "cat"), 64, "--unixsocket-mode needs --unixsocket=PATH: add it, or leave out --unixsocket-mode"),
    (("--unixsocket-owner=:daemon", "cat"), 64, "--unixsocket-owner needs --unixsocket=PATH: add it, or leave out --unixsocket-owner"),
    (("--health-path=/a?b", "cat"), 64, "--health-path must be a URL path such as /name, not '/a?b'"),
    (("--health-path=/a b", "cat"), 64, "--health-path must be a URL path such as /name, not '/a b'"),
    (
        ("--loglevel=loud", "cat"),
        64,
        "--loglevel must be debug, trace, access, info, warn, error, fatal or none, not 'loud'",
    ),
    (("--log-format=xml", "cat"), 64, "--log-format must be text or json, not 'xml'"),
    (("--header=no colon", "cat"), 64, "--header must be \"Name: value\", not 'no colon'"),
    (
        ("--header=X: a\r\nSet-Cookie: b", "cat"),
        64,
        "--header must be \"Name: value\" without control characters, not 'X: a??Set-Cookie: b'",
    ),
    (
        ("--header-http=X\n: a", "cat"),
        64,
        "--header-http must be \"Name: value\" with a name of letters, digits and !#$%&'*+-.^_`|~, not 'X?: a'",
    ),
    (("--header-ws=connection: close", "cat"), 64, "--header-ws: wspipe sets Connection itself; it can't be overridden"),
    (("--passenv=PATH HOME", "cat"), 64, "--passenv must be variable names separated by commas, not 'PATH HOME'"),
    (("--host=a:80", "cat"), 64, "--host must be a host name without a port, not 'a:80'"),
    (("--compat=apache", "cat"), 64, "--compat must be 'websocketd', not 'apache'"),
    (("",), 78, "COMMAND is empty: give a program"),
    (
        ("nosuchprogram",),
        78,
        "COMMAND 'nosuchprogram' is not on PATH: install it, or write ./nosuchprogram for a file here",
    ),
    (
        ("/nonexistent/program",),
        78,
        "COMMAND '/nonexistent/program' can't be used: No such file or directory; give the path of a program",
    ),
    (
        ("/etc",),
        78,
        "COMMAND '/etc' is a directory: give the path of a program, or use --dir=/etc to serve the programs in it",
    ),
    (
        ("/etc/passwd",),
        78,
        "COMMAND '/etc/passwd' can't be executed: make it executable with chmod +x",
    ),
    (
        ("--dir=/nonexistent",),
        78,
        "--dir '/nonexistent' can't be used: No such file or directory; "
        "give a directory that exists and can be entered",
    ),
    (
        ("--staticdir=/etc/passwd",),
        78,
        "--staticdir '/etc/passwd' can't be used: Not a directory; give a directory that exists and can be entered",
    ),
    (
        ("--origin=https://a/path", "cat"),
        64,
        "--origin: https://a/path must be an origin such as https://example.com:8443, or a host name, without a path",
    ),
    (
        ("--origin=a*.example.com", "cat"),
        64,
        "--origin: a*.example.com may use '*' only for the leading labels of the host (https://*.example.com); "
        "for any port write the host alone, such as --origin=localhost",
    ),
    (
        ("--port=0", "--address=0.0.0.0", "--address=127.0.0.1", "cat"),
        69,
        "can't listen on 127.0.0.1:0: Address already in use; another program is listening there, or one --address "
        "includes another: remove it, or choose another --port (0 picks a free one)",
    ),
    (
        ("--port=0", "--address=192.0.2.1", "cat"),
        71,
        "can't listen on 192.0.2.1:0: Cannot assign requested address; "
        "this machine has no such address: choose another --address",
    ),
    (  # no name that a server would be asked for
        ("--port=0", "--address=::x", "cat"),
        78,
        "--address=::x: Name or service not known; give an address or a host name of this machine",
    ),
]


@pytest.mark.parametrize("args, status, text", ERRORS, ids=["-".join(e[0]).replace("\n", "n") for e in ERRORS])
def test_start_that_fails(args, status, text):
    line = text if text.endswith("\n") else "wspipe: %s\n" % text
    assert run(*args) == (status, "", line)


def test_directories_of_path_that_can_not_be_searched(tmp_path):
    """They are no reason to say that the program is not executable."""
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "open").mkdir()
    path = "%s:%s" % (tmp_path / "closed", tmp_path / "open")
    text = "wspipe: COMMAND 'x' is not on PATH: install it, or write ./x for a file here\n"
    assert run("x", env={"PATH": path}) == (78, "", text)
    (tmp_path / "open" / "x").write_text("#!/bin/sh\n")
    text = "wspipe: COMMAND 'x' can't be executed: make it executable with chmod +x\n"
    assert run("x", env={"PATH": path}) == (78, "", text)


def test_address_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = "can't listen on 127.0.0.1:%d: Address already in use; another program is listening there: " % port
        choose = "choose another --port (0 picks a free one)\n"
        assert run("--port=%d" % port, "cat") == (69, "", "wspipe: " + text + choose)
        # As websocketd, in whose library no address is that of all interfaces.
        for options, address in ((["--address=127.0.0.1"], "127.0.0.1"), ([], "")):
            status, out, err = run("--port=%d" % port, *options, "cat", name="websocketd")
            assert (status, err) == (3, "")
            line = "Can't start server: listen tcp %s:%d: bind: address already in use\n" % (address, port)
            assert re.fullmatch(STAMP + r" \| FATAL  \| server     \|  \| " + re.escape(line), out)


@needs_ipv6
def test_compat_errors_of_addresses():
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 0))
        other.listen()
        port = other.getsockname()[1]
        for args, why in (
            (["--port=%d" % port, "--address=[::1]"], "listen tcp [::1]:%d: bind: address already in use" % port),
            (["--port=0", "--address=192.0.2.1"], "listen tcp 192.0.2.1:0: bind: cannot assign requested address"),
            (["--port=0", "--address=no.such.name.invalid"], "listen tcp: lookup no.such.name.invalid: no such host"),
        ):
            status, out, err = run(*args, "cat", name="websocketd")
            assert (status, err) == (3, "")
            assert re.fullmatch(STAMP + r" \| FATAL  \| server     \|  \| Can't start server: " + re.escape(why) + "\n", out)


def test_address_that_does_not_resolve():
    status, out, err = run("--address=no.such.name.invalid", "cat")
    assert (status, out) == (78, "")
    assert re.fullmatch(r"wspipe: --address=no\.such\.name\.invalid: .+\n", err)


def test_texts_that_are_asked_for():
    status, out, err = run("--version")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"wspipe \d+\.\d+\S* \(BSD-2-Clause\)\n(built without xterm\.js: .+\n)?", out)
    for args in (["--help"], ["-help"], ["-h"], ["--port=1", "--help", "--nosuch"]):
        status, out, err = run(*args)
        assert (status, err) == (0, "")
        assert out.startswith("Usage: wspipe [OPTION]... COMMAND [ARGUMENT]...\n") and "\n  --port=N  " in out
        assert out.endswith("See man wspipe for the manual.\n") and "\n  --rlimit=" not in out
    status, out, err = run("--help=all")
    assert out.startswith("Usage: wspipe ") and "\n  --rlimit=LIST  " in out and "\n  --port=N  " in out
    status, out, err = run("--help=confinement")
    assert out.startswith("Confinement of programs:\n  --child-user=USER ") and "--port" not in out
    status, out, err = run("--license")
    assert (status, err) == (0, "")
    assert out.startswith("BSD 2-Clause License\n\nCopyright (c) 2026, ")
    ours, *others = out.partition("\nThe page of terminals contains xterm.js:\n")
    assert ours.endswith("POSSIBILITY OF SUCH DAMAGE.\n")
    assert others == ["", ""] or "The xterm.js authors" in others[1]


@pytest.mark.parametrize("word", ("--help", "--version", "--license"))
def test_text_that_nobody_takes(word):
    """As in a script that fills a disk: what is not there must not look as if it were."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([WSPIPE, word], stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stderr) == (74, "wspipe: can't write to standard output: No space left on device\n")


def test_one_dash_and_separate_values(server):
    one = server("-binary", "--maxframesize", "100", "-loglevel", "info", "--", "cat")
    with one.websocket() as ws:
        ws.send(frame(BINARY, b"\0\xff"))
        assert ws.message() == (BINARY, b"\0\xff")
    assert " access " not in one.log()


def test_option_after_the_command_is_passed_on_with_a_warning(server):
    one = server("--port=0", "sh", "-c", 'echo "$1"', "sh", "--port=1")
    with one.websocket() as ws:
        assert ws.text() == "--port=1"
    one.wait_log(r" warn server --port=1 comes after COMMAND, so it is passed to the program; if it is meant for wspipe, ")
    assert "after COMMAND" not in server("sh", "-c", "cat", "sh", "--verbose").log()


def addresses(one):
    """(the hosts, the ports) that it listens on."""
    found = listening_addresses(one.pid)
    return sorted(host for host, _ in found), {port for _, port in found}


def can_connect(host, port):
    try:
        Peer((host, port)).close()
        return True
    except OSError:
        return False


@needs_ipv6
def test_default_is_loopback_alone(server):
    one = server("cat")
    hosts, ports = addresses(one)
    assert (hosts, len(ports)) == (["127.0.0.1", "::1"], 1)
    (port,) = ports
    assert port != 0
    own = own_address()
    hosts = ["127.0.0.1", "::1", "127.0.0.2"] + ([own] if own else [])
    assert [can_connect(host, port) for host in hosts] == [True, True] + [False] * (len(hosts) - 2)


@needs_ipv6
def test_all_interfaces(server):
    one = server("--address=*", "cat")
    hosts, ports = addresses(one)
    assert (hosts, len(ports)) == (["0.0.0.0", "::"], 1)
    for host in ("127.0.0.1", "127.0.0.2", "::1", own_address() or "127.0.0.3"):
        assert can_connect(host, one.addresses[0][1])


@needs_ipv6
@pytest.mark.parametrize(
    "options, hosts",
    [
        (["--address=127.0.0.1"], ["127.0.0.1"]),
        (["--address=::1"], ["::1"]),
        (["--address=[::1]"], ["::1"]),
        (["--address=127.0.0.2", "--address", "127.0.0.3", "-address=::1"], ["127.0.0.2", "127.0.0.3", "::1"]),
        (["--address=0.0.0.0"], ["0.0.0.0"]),
        (["--address=127.0.0.1", "--address=127.1", "--address=::1", "--address=[0::1]"], ["127.0.0.1", "::1"]),
    ],
)
def test_addresses(server, options, hosts):
    one = server(*options, "cat")
    found, (port,) = addresses(one)
    assert found == hosts
    for address in [(host, port) for host in hosts]:
        with Peer(address, context=one.context) as ws:
            ws.upgrade()
            ws.send(frame(TEXT, "hi"))
            assert ws.text() == "hi"


@needs_ipv6
def test_a_name_of_two_addresses_has_one_port(server):
    wanted = {info[4][0] for info in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    one = server("--address=localhost", "cat")
    found, ports = addresses(one)
    assert (set(found), len(ports)) == (wanted, 1)


def headers_of(one, path, upgrade):
    """The status and the fields whose names begin with "x-" but the one of ours."""
    with one.connect() as peer:
        peer.send(peer.request_bytes(path, upgrade=upgrade))
        status, fields = peer.response()
        return status, [f for f in fields if f[0].startswith("x-") and f[0] != "x-content-type-options"]


def test_header_lines(server, tmp_path, script):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.txt").write_text("a text\n")
    script("dir/ok", "#!/bin/sh\n")
    script("dir/broken", "\x7fELF")
    both = ["--header=X-All:  one ", "--header", "X-All:two"]
    scoped = ["--header-ws=X-Ws: ws", "--header-http=X-Http: http", "--header-ws=X-Empty:"]
    places = ["--staticdir=%s" % (tmp_path / "public"), "--dir=%s" % (tmp_path / "dir")]
    one = server(*both, *scoped, *places)
    everywhere = [("x-all", "one"), ("x-all", "two")]
    assert headers_of(one, "/ok", True) == (101, everywhere + [("x-ws", "ws"), ("x-empty", "")])
    for path, status in (("/a.txt", 200), ("/missing", 404), ("/..", 400), ("/%00", 400)):
        assert headers_of(one, path, False) == (status, everywhere + [("x-http", "http")])
    with one.connect() as peer:
        peer.send(peer.request_bytes("/a.txt", method="POST", upgrade=False))
        status, fields = peer.response()
        assert (status, dict(fields)["allow"], dict(fields).get("x-http")) == (405, "GET, HEAD, OPTIONS", "http")
    # As with websocketd, not on handshakes that fail.
    for path, status in (("/missing", 404), ("/broken", 500), ("/..", 400)):
        assert headers_of(one, path, True) == (status, [])


# As websocketd: (arguments, status, stdout, stderr)
COMPAT_ERRORS = [
    ((), 1, "Command line arguments are missing.\n", USAGE % ("websocketd", "", "websocketd", "websocketd", "", "websocketd")),
    (("--port=1",), 1, "", "Please specify COMMAND or provide --dir, --staticdir or --cgidir argument.\n"),
    (("--dir=/", "cat"), 1, "", "ambiguous: provided COMMAND and --dir argument, please only specify one\n"),
    (("nosuchprogram",), 1, "", "unable to locate specified COMMAND 'nosuchprogram' in OS path\n"),
    (("--dir=/nonexistent",), 1, "", "could not find your script dir '/nonexistent'\n"),
    (("--dir=/etc/passwd",), 1, "", "did you mean to specify COMMAND instead of --dir '/etc/passwd'?\n"),
    (
        ("--staticdir=/nonexistent",),
        1,
        "",
        "your static dir '/nonexistent' is not pointing to an accessible directory\n",
    ),
    (
        ("--loglevel=loud", "cat"),
        1,
        "Incorrect loglevel flag 'loud'. Use --help to see allowed values.\n",
        "",
    ),
    (("-nosuch", "cat"), 2, "", "flag provided but not defined: -nosuch\n"),
    (("--port",), 2, "", "flag needs an argument: -port\n"),
    (("---x", "cat"), 2, "", "bad flag syntax: ---x\n"),
]


@pytest.mark.parametrize("args, status, out, err", COMPAT_ERRORS)
def test_compat_start_that_fails(args, status, out, err):
    assert run(*args, name="/opt/bin/websocketd") == (status, out, err)
    if args:
        assert run("--compat=websocketd", *args) == (status, out, err)


def test_compat_texts_that_are_asked_for():
    status, out, err = run("--version", name="websocketd")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"websocketd 0\.5\.0 \(wspipe \d+\.\d+\S*\)\n", out)
    status, out, err = run("--help", name="websocketd")
    assert (status, out) == (0, "")
    assert err.startswith("Usage: websocketd [OPTION]... ") and "\n  --rlimit=LIST  " in err


@needs_ipv6
@pytest.mark.parametrize("way", ["name", "option"])
def test_compat_log_and_defaults(server, tmp_path, way):
    """Through a link, or by the option; stderr goes nowhere, so what is seen is stdout."""
    (tmp_path / "websocketd").symlink_to(os.path.abspath(WSPIPE))
    stdout = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"]
    command = ["sh", "-c", "echo oops >&2; cat; exit 3"]
    if way == "name":
        one = server(*command, wrapper=stdout, argv0=str(tmp_path / "websocketd"))
    else:
        one = server("--compat=websocketd", *command, wrapper=stdout)
    port = one.addresses[0][1]
    with one.websocket("/a?b", {"Origin": "http://evil.example", "Host": "chat.example"}) as ws:
        remote = "%s:%d" % ws.sock.getsockname()
        one.wait_log(r"\| oops\n")
        ws.send(frame(BINARY, b"dropped") + frame(TEXT, "kept"))
        assert ws.text() == "kept"  # so cat is no fork of sh any more
        ((pid, _),) = [p for p in one.tagged() if p[1].startswith("sh ")]
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
    one.wait_log(r"DISCONNECT\n")
    program = one.wait_log(r"command:'([^']*/sh)'").group(1)
    assert os.path.samefile(program, "/bin/sh")
    fields = "url:'%s://chat.example/a?b' id:'1' remote:'%s' command:'%s' origin:'http://evil.example' pid:'%d'"
    fields %= (SCHEME, remote, program, pid)
    scheme = "wss" if TLS else "ws"
    lines = one.log().splitlines()
    assert [line for line in lines if not re.match(STAMP + r" \| ", line)] == []
    assert [line.split(" | ", 1)[1] for line in lines] == [
        "INFO   | server     |  | Serving using application   : %s -c echo oops >&2; cat; exit 3" % program,
        "INFO   | server     |  | Starting WebSocket server   : %s://%s:%d/" % (scheme, socket.gethostname(), port),
        "ACCESS | session    | %s | CONNECT" % fields,
        "ERROR  | stderr     | %s | oops" % fields,
        "ACCESS | session    | %s | DISCONNECT" % fields,
    ]


@pytest.mark.parametrize("static", (True, False))
def test_compat_log_of_plain_requests(server, tmp_path, static):
    """Where they go, whatever the answer is; for what is not HTTP websocketd has no words."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.txt").write_text("hi\n")
    one = server("--compat=websocketd", *["--staticdir=site"] * static, "cat")
    for line, host, status in (
        ("GET /a.txt?q HTTP/1.1", "h.example:1", 200),
        ("GET /none HTTP/1.1", "localhost", 404),
        ("POST /it's HTTP/1.1", "localhost", 405),
        ("HEAD http://b.example/a.txt HTTP/1.1", "b.example", 200),
    ):
        with one.connect() as peer:
            peer.send(("%s\r\nHost: %s\r\n\r\n" % (line, host)).encode())
            assert peer.answer()[0] == (status if static else 405 if status == 405 else 404)
    word = "STATIC" if static else "NOT FOUND"
    one.wait_log(r"b\.example.*%s\n" % word)
    assert [line.split(" | ", 1)[1] for line in one.log().splitlines() if "| ACCESS |" in line] == [
        "ACCESS | http       | url:'%s://%s' | %s" % (SCHEME, url, word)
        for url in ("h.example:1/a.txt?q", "localhost/none", "localhost/it\\'s")
    ] + ["ACCESS | http       | url:'http://b.example/a.txt' | " + word]


def test_compat_with_another_log_says_what_became_of_requests(server):
    one = server("--compat=websocketd", "--log-format=text", "cat")
    with one.connect() as peer:
        peer.send(peer.request_bytes(upgrade=False))
        assert peer.answer()[0] == 404
    one.wait_log(r"access http rejected status=404 ")


def test_log_goes_to_stderr_without_compat(server):
    one = server("cat", wrapper=["sh", "-c", 'exec "$@" >/dev/null', "sh"])
    one.websocket().close()
    one.wait_log(r"session #1 close ")


def test_compat_takes_negative_numbers_for_no_limit(server):
    with server("--compat=websocketd", "--maxforks=-1", "cat").websocket() as ws:
        ws.send(frame(TEXT, "hi"))
        assert ws.text() == "hi"


def test_binary_message_in_text_mode_without_compat(server):
    with server("cat").websocket() as ws:
        ws.send(frame(BINARY, b"x"))
        assert ws.closed() == (1003, "binary messages are not accepted: the program reads text (see --binary, --framing)")
