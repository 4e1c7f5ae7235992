# SPDX-License-Identifier: BSD-2-Clause
"""--unbuffer: programs that print in blocks into a pipe print each line at once."""

import array
import fcntl
import os
import shutil
import subprocess
import termios

import pytest
from conftest import children, wait_for
from wsraw import PING, PONG, TEXT, close_frame, frame

C_PROGRAM = '#include <stdio.h>\nint main(void) { char s[99]; while (fgets(s, 99, stdin)) printf("got %s", s); }\n'

# What each prints for "one".
PROGRAMS = {
    "gawk": (["gawk", "{ print \"got\", $0 }"], "got one"),
    "python3": (["python3", "-c", "import sys\nfor line in sys.stdin: print('got', line.rstrip())"], "got one"),
    "perl": (["perl", "-ne", "print \"got $_\""], "got one"),
    "grep": (["grep", "o"], "one"),
    "sed": (["sed", "s/^/got /"], "got one"),
    "tr": (["tr", "a-z", "A-Z"], "ONE"),
    "c": (["./printf"], "got one"),
}


def unread(pid):
    """How many bytes wait in the stdin of a process."""
    count = array.array("i", [0])
    fd = os.open("/proc/%d/fd/0" % pid, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, termios.FIONREAD, count)
    finally:
        os.close(fd)
    return count[0]


def waits(pid):
    """Whether a process has read all of its stdin, and sleeps."""
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "S" and unread(pid) == 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_line_is_printed_at_once(server, tmp_path, name):
    command, expected = PROGRAMS[name]
    if name == "c":
        subprocess.run(["cc", "-o", tmp_path / "printf", "-xc", "-"], input=C_PROGRAM, text=True, check=True)
    elif not shutil.which(command[0]):
        pytest.skip("the program %s is missing" % command[0])
    one = server("--unbuffer", "--closems=20000", *command)
    ws = one.websocket()
    for _ in range(3):
        ws.send(frame(TEXT, "one"))
        assert ws.text() == expected
    ws.send(close_frame(1000))
    one.wait_log("session #1 close .*exit=0")
    # It is not so without the option: it waits for more, and has printed nothing.
    one = server(*command)
    ws = one.websocket()
    ws.send(frame(TEXT, "one"))
    (pid, _), = children(one.pid)
    wait_for(lambda: waits(pid), "the program waits for another line")
    ws.send(frame(PING))
    assert ws.frame()[0] == PONG


def test_it_is_not_a_terminal_otherwise(server):
    """stdin and stderr are pipes, there is no controlling terminal, and the end of input is one."""
    one = server("--unbuffer", "--closems=20000", "sh", "-c", "test -t 1 && ! test -t 0 && ! test -t 2 && ! (: </dev/tty) 2>/dev/null && "
                 "echo $TERM && echo error >&2 && cat && echo end >&2")
    ws = one.websocket()
    assert ws.text() == "dumb"
    ws.send(frame(TEXT, "é\x03\x04"))
    assert ws.text() == "é\x03\x04"
    ws.send(close_frame(1000))
    one.wait_log("stderr #1 error")
    one.wait_log("stderr #1 end")
    one.wait_log("close .*exit=0")


def test_output_without_a_newline_is_the_last_message(server):
    """The end of the terminal is the end of output, also when the program goes on."""
    one = server("--unbuffer", "--closems=20000", "sh", "-c", "printf 'a\\r\\nb'; exec >&-; cat; exit 3")
    ws = one.websocket()
    assert [ws.text(), ws.text()] == ["a", "b"]
    assert ws.closed() == (4003, "exit 3")


def test_no_byte_is_changed(server):
    one = server("--unbuffer", "--binary", "head", "-c", "100000")
    ws = one.websocket()
    data = bytes(range(256)) * 400
    ws.send(frame(2, data))
    got = b""
    while len(got) < 100000:
        got += ws.message()[1]
    assert got == data[:100000]
    assert ws.closed()[0] == 1000
