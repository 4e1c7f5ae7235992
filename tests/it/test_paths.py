# SPDX-License-Identifier: BSD-2-Clause
"""From the path of a URL to a program or a file, and never out of its directory. Paths are sent as they stand."""

import contextlib
import ctypes
import itertools
import json
import os
import re
import socket
import stat
import subprocess
import threading

import pytest
from conftest import WSPIPE
from wsraw import DEADLINE

SECRET = "the secret outside\n"
SHOW = '#!/bin/sh\nprintf "%s|%s|%s|%s\\n" "$SCRIPT_NAME" "$PATH_INFO" "$PATH_TRANSLATED" "$QUERY_STRING"\n'

# What the path to a file may not hold: (path, status)
ODD = [
    # Segments that climb, or that are empty
    ("/..", 400),
    ("/../", 400),
    ("/../secret.sh", 400),
    ("/sub/../a.sh", 400),
    ("/sub/../../secret.sh", 400),
    ("/%2e%2e/secret.sh", 400),
    ("/%2E%2E/secret.sh", 400),
    ("/.%2e/secret.sh", 400),
    ("/%2e./secret.sh", 400),
    ("/./a.sh", 400),
    ("/%2e/a.sh", 400),
    ("/.", 400),
    ("//", 400),
    ("//a.sh", 400),
    ("/sub//a.sh", 400),
    ("/sub/./a.sh", 400),
    # bytes that mean something else to somebody else
    ("/..%2fsecret.sh", 400),
    ("/..%2Fsecret.sh", 400),
    ("/sub%2fa.sh", 400),
    ("/..\\secret.sh", 400),
    ("/..%5csecret.sh", 400),
    ("/%5C..%5Csecret.sh", 400),
]

# What no path may hold, not even that of a command: control bytes, broken escapes, and what is not UTF-8.
BROKEN = [
    ("/a.sh%00", 400),
    ("/a.sh%00.txt", 400),
    ("/%00", 400),
    ("/a%0ab.sh", 400),
    ("/a%0d%0ab.sh", 400),
    ("/a%09.sh", 400),
    ("/a%1b[2J.sh", 400),
    ("/a%7f.sh", 400),
    ("/%", 400),
    ("/%2", 400),
    ("/a.sh%", 400),
    ("/%zz", 400),
    ("/%u002e", 400),
    ("/%2x.sh", 400),
    ("/%80", 400),
    ("/%ff%fe", 400),
    ("/%c0%ae%c0%ae/secret.sh", 400),
    ("/%c0%af", 400),
    ("/%e0%80%ae", 400),
    ("/%ed%a0%80", 400),
    ("/%f5%80%80%80", 400),
    ("/\xe4", 400),
]


def odd_paths_of(one, table, upgrade):
    """TABLE as the server answers it; the body never has a word of the path."""
    got = []
    for path, _ in table:
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, upgrade=upgrade))
            status, fields, body = peer.answer()
            got.append((path, status))
            # One line more, on this machine; none of it comes from the request.
            assert re.fullmatch(rb"400 Bad Request\n\n[^\n]+\n", body)
            assert len(path) < 4 or path.encode("latin-1") not in body
            assert dict(fields)["content-type"] == "text/plain; charset=utf-8"
            assert dict(fields)["x-content-type-options"] == "nosniff"
            assert "location" not in dict(fields)
    return got


@pytest.fixture
def tree(tmp_path, script):
    """A root, and beside it what must not be reached."""
    root = tmp_path / "root"
    script("secret.sh", "#!/bin/sh\necho '%s'\n" % SECRET.strip())
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "rootbeside").mkdir()
    script("rootbeside/secret.sh", "#!/bin/sh\necho '%s'\n" % SECRET.strip())
    script("root/a.sh", SHOW)
    script("root/ä €.sh", SHOW)
    script("root/sub/a.sh", SHOW)
    script("root/sub/deep/a.sh", SHOW)
    script("root/.hidden.sh", SHOW)
    script("root/.git/hook.sh", SHOW)
    for ending in ("~", ".bak", ".swp", ".orig"):
        script("root/a.sh" + ending, SHOW)
    (root / "inside").symlink_to("sub/a.sh")
    (root / "insidedir").symlink_to("sub")
    (root / "sub" / "up").symlink_to("../a.sh")
    (root / "outside").symlink_to("../secret.sh")
    (root / "outsidetxt").symlink_to("../secret.txt")
    (root / "outsidedir").symlink_to("..")
    (root / "beside").symlink_to("../rootbeside")
    (root / "absolute").symlink_to(tmp_path / "secret.sh")
    (root / "absolutetxt").symlink_to(tmp_path / "secret.txt")
    (root / "absolutedir").symlink_to("/")
    (root / "proc").symlink_to("/proc/self/root")
    (root / "roundabout").symlink_to("../root/../secret.sh")
    (tmp_path / "linktoroot").symlink_to("root")
    (root / "abs").symlink_to(root / "a.sh")
    (root / "absdir").symlink_to(root / "sub")
    (root / "sub" / "absup").symlink_to(root / "sub" / ".." / "a.sh")
    (root / "self").symlink_to(root)
    (root / "chain").symlink_to("sub/chain2")
    (root / "sub" / "chain2").symlink_to(root / "chain3")
    (root / "chain3").symlink_to("absdir/deep/a.sh")
    (root / "othername").symlink_to(tmp_path / "linktoroot" / "a.sh")
    (root / "outandin").symlink_to("../root/a.sh")
    (root / "absloop").symlink_to(root / "sub" / "absloop")
    (root / "sub" / "absloop").symlink_to(root / "absloop")
    (root / "absdangling").symlink_to(root / "nothing")
    (root / "absfifo").symlink_to(root / "fifo")
    (root / "abshidden").symlink_to(root / "sub" / ".." / ".." / "secret.sh")
    (root / "absbeside").symlink_to(tmp_path / "rootbeside")
    (root / "inandout").symlink_to(root / "outside")
    (root / "long0").symlink_to(root / "a.sh")
    for i in range(1, 45):
        (root / ("long%d" % i)).symlink_to(root / ("long%d" % (i - 1)))
    (root / "dangling").symlink_to("nothing")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo", 0o777)
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(root)
        listener.bind("socket")
    os.chdir("/")
    return root


# The script is the first part of the path that is no directory: (path, what it is told)
SCRIPTS = [
    ("/a.sh", "/a.sh||/a.sh|"),
    ("/a.sh/", "/a.sh|/|/a.sh/|"),
    ("/a.sh/extra", "/a.sh|/extra|/a.sh/extra|"),
    ("/a.sh/extra/more/", "/a.sh|/extra/more/|/a.sh/extra/more/|"),
    ("/a.sh/.hidden", "/a.sh|/.hidden|/a.sh/.hidden|"),
    ("/a.sh/e%20x%25tra%c3%a4", "/a.sh|/e x%tra\xe4|/a.sh/e x%tra\xe4|"),
    ("/a.sh/%252e%252e", "/a.sh|/%2e%2e|/a.sh/%2e%2e|"),
    ("/a.sh?x=1&y=%20%0a?", "/a.sh||/a.sh|x=1&y=%20%0a?"),
    ("/a.sh/x?../..", "/a.sh|/x|/a.sh/x|../.."),
    ("/%61.sh", "/a.sh||/a.sh|"),
    ("/%c3%a4%20%e2%82%ac.sh", "/\xe4 \u20ac.sh||/\xe4 \u20ac.sh|"),
    ("/sub/a.sh", "/sub/a.sh||/sub/a.sh|"),
    ("/sub/deep/a.sh/x", "/sub/deep/a.sh|/x|/sub/deep/a.sh/x|"),
    ("/inside", "/inside||/inside|"),
    ("/insidedir/a.sh/x", "/insidedir/a.sh|/x|/insidedir/a.sh/x|"),
    ("/sub/up", "/sub/up||/sub/up|"),
    # absolute links that lead back
    ("/abs", "/abs||/abs|"),
    ("/abs/x", "/abs|/x|/abs/x|"),
    ("/absdir/a.sh/x", "/absdir/a.sh|/x|/absdir/a.sh/x|"),
    ("/absdir/absup", "/absdir/absup||/absdir/absup|"),
    ("/sub/absup/x", "/sub/absup|/x|/sub/absup/x|"),
    ("/self/a.sh", "/self/a.sh||/self/a.sh|"),
    ("/self/self/absdir/up/x", "/self/self/absdir/up|/x|/self/self/absdir/up/x|"),
    ("/chain", "/chain||/chain|"),
    ("/absdir/chain2", "/absdir/chain2||/absdir/chain2|"),
    ("/othername", "/othername||/othername|"),
    ("/outandin", "/outandin||/outandin|"),
    ("/long30", "/long30||/long30|"),
]

# What is not started: (path, status)
NO_SCRIPTS = [
    ("/", 404),
    ("/sub", 404),
    ("/sub/", 404),
    ("/missing", 404),
    ("/missing/a.sh", 404),
    ("/A.sh", 404),
    ("/.hidden.sh", 404),
    ("/.git/hook.sh", 404),
    ("/a.sh~", 404),
    ("/a.sh.bak", 404),
    ("/a.sh.swp", 404),
    ("/a.sh.orig", 404),
    ("/outside", 404),
    ("/outsidedir/secret.sh", 404),
    ("/beside/secret.sh", 404),
    ("/absolute", 404),
    ("/absolutedir/bin/sh", 404),
    ("/proc/bin/sh", 404),
    ("/roundabout", 404),
    ("/dangling", 404),
    ("/loop", 404),
    ("/absloop", 404),
    ("/absloop/x", 404),
    ("/long44", 404),
    ("/self" * 45 + "/a.sh", 404),
    ("/absdangling", 404),
    ("/absfifo", 404),
    ("/abshidden", 404),
    ("/absbeside/secret.sh", 404),
    ("/inandout", 404),
    ("/self/outside", 404),
    ("/self/.hidden.sh", 404),
    ("/fifo", 404),
    ("/fifo/x", 404),
    ("/socket", 404),
    # decoded once: names with a percent sign
    ("/%252e%252e/secret.sh", 404),
    ("/%25%32%65%25%32%65/secret.sh", 404),
    ("/a.sh/../sub/a.sh", 400),
    ("/a.sh/extra/../x", 400),
    ("/a.sh//x", 400),
    ("/a.sh%2fextra", 400),
    ("/a.sh/%0aX", 400),
    ("/a.sh/%00", 400),
    ("/a.sh/x\\y", 400),
    ("/" + "a" * 300, 404),
    ("/" + "a/" * 2500, 404),
]


def refusals(one, table, upgrade):
    got = []
    for path, _ in table:
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, upgrade=upgrade))
            status, _, body = peer.answer()
            assert SECRET.encode() not in body
            got.append((path, status))
    return got


@pytest.mark.parametrize("what", ["dir", "static"])
def test_odd_paths_to_files(server, tree, what):
    args = {"dir": "--dir=%s" % tree, "static": "--staticdir=%s" % tree}
    assert odd_paths_of(server(args[what]), ODD + BROKEN, upgrade=what == "dir") == ODD + BROKEN


# A command looks up no file: (target, PATH_INFO)
EVERY_PATH = [
    ("/", "/"),
    ("//", "//"),
    ("//x", "//x"),
    ("//evil.example/x", "//evil.example/x"),
    ("/a//b", "/a//b"),
    ("/a//", "/a//"),
    ("/..", "/.."),
    ("/../../etc/passwd", "/../../etc/passwd"),
    ("/%2e%2e/x", "/../x"),
    ("/./a/.", "/./a/."),
    ("/dir%2Ffile.txt", "/dir/file.txt"),
    ("/%2F%2f", "///"),
    ("/doc/https%3A%2F%2Fhost%2Ff.odt/ws", "/doc/https://host/f.odt/ws"),
    ("/a\\b%5Cc", "/a\\b\\c"),
    ("/%252F", "/%2F"),
    ("/a%20b+c", "/a b+c"),
    ("/caf%C3%A9", "/caf\xe9"),
    ("/x?//../%2F%00", "/x"),
    ("http://localhost//x", "//x"),
]


def test_command_serves_every_path(server):
    """PATH_INFO is the decoded path, REQUEST_URI the target to the byte."""
    show = "import os, json; e = os.environ; print(json.dumps([e['SCRIPT_NAME'], e['REQUEST_URI'], e['PATH_INFO'], e['PATH_TRANSLATED']]))"
    one = server("python3", "-c", show)
    for target, path in EVERY_PATH:
        with one.websocket(target) as ws:
            assert json.loads(ws.text()) == ["/", target, path, path]


def test_paths_that_no_variable_holds(server):
    """
    A NUL ends a variable, a newline a line of what shows it, a broken escape is no path (RFC 3986, section 2.1),
    and the handshake is UTF-8 (RFC 6455, section 8.1).
    """
    one = server("cat")
    assert odd_paths_of(one, BROKEN, upgrade=True) == BROKEN
    one.wait_log(r"the path has an invalid escape, a control character or invalid UTF-8")


def test_compat_serves_paths_that_are_clean(server):
    one = server("--compat=websocketd", "--address=127.0.0.1", "sh", "-c", 'echo "$PATH_INFO"')
    for target, path in EVERY_PATH:
        clean = "//" not in path and not re.search(r"/\.\.?(/|$)", path)
        with one.connect() as peer:
            peer.send(peer.request_bytes(target))
            assert peer.response()[0] == (101 if clean else 301), target


@pytest.mark.parametrize("target, location", (
    ("//evil.example/a", "/evil.example/a"),
    ("/a/../b?c=%2e%2e//", "/b?c=%2e%2e//"),
    ("/%2e%2e/%2e%2e/etc?", "/etc?"),
    ("/./a%20%c3%a4%22%25%5c/", "/a%20%C3%A4%22%25%5C/"),
    ("/..", "/"),
    ("/a//", "/a/"),
    ("/a/.", "/a"),
))
@pytest.mark.parametrize("upgrade", (True, False))
def test_compat_redirects_to_the_path_that_is_clean(server, target, location, upgrade):
    one = server("--compat=websocketd", "cat")
    with one.connect() as peer:
        peer.send(peer.request_bytes(target, upgrade=upgrade))
        status, fields, _ = peer.answer()
        assert (status, dict(fields)["location"]) == (301, location)


def test_programs_below_a_directory(server, tree):
    one = server("--dir=%s" % tree)
    got = []
    for path, _ in SCRIPTS:
        with one.websocket(path) as ws:
            got.append((path, ws.text()))
            assert ws.closed() == (1000, "exit 0")
    assert got == SCRIPTS


def test_what_is_no_program_of_the_directory(server, tree):
    assert refusals(server("--dir=%s" % tree), NO_SCRIPTS, upgrade=True) == NO_SCRIPTS


def test_program_is_looked_for_anew_for_each_request(server, tree):
    one = server("--dir=%s" % tree)
    (tree / "new").symlink_to("a.sh")
    with one.websocket("/new") as ws:
        assert ws.text() == "/new||/new|"
    (tree / "new").unlink()
    (tree / "new").symlink_to("../secret.sh")
    assert refusals(one, [("/new", 404)], upgrade=True) == [("/new", 404)]


def test_root_may_be_a_link_itself(server, tree, tmp_path):
    (tmp_path / "link").symlink_to("root")
    with server("--dir=%s" % (tmp_path / "link")).websocket("/a.sh") as ws:
        assert ws.text() == "/a.sh||/a.sh|"


def test_static_files_stay_in_their_directory(server, tree):
    (tree / "page.html").write_text("page\n")
    (tree / "insidehtml").symlink_to("page.html")
    (tree / ".env").write_text(SECRET)
    (tree / ".git" / "config").write_text(SECRET)
    (tree / "page.html~").write_text(SECRET)
    one = server("--staticdir=%s" % tree)
    paths = ["/outsidetxt", "/absolutetxt", "/outsidedir/secret.txt", "/absolutedir/etc/passwd", "/proc/etc/passwd"]
    paths += ["/abshidden", "/absbeside/secret.sh", "/inandout", "/absloop", "/long44", "/self/outsidetxt", "/absfifo"]
    paths += ["/beside/secret.sh", "/roundabout", "/dangling", "/loop", "/fifo", "/socket", "/sub/"]
    paths += ["/%252e%252e/secret.txt", "/.env", "/.git/config"]
    paths += ["/page.html~", "/a.sh~", "/a.sh.bak", "/a.sh.swp", "/a.sh.orig"]
    with contextlib.suppress(PermissionError):
        os.mknod(tree / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        paths += ["/device"]
    paths += ["/page.html/", "/page.html/x", "/" + "a" * 300, "/" + "a/" * 2500]
    table = [(path, 404) for path in paths] + [("/self/self", 301), ("/sub", 301)]
    assert refusals(one, table, upgrade=False) == table
    (tree / "abshtml").symlink_to(tree / "page.html")
    for path in ("/page.html", "/insidehtml", "/abshtml", "/self/self/page.html"):
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, upgrade=False))
            assert peer.answer()[::2] == (200, b"page\n")


def test_no_race_leads_out(server, tree, tmp_path):
    """A directory and links change places while they are looked at."""
    one = server("--staticdir=%s" % tree, "--loglevel=info")
    (tree / "real").mkdir()
    (tree / "real" / "x").write_text("inside\n")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "x").write_text(SECRET)
    targets = [tree / "real", outside, "real", "../elsewhere", tree / "self" / "real"]
    done = threading.Event()

    def swap():
        for i in itertools.count():
            (tree / "next").symlink_to(targets[i % len(targets)])
            os.rename(tree / "next", tree / "swap")
            if done.is_set():
                break

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = set()
        for _ in range(400):
            with one.connect() as peer:
                peer.send(peer.request_bytes("/swap/x", upgrade=False))
                status, _, body = peer.answer()
                seen.add(body if status == 200 else status)
        assert seen <= {b"inside\n", 404}
    finally:
        done.set()
        thread.join()


def test_what_is_no_file_is_not_opened(server, tree):
    """To open a FIFO or a device may have an effect. O_PATH does not open."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    try:
        for name in ("fifo", "a.sh"):
            assert libc.inotify_add_watch(watch, os.fsencode(tree / name), 0x20) > 0  # IN_OPEN
        one = server("--staticdir=%s" % tree)
        two = server("--dir=%s" % tree)
        for path in ("/fifo", "/absfifo", "/fifo/x", "/self/fifo"):
            assert refusals(one, [(path, 404)], upgrade=False) == [(path, 404)]
            assert refusals(two, [(path, 404)], upgrade=True) == [(path, 404)]
        with pytest.raises(BlockingIOError):
            os.read(watch, 4096)
        with one.connect() as peer:  # a file is opened, which the watch sees
            peer.send(peer.request_bytes("/a.sh", upgrade=False))
            assert peer.answer()[0] == 200
        assert os.read(watch, 4096)
    finally:
        os.close(watch)


def test_text_of_a_program_is_never_served(server, tree, tmp_path):
    """A plain request below --dir gets no text of it, with static files beside it either."""
    (tmp_path / "public").mkdir()
    paths = {"/a.sh": 426, "/sub/a.sh": 426, "/a.sh/x": 426, "/sub": 404, "/none": 404, "/": 404}
    for args, static in (([], False), (["--staticdir=%s" % (tmp_path / "public")], True)):
        table = [(path, 404 if static else status) for path, status in paths.items()]
        assert refusals(server("--devconsole=false", "--dir=%s" % tree, *args), table, upgrade=False) == table


def test_overlap_is_refused_at_the_start(tree, tmp_path):
    def start(*args):
        done = subprocess.run([WSPIPE, "--port=0", *args], capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.stdout == ""
        return done.returncode, done.stderr

    both = (
        "wspipe: --dir '%s' and --staticdir '%s' overlap, so anyone could download the programs' source: "
        "use two directories, neither inside the other\n"
    )
    command = "wspipe: COMMAND '%s' is inside --staticdir '%s', so anyone could download its source: move it elsewhere\n"
    sub = tree / "sub"
    assert start("--dir=%s" % tree, "--staticdir=%s" % tree) == (78, both % (tree, tree))
    assert start("--dir=%s" % sub, "--staticdir=%s" % tree) == (78, both % (sub, tree))
    assert start("--dir=%s" % tree, "--staticdir=%s" % sub) == (78, both % (tree, sub))
    assert start("--dir=%s/insidedir" % tree, "--staticdir=%s" % tree) == (78, both % (sub, tree))
    assert start("--staticdir=%s" % tree, "%s/a.sh" % tree) == (78, command % ("%s/a.sh" % tree, tree))
    key = "wspipe: --sslkey '%s' is inside --staticdir '%s', so anyone could download it: move it elsewhere\n"
    secure = ("--ssl", "--sslcert=/nonexistent", "--sslkey=/nonexistent", "--sslcert=/nonexistent")
    assert start(*secure, "--sslkey=%s/a.sh" % tree, "--staticdir=%s" % tree) == (78, key % ("%s/a.sh" % tree, tree))
    (tmp_path / "link").symlink_to("root/a.sh")
    assert start("--staticdir=%s" % tree, "%s/link" % tmp_path) == (78, command % ("%s/link" % tmp_path, tree))


def test_argument_that_is_served_is_told(server, tree, tmp_path):
    """It may be the script of an interpreter, and may be meant: a log that is shown in two ways."""
    one = server("--staticdir=%s" % tree, "sh", "%s/a.sh" % tree, str(tmp_path), "%s/sub" % tree, "none")
    one.wait_log(r" warn server %s/a.sh is inside --staticdir, so anyone can download it; if it is a program, move it elsewhere\n" % tree)
    assert one.log().count("is inside --staticdir") == 1


def test_directory_that_everybody_can_write_to_is_told(server, tree):
    tree.chmod(0o777)
    server("--dir=%s" % tree).wait_log(r" warn server --dir %s is world-writable: any local user can run programs as you; run chmod o-w %s\n" % (tree, tree))
    tree.chmod(0o755)
    assert "world-writable" not in server("--dir=%s" % tree).log()
