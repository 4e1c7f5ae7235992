# SPDX-License-Identifier: BSD-2-Clause
"""The commands of doc/websocketd.md: each one on the left runs as websocketd, each one on the right as wspipe."""

import os
import pathlib
import re
import shlex

import pytest
from conftest import client_context, make_certificate, plain_only
from wsraw import Peer

TEXT = (pathlib.Path(os.environ["top_srcdir"]) / "doc" / "websocketd.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"^\| `(websocketd .*?)` \| `(wspipe .*?)` \|$", TEXT, re.M)


@pytest.fixture
def place(tmp_path):
    """What the commands name."""
    count = "#!/bin/sh\nfor i in 1 2 3; do echo $i; done\nexec cat\n"
    for directory in ("page", "programs"):
        (tmp_path / directory).mkdir()
    (tmp_path / "page" / "index.html").write_text("a page\n")
    for script in (tmp_path / "count.sh", tmp_path / "programs" / "count.sh"):
        script.write_text(count)
        script.chmod(0o755)
    make_certificate(tmp_path, "own")
    return tmp_path


def test_there_are_five_commands():
    assert len(PAIRS) == 5


@plain_only  # one of them has TLS itself
@pytest.mark.parametrize("side", (0, 1))
@pytest.mark.parametrize("number", range(5))
def test_command(server, place, number, side):
    words = shlex.split(PAIRS[number][side])
    # Any free port, and paths that the client knows as well.
    words = [re.sub("=count.sock", "=%s/count.sock" % place, w) for w in words if not w.startswith("--port=")]
    unix = any(w.startswith("--unixsocket") for w in words)
    port = [] if unix else ["--port=0"]
    one = server(*port, *words[1:], argv0=words[0] if side == 0 else None)
    context = client_context(str(place / "own.crt")) if "--ssl" in words else None
    path = "/count.sh" if "--dir=programs" in words else "/"
    with Peer(one.addresses[0], context=context) as ws:
        origin = "http%s://%s" % ("s" if context else "", ws.host if "--sameorigin" in words else "any.example")
        ws.upgrade(path, {"Origin": origin} if "--staticdir=page" not in words else {})
        assert [ws.text() for _ in range(3)] == ["1", "2", "3"]
    if "--staticdir=page" in words:
        with Peer(one.addresses[0]) as peer:
            peer.send(peer.request_bytes(upgrade=False))
            assert peer.answer()[2] == b"a page\n"
