# SPDX-License-Identifier: BSD-2-Clause
"""TLS: what is spoken and what is refused, tickets, reloading, and the bridge over it."""

import contextlib
import hashlib
import os
import re
import resource
import select
import shutil
import signal
import ssl
import struct
import subprocess
import termios
import time

import pytest
from conftest import WSPIPE, client_context, make_certificate, rss_kib, tagged, wait_for
from probes import SANITIZED, bytes_read, preload, unsanitized, wait_still
from tlsprobes import V12, V13, context_of, echo, end, file_fingerprint, fingerprint, make_client, replace, resume, s_client, start_failed
from wsraw import BINARY, DEADLINE, TEXT, close_frame, frame

# Versions, suites, groups


@pytest.mark.parametrize("version, name", [(V12, "TLSv1.2"), (V13, "TLSv1.3")])
def test_tls_1_2_and_1_3_are_spoken(secure, version, name):
    one = secure("cat")
    with one.connect(context=context_of(one, version)) as peer:
        assert peer.sock.tls.version() == name
        assert re.search("GCM|CHACHA20", peer.sock.tls.cipher()[0])
        assert peer.sock.tls.compression() is None
        peer.upgrade()
        echo(peer)
        end(peer)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(secure, version):
    one = secure("cat")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        one.connect(context=context_of(one, version, "ALL:@SECLEVEL=0"))
    line = one.wait_log(r"access http rejected remote=(\S+) reason=(.*)")
    assert "TLS: " in line[2]


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256"])
def test_suites_without_aead_or_forward_secrecy_are_refused(secure, suite):
    one = secure("cat")
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        one.connect(context=context_of(one, V12, suite + ":@SECLEVEL=0"))


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_groups_are_x25519_and_p256(secure, version):
    one = secure("cat")
    # In TLS 1.2 the list is also that of the curves which a certificate may have.
    for group, key in (("X25519:P-256", "X25519, 253 bits"), ("P-256", "ECDH, prime256v1, 256 bits")):
        status, said = s_client(one, version, "-groups", group)
        assert status == 0 and "Server Temp Key: " + key in said, said
    for group in ("P-384", "X448"):
        status, said = s_client(one, version, "-groups", group)
        assert status != 0 and "handshake failure" in said, said


def test_renegotiation_is_refused(secure):
    one = secure("cat")
    status, said = s_client(one, "-tls1_2", stdin=b"R\nQ\n")
    assert "RENEGOTIATING" in said
    assert status != 0 and "no renegotiation" in said, said


def test_there_is_no_early_data(secure, tmp_path):
    one = secure("cat")
    session, early = str(tmp_path / "session"), tmp_path / "early"
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    early.write_bytes(request)
    status, said = s_client(one, "-tls1_3", "-ign_eof", "-sess_out", session, stdin=request)
    assert status == 0 and "Max Early Data: 0" in said, said
    status, said = s_client(one, "-tls1_3", "-sess_in", session, "-early_data", str(early))
    assert "Reused, TLSv1.3" in said and "Early data was not sent" in said, said


# ALPN


@pytest.mark.parametrize(
    "offered, chosen", [(None, None), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (["http/1.1", "h2"], "http/1.1")]
)
def test_alpn_answers_http_1_1(secure, offered, chosen):
    one = secure("cat")
    context = ssl.create_default_context(cafile=one.ca)
    if offered:
        context.set_alpn_protocols(offered)
    with one.connect(context=context) as peer:
        assert peer.sock.tls.selected_alpn_protocol() == chosen
        peer.upgrade()
        echo(peer)


@pytest.mark.parametrize("version", [V12, V13])
def test_alpn_of_h2_alone_is_refused(secure, version):
    one = secure("cat")
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        one.connect(context=context_of(one, version, alpn=["h2"]))


# Tickets


@pytest.mark.parametrize("version", [V12, V13])
def test_a_ticket_resumes_until_the_certificates_are_read_anew(secure, version):
    one = secure("cat")
    context = context_of(one, version)
    session, reused = resume(one, context)
    assert session.has_ticket and not reused
    session, reused = resume(one, context, session)
    assert reused
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: certificates reloaded")
    again, reused = resume(one, context, session)
    assert not reused
    assert resume(one, context, again)[1]


# Reload


def test_sighup_takes_new_certificates_and_live_sessions_stay(secure, tmp_path):
    pair = make_certificate(tmp_path, "own")
    one = secure("cat", tls=pair)
    before = file_fingerprint(pair[0])
    with one.websocket() as old:
        assert fingerprint(old) == before
        replace(pair, tmp_path)
        after = file_fingerprint(pair[0])
        assert after != before
        with one.connect() as still:
            assert fingerprint(still) == before
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("info server SIGHUP: certificates reloaded")
        with one.connect(context=client_context(pair[0])) as new:
            assert fingerprint(new) == after
            new.upgrade()
            echo(new)
            echo(old, "the old one goes on")
            end(new)
        end(old)


def test_sighup_with_a_bad_certificate_keeps_the_old_one(secure, tmp_path):
    pair = make_certificate(tmp_path, "own")
    one = secure("cat", tls=pair)
    other = make_certificate(tmp_path, "other")
    with open(pair[0]) as f:
        good = f.read()
    with one.websocket() as ws:
        for count, (text, why) in enumerate(
            [
                ("", "the certificate %s is not PEM" % pair[0]),
                (None, "the certificate %s can't be read: No such file or directory" % pair[0]),
                (other[0], "the key %s does not belong to the certificate %s: " % (pair[1], pair[0])),
            ],
            1,
        ):
            if text is None:
                os.unlink(pair[0])
            else:
                with open(pair[0], "w") as f:
                    f.write(open(text).read() if text else "")
            one.process.send_signal(signal.SIGHUP)
            one.wait_log(r"error server SIGHUP: %s.*; the old certificates stay in use" % re.escape(why))
            assert len(re.findall("the old certificates stay in use", one.log())) == count
            with one.websocket() as new:
                echo(new)
                end(new)
        with open(pair[0], "w") as f:
            f.write(good)
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("SIGHUP: certificates reloaded")
        echo(ws)
        end(ws)


def test_sighup_reloads_also_where_it_was_ignored(secure):
    one = secure("cat", preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: certificates reloaded")
    with one.websocket() as ws:
        echo(ws)


def test_reloading_often_leaks_nothing(secure):
    one = secure("cat")
    with one.websocket() as ws:
        for i in range(1, 31):
            one.process.send_signal(signal.SIGHUP)
            one.wait_log("SIGHUP: certificates reloaded", count=i)
            with one.connect():
                pass
        echo(ws)


# What can be wrong at the start


def test_a_key_that_others_can_read_is_reported(secure, tmp_path):
    pair = make_certificate(tmp_path, "own")
    os.chmod(pair[1], 0o644)
    one = secure("cat", tls=pair)
    one.wait_log("warn server the key %s is readable by other users; run chmod 600 %s\n" % ((re.escape(pair[1]),) * 2))


@pytest.mark.parametrize("workers", (1, 2))
def test_a_certificate_that_expires_soon_is_reported_at_startup_and_reload(secure, tmp_path, workers):
    """By the parent, where there is one; its workers load the same files."""
    pair = make_certificate(tmp_path, "own", days=3)
    one = secure("--workers=%d" % workers, "cat", tls=pair)
    line = r"warn server the certificate %s expires on 2\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC; replace the file and send SIGHUP\n" % re.escape(pair[0])
    one.wait_log(line)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: certificates reloaded", count=workers)
    assert len(re.findall(line, one.log())) == 2
    replace(pair, tmp_path)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: certificates reloaded", count=2 * workers)
    assert len(re.findall(line, one.log())) == 2


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root sees whether the memory of others is hidden")
@pytest.mark.parametrize("hidden, workers", [(False, 1), (True, 1), (False, 2), (True, 2)])
def test_no_core_dumps_hides_the_server_and_not_its_programs(secure, open_place, hidden, workers):
    """As an ordinary user, for whom what is hidden is root's in /proc; and all goes on that looks for files."""
    nobody = 65534
    (open_place / "programs").mkdir()
    (open_place / "programs" / "show").write_text("#!/bin/sh\nstat -c %u /proc/$$/environ && readlink /proc/$$/fd/0 && exec cat\n")
    (open_place / "programs" / "show").chmod(0o755)
    (open_place / "site").mkdir()
    (open_place / "site" / "page").write_text("a page\n")
    pair = make_certificate(open_place, "own")
    os.chown(pair[1], nobody, nobody)
    binary = shutil.copy(WSPIPE, open_place)
    core = resource.getrlimit(resource.RLIMIT_CORE)[1]
    one = secure("--dir", str(open_place / "programs"), "--staticdir", str(open_place / "site"), *["--no-core-dumps"] * hidden, "--workers=%d" % workers,
                 tls=pair, argv0=binary, wrapper=("setpriv", "--reuid=%d" % nobody, "--regid=%d" % nobody, "--clear-groups"),
                 preexec=lambda: resource.setrlimit(resource.RLIMIT_CORE, (core, core)) if hidden else None)
    for pid in [one.pid] + (one.workers() if workers > 1 else []):
        assert os.stat("/proc/%d/environ" % pid).st_uid == (0 if hidden else nobody)
    for _ in range(2):
        with one.websocket("/show") as ws:
            assert ws.text() == str(nobody)
            assert ws.text().startswith("pipe:")
            echo(ws)
            end(ws)
        with one.connect() as peer:
            peer.send(peer.request_bytes("/page", upgrade=False))
            assert peer.answer()[::2] == (200, b"a page\n")
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("SIGHUP: certificates reloaded")
    if workers > 1:
        # One that comes later is hidden as well, and the parent sees what the dead one has left.
        with one.websocket("/show"):
            for pid in one.workers():
                os.kill(pid, signal.SIGKILL)
            one.wait_log("was killed by SIGKILL", count=2)
            one.check_clean()
        for pid in one.workers():
            assert os.stat("/proc/%d/environ" % pid).st_uid == (0 if hidden else nobody)
    elif hidden:
        one.check_clean()
        one.process.send_signal(signal.SIGABRT)
        assert os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_KILLED
        one.stopped = True


@pytest.mark.parametrize("which", ["missing", "empty", "other", "ca"])
def test_files_that_do_not_do_are_told_at_the_start(secure, tmp_path, which):
    cert, key = make_certificate(tmp_path, "own")
    args = []
    why = {
        "missing": "wspipe: the certificate %s can't be read: No such file or directory\n" % cert,
        "empty": "wspipe: %s contains no private key in PEM\n" % key,
        "other": "wspipe: the key %s does not belong to the certificate %s: key values mismatch\n" % (key, cert),
        "ca": "wspipe: --sslca nowhere can't be read: No such file or directory\n",
    }[which]
    if which == "missing":
        os.unlink(cert)
    elif which == "empty":
        open(key, "w").close()
    elif which == "other":
        os.replace(make_certificate(tmp_path, "second")[1], key)
    else:
        args = ["--sslca=nowhere"]
    # The harness's own client would want the certificate as well.
    one = secure("--ssl", "--sslcert", cert, "--sslkey", key, *args, "cat", tls=None, ready=False)
    assert why in start_failed(one, 78)


def test_files_that_do_not_do_are_told_as_websocketd_does(secure, tmp_path):
    one = secure("--ssl", "--sslcert=nowhere", "--sslkey=nowhere", "cat", tls=None, ready=False, argv0="websocketd")
    log = start_failed(one, 3)
    assert re.search(r"\| FATAL  \| server +\| +\| Can't start server: the certificate nowhere can't be read", log), log


# What the server and the program know of it


def test_the_environment_and_the_origin_are_those_of_https(secure):
    one = secure("sh", "-c", 'echo "$HTTPS $SERVER_NAME $SERVER_PORT"; cat')
    host = "localhost:%d" % one.addresses[0][1]
    assert " on wss://localhost:%d/ (this machine only" % one.addresses[0][1] in one.log()
    for headers, said in (
        ({"Host": "localhost"}, "on localhost 443"),
        ({"Host": host}, "on localhost %d" % one.addresses[0][1]),
        ({"Host": host, "Origin": "https://" + host}, "on localhost %d" % one.addresses[0][1]),
        ({"Host": "localhost", "Origin": "https://localhost"}, "on localhost 443"),
    ):
        with one.websocket(headers=headers) as ws:
            assert ws.text() == said
    for origin in ("http://" + host, "http://localhost", "https://localhost:80"):
        with one.connect() as peer:
            peer.send(peer.request_bytes(headers={"Host": host, "Origin": origin}))
            assert peer.answer()[0] == 403


def test_static_files_and_refusals_come_over_tls(secure, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "big").write_bytes(bytes(range(256)) * 8192)
    one = secure("--staticdir=site", "cat")
    with one.connect() as peer:
        peer.send(peer.request_bytes("/big", {"Connection": "close"}, upgrade=False))
        status, _, body = peer.answer()
        assert (status, body) == (200, bytes(range(256)) * 8192)
    with one.connect() as peer:
        peer.send(peer.request_bytes("/none", upgrade=False))
        assert peer.answer()[0] == 404
    with one.connect() as peer:
        peer.send(b"NONSENSE\r\n\r\n")
        assert peer.answer()[0] == 400


# The bridge


def test_many_small_messages_come_in_few_records(secure):
    one = secure("sh", "-c", 'read -r x; printf "%s" "$(seq 1 100)"; cat')
    with one.websocket() as ws:
        before = len(ws.sock.records)
        ws.send(frame(TEXT, "go"))
        assert [ws.text() for _ in range(99)] == [str(i) for i in range(1, 100)]
        # 100 frames, of which the last has no newline yet.
        assert len(ws.sock.records) - before <= 3, ws.sock.records


def test_a_large_message_comes_in_full_records(secure):
    one = secure("sh", "-c", 'read -r x; head -c 1000000 /dev/zero | tr "\\0" x; echo; cat')
    with one.websocket() as ws:
        before = len(ws.sock.records)
        ws.send(frame(TEXT, "go"))
        assert len(ws.text()) == 1000000
        # At most two for each read of 64 KiB from the program more than its bytes need.
        assert len(ws.sock.records) - before <= 1000000 // 16384 + 2 * (1000000 // 4096)


class Allocator:
    """That of a server which is started with env=allocator.env: it fails when it is told to."""

    def __init__(self, tmp_path):
        self.file = tmp_path / "malloc_fail"
        self.file.write_bytes(bytes(16))
        self.env = {"LD_PRELOAD": preload(tmp_path, "malloc_fail.c"), "MALLOC_FAIL": str(self.file)}

    def fail(self, after, count=1):
        """COUNT allocations, after some that succeed."""
        with open(self.file, "r+b") as f:
            f.write(struct.pack("=qq", after, count))

    def left(self):
        """How many were still to succeed."""
        return struct.unpack("=qq", self.file.read_bytes())[0]


def shakes_hands(one, context):
    try:
        return resume(one, context)[0] is not None
    except OSError:
        return False


@unsanitized
@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("with_client", [False, True])
def test_no_memory_in_the_first_handshake_breaks_no_later_one(secure, tmp_path, version, with_client):
    """What OpenSSL does but once is done at the start."""
    allocator = Allocator(tmp_path)
    args, client = [], None
    if with_client:
        args = ["--sslca", make_certificate(tmp_path, "ca", "/CN=Test CA", None)[0]]
        client = make_client(tmp_path, "client", "0x5", "/CN=client")
    refused = 0
    for after in range(0, 6000, 150 if with_client else 50):
        one = secure(*args, "cat", env=allocator.env)
        context = context_of(one, version, client=client)
        allocator.fail(after, count=4)
        refused += not shakes_hands(one, context)
        left = allocator.left()
        allocator.fail(0, count=0)
        assert shakes_hands(one, context), after
        one.stop()
        if left > 0:
            break
    assert refused > 3 and left > 0


@unsanitized
def test_no_memory_in_any_handshake_breaks_another_one(secure, tmp_path):
    allocator = Allocator(tmp_path)
    one = secure("cat", env=allocator.env)
    context = context_of(one)
    with one.websocket() as other:
        echo(other)
        assert shakes_hands(one, context)  # nothing of OTHER's is left to do
        for after in range(0, 800, 7):
            allocator.fail(after)
            shakes_hands(one, context)
            allocator.fail(0, count=0)
            assert shakes_hands(one, context), after
        echo(other)


def test_a_client_that_asks_for_new_keys_again_and_again_is_disconnected(secure):
    """Its session ends with the reason in the log; another one does not notice."""
    one = secure("cat")
    # A terminal gives the client one line for each read, however many are there: so it asks at its full rate.
    keyboard, stdin = os.openpty()
    settings = termios.tcgetattr(stdin)
    settings[0], settings[3] = 0, termios.ICANON
    termios.tcsetattr(stdin, termios.TCSANOW, settings)
    with one.websocket() as other, open(keyboard, "wb", buffering=0) as keys:
        client = subprocess.Popen(
            ["openssl", "s_client", "-tls1_3", "-connect", "%s:%d" % one.addresses[0]],
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        os.close(stdin)
        try:
            keys.write(other.request_bytes())
            one.wait_log(r"session #2 open")
            keys.write(b"k\n" * 1000)
            one.wait_log('session #2 close .*reason="too many TLS messages without data, such as KeyUpdate"')
        finally:
            client.kill()
            asked = client.communicate()[0].count(b"KEYUPDATE")
        assert asked > 32
        echo(other)


@pytest.mark.parametrize("version", [V12, V13])
def test_64_mb_come_back_byte_for_byte(secure, version):
    one = secure("--binary", "cat")
    block = os.urandom(256 * 1024)
    packet = frame(BINARY, block)
    count = 256
    got = hashlib.sha256()
    received = 0
    pending = b""
    left = count
    out = b""
    with one.connect(context=context_of(one, version)) as ws:
        ws.upgrade()
        ws.sock.setblocking(False)
        deadline = time.monotonic() + 4 * DEADLINE
        pending = bytearray(ws.buffer)
        while received < count * len(block):
            assert time.monotonic() < deadline, received
            if not out and left:
                out, left = memoryview(packet), left - 1
            select.select([ws.sock.sock], [ws.sock.sock] if out else [], [], 10)
            if out:
                try:
                    out = out[ws.sock.send(out) :]
                except BlockingIOError:
                    pass
            else:
                try:
                    ws.sock.flush()
                except BlockingIOError:
                    pass
            try:
                while True:
                    pending += ws.sock.recv(65536)
            except BlockingIOError:
                pass
            while len(pending) >= 2:
                length, head = pending[1], 2
                if length == 126:
                    head, length = 4, int.from_bytes(pending[2:4], "big")
                elif length == 127:
                    head, length = 10, int.from_bytes(pending[2:10], "big")
                if len(pending) < head or len(pending) < head + length:
                    break
                assert pending[0] == 0x80 | BINARY
                got.update(pending[head : head + length])
                received += length
                del pending[: head + length]
        ws.sock.settimeout(DEADLINE)
        expected = hashlib.sha256()
        for _ in range(count):
            expected.update(block)
        assert got.hexdigest() == expected.hexdigest()
        end(ws)


def written(one):
    """Bytes that the server's program has written."""
    total = 0
    for pid, command in tagged(one.tag):
        if command.startswith("yes"):
            with open("/proc/%d/io" % pid) as f:
                total += int(re.search(r"wchar: (\d+)", f.read()).group(1))
    return total


def test_a_slow_reader_is_bounded(secure, request):
    one = secure("yes")
    idle = rss_kib(one.pid)
    peers = [one.websocket(rcvbuf=4096) for _ in range(8)]
    request.addfinalizer(lambda: [peer.close() for peer in peers])
    last = [-1]

    def stands_still():
        now, last[0] = last[0], written(one)
        time.sleep(0.3)
        return now == last[0] > 0

    wait_for(stands_still, "the program is held back")
    if not SANITIZED:
        assert rss_kib(one.pid) - idle < 8 * 1024
    # It goes on as soon as somebody reads.
    held = written(one)
    assert peers[0].read(16 * 1024 * 1024)[-3:] in (b"\x81\1y", b"\1y\x81", b"y\x81\1")
    assert written(one) > held


def test_input_that_waited_inside_openssl_is_read_when_reading_goes_on(secure, script, tmp_path):
    """The program does not read, so reading is paused in the middle of what the server has taken from its socket."""
    slow = script("slow", "#!/bin/sh\nread -r x; read -r x; until test -e go; do sleep 0.01; done; echo go; wc -c\n")
    one = secure("--binary", slow)
    total = 0
    with one.websocket() as ws:
        ws.send(frame(BINARY, b"a\nb\n"))
        ws.sock.setblocking(False)
        data = frame(BINARY, b"x" * 4000)
        out = memoryview(data)

        def fill():
            nonlocal out, total
            try:
                while True:
                    out = out[ws.sock.send(out) :]
                    if not out:
                        total += 4000
                        out = memoryview(data)
            except BlockingIOError:
                return total, len(out), bytes_read(one.pid)

        wait_still(fill, "what the server and the kernel take")
        (tmp_path / "go").touch()
        ws.sock.settimeout(DEADLINE)
        if len(out) < len(data):
            ws.send(out)
            total += 4000
        ws.sock.flush()
        assert total > 200000
        opcode, text = ws.message()
        assert (opcode, text) == (BINARY, b"go\n")
        ws.send(frame(BINARY, b"x"))
        ws.send(close_frame(1000))
        assert ws.closed(answer=False)[0] == 1000
        assert ws.read_to_end() == b""
    one.wait_log("session #1 close .*in_bytes=%d" % (total + 5))
