# SPDX-License-Identifier: BSD-2-Clause
"""Lines and messages: what one side writes arrives at the other, byte by byte the same."""

import pytest
from probes import KIB, MIB, RECORDER, recorded, send_bytewise, send_whole, session, texts
from wsraw import BINARY, PING, PONG, TEXT, close_frame, frame

# Characters of one, two, three and four bytes.
MIXED = "aä€😀".encode()


def output(server, tmp_path, data, *options):
    """What a client gets of a program that writes DATA and exits with 0."""
    (tmp_path / "data").write_bytes(data)
    with server(*options, "cat", "data").websocket() as ws:
        messages, code, reason = session(ws)
    assert (code, reason) == (1000, "exit 0")
    return messages


def text_of(n):
    """N bytes of text without a newline, where a character may be cut only at the end."""
    return ((MIXED * (n // len(MIXED) + 1))[:n]).decode(errors="ignore").encode().ljust(n, b"x")


def test_output_becomes_messages(server, tmp_path):
    for data, expected in (
        (b"", []),
        (b"a\n", [b"a"]),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\rb\n\rc\n", [b"a\rb", b"\rc"]),
        (b"a\r\r\n", [b"a\r"]),
        (b"\n\n\r\n\n", [b"", b"", b"", b""]),
        (b"a\n\n", [b"a", b""]),
        (b"a\nlast", [b"a", b"last"]),
        (b"last\r", [b"last\r"]),
        (b"\0\x01\x7f\n", [b"\0\x01\x7f"]),
    ):
        assert texts(output(server, tmp_path, data)) == expected, data


@pytest.mark.parametrize("n", (1, 125, 126, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, MIB, 5 * MIB))
def test_lines_of_any_length(server, tmp_path, n):
    line = text_of(n)
    for end in (b"\n", b"\r\n", b""):
        messages = output(server, tmp_path, line + end)
        assert texts(messages) == [line], (n, end)
        parts = messages[0]
        assert [fin for _, fin, _ in parts] == [False] * (len(parts) - 1) + [True]
        # A line that fits into 64 KiB with its end is one frame; a longer one leaves in parts of that size.
        if n + len(end) < 64 * KIB:
            assert len(parts) == 1
        assert max(len(payload) for _, _, payload in parts) < 64 * KIB + 4  # and the begun character of the part before


def test_many_small_lines(server, tmp_path):
    lines = [b"%d" % i for i in range(50000)]
    assert texts(output(server, tmp_path, b"\n".join(lines) + b"\n")) == lines


def test_empty_lines_in_bulk(server, tmp_path):
    assert texts(output(server, tmp_path, b"\n" * 200000)) == [b""] * 200000


BAD_TEXT = (
    b"\xff",
    b"\xfe\xff",
    b"a\x80b",
    b"\x80\x80",
    b"\xc0\x80",  # overlong
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",  # surrogates
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",  # above U+10FFFF
    b"\xf5\x80\x80\x80",
    b"\xc3",  # cut short
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xe2\x82a",
    b"\xf0\x9f\x98\xc3\xa4",
    b"\xf0\x9f\xe2\x82\xac",
    b"ok \xe2\x82\xac \xff ok",
)


def test_bad_text_is_repaired(server, tmp_path):
    expected = [bad.decode(errors="replace").encode() for bad in BAD_TEXT]
    (tmp_path / "data").write_bytes(b"\n".join(BAD_TEXT) + b"\nlast\xe2\x82")
    one = server("cat", "data")
    with one.websocket() as ws:
        messages, code, reason = session(ws)
    assert (code, reason) == (1000, "exit 0")
    assert texts(messages) == expected + ["last\ufffd".encode()]
    one.wait_log(r"replaced with U\+FFFD")
    assert one.log().count("is not UTF-8") == 1


def test_bad_text_across_the_cut_of_a_long_line(server, tmp_path):
    lines = []
    for piece in (*BAD_TEXT, "ä".encode(), "€".encode(), "😀".encode()):
        lines += [b"x" * (64 * KIB - k) + piece + b"y" for k in range(len(piece) + 1)]
    messages = output(server, tmp_path, b"\n".join(lines))
    assert texts(messages) == [line.decode(errors="replace").encode() for line in lines]


def test_character_in_two_writes(server):
    with server("sh", "-c", r"printf 'a\342\202'; read go; printf '\254b\n\360\237'; read go").websocket() as ws:
        ws.send(frame(TEXT, "go"))
        assert ws.text() == "a€b"
        ws.send(frame(TEXT, "go"))
        assert ws.message() == (TEXT, "\ufffd".encode())
        assert ws.closed() == (1000, "exit 0")


def test_binary_output_is_passed_on(server, tmp_path):
    data = bytes(range(256)) * 4 * KIB + b"\n\r\n"
    messages = output(server, tmp_path, data, "--binary")
    assert {opcode for parts in messages for opcode, _, _ in parts} == {BINARY}
    assert b"".join(payload for parts in messages for _, _, payload in parts) == data


def test_message_becomes_lines(server, tmp_path):
    with server(*RECORDER).websocket() as ws:
        for text in ("one\ntwo\r\nthree", "", "\n", "cr\r", "nul\0", "ä€😀"):
            ws.send(frame(TEXT, text))
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
        recorded(tmp_path, ws, "one\ntwo\r\nthree\n\n\n\ncr\r\nnul\0\nä€😀\n".encode())


def test_many_messages_in_one_read(server, tmp_path):
    messages = [b"%d" % (i * i) for i in range(20000)]
    with server(*RECORDER).websocket() as ws:
        ws.send(b"".join(frame(TEXT, m) for m in messages) + close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
        recorded(tmp_path, ws, b"\n".join(messages) + b"\n")


SIZES = (0, 1, 125, 126, 64 * KIB - 1, 64 * KIB, MIB)


@pytest.mark.parametrize("send", (send_whole, send_bytewise))
def test_text_of_any_size_both_ways(server, send):
    with server("cat").websocket() as ws:
        for n in SIZES if send is send_whole else SIZES[:4]:
            send(ws, frame(TEXT, text_of(n)))
            assert ws.message() == (TEXT, text_of(n))
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


def test_binary_of_any_size_both_ways(server):
    with server("--binary", "cat").websocket() as ws:
        for n in SIZES:
            data = (bytes(range(256)) * (n // 256 + 1))[:n]
            ws.send(frame(BINARY, data))
            got = b""
            while len(got) < n:
                opcode, part = ws.message()
                assert opcode == BINARY
                got += part
            assert got == data
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


def test_text_passes_in_binary_mode(server, tmp_path):
    with server("--binary", *RECORDER).websocket() as ws:
        ws.send(frame(TEXT, "line\n") + frame(BINARY, b"\xff\0") + frame(TEXT, "") + frame(TEXT, "end"))
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
        recorded(tmp_path, ws, b"line\n\xff\0end")


def test_fragments_with_pings_between(server):
    with server("cat").websocket() as ws:
        ws.send(frame(TEXT, "h\u00e9".encode()[:2], fin=False) + frame(PING, b"1"))
        assert ws.frame() == (PONG, True, b"1")
        ws.send(frame(0, "h\u00e9".encode()[2:], fin=False) + frame(PING) + frame(0, b"", fin=False))
        assert ws.frame() == (PONG, True, b"")
        ws.send(frame(PING, b"2" * 125) + frame(PONG, b"unasked") + frame(0, b"llo"))
        assert ws.frame() == (PONG, True, b"2" * 125)
        assert ws.message() == (TEXT, "h\u00e9llo".encode())


def test_limit_of_empty_fragments(server):
    """Those that are not empty do not count."""

    def message(n):
        return frame(TEXT, "x", fin=False) + (frame(0, "", fin=False) + frame(0, "y", fin=False)) * n + frame(0, "z")

    for args, n in (((), 4096), (("--max-empty-fragments=3",), 3)):
        one = server(*args, "cat")
        with one.websocket() as ws:
            ws.send(message(n) * 2)
            assert [ws.text(), ws.text()] == ["x" + "y" * n + "z"] * 2
            ws.send(message(n + 1))
            assert ws.closed() == (1008, "more than %d empty fragments (--max-empty-fragments)" % n)
    with server("--max-empty-fragments=0", "cat").websocket() as ws:
        ws.send(message(5000))
        assert ws.text() == "x" + "y" * 5000 + "z"


def test_largest_message(server):
    one = server("--maxframesize=100", "cat")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "x" * 100) + frame(TEXT, "y" * 60, fin=False) + frame(0, "y" * 40))
        assert [ws.text(), ws.text()] == ["x" * 100, "y" * 60 + "y" * 40]
    for bad in (
        frame(TEXT, "x" * 101),
        frame(TEXT, "x", length=101),
        frame(TEXT, "x" * 60, fin=False) + frame(0, "x", length=41),
        frame(TEXT, "x" * 100, fin=False) + frame(0, "x"),
    ):
        with one.websocket() as ws:
            ws.send(bad)
            assert ws.closed() == (1009, "message larger than 100 bytes (--maxframesize)")
    with server("--maxframesize=0", "cat").websocket() as ws:
        ws.send(frame(TEXT, "x" * (3 * MIB)))
        assert ws.message() == (TEXT, b"x" * (3 * MIB))
