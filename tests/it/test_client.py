# SPDX-License-Identifier: BSD-2-Clause
"""wspipe as a client (--connect): against our own server."""

import hashlib
import os
import shutil
import signal
import subprocess

import pytest
from clientside import Client
from conftest import WSPIPE
from wsraw import DEADLINE


def test_lines_travel_in_both_directions(server, client):
    c = client(server("cat"))
    c.send(b"hello\n")
    assert c.line() == b"hello\n"
    c.send("gr\u00fc\u00dfe\n".encode())
    assert c.line() == "gr\u00fc\u00dfe\n".encode()
    assert c.end() == (0, b"", "")


def test_the_last_line_needs_no_newline(server, client, tmp_path):
    got = tmp_path / "got"
    one = server("--closems=60000", "sh", "-c", "cat >%s" % got)
    assert client(one).end(b"first\nlast") == (0, b"", "")
    one.wait_log(" close ")
    assert got.read_bytes() == b"first\nlast\n"


# A program of the server, and the exit status of a client: the tables of the manual.
ENDS = [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 128 + 15), ("kill -SEGV $$", 128 + 11)]


@pytest.mark.parametrize(("program", "status"), ENDS)
def test_the_exit_status_is_that_of_the_servers_program(server, client, program, status):
    c = client(server("sh", "-c", "echo bye; " + program))
    assert c.line() == b"bye\n"
    assert c.process.wait(DEADLINE) == status
    assert c.end() == (status, b"", "")


@pytest.mark.parametrize("command", ["cat; exit 7", "cat >/dev/null; kill -KILL $$", "exit 0"])
def test_with_a_command_the_exit_status_is_its_own(server, client, command):
    status = {"c": 7, "e": 0}.get(command[0]) if "KILL" not in command else 137
    c = client(server("sh", "-c", "echo one; echo two"), "sh", "-c", command, stdin=subprocess.DEVNULL)
    assert c.end()[0] == status


def test_a_command_is_connected_to_the_servers_program(server, client, tmp_path):
    got = tmp_path / "got"
    one = server("--closems=60000", "sh", "-c", "echo question; cat >%s" % got)
    c = client(one, "sh", "-c", 'read -r q; echo "answer to $q"', stdin=subprocess.DEVNULL)
    assert c.end() == (0, b"", "")
    one.wait_log(" close ")
    assert got.read_text() == "answer to question\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_with_1001_and_kills(server, client, number):
    one = server("sh", "-c", "echo ready; cat")
    c = client(one)
    assert c.line() == b"ready\n"
    c.process.send_signal(number)
    assert c.process.wait(DEADLINE) == -number
    one.wait_log("close_received=1001")


def test_a_reader_that_ends_ends_the_client_by_sigpipe(server, client):
    one = server("yes")
    c = client(one)
    assert c.line() == b"y\n"
    c.process.stdout.close()
    assert c.process.wait(DEADLINE) == -signal.SIGPIPE
    one.wait_log("close_received=1001")


def test_no_close_keeps_the_connection_at_the_end_of_stdin(server, client, tmp_path):
    go = tmp_path / "go"
    os.mkfifo(go)
    c = client(server("sh", "-c", "echo ready; read -r line <%s; echo $line; exit 5" % go), "--no-close")
    assert c.line() == b"ready\n"
    c.process.stdin.close()
    go.write_text("later\n")
    assert c.line() == b"later\n"
    assert c.process.wait(DEADLINE) == 5


def test_stdin_may_be_a_file_and_closed(server, client, tmp_path):
    got, file = tmp_path / "got", tmp_path / "file"
    file.write_bytes(b"from a file\n")
    one = server("--closems=60000", "sh", "-c", "cat >>%s" % got)
    with open(file, "rb") as stdin:
        assert client(one, stdin=stdin).process.wait(DEADLINE) == 0
    closed = Client(one.url(), ca=one.ca, wrapper=["sh", "-c", 'exec "$@" <&-', "sh"])
    closed.process.stdin.close()
    assert closed.process.wait(DEADLINE) == 0
    one.wait_log(" close ", 2)
    assert got.read_bytes() == b"from a file\n"


def test_flags_that_other_processes_share_are_unchanged(server, client):
    reader, writer = os.pipe()
    c = client(server("cat"), stdin=reader)
    os.write(writer, b"x\n")
    assert c.line() == b"x\n"
    assert os.get_blocking(reader)
    os.close(writer)
    assert c.process.wait(DEADLINE) == 0
    os.close(reader)


# What a message stands for in the framing of both ends.
FRAMINGS = {
    "lines": b"a\n\nb c\n",
    "text": b"a\nb",
    "stream": bytes(range(256)),
    "nul": b"a\n\0\0b\0",
    "length": b"\0\0\0\3a\0b\0\0\0\0",
    "json": b'{"type":"text","data":"a"}\n{"type":"binary","data":"AAE="}\n',
    "lsp": b"Content-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_two_back_to_back_are_a_tunnel_for_each_framing(server, client, tmp_path, framing):
    given = FRAMINGS[framing]
    c = client(server("--framing=" + framing, "cat"), "--framing=" + framing)
    c.send(given)
    assert c.read(len(given)) == given
    assert c.end() == (0, b"", "")


@pytest.mark.skipif(not shutil.which("git"), reason="git not found: install the package git")
def test_git_clones_through_a_tunnel(server, tmp_path):
    """The example of the README."""
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "protocol.ext.allow=always"]

    def run(*args):
        subprocess.run([*git, *args], cwd=tmp_path, check=True, capture_output=True, timeout=DEADLINE, env=dict(os.environ, HOME=str(tmp_path)))

    run("init", "-q", "project.git")
    (tmp_path / "project.git" / "file").write_bytes(os.urandom(1 << 20))
    run("-C", "project.git", "add", "file")
    run("-C", "project.git", "commit", "-q", "-m", "one")
    one = server("--binary", "git", "upload-pack", "project.git")
    trust = " --cacert=" + one.ca if one.ca else ""
    run("clone", "-q", "ext::%s --binary --connect=%s%s" % (WSPIPE, one.url(), trust), "copy")
    assert (tmp_path / "copy" / "file").read_bytes() == (tmp_path / "project.git" / "file").read_bytes()


def pattern(size):
    line = b"".join(b"%07d\n" % i for i in range(4096))
    return (line * (size // len(line) + 1))[:size]


@pytest.mark.parametrize("framing", ["lines", "stream"])
@pytest.mark.parametrize("deflate", [False, True])
def test_ten_megabytes_arrive_as_they_were(server, client, tmp_path, framing, deflate):
    data = pattern((2 if deflate else 10) * 1024 * 1024)
    more = ["--framing=" + framing] + ["--deflate"] * deflate
    got, given = tmp_path / "got", tmp_path / "given"
    given.write_bytes(data)
    one = server("--closems=60000", *more, "sh", "-c", "cat >%s" % got)
    with open(given, "rb") as stdin:
        assert client(one, *more, stdin=stdin).process.wait(DEADLINE) == 0
    one.wait_log(" close ")
    assert hashlib.sha256(got.read_bytes()).hexdigest() == hashlib.sha256(data).hexdigest()
    # And back.
    with open(tmp_path / "back", "wb") as stdout:
        c = client(server(*more, "cat", str(given)), *more, stdout=stdout)
        assert c.process.wait(DEADLINE) == 0
    assert (tmp_path / "back").read_bytes() == data


def digest(stream):
    found = hashlib.sha256()
    while piece := stream.read(1 << 20):
        found.update(piece)
    stream.close()
    return found.hexdigest()


def test_an_echo_of_ten_million_lines_is_the_same(server, client):
    """Either side reads less while the other one does not read: not both of them at once."""
    one = server("cat")
    with subprocess.Popen(["seq", "10000000"], stdout=subprocess.PIPE) as lines:
        c = client(one, stdin=lines.stdout)
        lines.stdout.close()
        got = digest(c.process.stdout)
        assert c.process.wait(DEADLINE) == 0, c.process.stderr.read()
    with subprocess.Popen(["seq", "10000000"], stdout=subprocess.PIPE) as lines:
        assert digest(lines.stdout) == got


def test_a_blocked_stdout_stops_the_server_and_loses_nothing(server, client):
    size = 1024 * 1024
    c = client(server("sh", "-c", "head -c %d /dev/zero; echo done >&2" % size), "--binary")
    read = 0
    while read < size:
        read += len(c.process.stdout.read1(4096))
    assert c.end() == (0, b"", "")


def test_subprotocol_headers_and_path_reach_the_server(server, client):
    one = server("--subprotocol=b,a", "sh", "-c", 'echo "$PATH_INFO $QUERY_STRING $SEC_WEBSOCKET_PROTOCOL $HTTP_X_ONE"')
    c = client(one, "--subprotocol=c,a", "--header=X-One: 1", path="/p?q=2")
    assert c.line() == b"/p q=2 a 1\n"


def test_a_response_that_is_not_101_is_reported_once(server, client, tmp_path):
    one = server("--dir=%s" % tmp_path)
    status, out, err = client(one, path="/missing").end()
    assert (status, out) == (1, b"")
    assert err.startswith("wspipe: the server responded with HTTP 404 Not Found: no ") and err.count("\n") == 1


def test_the_log_has_the_address_and_no_token(server, client):
    one = server("cat")
    status, _, err = client(one, "--loglevel=access", path="/?a=b&token=0123456789abcdef").end(b"x\n")
    assert status == 0 and "0123456789abcdef" not in err
    assert err.count("remote=%s:%d " % one.addresses[0]) == 2 and 'target="/?a=b&token=***"' in err


def test_a_connection_that_is_refused_is_reported(client):
    assert client("ws://127.0.0.1:1/").end() == (1, b"", "wspipe: can't connect to 127.0.0.1 port 1: Connection refused\n")


def test_a_server_that_is_killed_is_a_lost_connection(server, client):
    one = server("sh", "-c", "echo ready; cat")
    c = client(one)
    assert c.line() == b"ready\n"
    one.process.kill()
    one.process.wait()
    one.stopped = True
    assert c.fails().startswith("the connection was lost")
