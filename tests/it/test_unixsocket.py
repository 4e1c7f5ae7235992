# SPDX-License-Identifier: BSD-2-Clause
"""--unixsocket: the file, who may take its name, and connections over it."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest
from conftest import SCHEME, TLS, WSPIPE, listening_addresses, wait_for
from test_env import set_of, status_of
from wsraw import TEXT, Peer, frame

PRINTER = ("sh", "-c", 'echo "$REMOTE_ADDR|$REMOTE_HOST|$REMOTE_PORT|$SERVER_NAME"; exec cat')


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.sock")


def start_failing(path, *args, argv0="wspipe"):
    """Starts a server that must fail to listen: its exit status and all it writes."""
    command = [argv0, "--unixsocket=" + path, *args, "cat"]
    done = subprocess.run(command, executable=WSPIPE, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def leave_stale(path):
    """Leaves a socket behind on which nobody listens."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


def response_to(peer, headers=None):
    """Of the response to a handshake."""
    peer.send(peer.request_bytes("/", headers))
    return peer.response()[0]


def test_alone_there_is_no_tcp(server, path):
    one = server("--unixsocket=" + path, *PRINTER)
    assert listening_addresses(one.pid) == []
    assert one.addresses == [path]
    assert "serving sh" in one.log() and "on ws%s+unix:%s:/" % ("s" if TLS else "", path) in one.log()
    assert "this machine only" not in one.log() and "browser" not in one.log() and "DNS rebinding" not in one.log()
    with one.websocket() as ws:
        assert ws.text() == "unix-socket|unix-socket||localhost"
        echo(ws)
    one.wait_log(r"remote=unix-socket ")


@pytest.mark.parametrize("option", ("--port=0", "--address=127.0.0.1"))
def test_with_a_port_or_an_address_there_is_tcp_too(server, path, option):
    port = [] if option == "--port=0" else ["--port=0"]
    one = server("--unixsocket=" + path, option, *port, "cat")
    assert one.addresses[-1] == path and len(listening_addresses(one.pid)) >= 1
    for address in one.addresses:
        with Peer(address, context=one.context) as ws:
            ws.upgrade("/")
            echo(ws)


def test_the_file_is_removed_at_exit(server, path):
    one = server("--unixsocket=" + path, "cat")
    assert stat.S_ISSOCK(os.lstat(path).st_mode)
    one.stop()
    assert not os.path.lexists(path)


def test_a_file_of_another_server_is_kept_at_exit(server, path):
    one = server("--unixsocket=" + path, "cat")
    os.unlink(path)
    leave_stale(path)
    one.stop()
    assert os.path.lexists(path)


def test_the_file_is_removed_before_sessions_end(server, path):
    """A second server may start while the first one shuts down, and keeps its socket."""
    one = server("--unixsocket=" + path, "--closems=60000", "sh", "-c", "trap '' INT TERM; echo up; exec 1>&-; sleep 600 & wait; wait")
    with one.websocket() as ws:
        assert ws.text() == "up"
        one.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not os.path.lexists(path), "the file is removed")
        other = server("--unixsocket=" + path, "cat")
        one.stop_now()
    with other.websocket() as ws:
        echo(ws)


def test_a_live_socket_is_not_stolen(server, path):
    one = server("--unixsocket=" + path, "cat")
    inode = os.lstat(path).st_ino
    status, text = start_failing(path)
    assert status == 69 and text.endswith(
        "can't listen on %s: the socket is already in use; stop the other server, or choose another --unixsocket\n" % path
    )
    assert os.lstat(path).st_ino == inode
    with one.websocket() as ws:
        echo(ws)


def test_a_live_socket_with_a_full_queue_is_not_stolen(path):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        listener.listen(0)
        client.connect(path)
        assert start_failing(path)[0] == 69
        assert os.path.lexists(path)


@pytest.mark.parametrize("parent", ("missing", "file"))
def test_a_directory_that_does_not_exist(tmp_path, parent):
    (tmp_path / "file").touch()
    path = str(tmp_path / parent / "socket")
    text = "can't listen on %s: its directory does not exist; create it, or choose another --unixsocket\n" % path
    status, log = start_failing(path)
    assert status == 78 and log.endswith(text)


def test_a_stale_socket_is_replaced(server, path):
    leave_stale(path)
    one = server("--unixsocket=" + path, "cat")
    with one.websocket() as ws:
        echo(ws)


@pytest.mark.parametrize("kind", ("file", "fifo", "directory", "link"))
def test_a_file_that_is_no_socket_is_never_removed(path, kind):
    if kind == "file":
        with open(path, "w", encoding="utf-8") as f:
            f.write("mine")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    else:
        leave_stale(path + "2")
        os.symlink(path + "2", path)
    before = os.lstat(path)
    status, text = start_failing(path)
    assert status == 78 and "can't listen on %s: the file exists and is not a socket" % path in text
    assert os.lstat(path) == before


def test_of_many_that_start_at_once_one_listens(server, path):
    """None may replace the socket of another one that has just begun to listen."""
    leave_stale(path)
    command = [WSPIPE, "--unixsocket=" + path, "cat"]
    started = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(8)]
    try:
        wait_for(lambda: sum(p.poll() is None for p in started) <= 1, "all but one have failed")
        assert sorted(p.poll() or 0 for p in started) == [0] + [69] * 7
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        (winner,) = (p.pid for p in started if p.poll() is None)
        wait_for(lambda: signal.SIGTERM in set_of(status_of(winner)["SigCgt"]), "it removes its socket at SIGTERM")
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
            process.communicate()
    assert not os.path.lexists(path)


def test_a_path_that_is_too_long(tmp_path):
    path = str(tmp_path / ("s" * 108))
    assert start_failing(path)[0] == 78


@pytest.mark.parametrize("mode", (None, "600", "0666"))
def test_mode_of_the_file(server, path, mode):
    server("--unixsocket=" + path, *(["--unixsocket-mode=" + mode] if mode else []), "cat", preexec=lambda: os.umask(0o027) and None)
    assert mode_of(path) == int(mode or "660", 8)


def test_programs_have_the_umask_of_the_server(server, path):
    one = server("--unixsocket=" + path, "sh", "-c", "umask", preexec=lambda: os.umask(0o026) and None)
    with one.websocket() as ws:
        assert ws.text() == "0026"


def test_owner_of_the_file(server, path):
    server("--unixsocket=" + path, "--unixsocket-owner=%d:%d" % (os.getuid(), os.getgid()), "cat")
    assert (os.lstat(path).st_uid, os.lstat(path).st_gid) == (os.getuid(), os.getgid())


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
@pytest.mark.parametrize("owner, ids", (("daemon", (1, 0)), ("daemon:daemon", (1, 1)), (":daemon", (0, 1)), ("12345:54321", (12345, 54321))))
def test_owner_by_name_and_number(server, path, owner, ids):
    server("--unixsocket=" + path, "--unixsocket-owner=" + owner, "cat")
    assert (os.lstat(path).st_uid, os.lstat(path).st_gid) == ids


@pytest.mark.parametrize("owner, name", (("no-such-user", "user 'no-such-user'"), ("root:no-such-group", "group 'no-such-group'")))
def test_an_unknown_owner_is_an_error(path, owner, name):
    status, text = start_failing(path, "--unixsocket-owner=" + owner)
    assert status == 78 and "--unixsocket-owner=%s: unknown %s" % (owner, name) in text
    assert not os.path.lexists(path)


@pytest.mark.parametrize("host, origin, status", (
    ("app.example.com", None, 101),
    ("app.example.com", SCHEME + "://app.example.com", 101),
    ("app.example.com", SCHEME + "://evil.example", 403),
    ("localhost", "http://evil.example", 403),
))
def test_a_proxy_may_pass_on_any_host(server, path, host, origin, status):
    """No page can connect to a Unix socket under a name of its own; the Origin is checked as ever."""
    one = server("--unixsocket=" + path, "--port=0", "cat")
    for address in (path, one.addresses[0]):
        with Peer(address, context=one.context) as peer:
            fields = {"Host": host, **({"Origin": origin} if origin else {})}
            assert response_to(peer, fields) == (status if address == path or host == "localhost" else 421)


@pytest.mark.parametrize("port", ([], ["--port=0"]))
def test_the_console_must_be_asked_for(server, path, port):
    """A proxy may pass the requests of other machines on."""
    for options, status in (([], 426), (["--devconsole"], 200)):
        one = server("--unixsocket=" + path, *port, *options, "cat")
        for address in one.addresses:
            with Peer(address, context=one.context) as peer:
                peer.send(peer.request_bytes(upgrade=False))
                assert peer.response()[0] == status
        assert ("in a browser: http" in one.log()) == bool(options and port)
        assert "+unix" not in "".join(re.findall(".*in a browser.*", one.log()))
        one.stop()


def test_reasons_are_for_the_log(server, path):
    one = server("--unixsocket=" + path, "--dir=.", "--devconsole=false")
    with one.connect() as peer:
        peer.send(peer.request_bytes("/none"))
        assert peer.answer()[::2] == (404, b"404 Not Found\n")
    one.wait_log("no program in --dir=")


def test_host_applies_when_given(server, path):
    one = server("--unixsocket=" + path, "--host=app.example.com", "cat")
    for host, status in (("app.example.com", 101), ("evil.example", 421)):
        with one.connect() as peer:
            assert response_to(peer, {"Host": host}) == status


def test_all_clients_are_one_address(server, path):
    one = server("--unixsocket=" + path, "--max-per-ip=2", "cat")
    with one.websocket(), one.websocket():
        with one.connect() as peer:
            assert response_to(peer) == 429


def test_sighup_leaves_the_socket(server, path):
    one = server("--unixsocket=" + path, "cat")
    inode = os.lstat(path).st_ino
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP")
    assert os.lstat(path).st_ino == inode
    with one.websocket() as ws:
        echo(ws)


def test_workers_share_it(server, path):
    one = server("--unixsocket=" + path, "--workers=2", "cat")
    with one.websocket() as first, one.websocket() as second:
        echo(first)
        echo(second)
    killed = one.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: killed not in (one.workers() or [killed]), "another worker has started")
    with one.websocket() as ws:
        echo(ws)
    one.stop()
    assert not os.path.lexists(path)


def test_a_large_message_both_ways(server, path):
    text = "x" * 1000000
    with server("--unixsocket=" + path, "cat").websocket() as ws:
        sender = threading.Thread(target=ws.send, args=(frame(TEXT, text),))
        sender.start()
        got = b""
        while len(got) < len(text):
            got += ws.frame()[2]
        sender.join()
        assert got == text.encode()


def test_curl(server, path, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("<p>hello</p>\n")
    one = server("--unixsocket=" + path, "--staticdir=www")
    secure = ["--cacert", one.ca] if one.ca else []
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--unix-socket", path, *secure, SCHEME + "://localhost/"],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert (done.stdout, done.stderr) == ("<p>hello</p>\n", "")


def test_websockets(server, path):
    """A client of the Python package websockets."""
    one = server("--unixsocket=" + path, "cat")
    program = """
import asyncio, ssl, sys, websockets
async def main():
    context = ssl.create_default_context(cafile=sys.argv[2]) if len(sys.argv) > 2 else None
    uri = "wss://localhost/" if context else "ws://localhost/"
    secure = {"ssl": context, "server_hostname": "localhost"} if context else {}
    async with websockets.unix_connect(sys.argv[1], uri, **secure) as ws:
        await ws.send("hello")
        print(await ws.recv())
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program, path, *([one.ca] if one.ca else [])],
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("hello\n", "")


# As websocketd.


def test_compat_announces_it(server, path):
    one = server("--unixsocket=" + path, "cat", argv0="websocketd")
    one.wait_log(r"\| INFO   \| server     \|  \| Starting WebSocket server   : unix socket at %s\n" % path)
    assert "ws://" not in one.log() and "wss://" not in one.log()
    assert listening_addresses(one.pid) == []


def test_compat_has_the_mode_of_the_umask_and_keeps_the_file(server, path):
    one = server("--unixsocket=" + path, "cat", argv0="websocketd", preexec=lambda: os.umask(0o022) and None)
    assert mode_of(path) == 0o755
    one.stop()
    assert os.path.lexists(path)


def test_compat_says_that_it_is_in_use(server, path):
    server("--unixsocket=" + path, "cat")
    status, text = start_failing(path, argv0="websocketd")
    assert status == 3
    assert text.endswith("| FATAL  | server     |  | Can't start server: unix socket %s is already in use\n" % path)


def test_compat_fails_to_bind_to_a_file(path):
    with open(path, "w", encoding="utf-8"):
        pass
    status, text = start_failing(path, argv0="websocketd")
    assert status == 3
    assert text.endswith("Can't start server: listen unix %s: bind: address already in use\n" % path)
