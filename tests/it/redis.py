# SPDX-License-Identifier: BSD-2-Clause
"""A Redis server for a test, on a Unix socket in the test's directory."""

import os
import signal
import socket
import subprocess

from conftest import wait_for


class Redis:
    def __init__(self, directory, *options):
        self.path = os.path.join(str(directory), "redis.sock")
        # The path of a Unix socket is short.
        assert len(self.path) < 108, self.path
        # It does not wait for the disk, which others keep busy: a kill of the process loses nothing that it has written.
        self.args = [
            "redis-server", "--port", "0", "--unixsocket", self.path, "--dir", str(directory), "--save", "", "--appendonly", "yes",
            "--appendfsync", "no", "--daemonize", "no", *options,
        ]
        self.log = os.path.join(str(directory), "redis.log")
        self.process = None
        self.start()

    def url(self, user="", db=0):
        return "redis+unix://%s%s?db=%d" % (user, self.path, db)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._responds, "the Redis server responds")

    def _responds(self):
        assert self.process.poll() is None, open(self.log, encoding="utf-8").read()
        try:
            return self.ask("PING")[:1] in (b"+", b"-") and b"LOADING" not in self.ask("PING")
        except OSError:
            return False

    def ask(self, *words):
        """The reply to a command, as it came: whole lines."""
        words = [word.encode() if isinstance(word, str) else word for word in words]
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(self.path)
            peer.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            peer.shutdown(socket.SHUT_WR)
            reply = b""
            while part := peer.recv(65536):
                reply += part
            return reply

    def replace(self, key, command, *words):
        """Runs a command on a key that does not exist: no server can write the key between DEL and the command."""
        text = "redis.call('DEL', KEYS[1]) redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2)) return 1"
        reply = self.ask("EVAL", text, "1", key, command, *words)
        assert reply == b":1\r\n", reply

    def subscribers(self, channel="wspipe:/"):
        return int(self.ask("PUBSUB", "NUMSUB", channel).split(b":")[-1])

    def wait_subscribed(self, servers):
        """Waits until those of the servers that run receive what others publish, which a history of theirs has anyway."""
        wanted = {}
        for one in servers:
            options = dict(arg.partition("=")[::2] for arg in one.args)
            if one.process.poll() is not None or "--config" in options:
                continue
            if int(options.get("--history", 0)) == 0 or options.get("--shared-program") == "one":
                channel = options.get("--bus-prefix", "wspipe:") + "/"
                wanted[channel] = wanted.get(channel, 0) + max(one.worker_count, 1)
        for channel, count in wanted.items():
            wait_for(lambda: self.subscribers(channel) >= count, "all servers subscribe")

    def kill(self):
        """As a crash; what it has acknowledged is in its file."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
