# SPDX-License-Identifier: BSD-2-Clause
"""--user and --group: what needs root is done first, and then nothing of root is left."""

import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest
from conftest import TLS, WSPIPE, client_context, wait_for
from probes import STRACE
from wsraw import DEADLINE, TEXT, frame

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can drop its privileges")
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")

REPORT = ("sh", "-c", "grep -E '^(Uid|Gid|Groups|Cap)' /proc/self/status; echo HOME=$HOME USER=$USER; cat")


def fields(text):
    return {name: value.split() for name, value in re.findall(r"^(\w+)[:=](.*)$", text, re.M)}


def check_dropped(text, user, group=None):
    found = fields(text)
    entry = pwd.getpwnam(user)
    gid = entry.pw_gid if group is None else group
    assert found["Uid"] == [str(entry.pw_uid)] * 4
    assert found["Gid"] == [str(gid)] * 4
    assert set(found["Groups"]) == set(map(str, os.getgrouplist(user, gid)))
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(found[name][0], 16) == 0, name


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return f.read()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("user,group", [("nobody", None), ("daemon", "nogroup")])
def test_nothing_of_root_is_left(server, workers, user, group):
    """In the server, its workers and their programs. The key of the certificate is only root's."""
    one = server(
        "--user=" + user, *(["--group=" + group] if group else []), "--workers=%d" % workers, "--passenv=+HOME,USER", *REPORT,
        wrapper=("setpriv", "--groups=4,24", "--inh-caps=+chown"), argv0=os.path.abspath(WSPIPE),
    )
    gid = 65534 if group else None
    for pid in [one.pid, *(one.workers() if workers > 1 else [])]:
        check_dropped(status_of(pid), user, gid)
    ws = one.websocket()
    text = "".join(ws.text() + "\n" for _ in range(9))
    check_dropped(text, user, gid)
    assert "HOME=%s USER=%s\n" % (pwd.getpwnam(user).pw_dir, user) in text
    ws.close()
    assert "run as root" not in one.log()


def test_worker_that_replaces_another_has_no_privileges(server):
    one = server("--user=nobody", "--workers=2", "cat")
    dead = one.workers()[0]
    os.kill(dead, signal.SIGKILL)

    def replaced():
        found = one.workers()
        return found if found and dead not in found else None

    for pid in wait_for(replaced, "another worker serves"):
        check_dropped(status_of(pid), "nobody")


def wspipe(*args, wrapper=()):
    done = subprocess.run(
        [*wrapper, os.path.abspath(WSPIPE), "--port=0", *args], capture_output=True, text=True, timeout=DEADLINE, check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stderr


@needs_strace
@pytest.mark.parametrize("call,what", [
    ("setgroups", "error=EPERM"), ("setresgid", "error=EPERM"), ("setresuid", "error=EPERM"), ("capset", "error=EPERM"),
    # They report success, and nothing has changed.
    ("setresgid", "retval=0"), ("setresuid", "retval=0"),
])
def test_privileges_that_can_not_be_dropped(call, what):
    wrapper = (*STRACE, "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:%s" % (call, what))
    assert wspipe("--user=nobody", "/bin/cat", wrapper=wrapper) == (
        71, "wspipe: --user=nobody: can't drop all privileges: Operation not permitted; nothing is served\n",
    )


def test_users_that_can_not_be_used():
    for args, status, reason in [
        (["--user=no-such-user"], 78, "--user=no-such-user: the user does not exist"),
        (["--user=root"], 78, "--user=root: root is not allowed; choose another user"),
        (["--user=nobody", "--group=no-such-group"], 78, "--user=nobody: the group 'no-such-group' does not exist"),
        (["--group=daemon"], 64, "--group needs --user=USER: add it, or leave out --group"),
        (["--user=nobody", "--child-user=daemon"], 78, "--child-user and --user can't be combined: without its privileges the server can't "
         "change the user of programs, which run as --user; leave out one of them"),
        (["--user=nobody", "--child-oom-score=5"], 78, "--child-oom-score and --user can't be combined: only root could set the score then; leave out one of them"),
    ]:
        for check in ([], ["--check-config"]):
            assert wspipe(*check, *args, "/bin/cat") == (status, "wspipe: %s\n" % reason)


@pytest.fixture
def binary(open_place):
    """The build directory may be closed to others."""
    return shutil.copy(WSPIPE, open_place)


def test_only_root_drops_privileges(binary):
    wrapper = ("setpriv", "--reuid=65534", "--regid=65534", "--init-groups", "--", binary)
    done = subprocess.run([*wrapper, "--port=0", "--user=daemon", "/bin/cat"], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stderr) == (
        78, "wspipe: --user=daemon: only a server that is started as root can change its user (CAP_SETUID, CAP_SETGID, CAP_KILL)\n",
    )
    # But a server that is that user already needs no more, as one that replaces itself.
    done = subprocess.run([*wrapper, "--port=0", "--user=nobody", "--check-config", "/bin/cat"], capture_output=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0


def echoes(one):
    with one.websocket() as ws:
        ws.send(frame(TEXT, "echo"))
        return ws.text() == "echo"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_log_that_is_a_link_keeps_its_owner(server, open_place, link):
    """The user may own the directory: a link there must not give it a file of root."""
    target = open_place / "target"
    target.write_text("")
    target.chmod(0o600)
    log = open_place / "log"
    link(target, log)
    one = server("--user=nobody", "--log-file=%s" % log, "cat")
    one.wait_log("is a link: its owner is not changed")
    assert target.stat().st_uid == 0
    assert echoes(one)


def test_reload_has_no_privileges(server, open_place, certificate):
    """It reads what the user may read, or the old configuration stays."""
    config = open_place / "wspipe.conf"
    text = "user = nobody\n%s[/]\ncommand = /bin/cat\n" % ("ssl = true\nsslcert = %s\nsslkey = %s\n" % certificate if TLS else "")
    config.write_text(text)
    one = server("--config=%s" % config, tls=None)
    if TLS:
        one.context = client_context(certificate[0])
    assert echoes(one)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("can't be read: Permission denied" if TLS else "configuration reloaded, 1 endpoint")
    config.write_text(text.replace("nobody", "daemon"))
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("a reload can't change user: restart the server")
    assert echoes(one)
    config.chmod(0o600)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log(re.escape(str(config)) + ".*Permission denied")
    assert echoes(one)
    check_dropped(status_of(one.pid), "nobody")
