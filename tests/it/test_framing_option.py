# SPDX-License-Identifier: BSD-2-Clause
"""How messages stand in the bytes of the program: --framing and what belongs to it."""

import json
import re
import struct

import pytest
from conftest import plain_only, wait_for
from probes import KIB, MIB, private_kib, unsanitized, wait_settled, wait_still
from wsraw import BINARY, CLOSE, TEXT, close_frame, frame, random_text

BYTES = bytes(range(256))


def python(script, text):
    return script("program", "#!/usr/bin/python3 -u\nimport json, os, struct, sys, time\n" + text)


def echo(ws, *messages):
    """Sends all, then expects all of them back."""
    for opcode, data in messages:
        ws.send(frame(opcode, data))
    for opcode, data in messages:
        assert ws.message() == (opcode, data.encode() if isinstance(data, str) else data)


def batch(ws, *messages):
    """As echo(), in one packet."""
    ws.send(b"".join(frame(opcode, data) for opcode, data in messages))
    for opcode, data in messages:
        assert ws.message() == (opcode, data.encode() if isinstance(data, str) else data)


# json


def test_json_and_cat_are_a_perfect_echo(server):
    messages = [
        (TEXT, "hello"),
        (TEXT, ""),
        (BINARY, b""),
        (TEXT, "two\nlines\r\n"),
        (TEXT, "nul \0 and \x1f \x7f \"quotes\" \\ / <&> \u2028 ä€😀"),
        (BINARY, BYTES),
        (BINARY, b"\0\n"),
    ]
    with server("--framing=json", "cat").websocket() as ws:
        echo(ws, *messages)
        batch(ws, *messages * 20)
        ws.send_cut(b"".join(frame(*m) for m in messages), "random", seed=1)
        for opcode, data in messages:
            assert ws.message() == (opcode, data.encode() if isinstance(data, str) else data)


def test_json_echoes_a_mebibyte_of_each_type(server):
    # 1 MiB is --maxframesize: of bytes, and of NULs, which JSON writes in six.
    with server("--framing=json", "cat").websocket() as ws:
        echo(ws, (BINARY, BYTES * 4096), (TEXT, "\0" * (1 << 20)), (TEXT, random_text(200000, 1)))


def test_json_tells_who_came_and_how_the_client_left(server, script, tmp_path):
    program = python(script, "open(sys.argv[1], 'w').write(sys.stdin.read())\n")
    # An interpreter may take longer to start than the first step of the termination sequence.
    one = server("--framing=json", "--events", "--closems=5000", program, str(tmp_path / "seen"))

    def seen(path, leave):
        with one.websocket(path) as ws:
            leave(ws)
        one.check_clean()
        return [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()]

    def polite(ws):
        ws.send(frame(TEXT, "x") + close_frame(4007, "bye \"all\""))
        assert ws.closed(answer=False)[0] == 4007

    events = seen("/a%20b?c=%20d", polite)
    assert events[0]["remote"].startswith(one.addresses[0][0]) or events[0]["remote"].startswith("[")
    del events[0]["remote"]
    assert events == [
        {"type": "open", "id": 1, "path": "/a b", "query": "c=%20d", "user": None, "subprotocol": None},
        {"type": "text", "data": "x"},
        {"type": "close", "code": 4007, "reason": "bye \"all\""},
    ]

    def without_code(ws):
        ws.send(close_frame())
        assert ws.closed(answer=False)[0] is None

    assert seen("/", without_code)[1:] == [{"type": "close", "code": 1005, "reason": ""}]
    assert seen("/", lambda ws: None)[1:] == [{"type": "close", "code": 1006, "reason": ""}]

    def wrong(ws):
        ws.send(frame(TEXT, b"\xff"))
        assert ws.closed()[0] == 1007

    assert seen("/", wrong)[1:] == [{"type": "close", "code": 1007, "reason": "text is not UTF-8"}]


def test_json_program_ends_the_session_with_its_own_code(server, script):
    program = python(
        script,
        "print('{\"type\":\"text\",\"data\":\"first\"}')\n"
        "print('{\"type\":\"close\",\"code\":4001,\"reason\":\"en\\\\u00f6gh\"}\\n{\"type\":\"text\",\"data\":\"late\"}')\n"
        "sys.stdin.read()\n",
    )
    one = server("--framing=json", program)
    with one.websocket() as ws:
        assert ws.text() == "first"
        assert ws.frame()[0::2] == (CLOSE, struct.pack(">H", 4001) + "enögh".encode())
        ws.send(close_frame(4001))
        assert ws.read_to_end() == b""
    one.wait_log(r"close .* close_sent=4001 close_received=4001 reason=\"enögh\"")


def test_json_close_reason_with_a_nul(server):
    """U+0000 is a character (RFC 3629), and RFC 6455, section 5.5.1, forbids none: it reaches the client; the log escapes it."""
    one = server("--framing=json", "sh", "-c", r"""echo '{"type":"close","code":4001,"reason":"a\u0000b"}'; exec cat""")
    with one.websocket() as ws:
        assert ws.closed() == (4001, "a\0b")
    one.wait_log(r"close .* close_sent=4001 close_received=4001 reason=\"a\\x00b\"")


def test_json_close_code_that_cannot_be_sent(server):
    one = server("--framing=json", "sh", "-c", "echo '{\"type\":\"close\",\"code\":1005}'; exec cat")
    with one.websocket() as ws:
        assert ws.closed() == (1011, "the program's output is malformed")
    one.wait_log(r"malformed reason=\"close with a code that can't be sent\" bytes=\"{\\\"type\\\":\\\"close\\\",\\\"code\\\":1005}\\x0a\"")


# The others, both directions


def test_nul_keeps_newlines(server):
    messages = [(TEXT, "a"), (TEXT, ""), (TEXT, "two\nlines\r\n"), (TEXT, "ä€😀" * 1000)]
    with server("--framing=nul", "cat").websocket() as ws:
        echo(ws, *messages)
        batch(ws, *messages)
        ws.send(frame(TEXT, "a\0b"))
        assert ws.closed() == (1008, "message contains a NUL (--framing-in=nul)")


def test_nul_and_a_program_that_sorts(server):
    with server("--framing=nul", "stdbuf", "-oL", "sed", "-uz", "s/\\n/+/g").websocket() as ws:
        ws.send(frame(TEXT, "a\nb"))
        assert ws.text() == "a+b"


def test_length_keeps_bounds_and_bytes(server):
    messages = [(BINARY, b""), (BINARY, BYTES), (BINARY, b"\0\0\0\1"), (BINARY, b"x" * 65536)]
    with server("--framing=length", "cat").websocket() as ws:
        echo(ws, *messages)
        batch(ws, *messages * 5)
        ws.send_cut(b"".join(frame(*m) for m in messages), "random", seed=2)
        for message in messages:
            assert ws.message() == message
        ws.send(frame(TEXT, "text"))
        assert ws.message() == (BINARY, b"text")


def test_length_with_text(server):
    with server("--framing=length", "--text", "cat").websocket() as ws:
        echo(ws, (TEXT, ""), (TEXT, "a\0\nb"), (TEXT, random_text(100000, 2)))


def test_length_streams_a_record_above_the_limit(server, script):
    program = python(
        script,
        "n = 3 << 20\nsys.stdout.buffer.write(struct.pack('>I', n) + b'ab' * (n // 2) + struct.pack('>I', 2) + b'hi')\n",
    )
    with server("--framing=length", "--maxframesize=1000", program).websocket() as ws:
        assert ws.message() == (BINARY, b"ab" * (3 << 19))
        assert ws.message() == (BINARY, b"hi")
        assert ws.closed() == (1000, "exit 0")


def test_stream_takes_both_types(server):
    with server("--framing=stream", "cat").websocket() as ws:
        for opcode, data in ((BINARY, b"\0\n"), (TEXT, b"text")):
            ws.send(frame(opcode, data))
            assert ws.message() == (BINARY, data)


def test_lsp_echo(server):
    messages = [(TEXT, '{"jsonrpc":"2.0"}'), (TEXT, ""), (TEXT, "Content-Length: 5\r\n\r\n"), (TEXT, "ä\n" * 50000)]
    with server("--framing=lsp", "cat").websocket() as ws:
        echo(ws, *messages)
        batch(ws, *messages * 5)
        ws.send_cut(b"".join(frame(*m) for m in messages[:3]), "bytes")
        for _, data in messages[:3]:
            assert ws.text() == data


def test_text_sends_a_prompt_at_once(server):
    program = "printf '> '; while read -r line; do printf '%s!\\n> ' \"$line\"; done"
    with server("--framing=text", "sh", "-c", program).websocket() as ws:
        assert ws.text() == "> "
        ws.send(frame(TEXT, "a\n"))
        assert ws.text() == "a!\n> "


def test_text_is_not_cut_inside_a_character(server, script):
    program = python(
        script,
        "for c in 'ä€😀.'.encode() + b'\\xe2\\x82':\n"
        "    os.write(1, bytes([c]))\n"
        "    time.sleep(0.03)\n",
    )
    with server("--framing=text", "--invalid-utf8=replace", program).websocket() as ws:
        got = ""
        while "." not in got:
            opcode, data = ws.message()
            assert opcode == TEXT and data
            got += data.decode()  # each is whole
        assert got == "ä€😀."
        # What never becomes a character is repaired at the end.
        assert ws.text() == "\ufffd"
        assert ws.closed()[0] == 1000


def test_directions_may_differ(server, script):
    program = python(
        script,
        "for line in sys.stdin:\n"
        "    data = line.rstrip('\\n').encode()\n"
        "    sys.stdout.buffer.write(struct.pack('>I', len(data)) + data)\n"
        "    sys.stdout.flush()\n",
    )
    with server("--framing-out=length", program).websocket() as ws:
        ws.send(frame(TEXT, "a") + frame(TEXT, "b"))
        assert ws.message() == (BINARY, b"a")
        assert ws.message() == (BINARY, b"b")
    with server("--framing-in=json", "--framing-out=lines", "cat").websocket() as ws:
        ws.send(frame(BINARY, b"\0"))
        assert ws.text() == '{"type":"binary","data":"AA=="}'
    with server("--framing=lsp", "--framing-in=lines", "sh", "-c", "printf 'Content-Length: 2\\r\\n\\r\\nhi'; cat >&2").websocket() as ws:
        assert ws.text() == "hi"


@pytest.mark.parametrize("framing", ["lines", "nul", "text"])
def test_binary_messages_are_refused(server, framing):
    with server("--framing=" + framing, "cat").websocket() as ws:
        ws.send(frame(BINARY, b"x"))
        assert ws.closed() == (1003, "binary messages are not accepted: the program reads text (see --binary, --framing)")


def test_compat_drops_messages_of_the_wrong_type(server):
    with server("--compat=websocketd", "--origin=*", "cat").websocket() as ws:
        ws.send(frame(BINARY, b"x") + frame(TEXT, "y"))
        assert ws.text() == "y"
    with server("--compat=websocketd", "--binary", "cat").websocket() as ws:
        ws.send(frame(TEXT, b"x") + frame(BINARY, b"y"))
        assert ws.message() == (BINARY, b"y")


# What nobody wants any more


@plain_only
@unsanitized
@pytest.mark.parametrize(
    "framing, begin", [("json", '{"type":"text","data":"'), ("lsp", "Content-Length: 60000000\r\n\r\n"), ("lines", "")]
)
def test_a_record_for_a_client_that_left_is_not_kept(server, script, tmp_path, framing, begin):
    """Begun before it left, and going on behind it, while the program is being ended."""
    program = python(
        script,
        "import signal\n"
        "os.write(1, b'%s')\n" % begin.encode("unicode_escape").decode()
        + "for _ in range(20): os.write(1, b'x' * 500000)\n"
        "sys.stdin.read()\n"  # the client left
        "for _ in range(20): os.write(1, b'x' * 500000)\n"
        "open('written', 'w').close()\n"
        "sys.stdin.close()\n"
        "while not os.path.exists('go'): time.sleep(0.01)\n",
    )
    one = server("--framing=" + framing, "--max-output-message=60000000", "--closems=20000", program)
    before = private_kib(one.pid)
    with one.websocket() as ws:
        if framing == "json":
            wait_for(lambda: private_kib(one.pid) > before + 9 * MIB // KIB, "the record is begun")
        ws.reset()
        wait_for((tmp_path / "written").exists, "all is written")
    wait_for(lambda: private_kib(one.pid) <= before + 512, "nothing of it is kept")
    (tmp_path / "go").touch()
    one.wait_log(" close .*exit=0")


# Language servers

INITIALIZE = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":%s,"rootUri":null}}'


@pytest.mark.parametrize("cut", ("whole", "bytes", "random"))
def test_lsp_accepts_binary_messages(server, cut):
    """As several clients send them; the program can't tell."""
    with server("--framing=lsp", "cat").websocket() as ws:
        ws.send_cut(frame(BINARY, '{"a":"ä"}') + frame(TEXT, "{}") + frame(BINARY, "") + frame(BINARY, "x" * 70000), cut)
        assert [ws.text() for _ in range(4)] == ['{"a":"ä"}', "{}", "", "x" * 70000]


@pytest.mark.parametrize("opcode", (TEXT, BINARY))
@pytest.mark.parametrize("cut", ("whole", "bytes", "random"))
def test_process_id_of_the_editor(server, opcode, cut):
    """null in the first initialize request; all other messages stay as they are."""
    texts = ['{"method":"$/setTrace","params":{"processId":1}}', INITIALIZE % 1, INITIALIZE % 22222, "{}", INITIALIZE % 333]
    with server("--framing=lsp", "--lsp-processid=null", "cat").websocket() as ws:
        ws.send_cut(b"".join(frame(opcode, text) for text in texts), cut)
        assert [ws.text() for _ in texts] == [texts[0], INITIALIZE % "null", *texts[2:]]
    with server("--framing=lsp", "cat").websocket() as ws:
        ws.send_cut(b"".join(frame(opcode, text) for text in texts), cut)
        assert [ws.text() for _ in texts] == texts


@pytest.mark.parametrize(
    "text",
    (
        '{"id":18446744073709551616,"method":"initialize","params":{"processId":%s}}',
        '{"x":"a\\u0000b","x":1,"method":"initialize","params":{"processId":%s}}',
        ' { "method" : "initialize" , "params" : {"a":[0.1,1.50,1e3,1e999,{"processId":2}],"processId" :\t%s , "b\\"}":"\\\\"} }\n',
        '{"params":{"processId":1,"processId":%s,"\\ud800":"\\/"},"method":"initialize"}',
    ),
)
def test_all_else_of_an_initialize_request_is_kept(server, text):
    with server("--framing=lsp", "--lsp-processid=null", "cat").websocket() as ws:
        ws.send(frame(TEXT, text % 12345))
        assert ws.text() == text % "null"


@pytest.mark.parametrize(
    "text",
    (
        '{"method":"initialize","params":{"processId":"1"}}',
        '{"method":"initialize","params":{"processId":null}}',
        '{"method":"initialize","params":[{"processId":1}],"processId":1}',
        '{"method":"initialized","params":{"processId":1}}',
        '{"params":{"method":"initialize","processId":1}}',
        '{"a":"\\"method\\":\\"initialize\\"","params":{"processId":1}}',
        '[{"method":"initialize","params":{"processId":1}}]',
        '{"method":"initialize","params":{"processId":1',
        '{"method":"initialize","params":"',
        '}}}{"method":"initialize","params":"\\',
    ),
)
def test_requests_without_a_process_id_are_kept(server, text):
    with server("--framing=lsp", "--lsp-processid=null", "cat").websocket() as ws:
        ws.send(frame(TEXT, text))
        assert ws.text() == text


def test_large_initialize_request(server):
    large = INITIALIZE[:-2] + ',"options":"%s"}}' % ("x" * 300000)
    for args, wanted in ((("--lsp-processid=null",), "null"), ((), "12345")):
        with server("--framing=lsp", *args, "cat").websocket() as ws:
            ws.send(frame(TEXT, large % 12345) + frame(TEXT, large % 12345))
            assert [ws.text(), ws.text()] == [large % wanted, large % 12345]


# What is malformed or too big


@pytest.mark.parametrize(
    "framing, output, why, shown",
    [
        ("json", "hello\\n", "invalid JSON", r"hello\\x0a"),
        ("json", '{"type":"binary","data":"AB="}\\n', r'\"data\" is not valid base64', ""),
        ("json", '{"type":"text","data":"\\377"}\\n', "invalid JSON", r"\\xff"),
        ("json", "[" * 5000 + "\\n", "invalid JSON", r"bytes=.{1,70}$"),
        ("lsp", "Starting...\\n", "header line does not end with CR LF", r"Starting...\\x0a"),
        ("lsp", "\\r\\n", "headers without Content-Length", ""),
        ("lsp", "X: y\\r\\n\\r\\n", "headers without Content-Length", r'"X: y\\x0d\\x0a\\x0d\\x0a"$'),
        ("lsp", "Content-Length: 9\\r\\n\\r\\nabc", "the output ends in the middle of a record", r'"Content-Length: 9\\x0d\\x0a\\x0d\\x0aabc"$'),
        ("length", "\\0\\0\\0\\5ab", "the output ends in the middle of a record", r'"\\x00\\x00\\x00\\x05ab"$'),
        ("length", "help, I say more than I should", "the output ends in the middle of a record", "bytes=help$"),
    ],
)
def test_malformed_output_ends_the_session(server, script, framing, output, why, shown):
    # The program stays, but for where the end of its output is the fault.
    end = "" if "the output ends" in why else "; exec cat"
    one = server("--framing=" + framing, script("program", "#!/bin/sh\nprintf '%s'%s\n" % (output.replace("%", "%%"), end)))
    with one.websocket() as ws:
        assert ws.closed() == (1011, "the program's output is malformed")
    line = one.wait_log("error session #1 the program's output is malformed reason=(.*)")[1]
    assert line.startswith('"%s" bytes=' % why), line
    assert re.search(shown, line), line


def json_line(size):
    """A program that writes one line of so many bytes."""
    empty = len('{"type":"text","data":""}\n')
    fill = "head -c %d /dev/zero | tr '\\0' x" % (size - empty)
    return ("sh", "-c", "printf '{\"type\":\"text\",\"data\":\"'; %s; printf '\"}\\n'; exec cat" % fill)


def test_output_limit_of_json(server):
    """Not that of what clients send."""
    one = server("--framing=json", "--max-output-message=1000", "--maxframesize=10", *json_line(1000))
    with one.websocket() as ws:
        assert len(ws.text()) > 900
    reason = "the program wrote a line larger than 1000 bytes (--max-output-message)"
    for program in (json_line(1001), ("sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' ' '; exec cat")):
        one = server("--framing=json", "--max-output-message=1000", *program)
        with one.websocket() as ws:
            assert ws.closed() == (1011, reason)
        one.wait_log("error session #1 " + re.escape(reason))
    for args in ((), ("--max-output-message=0",)):
        with server("--framing=json", *args, *json_line(3000000)).websocket() as ws:
            assert len(ws.text()) > 2999000


LONG = "grüße €😀 " * 200000  # 4 MB, of characters that parts cut


@pytest.mark.parametrize("deflate", ((), ("--deflate",)), ids=("plain", "compressed"))
def test_long_output_of_lsp_is_streamed(server, script, deflate):
    """Its length is known, so no limit holds, and it is sent while it is written."""
    program = python(
        script,
        "data = ('grüße €😀 ' * 200000).encode()\n"
        "out = sys.stdout.buffer\n"
        "out.write(b'Content-Length: %d\\r\\n\\r\\n' % len(data) + data[:100000])\n"
        "out.flush()\n"
        "sys.stdin.readline()\n"
        "out.write(data[100000:] + b'Content-Length: 2\\r\\n\\r\\n{}')\n"
        "out.flush()\n"
        "sys.stdin.read()\n",
    )
    one = server("--framing=lsp", "--maxframesize=1000", "--max-output-message=1000", *deflate, program)
    with one.websocket() as ws:
        opcode, fin, part = ws.frame()
        assert (opcode, fin) == (TEXT, False)
        ws.send(frame(TEXT, "go on"))
        while not fin:
            opcode, fin, more = ws.frame()
            assert opcode == 0
            part += more
        assert part == LONG.encode()
        assert ws.text() == "{}"


def test_long_output_of_lsp_that_is_not_utf8(server, script):
    """--invalid-utf8 holds for each part."""
    program = python(
        script,
        "data = ('€' * 30000).encode() + b'\\xff' + ('€' * 30000).encode() + b'\\xe2\\x82'\n"
        "bad = b'\\xff' + b'x' * 100000\n"
        "out = sys.stdout.buffer\n"
        "for part in data, bad, b'{}': out.write(b'Content-Length: %d\\r\\n\\r\\n' % len(part) + part)\n"
        "out.flush()\n"
        "sys.stdin.read()\n",
    )
    text = ("€" * 30000 + "\ufffd" + "€" * 30000 + "\ufffd").encode()
    with server("--framing=lsp", program).websocket() as ws:
        assert ws.message() == (TEXT, text)
        assert ws.message() == (TEXT, ("\ufffd" + "x" * 100000).encode())
        assert ws.message() == (TEXT, b"{}")
    with server("--framing=lsp", "--invalid-utf8=binary", program).websocket() as ws:
        assert ws.message() == (TEXT, text)  # the first part decides
        assert ws.message() == (BINARY, b"\xff" + b"x" * 100000)
        assert ws.message() == (TEXT, b"{}")
    with server("--framing=lsp", "--invalid-utf8=close", program).websocket() as ws:
        assert ws.closed()[0] == 1011


@pytest.mark.parametrize("framing, end", [("lines", "\\n"), ("nul", "\\0")])
def test_long_records_leave_in_fragments(server, framing, end):
    program = "head -c 300000 /dev/zero | tr '\\0' x; printf '%s'; printf 'next%s'" % (end, end)
    with server("--framing=" + framing, "--maxframesize=1000", "sh", "-c", program).websocket() as ws:
        assert ws.frame()[1] is False
        rest = b""
        last = False
        while not last:
            opcode, last, part = ws.frame()
            assert opcode == 0
            rest += part
        assert ws.text() == "next"


# --newline


def test_newlines_within_a_message(server):
    with server("cat").websocket() as ws:
        ws.send(frame(TEXT, "a\nb"))
        assert (ws.text(), ws.text()) == ("a", "b")
    with server("--newline=space", "cat").websocket() as ws:
        batch_in = b"".join(frame(TEXT, t) for t in ("a\nb", "\n", "c"))
        ws.send(batch_in)
        assert [ws.text() for _ in range(3)] == ["a b", " ", "c"]
    one = server("--newline=reject", "cat")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "fine") + frame(TEXT, "a\nb") + frame(TEXT, "late"))
        assert ws.closed() == (1008, "message contains a newline (--newline=reject)")
    one.wait_log("in_messages=1 .*reason=\"message contains a newline")


# --invalid-utf8


def test_output_that_is_not_utf8(server):
    program = ("sh", "-c", "printf 'a\\377\\nfine\\n'; cat")
    with server(*program).websocket() as ws:
        assert (ws.text(), ws.text()) == ("a\ufffd", "fine")
    one = server("--invalid-utf8=binary", *program)
    with one.websocket() as ws:
        assert ws.message() == (BINARY, b"a\xff")
        assert ws.message() == (TEXT, b"fine")
    one.wait_log("not UTF-8: sent as a binary message")
    one = server("--invalid-utf8=close", *program)
    with one.websocket() as ws:
        assert ws.closed() == (1011, "the program's output is not UTF-8")
    one.wait_log("error session #1 the program.s output is not UTF-8: closing the session")


def test_the_first_part_of_a_long_line_decides(server, script):
    # A character lies across the border of two parts, and a bad byte in the second one.
    program = python(
        script,
        "sys.stdout.buffer.write(b'x' * 65535 + '€'.encode() + b'\\xff' + b'y' * 70000 + b'\\n')\n"
        "sys.stdout.buffer.write(b'\\xff' + b'x' * 70000 + b'\\xe2\\n')\n"
        "sys.stdout.buffer.flush()\nsys.stdin.read()\n",
    )
    with server("--invalid-utf8=binary", program).websocket() as ws:
        assert ws.message() == (TEXT, ("x" * 65535 + "€\ufffd" + "y" * 70000).encode())
        assert ws.message() == (BINARY, b"\xff" + b"x" * 70000 + b"\xe2")


# --passstderr


def test_stderr_is_passed_as_websocketd_does(server):
    one = server("--passstderr", "sh", "-c", "printf 'e\\t<\\377\\n' >&2; read -r go; printf '<a>&\u2028\"\\\\\\n'; printf 'x\\377\\n'; cat")
    with one.websocket() as ws:
        assert ws.text() == '{"stream":"stderr","data":"e\\t\\u003c\\ufffd"}'
        ws.send(frame(TEXT, "go"))
        assert ws.text() == '{"stream":"stdout","data":"\\u003ca\\u003e\\u0026\\u2028\\"\\\\"}'
        assert json.loads(ws.text()) == {"stream": "stdout", "data": "x\ufffd"}
        ws.send(frame(TEXT, ""))
        assert ws.text() == '{"stream":"stdout","data":""}'
    one.wait_log("error stderr #1 e")


def test_stderr_waits_for_the_end_of_a_long_line(server, script):
    program = python(
        script,
        "os.write(1, b'x' * 100000)\n"
        "sys.stdin.readline()\n"
        "os.write(2, b'one\\ntwo\\n')\n"
        "sys.stdin.readline()\n"
        "os.write(1, b'y\\n')\n"
        "sys.stdin.readline()\n",
    )
    one = server("--passstderr", program)
    with one.websocket() as ws:
        opcode, last, part = ws.frame()
        assert (opcode, last) == (TEXT, False)
        ws.send(frame(TEXT, ""))
        one.wait_log("stderr #1 two")
        ws.send(frame(TEXT, ""))
        while not last:
            opcode, last, more = ws.frame()
            assert opcode == 0
            part += more
        assert json.loads(part) == {"stream": "stdout", "data": "x" * 100000 + "y"}
        assert ws.text() == '{"stream":"stderr","data":"one"}'
        assert ws.text() == '{"stream":"stderr","data":"two"}'


def test_stderr_in_json(server):
    with server("--framing=json", "--passstderr", "sh", "-c", "echo oops >&2; cat").websocket() as ws:
        assert json.loads(ws.text()) == {"type": "stderr", "data": "oops"}
        echo(ws, (BINARY, b"\0"), (TEXT, "x"))


def test_stderr_of_a_client_that_does_not_read_is_not_gathered(server):
    program = "head -c 20000000 /dev/zero | tr '\\0' y | fold -w 1000 >&2; echo done"
    one = server("--passstderr", "sh", "-c", program)
    with one.websocket(rcvbuf=4096) as ws:
        one.wait_log("stderr #1 y", count=100)
        # It has stopped reading when the log stands still.
        lines = wait_still(lambda: one.log().count("stderr #1 y"), "the log")
        assert lines < 15000, "a slow client must stop its program"
        texts = [ws.text() for _ in range(20000 + 1)]
        texts.remove('{"stream":"stdout","data":"done"}')
        assert set(texts) == {'{"stream":"stderr","data":"%s"}' % ("y" * 1000)}
        assert ws.closed()[0] == 1000


# As many lines in as few bytes as can be; each becomes a message of 31 bytes.
MANY = "import os\nfor _ in range(%d): os.write(2, b'\\n' * 65536)\n"


def test_lines_of_stderr_leave_in_one_write(server, certificate):
    """Those of one read: a record of TLS each would show."""
    one = server("--passstderr", "sh", "-c", "read -r go; printf '%0900d' 0 | tr 0 '\\n' >&2; exec cat", tls=certificate)
    with one.websocket() as ws:
        ws.sock.records.clear()
        ws.send(frame(TEXT, "go"))
        for _ in range(900):
            assert ws.text() == '{"stream":"stderr","data":""}'
        assert len(ws.sock.records) <= 4, ws.sock.records


@unsanitized
def test_memory_of_the_last_stderr(server, script):
    """A program dies with a pipe of 1 MiB full of empty lines, 31 MiB of messages, and its client does not read."""
    program = """#!/usr/bin/python3
import fcntl, os, time
fcntl.fcntl(2, 1031, 1 << 20)  # F_SETPIPE_SZ
os.set_blocking(2, False)
input()
last = time.monotonic()
while time.monotonic() < last + 0.3:
    try:
        os.write(2, b"\\n" * 4096)
        last = time.monotonic()
    except BlockingIOError:
        time.sleep(0.01)
"""
    one = server("--passstderr", "--loglevel=debug", script("babble", program))
    one.websocket().reset()
    one.check_clean()
    before = private_kib(one.pid)
    with one.websocket(rcvbuf=4096) as ws:
        ws.send(frame(TEXT, "go"))
        one.wait_log("#2 backend .* -> gone")
        assert private_kib(one.pid) - before <= 1024
        one.wait_log("warn session #2 some lines of stderr are not sent to the client reason=.*does not read")
        ws.reset()


@unsanitized
@pytest.mark.parametrize("args", [(), ("--framing=json",)])
def test_memory_of_many_lines_of_stderr(server, script, args):
    """A client that does not read costs the same, whatever its program writes (doc/design.md, section 3)."""
    program = script("program", "#!/usr/bin/python3\n" + MANY % 10 + "input()\n")
    one = server("--passstderr", *args, program)
    with one.websocket():  # what a session costs anyway
        one.wait_log("stderr #1", count=100)
        wait_settled(one)
    one.check_clean()
    before = private_kib(one.pid)
    peers = [one.websocket(rcvbuf=4096) for _ in range(10)]
    wait_settled(one)
    assert (private_kib(one.pid) - before) / 10 <= 264
    for ws in peers:
        ws.close()


@plain_only
@unsanitized
def test_compressed_stderr_keeps_nothing_between_messages(server):
    """Without context takeover zlib's memory goes back also when nothing is written to stdout."""
    one = server("--passstderr", "--deflate=takeover=no,min=0,window=15", "sh", "-c", "printf '%0300d\\n' 0 >&2; exec cat")
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}

    def open_one():
        ws = one.connect()
        ws.upgrade(headers=offer)
        assert ws.read(1) == b"\xc1"  # compressed
        return ws

    peers = [open_one() for _ in range(5)]
    before = private_kib(one.pid)
    peers += [open_one() for _ in range(20)]
    assert (private_kib(one.pid) - before) / 20 <= 24
    for ws in peers:
        ws.close()


def test_stderr_comes_before_the_close(server):
    with server("--passstderr", "sh", "-c", "echo out; echo err >&2").websocket() as ws:
        got = {ws.text(), ws.text()}
        assert got == {'{"stream":"stdout","data":"out"}', '{"stream":"stderr","data":"err"}'}
        assert ws.closed() == (1000, "exit 0")
