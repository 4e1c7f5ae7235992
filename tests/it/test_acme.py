# SPDX-License-Identifier: BSD-2-Clause
"""
A certificate is issued and renewed by certbot while wspipe serves, as doc/deploy.md describes. pebble is the CA. Not part
of `make check`: ./dev interop runs it.
"""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from conftest import make_certificate, wait_for
from wsraw import TEXT, Peer, frame, free_port

NAME = "ws.example.com"
SESSIONS = 20


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Authority:
    """pebble, with a DNS server that knows every name as this machine."""

    def __init__(self, place):
        self.place, self.processes = place, []
        self.port, self.http, dns, control, admin = (free_port() for _ in range(5))
        certificate, key = make_certificate(place, "pebble")
        config = {
            "listenAddress": "127.0.0.1:%d" % self.port, "managementListenAddress": "127.0.0.1:%d" % admin,
            "certificate": certificate, "privateKey": key, "httpPort": self.http, "tlsPort": free_port(),
            "ocspResponderURL": "", "externalAccountBindingRequired": False,
        }
        (place / "pebble.json").write_text(json.dumps({"pebble": config}))
        self.log = open(place / "pebble.log", "wb")
        self.start("pebble-challtestsrv", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-dns01", "127.0.0.1:%d" % dns,
                   "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", "127.0.0.1:%d" % control)
        self.start("pebble", "-config", str(place / "pebble.json"), "-dnsserver", "127.0.0.1:%d" % dns)
        self.ca = certificate
        for port in (control, self.port):
            wait_for(lambda: listens(port), lambda: "pebble listens:\n" + (place / "pebble.log").read_text())

    def start(self, *command):
        env = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0")
        self.processes.append(subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log))

    def certbot(self, command, *args):
        """Runs certbot; returns the directory of the certificate."""
        place = self.place / "letsencrypt"
        done = subprocess.run(
            ["certbot", command, "--non-interactive", "--config-dir=%s" % place, "--work-dir=%s/work" % place,
             "--logs-dir=%s/logs" % place, *args],
            env=dict(os.environ, REQUESTS_CA_BUNDLE=self.ca), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return place / "live" / NAME

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait(20)
        self.log.close()


@pytest.fixture
def authority(tmp_path):
    for program in ("pebble", "pebble-challtestsrv", "certbot"):
        if not shutil.which(program):
            pytest.skip("%s is missing: install pebble and certbot" % program)
    one = Authority(tmp_path)
    yield one
    one.stop()


def test_a_renewed_certificate_is_served_without_dropping_a_session(server, authority):
    live = authority.certbot(
        "certonly", "--standalone", "--http-01-port=%d" % authority.http, "--server=https://localhost:%d/dir" % authority.port,
        "--agree-tos", "--register-unsafely-without-email", "--domain=" + NAME)
    one = server("--ssl", "--sslcert=%s" % (live / "fullchain.pem"), "--sslkey=%s" % (live / "privkey.pem"), "--host=" + NAME,
                 "--address=127.0.0.1", "cat")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def connect():
        return Peer(one.addresses[0], context=context, server_name=NAME)

    def serial(peer):
        return peer.sock.tls.getpeercert(binary_form=True)

    def echo(peer, text):
        peer.send(frame(TEXT, text))
        assert peer.text() == text

    sessions = [connect() for _ in range(SESSIONS)]
    for peer in sessions:
        peer.upgrade("/", {"Host": NAME})
    old = serial(sessions[0])
    # Clients come and go all the time.
    stop, served, failures = threading.Event(), [], []

    def load():
        while not stop.is_set():
            try:
                with connect() as peer:
                    peer.upgrade("/", {"Host": NAME})
                    echo(peer, "hello")
                    served.append(serial(peer))
            except Exception as error:  # pylint: disable=broad-except
                failures.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(served) > 20, "clients are served")
        authority.certbot("renew", "--force-renewal", "--no-random-sleep-on-renew", "--deploy-hook=kill -HUP %d" % one.pid)
        one.wait_log("SIGHUP: .*reloaded")
        before = len(served)
        wait_for(lambda: len(served) > before + 20, "clients are served with the new certificate")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    # Two at most had begun with the old one.
    new = served[-1]
    assert new != old and set(served) == {old, new}
    assert new in served[before : before + 4]
    assert all(one == new for one in served[before + 4 :])
    for peer in sessions:
        echo(peer, "still here")
        peer.close()
    one.wait_log(r"session #\d+ close ", SESSIONS)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: .*reloaded", 2)
