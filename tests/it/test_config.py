# SPDX-License-Identifier: BSD-2-Clause
"""The configuration file: endpoints, errors with their place."""

import os
import subprocess

import pytest
from conftest import WSPIPE, plain_only
from wsraw import BINARY, DEADLINE, TEXT, close_frame, frame

pytestmark = plain_only
SOURCE = os.environ["top_srcdir"]


def check(path, *args, cwd=None):
    """(status, stderr) of --check-config."""
    done = subprocess.run(
        [WSPIPE, "--config=" + str(path), "--check-config", *args],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture
def config(tmp_path):
    """config("text"): a file in the test's directory; returns its path."""

    def write(text, name="wspipe.conf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


# ---- Endpoints



def test_each_endpoint_has_its_own_program_and_rules(server, config, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("the page")
    (tmp_path / "www" / "chat.txt").write_text("a file")
    path = config(
        """
        # Defaults of all sections.
        maxframesize = 100
        devconsole = false
        header = X-From: global

        [/]
        staticdir = www

        [/text]
        command = cat
        framing = text

        [/bytes]
        command = cat
        binary = true
        maxframesize = 200

        [/chat]
        command = cat
        subprotocol = v2, v1
        require-subprotocol = true
        origin = https://chat.example
        header = X-From: chat
        header = X-More: chat

        [/chat/deep/]
        command = sh -c "echo \\"$SCRIPT_NAME $PATH_INFO\\"; \\
            read x"
        """
    )
    one = server("--config=" + path)
    one.wait_log(r"serving 5 endpoints of \S*wspipe.conf on ws://localhost:\d+/")
    with one.websocket("/text") as ws:
        ws.send(frame(TEXT, "a\nb"))
        assert ws.message() == (TEXT, b"a\nb")
        ws.send(frame(TEXT, "x" * 101))
        assert ws.closed() == (1009, "message larger than 100 bytes (--maxframesize)")
    with one.websocket("/bytes/below") as ws:
        ws.send(frame(BINARY, b"x" * 200))
        assert ws.message() == (BINARY, b"x" * 200)
        ws.send(frame(BINARY, b"x" * 201))
        assert ws.closed()[0] == 1009
    with one.connect() as peer:
        fields = peer.upgrade("/chat", {"Sec-WebSocket-Protocol": "v1", "Origin": "https://chat.example"})
        assert [f for f in fields if f[0].startswith("x-")] == [("x-from", "chat"), ("x-more", "chat")]
        assert dict(fields)["sec-websocket-protocol"] == "v1"
        peer.send(close_frame(1000))
    for path, headers in (
        ("/chat", {"Sec-WebSocket-Protocol": "v1", "Origin": "https://other.example"}),
        ("/chat", {"Origin": "https://chat.example"}),
        ("/text", {"Origin": "https://chat.example"}),
    ):
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, headers))
            assert peer.response()[0] in (400, 403), (path, headers)
    for path, info in (("/chat/deep", ""), ("/chat/deep/", "/"), ("/chat/deep/a/b", "/a/b")):
        with one.websocket(path) as ws:
            assert ws.text() == "/chat/deep " + info
            ws.send(close_frame(1000))


def get(one, path):
    """(status, header text, body) of a GET."""
    with one.connect() as peer:
        peer.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
        head, _, body = peer.read_to_end().decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def test_files_are_below_the_path_of_their_endpoint(server, config, tmp_path):
    for name in ("www", "docs", "docs/sub"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text("page of " + name)
    (tmp_path / "docs" / "a b.txt").write_text("text")
    one = server("--config=" + config("[/]\nstaticdir = www\n[/my%20docs]\nstaticdir = docs\n[/x]\ncommand = cat\n"))
    assert get(one, "/")[::2] == (200, "page of www")
    assert get(one, "/my%20docs/")[::2] == (200, "page of docs")
    assert get(one, "/my%20docs/a%20b.txt")[::2] == (200, "text")
    assert get(one, "/my%20docsx")[0] == 404
    for path, location in (
        ("/my%20docs", "/my%20docs/"),
        ("/my%20docs?q=1", "/my%20docs/?q=1"),
        ("/my%20docs/sub", "/my%20docs/sub/"),
    ):
        status, head, _ = get(one, path)
        assert (status, "\r\nLocation: %s\r\n" % location in head + "\r\n") == (301, True), head


def test_a_path_of_no_section_is_not_found(server, config):
    one = server("--config=" + config("[/only]\ncommand = cat\n"))
    assert get(one, "/")[0] == 404
    assert get(one, "/onlyx")[0] == 404
    with one.connect() as peer:
        peer.send(peer.request_bytes("/other", None))
        assert peer.response()[0] == 404
    with one.websocket("/only") as ws:
        ws.send(close_frame(1000))


def test_the_console_is_that_of_its_endpoint(server, config, script):
    script("programs/a.sh", "#!/bin/sh\ncat\n")
    one = server("--config=" + config("devconsole = true\n[/a]\ncommand = cat\n[/b]\ndir = programs\n"))
    for path in ("/a", "/a/", "/a/-/console", "/b/", "/b/-/console", "/b/a.sh"):
        status, head, _ = get(one, path)
        assert (status, "text/html" in head) == (200, True), path
    for path in ("/a/-/programs", "/a/x/-/programs"):
        assert get(one, path)[::2] == (200, '{"command":"cat","unterminated":false,"programs":[],"scripts":[]}\n')
    assert get(one, "/b/-/programs")[2] == '{"command":null,"unterminated":false,"programs":["/b/a.sh"],"scripts":[]}\n'
    assert get(one, "/b/-/other")[0] == 404


def test_a_file_without_sections_serves_every_path(server, config):
    one = server("--config=" + config("command = cat\n"))
    one.wait_log("serving cat on ws://")
    with one.websocket("/any/path") as ws:
        ws.send(frame(TEXT, "x"))
        assert ws.text() == "x"
        ws.send(close_frame(1000))


def test_the_command_is_the_root_and_the_command_line_wins(server, config):
    path = config(
        "maxframesize = 10\nheader = X-A: file\nheader = X-B: file\ncommand = false\n[/section]\ncommand = cat\n"
        "[/inherits]\nmaxframesize = 30\n"
    )
    one = server("--config=" + path, "--maxframesize=20", "--header=X-A: line", "cat")
    for path in ("/", "/section"):
        with one.connect() as peer:
            fields = peer.upgrade(path)
            assert [f for f in fields if f[0].startswith("x-")] == [("x-a", "line")]
            peer.send(frame(TEXT, "x" * 20))
            assert peer.text() == "x" * 20
            peer.send(frame(TEXT, "x" * 21))
            assert peer.closed()[0] == 1009
    with one.websocket("/inherits") as ws:
        assert ws.closed() == (4001, "exit 1")


def test_a_section_replaces_the_inherited_program(server, config, script):
    script("programs/p", "#!/bin/sh\necho dir\n")
    one = server("--config=" + config("command = echo global\n[/a]\n[/b]\ncommand = echo b\n[/c]\ndir = programs\n"))
    for path, text in (("/a", "global"), ("/b", "b"), ("/c/p", "dir")):
        with one.websocket(path) as ws:
            assert ws.text() == text
            ws.closed()


def test_files_are_included_from_where_they_are_named(server, config, tmp_path):
    config("command = echo main\n", "etc/conf.d/0.conf")
    config("[/a]\ncommand = echo a\ninvalid-utf8 = binary\n", "etc/conf.d/1.conf")
    config("include = ../more/b.inc\n", "etc/conf.d/2.conf")
    config("[/b]\ncommand = echo b\n", "etc/more/b.inc")
    path = config("include = conf.d/*.conf\ninclude = none/*.conf\ninvalid-utf8 = replace\n[/c]\n", "etc/main.conf")
    one = server("--config=" + path)
    for path, text in (("/a", "a"), ("/b", "b"), ("/c", "main")):
        with one.websocket(path) as ws:
            assert ws.text() == text
            ws.closed()


def test_odd_texts_are_read(server, config):
    one = server("--config=" + config(b"\xef\xbb\xbfcommand = echo \\\r\n  one \\\r\n'two  three'\r\n;x\r\n#y \\\r\n  pingms=5"))
    with one.websocket() as ws:
        assert ws.text() == "one two  three"
        ws.closed()


def test_the_example_is_valid():
    assert check("examples/wspipe.conf", "--port=0", cwd=SOURCE) == (0, "")


# ---- Errors

# Files with one mistake each: (the text, the line, the message). {FILE} is the name, {DIR} its directory.
BAD = [
    # Syntax
    ("port\n", 1, "missing '=': write key = value"),
    ("= 80\n", 1, "missing key before the '=': write key = value"),
    ("\n\n[/a\ncommand = cat\n", 3, "a section is a path in brackets: write [/path]"),
    ("[]\ncommand = cat\n", 1, "a section is a path in brackets: write [/path]"),
    ("[/a] x\ncommand = cat\n", 1, "a section is a path in brackets: write [/path]"),
    ("command = cat\n# \0\n", 2, "NUL byte: save the file as plain text in UTF-8"),
    ("command = cat\n[/\x1b]\n", 2, "control character: remove it"),
    ("command = cat\rpingms = 3\n", 1, "control character: remove it"),
    ("command = cat \\\n", 1, "the last line ends with a backslash: remove it, or add the line that continues it"),
    ("command = cat \\\n \\\n x\n\nfoo\n", 5, "missing '=': write key = value"),
    # Sections
    ("[a]\ncommand = cat\n", 1, "[a] is not a path: write [/a]"),
    (
        "[/a?x]\ncommand = cat\n",
        1,
        "[/a?x] is not a valid path: write it as in a URL, without a query, and without empty and dot segments",
    ),
    (
        "[/a//b]\ncommand = cat\n",
        1,
        "[/a//b] is not a valid path: write it as in a URL, without a query, and without empty and dot segments",
    ),
    (
        "[/a/../b]\ncommand = cat\n",
        1,
        "[/a/../b] is not a valid path: write it as in a URL, without a query, and without empty and dot segments",
    ),
    (
        "[/%zz]\ncommand = cat\n",
        1,
        "[/%zz] is not a valid path: write it as in a URL, without a query, and without empty and dot segments",
    ),
    (
        "[/a]\ncommand = cat\n[/b]\ncommand = cat\n[/a]\ncommand = cat\n",
        5,
        "section [/a] already exists in {FILE}:1: merge the two, or change the path",
    ),
    (
        "[/a/]\ncommand = cat\n[/%61]\ncommand = cat\n",
        3,
        "section [/a] already exists in {FILE}:1: merge the two, or change the path",
    ),
    ("[/a]\nbinary = true\n", 1, "nothing to serve: write command = PROGRAM, dir = DIR, staticdir = DIR or cgidir = DIR"),
    ("# nothing\n", 1, "nothing to serve: write command = PROGRAM, dir = DIR, staticdir = DIR or cgidir = DIR"),
    # Keys
    ("comand = cat\n[/]\ncommand = cat\n", 1, "unknown key comand: did you mean command?"),
    ("[/]\ncommand = cat\nmaxframsize = 1\n", 3, "unknown key maxframsize: did you mean maxframesize?"),
    (
        "[/]\ncommand = cat\nfrobnicate = 1\n",
        3,
        "unknown key frobnicate: the keys are the long options of 'wspipe --help=all', command and include",
    ),
    ("--port = 80\n[/]\ncommand = cat\n", 1, "unknown key --port: write it without dashes"),
    ("command = cat\nPort = 80\n", 2, "unknown key Port: did you mean port?"),
    ("command = cat\nport = 1\npingms = 1\nport = 1\n", 4, "port is already set in {FILE}:2: remove one of them"),
    ("[/]\ncommand = cat\ntext = 0\ncommand = cat\n", 4, "command is already set in {FILE}:2: remove one of them"),
    ("[/]\ncommand = cat\nport = 80\n", 3, "port: applies to the whole server: write it above the first section"),
    ("[/]\nworkers = 2\ncommand = cat\n", 2, "workers: applies to the whole server: write it above the first section"),
    ("[/]\nsslcert = x\ncommand = cat\n", 2, "sslcert: applies to the whole server: write it above the first section"),
    ("[/]\nloglevel = info\ncommand = cat\n", 2, "loglevel: applies to the whole server: write it above the first section"),
    ("command = cat\nversion = true\n", 2, "version belongs on the command line: remove it here, and write --version there"),
    ("command = cat\ncompat = websocketd\n", 2, "compat belongs on the command line: remove it here, and write --compat there"),
    ("config = x\ncommand = cat\n", 1, "config belongs on the command line: remove it here, and write --config there"),
    # Values
    ("command = cat\nport = 65536\n", 2, "port must be a number from 0 to 65535, not '65536'"),
    ("command = cat\nport =\n", 2, "port must be a number from 0 to 65535, not ''"),
    ("command = cat\nssl = yes\n", 2, "ssl must be true or false, not 'yes'"),
    ("[/]\ncommand = cat\nbinary = on\n", 3, "binary must be true or false, not 'on'"),
    ("[/]\ncommand = cat\nframing = line\n", 3, "framing must be lines, stream, text, nul, length, json or lsp, not 'line'"),
    ("[/]\ncommand = cat\nheader = X\n", 3, "header must be \"Name: value\", not 'X'"),
    ("[/]\ncommand = cat\nheader = Upgrade: x\n", 3, "header: wspipe sets Upgrade itself; it can't be overridden"),
    (
        "[/]\ncommand = cat\norigin = https://a.example/x\n",
        3,
        "origin: https://a.example/x must be an origin such as https://example.com:8443, or a host name, without a path",
    ),
    (
        "[/]\ncommand = cat\norigin = null\n",
        3,
        "origin: null can't be allowed by itself: any sandboxed page or local file sends it; "
        "use origin=any to allow every page",
    ),
    ("[/]\ncommand = cat\nhost = a:80\n", 3, "host must be a host name without a port, not 'a:80'"),
    (
        "[/]\ncommand = cat\nsubprotocol = a b\n",
        3,
        "subprotocol must be names of letters, digits and !#$%&'*+-.^_`|~ separated by commas, not 'a b'",
    ),
    ("[/]\ncommand = cat\ndeflate = level=10\n", 3, "deflate: level must be a number from 1 to 9, not '10'"),
    ("command = cat\naddress = 127.0.0.1:80\n", 2, "address must be an address without a port, not '127.0.0.1:80'; set the port with port"),
    ("[/]\nstaticdir =\n", 2, "staticdir must be a directory, not ''"),
    ("command = cat\nhealth-path = up\n", 2, "health-path must be a URL path such as /name, not 'up'"),
    # Commands
    ("[/]\n\ncommand = cat 'x\n", 3, "command: the closing single quote is missing: add it"),
    ('[/]\n\ncommand = cat "x\\"\n', 3, "command: the closing double quote is missing: add it"),
    ("[/]\n\ncommand =\n", 3, "command: there is no program: write command = PROGRAM ARGUMENT..."),
    (
        "[/]\n\ncommand = nosuchprogram x\n",
        3,
        "command 'nosuchprogram' is not on PATH: install it, or write ./nosuchprogram for a file here",
    ),
    (
        "[/]\ncommand = /etc\n",
        2,
        "command '/etc' is a directory: give the path of a program, or use dir=/etc to serve the programs in it",
    ),
    ("[/]\ncommand = ''\n", 2, "command is empty: give a program"),
    # Combinations
    ("[/]\ncommand = cat\ndir = /\n", 2, "command and dir can't be combined: leave out one of them"),
    ("[/]\ncommand = cat\nnewline = space\nbinary = true\n", 3, "newline only applies to framing-in=lines: use it, or leave out newline"),
    ("[/]\ncommand = cat\nrequire-subprotocol = true\n", 3, "require-subprotocol needs subprotocol=LIST: add it, or leave out require-subprotocol"),
    ("[/]\ncommand = cat\nspa = /index.html\n", 3, "spa needs staticdir=DIR: add it, or leave out spa"),
    ("command = cat\nport = 80\nredirport = 80\n", 3, "redirport and port must differ: choose another redirport"),
    ("command = cat\nssl = true\n", 2, "ssl needs a certificate and its key: give sslcert=FILE and sslkey=FILE"),
    (
        "command = cat\nstrict-sni = true\n",
        2,
        "strict-sni needs ssl: add it, or leave out strict-sni",
    ),
    ("[/]\ncommand = cat\nallow = 192.0.2.1/24\n", 3, "allow: 192.0.2.1/24 must not have bits set beyond the prefix length; write the first address of the block"),
    ("[/]\ncommand = cat\ndeny = all\n", 3, "deny: all must be an IP address or a block of them, such as 192.0.2.0/24"),
    ("[/]\ncommand = cat\nauth-header = Remote_User\n", 3, "auth-header must be the name of a header field of letters, digits and '-', not 'Remote_User'"),
    ("[/]\ncommand = cat\nauth-header = Remote-User\n", 3, "auth-header needs trusted-proxy=LIST or unixsocket=PATH: any other client could send the header"),
    ("[/]\ncommand = cat\nauth-cert = true\n", 3, "auth-cert needs sslca=FILE: add it, or leave out auth-cert"),
    ("[/a]\ncommand = cat\nauth-timeout = 1\n[/b]\ncommand = cat\nauth-hook = true\n", 3, "auth-timeout needs auth-hook=PROGRAM: add it, or leave out auth-timeout"),
    ("auth-timeout = 1\n[/a]\ncommand = cat\n", 1, "auth-timeout needs auth-hook=PROGRAM: add it, or leave out auth-timeout"),
    ("[/a]\nstaticdir = /etc\nframing = json\n[/b]\ncommand = cat\n", 3, "framing needs a program: give a command or dir=DIR, or leave out framing"),
    ("port = 0\n[/]\ncommand = cat\nauth-basic = /nonexistent\n", 4, "can't read auth-basic /nonexistent: No such file or directory; give a file that exists and can be read"),
    ("port = 0\n[/]\ncommand = cat\nauth-token = /dev/null\n", 4, "can't read auth-token /dev/null: it is not a regular file; give a file that exists and can be read"),
    ("[/]\ncommand = cat\nauth-hook = /nonexistent\n", 3, "auth-hook '/nonexistent' can't be used: No such file or directory; give the path of a program"),
    # The system
    (
        "[/]\nstaticdir = /nonexistent\n",
        2,
        "staticdir '/nonexistent' can't be used: No such file or directory; give a directory that exists and can be entered",
    ),
    (
        "[/]\nstaticdir = {DIR}\n[/a]\ncommand = {DIR}/program\n",
        4,
        "command '{DIR}/program' and staticdir '{DIR}' of [/] overlap, so anyone could download the source: "
        "use directories that are not inside each other",
    ),
    (
        "[/]\nstaticdir = {DIR}\n[/a]\ncgidir = {DIR}\n",
        4,
        "cgidir '{DIR}' and staticdir '{DIR}' of [/] overlap, so anyone could download the source: "
        "use directories that are not inside each other",
    ),
    (
        "[/]\nstaticdir = {DIR}\ncommand = {DIR}/program\n",
        3,
        "command '{DIR}/program' and staticdir '{DIR}' of [/] overlap, so anyone could download the source: "
        "use directories that are not inside each other",
    ),
    (
        "address = 192.0.2.1\n[/]\ncommand = cat\n",
        1,
        "can't listen on 192.0.2.1:0: Cannot assign requested address; this machine has no such address: choose another address",
    ),
    (
        "ssl = true\nsslcert = /nonexistent\nsslkey = /nonexistent\n[/]\ncommand = cat\n",
        2,
        "the certificate /nonexistent can't be read: No such file or directory",
    ),
    ("unixsocket = s\nunixsocket-owner = nosuchuser\n[/]\ncommand = cat\n", 2, "unixsocket-owner=nosuchuser: unknown user 'nosuchuser'"),
    (
        "port = 0\naddress = 0.0.0.0\n[/]\ndir = /usr/bin\ndevconsole = true\n",
        5,
        "devconsole and dir can't be combined while other machines can connect: leave out one of them, or address",
    ),
    # Includes
    (
        "include = nosuch.conf\ncommand = cat\n",
        1,
        "can't read {DIR}/nosuch.conf: No such file or directory; give a file that exists and can be read",
    ),
    ("include = .\ncommand = cat\n", 1, "can't read {DIR}/.: it is not a regular file; give a file that exists and can be read"),
    ("include =\ncommand = cat\n", 1, "include needs a file: write include = conf.d/*.conf"),
    ("[/]\ncommand = cat\ninclude = *.conf\n", 3, "include can't stand in a section: write it above the first one"),
    ("command = cat\ninclude = wspipe.conf\n", 2, "{DIR}/wspipe.conf includes itself: remove this line"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_an_error_names_file_line_mistake_and_remedy(config, tmp_path, script, number):
    text, line, message = BAD[number]
    script("program", "#!/bin/sh\n")
    path = config(text.replace("{DIR}", str(tmp_path)))
    message = message.replace("{FILE}", path).replace("{DIR}", str(tmp_path))
    assert check(path) == (78, "%s:%d: %s\n" % (path, line, message))
    # A start ends with the same line.
    port = [] if "port = " in text else ["--port=0"]
    done = subprocess.run([WSPIPE, "--config=" + path, *port], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode in (71, 78)
    assert "%s:%d: %s" % (path, line, message.partition(":")[0]) in done.stderr


def test_what_unix_stands_for_must_be_listened_on(config):
    """Only a start knows which sockets a service manager passes."""
    for text, line, name in (("port = 0\ntrusted-proxy = unix\ncommand = cat\n", 2, "trusted-proxy"),
                             ("port = 0\n[/a]\ncommand = cat\ndeny = unix\n", 4, "deny")):
        path = config(text)
        done = subprocess.run([WSPIPE, "--config=" + path], capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 78
        assert f"{path}:{line}: {name}=unix needs unixsocket=PATH: add it, or leave out 'unix'\n" in done.stderr
    status, errors = check(config("port = 0\ntrusted-proxy = unix\ncommand = cat\n"))
    assert status == 0 and "unless the service manager passes a Unix socket" in errors


def test_the_list_of_errors_is_bounded(config):
    """As for a file that is no configuration at all."""
    path = config("x\n" * 100)
    wrong = "".join("%s:%d: missing '=': write key = value\n" % (path, line) for line in range(1, 101))
    status, errors = check(path)
    assert (status, errors) == (78, wrong)
    path = config("x\n" * 1000)
    assert check(path) == (78, wrong + path + ": more errors follow: correct these 100 first\n")


def test_all_errors_are_reported(config):
    path = config("port = x\nfoo = 1\n[/a]\nport = 1\ncommand = nosuchprogram\n[/b]\nstaticdir = /nonexistent\nbinary = 2\n")
    status, errors = check(path)
    assert status == 78
    assert sorted(int(line.split(":")[1]) for line in errors.splitlines()) == [1, 2, 4, 5, 7, 8]


def test_an_included_error_is_in_its_file(config):
    path = config("include = a.inc\ncommand = cat\n")
    inner = config("\nport = x\n", "a.inc")
    assert check(path) == (78, "%s:2: port must be a number from 0 to 65535, not 'x'\n" % inner)


def test_the_root_can_only_be_given_once(config):
    path = config("[/]\nstaticdir = .\n")
    assert check(path, "cat") == (
        78,
        path + ":1: the command line's command is the endpoint / already: remove this section, or command\n",
    )


def test_a_loop_of_includes_ends(config):
    path = config("include = *.conf\ncommand = cat\n")
    config("include = *.conf\n", "b.conf")
    status, errors = check(path)
    assert status == 78
    assert [line.split(" ", 2)[2] for line in errors.splitlines()] == ["includes itself: remove this line"] * 3


def test_includes_are_not_nested_without_end(config):
    for i in range(12):
        path = config("include = %d.conf\n" % (i + 1), "%d.conf" % i)
    path = path.replace("11.conf", "0.conf")
    status, errors = check(path)
    assert status == 78
    assert "8.conf:1: include is nested more than 8 deep: remove it" in errors


def test_a_file_has_a_bounded_size(config):
    path = config("#" * (1024 * 1024 - 1) + "\n[/]\ncommand = cat\n")
    assert check(path) == (78, "%s: can't be read: it is larger than 1 MiB; give a file that exists and can be read\n" % path)


def test_the_command_line_can_be_checked_too(config):
    done = subprocess.run([WSPIPE, "--check-config", "--port=0", "cat"], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = subprocess.run([WSPIPE, "--check-config", "--dir=/nonexistent"], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 78
