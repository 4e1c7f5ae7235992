# SPDX-License-Identifier: BSD-2-Clause
"""
Requests that two readers may understand differently (the table of ambiguous.py): each gets one response, and
what follows is answered only where its beginning is beyond doubt.
"""

import contextlib
import re
import socket

import pytest
from ambiguous import BODY, BROKEN, CLOSES, HIDDEN, NEXT, PERSISTS, ROWS, SILENT, WAITS


def split_responses(data, is_head):
    """What came, as [(status, fields, body)]; is_head: the first one is for a HEAD."""
    found = []
    while data:
        head, mark, data = data.partition(b"\r\n\r\n")
        assert mark, "incomplete head: %r" % head
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        status, body = int(status.split(" ")[1]), b""
        if status == 100:
            continue
        if "content-length" in fields and not (is_head and not found):
            size = int(fields["content-length"])
            body, data = data[:size], data[size:]
            assert len(body) == size
        elif "transfer-encoding" in fields and not (is_head and not found):
            while True:
                line, _, data = data.partition(b"\r\n")
                size = int(line, 16)
                body, data = body + data[:size], data[size + 2 :]
                if size == 0:
                    break
        elif status not in (204, 304) and not (is_head and not found):
            body, data = data, b""  # up to the end of the connection
        found.append((status, fields, body))
    return found


def exchange(one, row, how):
    """The responses to a row and to NEXT. When both may be answered, or the row is incomplete, this side closes."""
    _, _, request, expected = row
    with one.connect() as peer:
        peer.send_cut(request + NEXT, how)
        if expected in (PERSISTS, BODY, WAITS):
            peer.sock.shutdown(socket.SHUT_WR)
        # An incomplete body ends without a response, and over TLS without close_notify.
        with contextlib.suppress(*([ConnectionResetError] if expected == WAITS else [])):
            return split_responses(peer.read_to_end(), request.startswith(b"HEAD"))
        return split_responses(bytes(peer.buffer), False)


def complaint(row, responses, reads_bodies):
    """What is wrong with the responses; None if nothing is."""
    expected = row[3]
    persists = [fields.get("connection") != "close" for _, fields, _ in responses]
    if expected == SILENT:
        return None if not responses else "a response"
    if expected == WAITS:
        return None if len(responses) <= 1 and not any(persists) else "more than one response"
    if expected == PERSISTS or expected == BODY and reads_bodies:
        return None if persists == [True, True] else "not two responses"
    if persists != [False]:
        return "not one response and a close"
    if expected not in (CLOSES, BODY, BROKEN) and responses[0][0] != expected:
        return "not status %d" % expected
    return None


def check_rows(one, how, reads_bodies=False):
    wrong, count = [], 0
    for row in ROWS:
        responses = exchange(one, row, how)
        count += len(responses)
        reason = complaint(row, responses, reads_bodies)
        if reason:
            wrong.append((row[0], reason, responses))
        if any(b"the hidden one" in body for _, _, body in responses):
            wrong.append((row[0], "the hidden request is answered", responses))
        if any(b"the next one" in body for _, _, body in responses[:1]):
            wrong.append((row[0], "responses are mixed up", responses))
    assert not wrong
    one.wait_log(r" http (?:reply|rejected) ", count)
    log = one.log()
    assert "target=/hidden" not in log
    # Each response belongs to one request that the server has seen, and each request has one response.
    assert len(re.findall(r" http (?:reply|rejected) ", log)) == count


@pytest.fixture
def site(server, tmp_path):
    root = tmp_path / "public"
    root.mkdir()
    for name in ("a.txt", "next", "hidden"):
        (root / name).write_text("the %s one\n" % name)
    return lambda *args: server("--staticdir=%s" % root, *args)


def test_table():
    assert len(ROWS) == len({row[0] for row in ROWS}) == len({row[2] for row in ROWS}) == 189
    assert all(isinstance(expected, int) or expected in (CLOSES, PERSISTS, BODY, BROKEN, WAITS, SILENT) for *_, expected in ROWS)
    assert sum(HIDDEN in request for _, _, request, _ in ROWS) > 10


@pytest.mark.parametrize("how", ("whole", "bytes", "random"))
def test_ambiguous_requests_for_static_files(site, how):
    check_rows(site("cat"), how)


@pytest.mark.parametrize("how", ("whole", "bytes", "random"))
def test_ambiguous_requests_for_an_endpoint(server, how):
    check_rows(server("--devconsole=false", "cat"), how)


@pytest.mark.parametrize("how", ("whole", "bytes", "random"))
def test_ambiguous_requests_for_scripts(server, script, how):
    """They read bodies, so that what follows one is answered. A client that half-closes leaves them time."""
    for name in ("a.txt", "next", "hidden"):
        text = "the %s one\n" % name
        script("cgi/" + name, "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\nContent-Length: %d\\n\\n%s'\n" % (len(text), text))
    check_rows(server("--cgidir=cgi", "--devconsole=false", "--closems=5000", "cat"), how, reads_bodies=True)
