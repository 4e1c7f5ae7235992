# SPDX-License-Identifier: BSD-2-Clause
"""The programs of --dir: what is executed is the file that was checked, and it has the name by which it was asked for."""

import contextlib
import os
import shutil

import pytest
from conftest import plain_only, wait_for
from probes import traced
from test_env import pid_of, started
from wsraw import DEADLINE, TEXT, close_frame, frame

pytestmark = plain_only  # only the programs matter


def cat(tmp_path, name="dir/cat"):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/cat", tmp_path / name)


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


SHELL = '#!/bin/sh\necho "$0"\necho "$(cd "$(dirname "$0")" && pwd)"\n. "$(dirname "$0")/library"\n'
PYTHON = "#!/usr/bin/python3 -I\nimport os, sys\nprint(sys.argv[0]); print(os.path.dirname(os.path.realpath(__file__)))\n"


@pytest.mark.parametrize("others", (0, 40))
@pytest.mark.parametrize("text", (SHELL, PYTHON))
def test_a_script_knows_its_name(server, script, tmp_path, text, others):
    """$0 is the path below --dir, so what lies beside the script is found, whatever the descriptors are."""
    script("dir/sub/one", text)
    script("dir/sub/library", "echo from the library\n")
    (tmp_path / "dir" / "link").symlink_to("sub/one")
    one = server("--dir=dir")
    crowd = [one.connect() for _ in range(others)]
    with one.websocket("/sub/one/more") as ws:
        assert ws.text() == str(tmp_path / "dir/sub/one")
        assert ws.text() == str(tmp_path / "dir/sub")
        if text == SHELL:
            assert ws.text() == "from the library"
        assert ws.closed() == (1000, "exit 0")
    with one.websocket("/link") as ws:
        assert ws.text() == str(tmp_path / "dir/link")
    for peer in crowd:
        peer.close()


@pytest.mark.parametrize("others", (0, 40))
@pytest.mark.parametrize("kind", ("executable", "script"))
def test_a_program_has_three_descriptors(server, script, tmp_path, kind, others):
    """Its pipes; the one that it was executed through is not among them."""
    script("dir/script", "#!/bin/sh\nread line\necho $line\nread line\n")
    cat(tmp_path, "dir/executable")
    one = server("--dir=dir")
    crowd = [one.connect() for _ in range(others)]
    with one.websocket("/" + kind) as ws:
        echo(ws)
        pid = pid_of(one)
        found = {fd: os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)}
        if kind == "script":  # a shell has it open, of its own
            found = {fd: link for fd, link in found.items() if link != str(tmp_path / "dir/script")}
        assert sorted(found) == ["0", "1", "2"]
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            assert str(tmp_path / "dir" / kind) in f.read().decode().split("\0")
        if kind == "executable":
            assert os.readlink("/proc/%d/exe" % pid) == str(tmp_path / "dir/executable")
    for peer in crowd:
        peer.close()


def test_a_program_that_nobody_may_read(server, tmp_path):
    cat(tmp_path)
    (tmp_path / "dir/cat").chmod(0o111)
    with server("--dir=dir").websocket("/cat") as ws:
        echo(ws)


def test_another_directory_of_the_same_name_is_not_seen(server, script, tmp_path):
    """The one that was opened at the start is, wherever it is by now."""
    script("dir/sub/script", "#!/bin/sh\necho old\n")
    cat(tmp_path, "dir/sub/program")
    one = server("--dir=dir")
    (tmp_path / "dir").rename(tmp_path / "moved")
    script("dir/sub/script", "#!/bin/sh\necho new\n")
    shutil.copy("/bin/false", tmp_path / "dir/sub/program")
    with one.websocket("/sub/script") as ws:
        assert ws.text() == "old"
    wait_for(lambda: not one.tagged(), "it has ended")
    with one.websocket("/sub/program") as ws:
        echo(ws)
        assert os.readlink("/proc/%d/exe" % pid_of(one)) == str(tmp_path / "moved/sub/program")


def slow_exec(one, trace):
    """Each execveat() begins when the tracer is killed, so that a test can replace what it is about before."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    return traced(one, trace, "-f", "-e", "trace=execve,execveat", "-e", "inject=execveat:delay_enter=%d" % (DEADLINE * 1000000))


@pytest.mark.parametrize("how", ("renamed over", "link", "directory"))
@pytest.mark.parametrize("kind", ("executable", "script"))
def test_a_file_that_is_replaced_after_the_check(server, script, tmp_path, kind, how):
    """An executable is what was checked. A script is it or is not started: never what has taken its name."""
    trace = tmp_path / "trace"
    if kind == "script":
        script("dir/sub/one", "#!/bin/sh\necho checked\nread line\n")
    else:
        cat(tmp_path, "dir/sub/one")
    other = script("outside/one", "#!/bin/sh\necho other\nread line\n")
    one = server("--dir=dir")
    with one.connect() as peer:
        with slow_exec(one, trace) as tracer:
            peer.send(peer.request_bytes("/sub/one"))
            wait_for(lambda: trace.exists() and "execveat(" in trace.read_text() or trace_waits(one), "it is about to start")
            if how == "renamed over":
                os.replace(other, tmp_path / "dir/sub/one")
            elif how == "link":
                os.symlink(other, tmp_path / "new")
                os.replace(tmp_path / "new", tmp_path / "dir/sub/one")
            else:
                (tmp_path / "dir/sub").rename(tmp_path / "dir/old")
                (tmp_path / "dir/sub").symlink_to(tmp_path / "outside")
            tracer.kill()
        status = peer.response()[0]
        if kind == "script" and how != "directory":
            assert status == 500
            one.wait_log("can't start %s: the file was replaced while it was being started" % (tmp_path / "dir/sub/one"))
            return
        assert status == 101
        if kind == "script":
            assert peer.text() == "checked"
        else:
            echo(peer)
        peer.send(close_frame(1000))


def trace_waits(one):
    """Whether a child of the server is held by the tracer."""
    for name in os.listdir("/proc/%d/task" % one.pid):
        with contextlib.suppress(OSError), open("/proc/%d/task/%s/children" % (one.pid, name)) as f:
            for pid in f.read().split():
                with contextlib.suppress(OSError), open("/proc/%s/syscall" % pid) as g:
                    if g.read().split()[0] == "322":  # execveat() on x86-64
                        return True
    return False
