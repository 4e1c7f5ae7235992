# SPDX-License-Identifier: BSD-2-Clause
"""--log-file: rotation loses no line, and a file that can't be written stops nothing."""

import os
import re
import resource
import shutil
import signal
import subprocess

import pytest
from conftest import WSPIPE, open_files, plain_only, wait_for
from wsraw import DEADLINE, TEXT, close_frame, frame, free_port

both = pytest.mark.parametrize("workers", (1, 2))


def session(one):
    with one.websocket() as ws:
        ws.send(frame(TEXT, "x"))
        assert ws.text() == "x"
        ws.send(close_frame(1000))
        assert ws.closed()[0] == 1000


def text_of(paths):
    return "".join(path.read_text() for path in paths)


@both
def test_rotation_loses_no_line(server, tmp_path, workers):
    """As logrotate does it: the file is renamed, and then comes the signal."""
    one = server("--log-file=log", "--workers=%d" % workers, "cat")
    rotated = []
    for i in range(8):
        session(one)
        rotated.append(tmp_path / ("log.%d" % i))
        os.rename(one.log_path, rotated[-1])
        session(one)
        one.process.send_signal((signal.SIGUSR1, signal.SIGHUP)[i % 2])
        session(one)
        wait_for(lambda: os.path.exists(one.log_path), "there is a new file")
    one.check_clean()
    one.stop()
    text = text_of([*rotated, tmp_path / "log"])
    count = 8 * 3
    for event in ("open", "close"):
        found = re.findall(r"(?m)^[0-9TZ:.-]+ access session #(\d+) %s " % event, text)
        assert sorted(map(int, found)) == list(range(1, count + 1)), event
    assert " info server stopped" in (tmp_path / "log").read_text()
    assert not one.errors()


@both
def test_every_process_reopens_the_log(server, tmp_path, workers):
    one = server("--log-file=log", "--workers=%d" % workers, "cat")
    old = tmp_path / "old"
    os.rename(tmp_path / "log", old)
    one.process.send_signal(signal.SIGUSR1)
    one.wait_log(" info server SIGUSR1: log reopened")
    for pid in [one.pid, *(one.workers() or [])]:
        wait_for(lambda: str(old) not in open_files(pid).values(), "the old file is closed")
    assert oct(os.stat(one.log_path).st_mode & 0o777) == "0o640"


@plain_only
def test_a_file_that_cannot_be_reopened(server, tmp_path):
    """The directory was removed: the log goes on in the file that is open, and this is reported twice."""
    directory = tmp_path / "logs"
    directory.mkdir()
    one = server("--log-file=logs/log", "cat")
    os.rename(directory / "log", tmp_path / "kept")
    shutil.rmtree(directory)
    one.log_path = str(tmp_path / "kept")
    for number in (signal.SIGUSR1, signal.SIGHUP):
        before = one.errors().count("\n")
        one.process.send_signal(number)
        wait_for(lambda: one.errors().count("\n") > before, "it is reported")
    assert re.fullmatch(
        r"([0-9TZ:.-]+ error server can't reopen the log; writing to the old file: No such file or directory\n){2}",
        one.errors(),
    )
    assert one.log().count(" error server can't reopen the log logs/log; writing to the old file: No such file") == 2
    session(one)
    one.wait_log(" session #1 close ")
    directory.mkdir()
    one.process.send_signal(signal.SIGUSR1)
    wait_for((directory / "log").exists, "there is a file again")
    one.log_path = str(directory / "log")


@plain_only
@both
def test_a_full_disk(server, tmp_path, workers):
    """A limit of the size of files stands for it. What is dropped is counted once there is room."""
    one = server("--log-file=log", "--workers=%d" % workers, "cat")
    processes = [one.pid, *(one.workers() or [])]
    for pid in processes:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    for _ in range(20):
        session(one)
    wait_for(one.errors, "it is reported")
    pattern = r"([0-9TZ:.-]+ error server can't write to the log; dropping lines: File too large( worker=[12])?\n)+"
    assert re.fullmatch(pattern, one.errors())
    assert one.errors().count("\n") <= len(processes)
    for pid in processes:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def comes_back():
        session(one)
        return re.search(r" warn server \d+ log lines dropped [(]File too large[)]", one.log())

    wait_for(comes_back, "the log goes on")


@plain_only
def test_a_file_that_never_has_room(server, tmp_path):
    port = free_port()
    one = server("--port=%d" % port, "--log-file=/dev/full", "cat", ready=False)
    one.log_path = one.error_path
    one.wait_log("can't write to the log; dropping lines: No space left on device")
    one.addresses = [("127.0.0.1", port)]

    def is_up():
        try:
            session(one)
        except ConnectionRefusedError:
            return False
        return True

    wait_for(is_up, "it serves")
    session(one)
    assert one.errors().count("\n") == 1
    one.stop()


@plain_only
@pytest.mark.parametrize("check", ([], ["--check-config"]), ids=["start", "check"])
def test_a_file_that_cannot_be_opened(tmp_path, check):
    file = tmp_path / "nosuch" / "log"
    done = subprocess.run(
        [WSPIPE, "--port=0", "--log-file=%s" % file, *check, "cat"], stderr=subprocess.PIPE, text=True, timeout=DEADLINE
    )
    assert done.returncode == 73
    assert done.stderr == (
        "wspipe: can't open --log-file %s: No such file or directory; choose another file, in a directory that exists "
        "and that this user can write to\n" % file
    )
    file = tmp_path / "log"
    subprocess.run([WSPIPE, "--log-file=%s" % file, "--check-config", "cat"], check=True, timeout=DEADLINE)
    assert not file.exists()


@plain_only
@both
def test_a_reload_changes_the_file(server, tmp_path, workers):
    config = tmp_path / "wspipe.conf"
    config.write_text("log-file = first\ncommand = cat\n")
    one = server("--config=wspipe.conf", "--workers=%d" % workers, ready=False)

    def follow(name):
        one.log_path = str(tmp_path / name)

    follow("first")
    one.addresses = wait_for(one._addresses, "it listens")
    config.write_text("log-file = nosuch/second\ncommand = cat\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: wspipe.conf:1: can't open log-file nosuch/second: No such file or directory")
    one.wait_log("SIGHUP: the old configuration stays in use")
    session(one)
    one.wait_log("session #1 close")
    config.write_text("log-file = second\ncommand = cat\n")
    one.process.send_signal(signal.SIGHUP)
    follow("second")
    one.wait_log("SIGHUP: configuration reloaded")

    def moved():
        session(one)
        return "session #" in one.log()

    wait_for(moved, "sessions are logged there")
    config.write_text("command = cat\n")
    one.process.send_signal(signal.SIGHUP)
    one.log_path = one.error_path
    one.wait_log("SIGHUP: configuration reloaded")
    one.stop()
