# SPDX-License-Identifier: BSD-2-Clause
"""
A program that the clients of several workers share is killed again and again, and so is the worker that runs it.

WSPIPE_TEST_PROGRAM_KILLS (default: 3) and WSPIPE_TEST_LEADER_KILLS (default: 2) are the numbers of kills. The long form
takes about ten minutes and prints figures: 50 and 20, with pytest -s. A program that is killed more than a few times
runs for 10 s in between, so that its next start is not delayed more and more.
"""

import os
import signal
import statistics
import threading
import time

import pytest
from conftest import TLS, wait_for
from sharing import leader_of, starts
from wsraw import TEXT, frame

PROGRAM_KILLS = int(os.environ.get("WSPIPE_TEST_PROGRAM_KILLS", "3"))
LEADER_KILLS = int(os.environ.get("WSPIPE_TEST_LEADER_KILLS", "2"))
WORKERS = 3
DELAYED = 5  # kills
STEADY = 10  # s, as SHARED_STEADY_MS
PACE = 0.005  # s

# It answers each client with its own pid, and shows if another one runs.
PROGRAM = """#!/usr/bin/python3 -u
import fcntl, os, sys
lock = open(sys.argv[1], 'a')
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    lock.write('two programs\\n')
    lock.flush()
for line in sys.stdin:
    who, verb, text = line.rstrip('\\n').split('\\t', 2)
    if verb == 'text':
        print(who + '\\ttext\\t%d ' % os.getpid() + text)
"""


class Talker:
    """A client that sends numbers all the time, and notes the responses."""

    def __init__(self, one):
        self.ws = one.websocket()
        self.sent = 0
        self.seen = []  # (when, pid, number)
        self.lost_at = None
        self.stopping = threading.Event()
        opened = one.wait_log(r"session #\d+ open remote=127.0.0.1:%d .*worker=(\d+)" % self.ws.port)
        self.worker = int(opened[1])
        self.last = None
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._talk, self._listen)]
        for thread in self.threads:
            thread.start()

    def _talk(self):
        while not self.stopping.wait(PACE):
            try:
                self.ws.send(frame(TEXT, "%d" % self.sent))
            except OSError:
                return
            self.sent += 1

    def _listen(self):
        try:
            while True:
                pid, _, number = self.ws.text().partition(" ")
                self.seen.append((time.monotonic(), int(pid), int(number)))
                if int(number) == self.last:
                    return
        except (OSError, EOFError, AssertionError):
            self.lost_at = time.monotonic()

    def first(self, before):
        """When it got the first response of another program than those."""
        return next((when for when, pid, _ in self.seen if pid not in before), None)

    def end(self):
        """Stops after the last response: how many messages there were up to it, were lost, and came twice."""
        self.stopping.set()
        self.threads[0].join()
        self.last = self.sent
        if not self.lost_at:
            self.ws.send(frame(TEXT, "%d" % self.last))
        self.threads[1].join()
        numbers = [number for _, _, number in self.seen]
        assert numbers == sorted(numbers)
        sent = numbers[-1] + 1 if numbers else 0  # its worker may have been killed before
        return sent, sent - len(set(numbers)), len(numbers) - len(set(numbers))


@pytest.fixture
def shared(server, script, tmp_path):
    """A server, and a file that is locked by its program."""
    path = tmp_path / "lock"
    return server("--workers=%d" % WORKERS, "--shared=addressed", "--events", "--on-exit=keep",
                  script("program", PROGRAM), str(path)), path


def talk_to_all(one, talkers):
    """At least one on each worker."""
    while len({talker.worker for talker in talkers if not talker.lost_at}) < WORKERS:
        talkers.append(Talker(one))


def wait_for_next(talkers, before, started):
    """How long it took until all clients were answered by the one next program."""
    wait_for(lambda: all(talker.first(before) for talker in talkers), "all clients are answered again")
    pids = {pid for talker in talkers for _, pid, _ in talker.seen} - before
    assert len(pids) == 1, pids
    before |= pids
    return max(talker.first(before - pids) for talker in talkers) - started


def report(what, took, talkers, path):
    counts = [talker.end() for talker in talkers]
    for talker in talkers:
        talker.ws.close()
    print("\n%d kills of %s: taken over in %.3f s (median), %.3f s (longest); of %d messages %d lost, %d twice" % (
        len(took), what, statistics.median(took), max(took), *map(sum, zip(*counts))))
    assert path.read_text() == ""
    assert not any(twice for _, _, twice in counts)  # what a killed program had not read is lost


@pytest.mark.leave_out(TLS, "the same between workers")
def test_clients_are_kept_while_the_program_is_killed(shared):
    one, path = shared
    talkers, before, took = [], set(), []
    talk_to_all(one, talkers)
    for kill in range(PROGRAM_KILLS + 1):
        started = time.monotonic()
        if kill > 0:
            os.kill(starts(one)[-1][0], signal.SIGKILL)
        took.append(wait_for_next(talkers, before, started))
        if PROGRAM_KILLS > DELAYED:
            wait_for(lambda: time.monotonic() > started + took[-1] + STEADY, "it has run for a while")
    assert not any(talker.lost_at for talker in talkers)
    assert len(starts(one)) == PROGRAM_KILLS + 1
    report("the program", took[1:], talkers, path)


def test_clients_of_others_are_kept_while_the_leading_worker_is_killed(shared):
    one, path = shared
    talkers, before, took = [], set(), []
    talk_to_all(one, talkers)
    wait_for_next(talkers, before, 0)
    for _ in range(LEADER_KILLS):
        victim, number = leader_of(one)
        lost = [talker for talker in talkers if talker.worker == number]
        left = [talker for talker in talkers if not talker.lost_at and talker not in lost]
        started = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        took.append(wait_for_next(left, before, started))
        wait_for(lambda: all(talker.lost_at for talker in lost), "its own clients are disconnected")
        assert not any(talker.lost_at for talker in left)
        wait_for(one.workers, "all workers are there")
        talk_to_all(one, talkers)
    assert len(starts(one)) == LEADER_KILLS + 1
    report("the leading worker", took, talkers, path)
