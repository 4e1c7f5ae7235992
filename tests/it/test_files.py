# SPDX-License-Identifier: BSD-2-Clause
"""Static files: conditional requests and ranges (RFC 9110), precompressed variants, --spa."""

import gzip
import os
import re
import time

import pytest
from conftest import HERE

MODIFIED = 784111777  # the file of the table


def read_table():
    """The rows of tests/unit/test_conditional.c: (fields, status, first, length)."""
    with open(os.path.join(HERE, "..", "unit", "test_conditional.c"), encoding="utf-8") as f:
        text = f.read()
    names = dict(re.findall(r'#define (\w+) ("(?:[^"\\]|\\.)*")', text))
    rows = []
    for strings, *numbers in re.findall(r'^    \{((?:"(?:[^"\\]|\\.)*"|[A-Z]+| )+), (\d+), (\d+), (\d+)\},', text, re.M):
        parts = re.findall(r'"(?:[^"\\]|\\.)*"|[A-Z]+', strings)
        fields = "".join("{TAG}" if p == "TAG" else eval(names.get(p, p)) for p in parts)
        rows.append((fields, *map(int, numbers)))
    return rows


ROWS = read_table()


def exchange(peer, target, fields="", method="GET"):
    """(status, fields as a dict, body) of one request on a connection that persists."""
    peer.send(("%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (method, target, fields)).encode("latin-1"))
    status, found = peer.response()
    names = [name for name, _ in found]
    assert len(set(names)) == len(names), found
    found = dict(found)
    has_body = method != "HEAD" and status not in (204, 304)
    return status, found, peer.read(int(found["content-length"])) if has_body else b""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@pytest.fixture
def site(server, root):
    return lambda *args: server("--staticdir=%s" % root, *(args or ("cat",)))


@pytest.mark.parametrize("method", ("GET", "HEAD"))
def test_tables_of_rfc_9110(site, root, method):
    (root / "file").write_bytes(b"0123456789")
    os.utime(root / "file", (MODIFIED, MODIFIED))
    assert len(ROWS) > 50
    with site().connect() as peer:
        tag = exchange(peer, "/file")[1]["etag"]
        for row, status, first, length in ROWS:
            fields = row.replace("{TAG}", tag)
            if method == "HEAD" and status in (206, 416):
                status, first, length = 200, 0, 10  # section 14.2: Range is for GET
            got, found, body = exchange(peer, "/file", fields, method)
            assert got == status, fields
            assert "connection" not in found
            if status < 400:
                assert (found["etag"], found["last-modified"]) == (tag, "Sun, 06 Nov 1994 08:49:37 GMT")
            if status in (200, 206):
                assert int(found["content-length"]) == length
                assert body == (b"0123456789"[first : first + length] if method == "GET" else b""), fields
            if status == 206:
                assert found["content-range"] == "bytes %d-%d/10" % (first, first + length - 1)
            elif status == 416:
                assert found["content-range"] == "bytes */10"
            else:
                assert "content-range" not in found


def test_ranges_of_a_large_file(site, root):
    """A part that needs several turns, from the middle of a file that is larger than 4 GiB."""
    with open(root / "large", "wb") as f:
        f.seek(5 << 30)
        f.write(bytes(range(256)) * 4096)
    with site().connect() as peer:
        begin = (5 << 30) + 100
        status, fields, body = exchange(peer, "/large", "Range: bytes=%d-%d\r\n" % (begin, begin + 999999))
        assert (status, fields["content-range"]) == (206, "bytes %d-%d/%d" % (begin, begin + 999999, (5 << 30) + (1 << 20)))
        assert body == (bytes(range(256)) * 4096)[100:1000100]
        assert exchange(peer, "/large", method="HEAD")[1]["content-length"] == str((5 << 30) + (1 << 20))


@pytest.fixture
def variants(root):
    """A page with both variants, one with gzip only."""
    (root / "both.html").write_text("<p>plain</p>\n" * 100)
    (root / "both.html.br").write_bytes(b"pretended Brotli")
    (root / "both.html.gz").write_bytes(gzip.compress(b"<p>plain</p>\n" * 100))
    (root / "one.txt").write_text("plain")
    (root / "one.txt.gz").write_bytes(gzip.compress(b"plain"))
    (root / "none.txt").write_text("plain")
    return root


# Accept-Encoding: the coding of both.html, and that of one.txt
ACCEPTED = (
    (None, None, None),
    ("", None, None),
    ("br", "br", None),
    ("gzip", "gzip", "gzip"),
    ("gzip, deflate, br, zstd", "br", "gzip"),
    ("br;q=0.5, gzip", "gzip", "gzip"),
    ("br;q=0, gzip;q=0.001", "gzip", "gzip"),
    ("*", "br", "gzip"),
    ("identity", None, None),
    ("identity;q=0.5, gzip;q=0.4", None, None),
    ("identity;q=0.5, gzip;q=0.5", "gzip", "gzip"),
    ("identity;q=0, compress", None, None),
    ("gzip;q=2, br;q=x", None, None),
)


@pytest.mark.parametrize("accepted, both, one", ACCEPTED)
def test_variant_that_the_client_accepts(site, variants, accepted, both, one):
    fields = "" if accepted is None else "Accept-Encoding: %s\r\n" % accepted
    endings = {None: "", "br": ".br", "gzip": ".gz"}
    with site().connect() as peer:
        for name, coding in (("both.html", both), ("one.txt", one), ("none.txt", None)):
            for method in ("GET", "HEAD"):
                status, found, body = exchange(peer, "/" + name, fields, method)
                data = (variants / (name + endings[coding])).read_bytes()
                assert (status, found.get("content-encoding"), int(found["content-length"])) == (200, coding, len(data))
                assert found.get("vary") == (None if name == "none.txt" else "Accept-Encoding")
                assert found["content-type"] == ("text/html" if name == "both.html" else "text/plain") + "; charset=utf-8"
                assert body == (data if method == "GET" else b"")


def test_variant_has_its_own_tag_and_ranges(site, variants):
    gzipped = (variants / "one.txt.gz").read_bytes()
    accept = "Accept-Encoding: gzip\r\n"
    with site().connect() as peer:
        plain = exchange(peer, "/one.txt")[1]["etag"]
        tag = exchange(peer, "/one.txt", accept)[1]["etag"]
        assert plain != tag
        status, fields, _ = exchange(peer, "/one.txt", accept + "If-None-Match: %s\r\n" % tag)
        assert (status, fields["etag"], fields["vary"]) == (304, tag, "Accept-Encoding")
        assert exchange(peer, "/one.txt", accept + "If-None-Match: %s\r\n" % plain)[0] == 200
        assert exchange(peer, "/one.txt", "If-None-Match: %s\r\n" % tag)[0] == 200
        status, fields, body = exchange(peer, "/one.txt", accept + "Range: bytes=2-4\r\nIf-Range: %s\r\n" % tag)
        assert (status, fields["content-encoding"], body) == (206, "gzip", gzipped[2:5])
        assert fields["content-range"] == "bytes 2-4/%d" % len(gzipped)
        status, _, body = exchange(peer, "/one.txt", accept + "Range: bytes=2-4\r\nIf-Range: %s\r\n" % plain)
        assert (status, body) == (200, gzipped)
        status, fields, _ = exchange(peer, "/one.txt", accept + "Range: bytes=1000-\r\n")
        assert (status, fields["content-range"]) == (416, "bytes */%d" % len(gzipped))
        assert "content-encoding" not in fields


def test_variant_that_is_not_sent(site, variants, tmp_path):
    """An older one, one that is no regular file, a hidden one, and one outside."""
    now = time.time()
    os.utime(variants / "one.txt.gz", (now - 10, now - 10))
    (tmp_path / "outside.gz").write_bytes(b"outside")
    for name in ("fifo", "dir", "out", "same"):
        (variants / (name + ".txt")).write_text("plain")
    os.mkfifo(variants / "fifo.txt.gz")
    (variants / "dir.txt.gz").mkdir()
    (variants / "out.txt.gz").symlink_to("../outside.gz")
    (variants / "same.txt.gz").write_bytes(b"same time")
    for name in ("same.txt", "same.txt.gz"):
        os.utime(variants / name, (now - 20, now - 20))
    accept = "Accept-Encoding: gzip\r\n"
    with site().connect() as peer:
        for name in ("one", "fifo", "dir", "out"):
            status, fields, body = exchange(peer, "/%s.txt" % name, accept)
            assert (status, body) == (200, b"plain"), name
            assert "vary" not in fields and "content-encoding" not in fields
        assert exchange(peer, "/same.txt", accept)[2] == b"same time"
        # Without its file a variant is an ordinary file.
        (variants / "both.html").unlink()
        assert exchange(peer, "/both.html", accept)[0] == 404
        status, fields, _ = exchange(peer, "/both.html.gz", accept)
        assert (status, fields["content-type"]) == (200, "application/gzip")
        assert "content-encoding" not in fields


def test_index_of_a_directory_has_variants(site, variants):
    (variants / "sub").mkdir()
    (variants / "sub" / "index.html").write_text("plain")
    (variants / "sub" / "index.html.gz").write_bytes(gzip.compress(b"plain"))
    with site().connect() as peer:
        status, fields, body = exchange(peer, "/sub/", "Accept-Encoding: gzip\r\n")
        assert (status, fields["content-type"], gzip.decompress(body)) == (200, "text/html; charset=utf-8", b"plain")


SPA = (
    ("/", 200), ("/users", 200), ("/users/7", 200), ("/users/", 200), ("/a.b/c", 200), ("/users?x=a.b", 200),
    ("/file.txt", 200), ("/missing.txt", 404), ("/users/a.js", 404), ("/" + "a" * 300, 200), ("/.hidden", 404), ("/.git/config", 404),
    ("/backup~", 404), ("/empty/", 404), ("/empty", 301), ("/fifo", 404), ("/link", 404), ("/a/../b", 400),
)


@pytest.mark.parametrize("method", ("GET", "HEAD"))
def test_single_page_application(site, root, method):
    (root / "index.html").write_text("the page")
    (root / "file.txt").write_text("a file")
    (root / "empty").mkdir()
    os.mkfifo(root / "fifo")
    (root / "link").symlink_to("/etc/passwd")
    one = site("--spa=/index.html", "cat")
    for path, expected in SPA:
        with one.connect() as peer:
            status, fields, body = exchange(peer, path, method=method)
            assert (status, path) == (expected, path)
            if status == 200 and method == "GET":
                assert body == (b"a file" if path == "/file.txt" else b"the page")
            if status == 200 and path != "/file.txt":
                assert fields["content-type"] == "text/html; charset=utf-8"
    with one.connect() as peer:
        tag = exchange(peer, "/users")[1]["etag"]
        assert exchange(peer, "/others", "If-None-Match: %s\r\n" % tag)[0] == 304
        assert exchange(peer, "/users", method="OPTIONS")[0] == 204
    with one.connect() as peer:
        assert exchange(peer, "/users", "Content-Length: 0\r\n", method="POST")[0] == 405
    with one.websocket("/users"):
        pass
    (root / "index.html").unlink()
    with one.connect() as peer:
        assert exchange(peer, "/users", method=method)[0] == 404


@pytest.mark.parametrize("path", ("/missing.html", "/", "/.hidden.html", "/sub", "/../index.html"))
def test_spa_that_is_no_file(server, root, path):
    (root / ".hidden.html").write_text("hidden")
    (root / "sub").mkdir()
    one = server("--staticdir=%s" % root, "--spa=" + path, "cat", ready=False)
    assert one.process.wait(60) == 78
    one.stopped = True
    assert "--spa=%s is not a file that --staticdir %s serves" % (path, root) in one.log()


@pytest.mark.skipif(not os.path.exists("/etc/mime.types"), reason="/etc/mime.types is missing: install media-types")
def test_types_of_the_system(site, root):
    with open("/etc/mime.types", encoding="utf-8") as f:
        rows = [line.split() for line in f if re.match(r"[a-z]+/[^ ]+\s+[a-z0-9]+$", line)]
    for kind, ending in rows[:5]:
        (root / ("file." + ending)).write_text("")
    with site().connect() as peer:
        for kind, ending in rows[:5]:
            fields = exchange(peer, "/file." + ending)[1]
            assert fields["content-type"] == kind + ("; charset=utf-8" if kind.startswith("text/") else "")
