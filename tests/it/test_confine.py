# SPDX-License-Identifier: BSD-2-Clause
"""What a program may do: the limits, the user and the files that the options give it, or it is not started."""

import contextlib
import grp
import json
import os
import pwd
import shutil
import signal
import subprocess

import pytest
from conftest import WSPIPE, wait_for
from probes import STRACE
from wsraw import DEADLINE, TEXT, frame

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can change the user of programs")
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")

# One line of JSON with what it finds; then what it is sent, as Python.
LOOK = """#!/usr/bin/python3
import json, os, resource, sys

with open("/proc/self/status") as f:
    status = dict(line.rstrip("\\n").split(":", 1) for line in f)
mask = os.umask(0)
found = {name: status[name].split() for name in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs")}
found["limits"] = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name.upper())) for name in sys.argv[1:]
                   or ("cpu", "as", "nofile", "nproc", "core", "fsize", "stack")}
found["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
found["umask"] = mask
found["directory"] = os.getcwd()
found["oom"] = int(open("/proc/self/oom_score_adj").read())
found["environment"] = {name: os.environ.get(name) for name in ("HOME", "LOGNAME", "USER", "SHELL")}
os.umask(mask)
if "QUERY_STRING" in os.environ and os.environ.get("HTTP_UPGRADE", "") == "":
    print("Content-Type: application/json\\n")
print(json.dumps(found), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(eval(line)), flush=True)
    except OSError as error:
        print(json.dumps(type(error).__name__), flush=True)
"""

LIMITS = ["--rlimit=cpu=10,as=512M,nofile=64,nproc=700,core=0,fsize=1m", "--nice=7", "--umask=027", "--no-new-privs", "--child-oom-score=300"]


@pytest.fixture
def look(open_place):
    """The program, where every user can start it."""
    path = open_place / "bin" / "look"
    path.parent.mkdir()
    path.write_text(LOOK)
    path.chmod(0o755)
    return path


def ask(ws, question):
    ws.send(frame(TEXT, question))
    return json.loads(ws.text())


def check_limits(found):
    limits = found["limits"]
    assert {name: limits[name] for name in ("cpu", "as", "nofile", "nproc", "core", "fsize")} == {
        "cpu": [10, 10], "as": [1 << 29, 1 << 29], "nofile": [64, 64], "nproc": [700, 700], "core": [0, 0], "fsize": [1 << 20, 1 << 20],
    }
    assert (found["nice"], found["umask"], found["oom"], found["NoNewPrivs"]) == (7, 0o027, 300, ["1"])


def check_nobody(found):
    """Nothing is left of what the server may do."""
    user = pwd.getpwnam("nobody")
    assert found["Uid"] == [str(user.pw_uid)] * 4
    assert found["Gid"] == [str(user.pw_gid)] * 4
    assert set(found["Groups"]) == set(map(str, os.getgrouplist("nobody", user.pw_gid)))
    assert all(int(found[name][0], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"))


def served(server, look, kind, *args):
    """What the program finds as a COMMAND, in --dir or as a CGI script, and its directory by default."""
    if kind == "cgi":
        one = server("--cgidir=%s" % look.parent, *args)
        with one.connect() as peer:
            peer.send(peer.request_bytes("/look", upgrade=False))
            status, _, body = peer.answer()
        assert status == 200, one.log()
        return json.loads(next(line for line in body.splitlines() if line.startswith(b"{")))
    command = ["--dir=%s" % look.parent] if kind == "dir" else [str(look)]
    one = server(*args, *command)
    ws = one.websocket("/look" if kind == "dir" else "/")
    found = json.loads(ws.text())
    ws.close()
    return found


@pytest.mark.parametrize("kind", ["command", "dir", "cgi"])
def test_limits_of_a_program(server, look, kind):
    found = served(server, look, kind, *LIMITS, "--chdir=/usr")
    check_limits(found)
    assert found["directory"] == (str(look.parent) if kind == "cgi" else "/usr")


@needs_root
@pytest.mark.parametrize("kind", ["command", "dir", "cgi"])
def test_user_of_a_program(server, look, kind):
    found = served(server, look, kind, *LIMITS, "--chdir=/usr", "--child-user=nobody", "--passenv=+HOME,LOGNAME,USER,SHELL")
    check_limits(found)
    check_nobody(found)
    entry = pwd.getpwnam("nobody")
    if kind != "cgi":
        assert found["environment"] == {"HOME": entry.pw_dir, "LOGNAME": "nobody", "USER": "nobody", "SHELL": entry.pw_shell}


@needs_root
@pytest.mark.parametrize("workers", [1, 2])
def test_groups_of_a_program(server, look, workers):
    """Those of the server are not passed on."""
    one = server(
        "--workers=%d" % workers, "--child-group=daemon", str(look), wrapper=("setpriv", "--groups=4,24", "--inh-caps=+chown"),
        argv0=os.path.abspath(WSPIPE),
    )
    ws = one.websocket()
    found = json.loads(ws.text())
    assert (found["Uid"], found["Gid"], found["Groups"]) == (["0"] * 4, [str(grp.getgrnam("daemon").gr_gid)] * 4, [])
    ws.close()
    other = server("--child-user=daemon", "--child-group=nogroup", str(look), wrapper=("setpriv", "--groups=4,24", "--inh-caps=+chown"),
                   argv0=os.path.abspath(WSPIPE))
    ws = other.websocket()
    found = json.loads(ws.text())
    assert found["Uid"] == [str(pwd.getpwnam("daemon").pw_uid)] * 4
    assert found["Gid"] == [str(grp.getgrnam("nogroup").gr_gid)] * 4
    assert "4" not in found["Groups"] and "24" not in found["Groups"]
    assert int(found["CapInh"][0], 16) == 0
    ws.close()


@needs_root
def test_program_of_another_user_dies_with_the_server(server, look):
    """The kernel forgets what is to happen then when the user changes."""
    one = server("--child-user=nobody", str(look))
    ws = one.websocket()
    ws.text()
    assert one.tagged()
    one.stopped = True
    one.process.kill()
    one.process.wait()
    wait_for(lambda: not one.tagged(), "the program is killed with its server")


@needs_root
def test_program_of_another_user_is_ended(server, look):
    one = server("--child-user=nobody", str(look))
    ws = one.websocket()
    ws.text()
    ws.close()
    wait_for(lambda: not one.tagged(), "the program has ended")


def start_fails(one, path="/", status=500):
    """The text of the response to a handshake that can't start its program."""
    with one.connect() as peer:
        peer.send(peer.request_bytes(path))
        got, _, body = peer.answer()
    assert got == status, body
    return body.decode()


@contextlib.contextmanager
def injected(one, call, what):
    """A system call fails, or does nothing, in all that the server starts."""
    command = ["strace", "-f", "-qq", "-p", str(one.pid), "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:%s" % (call, what)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    tracer = "/proc/%d/status" % one.pid

    def is_attached():
        if process.poll() is not None:
            pytest.skip("strace can't attach: " + process.stderr.read().decode())
        with open(tracer) as f:
            return "TracerPid:\t%d\n" % process.pid in f.read()

    try:
        wait_for(is_attached, "strace is attached")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


STEPS = [
    ("--nice=5", "setpriority", "error=EACCES", "--nice: Permission denied"),
    ("--rlimit=cpu=5", "prlimit64", "error=EPERM", "--rlimit=cpu: Operation not permitted"),
    ("--chdir=/usr", "chdir", "error=EACCES", "--chdir: Permission denied"),
    ("--child-oom-score=9", "openat", "error=EACCES", "--child-oom-score: Permission denied"),
    ("--no-new-privs", "prctl", "error=EINVAL", "--no-new-privs: Invalid argument"),
    ("--child-read=/", "landlock_restrict_self", "error=E2BIG", "--child-read: Argument list too long"),
    ("--child-user=nobody", "setgroups", "error=EPERM", "--child-user: Operation not permitted"),
    ("--child-user=nobody", "setresgid", "error=EPERM", "--child-user: Operation not permitted"),
    ("--child-user=nobody", "setresuid", "error=EPERM", "--child-user: Operation not permitted"),
    ("--child-user=nobody", "capset", "error=EPERM", "--child-user: Operation not permitted"),
    # They report success, and nothing has changed.
    ("--child-user=nobody", "setresgid", "retval=0", "--child-user: Operation not permitted"),
    ("--child-user=nobody", "setresuid", "retval=0", "--child-user: Operation not permitted"),
    ("--child-group=daemon", "setresgid", "retval=0", "--child-group: Operation not permitted"),
]


@needs_strace
@pytest.mark.parametrize("option,call,what,reason", STEPS, ids=["%s-%s-%s" % step[:3] for step in STEPS])
def test_program_that_can_not_be_confined_is_not_started(server, option, call, what, reason):
    if option.startswith(("--child-user", "--child-group")) and os.getuid() != 0:
        pytest.skip("only root can change the user of programs")
    one = server(option, "/bin/cat")
    with injected(one, call, what):
        assert reason in start_fails(one)
    ws = one.websocket()
    ws.send(frame(TEXT, "served again"))
    assert ws.text() == "served again"
    ws.close()


@needs_strace
@needs_root
def test_program_that_is_stopped_while_it_starts(server):
    """By another one of its user: the server goes on, and nothing of it is left."""
    one = server("--child-user=nobody", "/bin/cat")
    with injected(one, "capset", "signal=SIGSTOP"):
        assert "--child-user" in start_fails(one, status=503)
    wait_for(lambda: not one.tagged(), "the stopped process is killed")
    ws = one.websocket()
    ws.send(frame(TEXT, "served again"))
    assert ws.text() == "served again"
    ws.close()


@needs_root
def test_program_that_its_user_may_not_start(server, open_place):
    path = open_place / "program"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    one = server("--child-user=nobody", str(path))
    assert "--child-user: Permission denied" in start_fails(one)


@needs_root
def test_limit_on_processes_of_another_user(server, look):
    """It counts those that run already, so exec itself may fail."""
    free = server("--child-user=daemon", str(look))
    others = [free.websocket() for _ in range(2)]
    for ws in others:
        ws.text()
    one = server("--child-user=daemon", "--rlimit=nproc=1", str(look))
    assert "--rlimit=nproc" in start_fails(one, status=503)
    for ws in others:
        ws.close()


def wspipe(*args, wrapper=()):
    done = subprocess.run(
        [*wrapper, os.path.abspath(WSPIPE), "--port=0", *args], capture_output=True, text=True, timeout=DEADLINE, check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stderr


def test_accounts_that_can_not_be_used():
    cases = [
        (["--child-user=no-such-user"], "--child-user=no-such-user: the user does not exist"),
        (["--child-user=root"], "--child-user=root: root is not allowed; choose another user"),
        (["--child-user=4000000"], "--child-user=4000000: a number without an entry in passwd(5) needs a group, too"),
        (["--child-user=nobody", "--child-group=no-such-group"], "--child-user=nobody: the group 'no-such-group' does not exist"),
        (["--child-group=no-such-group"], "--child-group=no-such-group: the group 'no-such-group' does not exist"),
    ]
    for args, reason in cases:
        assert wspipe(*args, "/bin/cat") == (78, "wspipe: %s\n" % reason)


def test_only_root_changes_the_user():
    wrapper = ("setpriv", "--reuid=65534", "--clear-groups", "--") if os.getuid() == 0 else ()
    binary = os.path.abspath(WSPIPE)
    if wrapper and subprocess.run([*wrapper, binary, "--version"], capture_output=True).returncode != 0:
        pytest.skip("another user can't start the program here")
    status, text = wspipe("--child-user=daemon", "/bin/cat", wrapper=wrapper)
    assert (status, text) == (
        78, "wspipe: --child-user=daemon: only a server that runs as root can change the user of programs (CAP_SETUID, CAP_SETGID, CAP_KILL)\n",
    )


# Landlock

def has_landlock():
    status, _ = wspipe("--check-config", "--child-read=/", "/bin/cat")
    return status == 0


needs_landlock = pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")


@needs_strace
@pytest.mark.parametrize("error,reason", [
    ("ENOSYS", "this kernel has no Landlock, which Linux has since 5.13"),
    ("EOPNOTSUPP", "Landlock is off; add landlock to lsm= on the kernel's command line"),
])
@pytest.mark.parametrize("option", ["read", "write"])
def test_without_landlock_the_option_is_rejected(option, error, reason):
    call = "landlock_create_ruleset"
    wrapper = (*STRACE, "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:error=%s" % (call, error))
    assert wspipe("--child-%s=/" % option, "/bin/cat", wrapper=wrapper) == (78, "wspipe: --child-%s: %s\n" % (option, reason))
    # Nobody else needs it.
    assert wspipe("--check-config", "/bin/cat", wrapper=wrapper)[0] == 0


@needs_landlock
@needs_strace
def test_gap_of_an_old_landlock_is_logged(server):
    call = "landlock_create_ruleset"
    wrapper = (*STRACE, "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:retval=2:when=1" % call)
    status, text = wspipe("--check-config", "--child-read=/", "/bin/cat", wrapper=wrapper)
    assert status == 0
    assert "--child-read: this kernel can't keep a program from truncating files" in text


@needs_landlock
def test_paths_that_do_not_exist_can_not_be_allowed():
    assert wspipe("--child-write=/no/such/path", "/bin/cat") == (78, "wspipe: --child-write=/no/such/path: No such file or directory\n")


@pytest.fixture
def files(open_place):
    """A directory that may be read, one that may be written, and one that is neither."""
    for name in ("read", "write", "none"):
        (open_place / name).mkdir()
        (open_place / name).chmod(0o777)
        (open_place / name / "old").write_text("text")
        (open_place / name / "old").chmod(0o777)
    return open_place


@needs_landlock
@pytest.mark.parametrize("user", [(), pytest.param(("--child-user=nobody",), marks=needs_root)], ids=["same", "nobody"])
@pytest.mark.parametrize("workers", [1, 2])
def test_files_of_a_program(server, look, files, user, workers):
    one = server("--workers=%d" % workers, *user, "--child-read=%s/read" % files, "--child-write=%s/write" % files,
                 "--child-read=/proc", str(look))
    ws = one.websocket()
    found = json.loads(ws.text())
    assert found["NoNewPrivs"] == ["1"]
    denied = "PermissionError"
    for question, answer in [
        ("open('%s/read/old').read()", "text"),
        ("os.listdir('%s/read')", ["old"]),
        ("open('%s/read/old', 'r+') and 1", denied),
        ("os.truncate('%s/read/old', 0)", denied),
        ("open('%s/read/new', 'w') and 1", denied),
        ("os.unlink('%s/read/old')", denied),
        ("open('%s/write/old').read()", "text"),
        ("open('%s/write/new', 'w').write('four')", 4),
        ("os.rename('%s/write/new', '%s/write/newer')", None),
        ("os.mkdir('%s/write/directory')", None),
        ("os.unlink('%s/write/newer')", None),
        ("os.truncate('%s/write/old', 1)", None),
        ("os.spawnl(os.P_WAIT, '%s/write/old', 'old')", 127),
        ("open('%s/none/old').read()", denied),
        ("os.listdir('%s/none')", denied),
        ("os.listdir('%s')", denied),
        ("open('%s/none/new', 'w') and 1", denied),
        ("open('/etc/passwd').read()", denied),
        ("len(os.listdir('/usr')) > 0", True),
        ("open('/dev/null', 'w').write('none')", 4),
        ("len(open('/dev/urandom', 'rb').read(4))", 4),
        ("len(open('/dev/zero', 'rb').read(4))", 4),
        ("open('/dev/zero', 'r+b') and 1", denied),
        ("os.spawnl(os.P_WAIT, '/bin/true', 'true')", 0),
    ]:
        question = question.replace("%s", str(files))
        if os.getuid() != 0 and "truncate('%s/read" % files in question:
            continue
        assert ask(ws, question) == answer, question
    ws.close()


@needs_landlock
@pytest.mark.parametrize("kind", ["command", "dir", "cgi"])
def test_program_and_its_interpreter_may_be_read(server, look, files, kind):
    """Wherever they are; a binary as well as a script, whose interpreter may be a script, too."""
    own = files / "none" / "own-python"
    shutil.copy(os.path.realpath("/usr/bin/python3"), own)
    own.chmod(0o755)
    inner = files / "none" / "inner"
    inner.write_text("#!%s\n" % own + LOOK.split("\n", 1)[1].replace("sys.argv[1:]", "()"))
    inner.chmod(0o755)
    look.write_text("#!%s\n" % inner)
    found = served(server, look, kind, "--child-read=/proc", "--child-read=%s/read" % files)
    assert found["NoNewPrivs"] == ["1"]


@needs_landlock
def test_reload_changes_what_programs_may_do(server, look, files, tmp_path):
    config = tmp_path / "wspipe.conf"
    text = "[/]\ncommand = %s\nchild-read = /proc\nchild-read = %s/%s\nnice = %d\n"
    config.write_text(text % (look, files, "read", 3))
    one = server("--config=%s" % config)
    ws = one.websocket()
    assert json.loads(ws.text())["nice"] == 3
    config.write_text(text % (look, files, "none", 4))
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("configuration reloaded")
    other = one.websocket()
    assert json.loads(other.text())["nice"] == 4
    for peer, name in ((ws, "read"), (other, "none")):
        assert ask(peer, "open('%s/%s/old').read()" % (files, name)) == "text"
        assert ask(peer, "open('%s/%s/old').read()" % (files, "none" if name == "read" else "read")) == "PermissionError"
        peer.close()
    config.write_text(text % (look, files, "gone", 4))
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("child-read.*No such file")
