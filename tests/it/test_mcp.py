# SPDX-License-Identifier: BSD-2-Clause
"""--mcp: an MCP server over stdio by Streamable HTTP, in both versions of it. The server is mcp_server.py."""

import contextlib
import json
import os
import signal

import pytest
from conftest import HERE, SCHEME, children, wait_for
from wsraw import read_chunk

PROGRAM = os.path.join(HERE, "mcp_server.py")
META = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
BOTH = "application/json, text/event-stream"


@pytest.fixture
def site(server):
    """A server of that program. Sessions outlive their connections, so they end with it."""
    sites = []

    def make(*args, program=()):
        sites.append(server("--mcp", *args, "/usr/bin/python3", PROGRAM, *program))
        return sites[-1]

    yield make
    for one in sites:
        if not one.stopped:
            one.stop()


class Reply:
    """A response: its status, its fields, and its body or its events."""

    def __init__(self, peer):
        self.peer = peer
        self.status, fields = peer.response()
        self.fields = dict(fields)
        self.type = self.fields.get("content-type")
        self.text = b""
        self.ended = False
        self.comments = 0
        if "content-length" in self.fields:
            self.text = peer.read(int(self.fields["content-length"]))

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self):
        return self.json["error"]["code"]

    def event(self):
        """The next one with data, as {id, data}; None: the stream has ended."""
        while True:
            while b"\n\n" not in self.text:
                if self.ended:
                    return None
                data = read_chunk(self.peer)
                self.text += data
                self.ended = not data
            event, self.text = self.text.split(b"\n\n", 1)
            self.comments += event == b":"
            assert self.comments < 3, "no event within 30 s"
            lines = dict(line.split(": ", 1) for line in event.decode().split("\n") if not line.startswith(":"))
            if "data" in lines:
                self.raw = lines["data"]
                return {"id": lines.get("id"), "data": json.loads(lines["data"]) if lines["data"] else None}

    def events(self):
        found = []
        while True:
            event = self.event()
            if event is None:
                return found
            found.append(event)


def fields_of(message, session=None, fields=None):
    """The header of a request of either version."""
    found = {"Accept": BOTH, "Content-Type": "application/json"}
    if session:
        found["Mcp-Session-Id"] = session
        found["MCP-Protocol-Version"] = "2025-11-25"
    params = message.get("params") if isinstance(message, dict) else None
    version = params.get("_meta", {}).get(META + "protocolVersion") if isinstance(params, dict) else None
    if version:
        found["MCP-Protocol-Version"] = version
        found["Mcp-Method"] = message["method"]
        if message["method"] == "tools/call":
            found["Mcp-Name"] = params["name"]
    found.update(fields or {})
    return found


def start(one, message, session=None, fields=None, method="POST", path="/"):
    """Sends a request on a connection of its own."""
    peer = one.connect()
    body = b"" if message is None else message if isinstance(message, bytes) else json.dumps(message).encode()
    found = fields_of(message, session, fields)
    if body or method == "POST":
        found["Content-Length"] = len(body)
    peer.send(peer.request_bytes(path, found, method, upgrade=False) + body)
    return peer


def ask(one, message, session=None, fields=None, method="POST", path="/"):
    """A whole exchange. A response that takes a second is a stream, whose last message counts."""
    with start(one, message, session, fields, method, path) as peer:
        reply = Reply(peer)
        if method == "POST" and reply.type == "text/event-stream":
            reply.events()
            reply.text = reply.raw.encode()
        return reply


def request(method, id=1, **params):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def tool(name, id=1, meta=None, **arguments):
    return request("tools/call", id, name=name, arguments=arguments, **({"_meta": meta} if meta else {}))


def modern(message, **meta):
    """The same as the stateless version has it."""
    params = dict(message.get("params", {}))
    params["_meta"] = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}, **params.get("_meta", {}), **meta}
    return {**message, "params": params}


def begin(one, version="2025-11-25", path="/"):
    client = {"name": "t", "version": "1"}
    with start(one, request("initialize", protocolVersion=version, capabilities={}, clientInfo=client), path=path) as peer:
        reply = Reply(peer)
        result = reply.json if reply.type == "application/json" else reply.events()[-1]["data"]
    assert (reply.status, result["result"]["protocolVersion"]) == (200, version)
    session = reply.fields["mcp-session-id"]
    note = ask(one, {"jsonrpc": "2.0", "method": "notifications/initialized"}, session, path=path)
    assert (note.status, note.text) == (202, b"")
    return session


def said(reply):
    """The text of a tool's result."""
    return reply.json["result"]["content"][0]["text"]


# ---- Sessions: 2025-11-25


def test_a_session_has_a_program_of_its_own(site):
    one = site("--closems=5000")  # the time that the interpreter needs to exit
    first, second = begin(one), begin(one)
    assert len(first) == 32 and first != second
    pids = {said(ask(one, tool("pid"), session)) for session in (first, second)}
    assert len(pids) == 2 and {int(p) for p in pids} == {pid for pid, _ in children(one.pid)}
    assert ask(one, None, first, method="DELETE").status == 204
    wait_for(lambda: len(children(one.pid)) == 1, "the program of the session has ended")
    assert ask(one, tool("pid"), first).status == 404
    assert ask(one, None, first, method="DELETE").status == 404
    assert said(ask(one, tool("pid"), second)) in pids
    one.wait_log(r"session #\d+ close .*in_messages=3 .*out_messages=2 .*exit=0")


def test_ids_return_as_they_were_sent(site):
    one = site()
    session = begin(one)
    ids = ["1", "-7", "1.5", "1e3", "18446744073709551616", '""', '"a"', '"\\u0061\\"\\n"', '"' + "x" * 1000 + '"']
    for id in ids:
        reply = ask(one, b'{"jsonrpc":"2.0","id":%s,"method":"ping"}' % id.encode(), session)
        assert (reply.status, reply.text) == (200, b'{"jsonrpc": "2.0", "id": %s, "result": {}}' % id.encode())


def test_two_requests_may_have_the_same_id(site):
    one = site()
    session = begin(one)
    with start(one, tool("hold", 5, key="a"), session) as first, start(one, tool("hold", 5, key="b"), session) as second:
        replies = [Reply(first), Reply(second)]
        for key in "ba":
            assert said(ask(one, tool("release", 5, key=key), session)) == "done"
        for reply in replies:
            assert reply.events()[-1]["data"] == {"jsonrpc": "2.0", "id": 5, "result": {"content": [{"type": "text", "text": "released"}]}}


def test_newlines_between_tokens_do_not_cut_a_message(site):
    one = site()
    session = begin(one)
    body = json.dumps(tool("echo", a="b\nc"), indent=2).replace("\n", "\r\n").encode()
    assert json.loads(said(ask(one, body, session))) == {"a": "b\nc"}


def test_messages_that_precede_a_response_make_it_a_stream(site):
    one = site()
    session = begin(one)
    with start(one, tool("progress", "x", {"progressToken": "tok"}, n=2), session) as peer:
        reply = Reply(peer)
        assert (reply.status, reply.type) == (200, "text/event-stream")
        assert reply.fields["cache-control"] == "no-cache" and reply.fields["x-accel-buffering"] == "no"
        events = reply.events()
    assert [e["data"] and (e["data"].get("id"), e["data"].get("params")) for e in events] == [
        None, (None, {"progressToken": "tok", "progress": 0}), (None, {"progressToken": "tok", "progress": 1}), ("x", None)
    ]
    ids = [e["id"] for e in events]
    assert len(set(ids)) == 4 and len({i.split("-")[0] for i in ids}) == 1


def test_an_earlier_version_gets_no_event_without_data(site):
    one = site()
    session = begin(one, "2025-03-26")
    with start(one, tool("progress", 1, {"progressToken": 7}, n=1), session, {"MCP-Protocol-Version": "2025-03-26"}) as peer:
        assert [e["data"] is None for e in Reply(peer).events()] == [False, False]


def test_a_slow_response_begins_a_stream_by_itself(site):
    one = site()
    session = begin(one)
    with start(one, tool("never"), session) as peer:
        reply = Reply(peer)
        assert (reply.status, reply.type, reply.event()["data"]) == (200, "text/event-stream", None)


def test_the_program_asks_its_client(site):
    one = site()
    session = begin(one)
    with start(one, tool("ask", "q"), session) as peer:
        reply = Reply(peer)
        asked = [reply.event(), reply.event()][-1]["data"]
        assert (asked["method"], asked["id"]) == ("sampling/createMessage", 77)
        answer = ask(one, {"jsonrpc": "2.0", "id": 77, "result": {"role": "assistant"}}, session)
        assert (answer.status, answer.text) == (202, b"")
        assert json.loads(reply.events()[-1]["data"]["result"]["content"][0]["text"]) == {"role": "assistant"}


def listen(one, session, last=None):
    return start(one, None, session, {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}, "GET")


def test_what_belongs_to_no_request_goes_to_the_stream_of_a_get(site):
    one = site()
    session = begin(one)
    with listen(one, session) as peer:
        reply = Reply(peer)
        assert (reply.status, reply.type, reply.event()["data"]) == (200, "text/event-stream", None)
        assert said(ask(one, tool("change"), session)) == "done"
        assert reply.event()["data"]["method"] == "notifications/tools/list_changed"
        again = ask(one, None, session, {"Accept": "text/event-stream"}, "GET")
        assert (again.status, again.error) == (409, -32600)
        assert ask(one, None, session, method="DELETE").status == 204
        assert reply.event() is None


def test_a_stream_is_resumed_after_the_last_event(site):
    one = site()
    session = begin(one)
    with start(one, tool("hold", 3, {"progressToken": 1}, key="k"), session) as peer:
        reply = Reply(peer)
        events = [reply.event(), reply.event()]
    one.wait_log("method=POST")
    assert said(ask(one, tool("release", 4, key="k"), session)) == "done"
    for after in (0, 1):
        with listen(one, session, events[after]["id"]) as peer:
            found = Reply(peer).events()
        assert [e["id"] for e in found][: 1 - after] == [e["id"] for e in events[after + 1 :]]
        assert found[-1]["data"]["id"] == 3 and found[-1]["data"]["result"]["content"][0]["text"] == "released"
    for last, status in (("77-1", 400), ("x", 400), ("-1-1", 400), ("1", 400), ("1-", 400), ("99999999999999999999-1", 400)):
        with listen(one, session, last) as peer:
            assert Reply(peer).status == status


def test_notifications_wait_for_a_stream(site):
    one = site()
    session = begin(one)
    with start(one, tool("change"), session) as peer:
        reply = Reply(peer)
        found = [e["data"].get("method") for e in reply.events() if e["data"]] if reply.type != "application/json" else []
    if not found:
        with listen(one, session) as peer:
            reply = Reply(peer)
            assert [reply.event(), reply.event()][-1]["data"]["method"] == "notifications/tools/list_changed"


def test_a_cancelled_request_is_named_by_its_number(site):
    one = site()
    session = begin(one)
    with start(one, tool("hold", "mine", {"progressToken": 1}, key="k"), session) as peer:
        Reply(peer).event()
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "mine", "reason": "r"}}
        assert ask(one, note, session).status == 202
        assert ask(one, {**note, "params": {"requestId": "other"}}, session).status == 202
        seen = [m for m in json.loads(said(ask(one, tool("seen"), session))) if m["method"] == "notifications/cancelled"]
    assert [m["params"] for m in seen] == [{"requestId": 2, "reason": "r"}]


def test_a_session_belongs_to_its_path(server, tmp_path):
    (tmp_path / "wspipe.conf").write_text("port = 0\npassenv = +WSPIPE_TEST_TAG\n" + "".join(
        "[%s]\ncommand = /usr/bin/python3 %s\nmcp = true\n" % (path, PROGRAM) for path in ("/a", "/b")))
    one = server("--config=" + str(tmp_path / "wspipe.conf"), passenv=False)
    session = begin(one, path="/a")
    assert ask(one, tool("pid"), session, path="/a").status == 200
    assert ask(one, tool("pid"), session, path="/b").status == 404
    assert ask(one, tool("pid"), session, path="/a/").status == 200
    assert ask(one, tool("pid"), session, path="/a/c").status != 200
    assert ask(one, tool("pid"), session[:-1] + ("0" if session[-1] != "0" else "1"), path="/a").status == 404
    one.stop()


@pytest.mark.parametrize("status", [0, 3])
def test_a_program_that_exits_fails_what_is_pending(site, status):
    one = site()
    session = begin(one)
    with start(one, tool("hold", "a", {"progressToken": 1}, key="k"), session) as peer:
        reply = Reply(peer)
        reply.event()
        failed = ask(one, tool("exit", "b", status=status), session).json
        assert (failed["id"], failed["error"]["code"]) == ("b", -32603) and "exit" in failed["error"]["message"]
        assert reply.events()[-1]["data"]["error"]["code"] == -32603
    assert ask(one, tool("pid"), session).status == 404
    one.wait_log(r"close .*exit=%d" % status)


def test_a_program_that_starts_slowly_has_a_session_too(site):
    one = site()
    with start(one, request("initialize", protocolVersion="2025-11-25", delay=1.5)) as peer:
        reply = Reply(peer)
        assert (reply.status, reply.type) == (200, "text/event-stream")
        assert reply.events()[-1]["data"]["result"]["protocolVersion"] == "2025-11-25"
    assert said(ask(one, tool("echo"), reply.fields["mcp-session-id"])) == "{}"


def test_an_initialize_that_fails_is_no_session(site):
    one = site()
    reply = ask(one, request("initialize", fail=True))
    assert (reply.status, reply.error) == (200, -32602)
    wait_for(lambda: not children(one.pid), "its program has ended")


def begin_and_listen(one):
    """A session with a stream; None: the time was over before, on a slow machine."""
    reply = ask(one, request("initialize", protocolVersion="2025-11-25"))
    if "mcp-session-id" not in reply.fields:
        return None
    peer = listen(one, reply.fields["mcp-session-id"])
    return peer if Reply(peer).status == 200 else peer.close()


def test_an_idle_session_ends_and_one_with_a_stream_does_not(site):
    one = site("--mcp-idle=1s")
    with wait_for(lambda: begin_and_listen(one), "a session has a stream"):
        ask(one, request("initialize", protocolVersion="2025-11-25"))
        one.wait_log(r"session #\d+ close ")
        wait_for(lambda: len(children(one.pid)) == 1, "the idle session has ended, and not the other one")
    wait_for(lambda: not children(one.pid), "the other one, too")


def test_a_request_without_a_response_ends_in_time(site):
    one = site("--mcp-idle=500ms")
    reply = ask(one, modern(tool("never", "n")))
    assert (reply.status, reply.json["id"], reply.error) == (200, "n", -32603)


def test_what_is_no_message_is_logged_and_dropped(site):
    one = site()
    session = begin(one)
    assert said(ask(one, tool("garbage"), session)) == "done"
    one.wait_log(r"warn mcp #1 dropped what the MCP program wrote.*line=\"?not JSON")
    assert said(ask(one, tool("big", n=3 << 20), session)) == "x" * (3 << 20)


def test_a_shutdown_fails_what_is_pending(site):
    one = site()
    session = begin(one)
    with start(one, tool("hold", "a", {"progressToken": 1}, key="k"), session) as peer, listen(one, session) as other:
        reply, stream = Reply(peer), Reply(other)
        reply.event()
        stream.event()
        one.stop()
        assert reply.events()[-1]["data"]["error"] == {"code": -32603, "message": "the server is shutting down"}
        assert stream.events() == []


# ---- Without sessions: 2026-07-28


def test_one_program_serves_all_clients(site):
    one = site()
    replies = [ask(one, modern(tool("pid", id))) for id in (1, 1, "x")]
    assert {r.status for r in replies} == {200} and [r.json["id"] for r in replies] == [1, 1, "x"]
    assert {int(said(r)) for r in replies} == {pid for pid, _ in children(one.pid)}
    env = json.loads(said(ask(one, modern(tool("env")))))
    assert "REMOTE_ADDR" not in env and "HTTP_ACCEPT" not in env


def test_ids_and_tokens_of_clients_do_not_meet(site):
    one = site()
    token = {"progressToken": "same"}
    with start(one, modern(tool("hold", 1, token, key="a"))) as first, start(one, modern(tool("hold", 1, token, key="b"))) as second:
        replies = [Reply(first), Reply(second)]
        for reply in replies:
            event = reply.event()
            assert event["id"] is None and event["data"]["params"] == {"progressToken": "same", "progress": 0}
        for key, reply in zip("ba", reversed(replies)):
            assert said(ask(one, modern(tool("release", key=key)))) == "done"
            assert [e["data"]["id"] for e in reply.events()] == [1]
    received = json.loads(said(ask(one, modern(tool("received", 1, {"progressToken": "t"})))))
    assert isinstance(received["_meta"]["progressToken"], int)


def test_a_client_that_disconnects_cancels_its_request(site):
    one = site()
    with start(one, modern(tool("hold", "secret", {"progressToken": 1}, key="k"))) as peer:
        Reply(peer).event()

    def cancelled():
        seen = json.loads(said(ask(one, modern(tool("seen")))))
        return [m["params"] for m in seen if m["method"] == "notifications/cancelled"]

    found = wait_for(cancelled, "the program is told")
    assert len(found) == 1 and isinstance(found[0]["requestId"], int) and found[0]["reason"] == "the client disconnected"
    assert said(ask(one, modern(tool("release", key="k")))) == "done"  # its late response is dropped


def test_a_subscription_has_the_id_of_its_request(site):
    one = site()
    with start(one, modern(request("subscriptions/listen", "sub", notifications={"toolsListChanged": True}))) as peer:
        reply = Reply(peer)
        for method in ("notifications/subscriptions/acknowledged", "notifications/tools/list_changed"):
            data = reply.event()["data"]
            assert (data["method"], data["params"]["_meta"]) == (method, {META + "subscriptionId": "sub"})


def test_messages_for_the_log_go_to_who_asked(site):
    one = site()
    with start(one, modern(tool("log"), **{META + "logLevel": "info"})) as peer:
        assert [e["data"].get("method") for e in Reply(peer).events()] == ["notifications/message", None]
    assert said(ask(one, modern(tool("log")))) == "done"


MISMATCHES = [
    (modern(request("nothing")), {}, 404, -32601),
    (modern(request("initialize")), {}, 404, -32601),
    (modern(tool("no such tool")), {}, 200, -32602),
    (modern(tool("echo")), {"Mcp-Method": "tools/list"}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Method": "TOOLS/CALL"}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Method": None}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Method": ["tools/call", "tools/call"]}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Name": "other"}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Name": None}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Name": "=?base64?ZWNobw==?="}, 200, None),
    (modern(tool("echo")), {"Mcp-Name": "=?base64?ZWNobw?="}, 400, -32020),
    (modern(tool("echo", region="a")), {}, 400, -32020),
    (modern(tool("echo", region="a")), {"Mcp-Param-Region": "b"}, 400, -32020),
    (modern(tool("echo", region="a")), {"Mcp-Param-Region": "a"}, 200, None),
    (modern(tool("echo", region="ä")), {"Mcp-Param-Region": "=?base64?w6Q=?="}, 200, None),
    (modern(tool("echo")), {"MCP-Protocol-Version": None}, 400, -32020),
    (modern(tool("echo")), {"MCP-Protocol-Version": "2025-11-25"}, 400, -32020),
    (modern(tool("echo")), {"Mcp-Session-Id": "0" * 32}, 200, None),
    (modern(tool("echo"), **{META + "protocolVersion": "1900-01-01"}), {}, 400, -32022),
    (modern(tool("echo"), **{META + "clientCapabilities": 1}), {}, 400, -32602),
    (tool("echo"), {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "echo"}, 400, -32602),
    ({"jsonrpc": "2.0", "id": 1, "result": {}}, {"MCP-Protocol-Version": MODERN}, 400, -32600),
]


def test_header_and_body_must_agree(site):
    one = site()
    assert ask(one, modern(tool("pid"))).status == 200  # a stream that has begun would have no status
    for message, fields, status, code in MISMATCHES:
        reply = ask(one, message, fields=fields)
        found = (reply.status, reply.json.get("error", {}).get("code"), reply.json["id"])
        assert found == (status, code, 1), (message, fields, reply.text)
        if code == -32022:
            assert reply.json["error"]["data"] == {"supported": [MODERN], "requested": "1900-01-01"}


def test_the_first_request_is_checked_too(site):
    one = site()
    reply = ask(one, modern(tool("echo", "x", region="a")))
    assert (reply.json["id"], reply.error) == ("x", -32020)
    assert said(ask(one, modern(tool("seen")))) == "[]"


def test_what_a_client_lists_is_used(site):
    one = site()
    call = modern(tool("pid", region="a"))
    assert ask(one, call).status == 200
    assert said(ask(one, modern(tool("mark", tool="pid")))) == "done"
    assert ask(one, call).status == 200
    assert ask(one, modern(request("tools/list"))).status == 200
    assert ask(one, call).status == 400
    assert ask(one, call, fields={"Mcp-Param-Region": "a"}).status == 200


def test_methods_and_notifications_of_the_stateless_version(site):
    one = site()
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert ask(one, note, fields={"MCP-Protocol-Version": MODERN}).status == 202
    for method in ("GET", "DELETE"):
        reply = ask(one, None, fields={"MCP-Protocol-Version": MODERN}, method=method)
        assert (reply.status, reply.fields["allow"]) == (405, "POST")
    assert not children(one.pid)


def test_a_program_of_an_earlier_version_gets_no_stateless_request(site):
    one = site(program=["--legacy"])
    for _ in range(2):
        reply = ask(one, modern(tool("echo")))
        assert (reply.json["id"], reply.error) == (1, -32600)
        assert reply.status == 400 or reply.type == "text/event-stream"  # which has begun before the program did
    assert reply.status == 400
    assert said(ask(one, tool("echo"), begin(one))) == "{}"


def test_a_shared_program_that_exits_is_started_again(site):
    one = site()
    reply = ask(one, modern(tool("exit", "b", status=4)))
    assert (reply.status, reply.json["id"], reply.error) == (200, "b", -32603)
    assert ask(one, modern(tool("echo"))).status == 200


# ---- Several workers


def test_a_request_reaches_the_worker_that_has_its_program(site):
    one = site("--workers=3")
    sessions = [begin(one) for _ in range(6)]
    pids = [said(ask(one, tool("pid"), session)) for session in sessions]
    assert len(set(pids)) == 6
    assert [said(ask(one, tool("pid"), session)) for session in sessions] == pids
    with listen(one, sessions[0]) as peer:
        reply = Reply(peer)
        reply.event()
        assert said(ask(one, tool("change"), sessions[0])) == "done"
        assert reply.event()["data"]["method"] == "notifications/tools/list_changed"
    assert {said(ask(one, modern(tool("pid")))) for _ in range(8)}.isdisjoint(pids)
    assert len({said(ask(one, modern(tool("pid")))) for _ in range(8)}) == 1
    for session in sessions:
        assert ask(one, None, session, method="DELETE").status == 204
        assert ask(one, tool("pid"), session).status == 404


def test_a_session_belongs_to_its_user_on_each_worker(site, tmp_path):
    (tmp_path / "tokens").write_text("%s alice\n%s bob\n" % ("a" * 40, "b" * 40))
    one = site("--workers=3", "--auth-token=%s/tokens" % tmp_path)
    alice, bob = ({"Authorization": "Bearer " + name * 40} for name in "ab")
    begun = ask(one, request("initialize", protocolVersion="2025-11-25", capabilities={}), fields=alice)
    session = begun.fields["mcp-session-id"]
    for _ in range(6):
        assert ask(one, tool("pid"), session).status == 401
        assert ask(one, tool("pid"), session, bob).status == 404
        assert ask(one, None, session, bob, method="DELETE").status == 404
        assert ask(one, tool("pid"), session, alice).status == 200


def test_a_request_for_another_worker_is_checked_once(site, script, tmp_path):
    asked = tmp_path / "asked"
    one = site("--workers=3", "--auth-hook=" + script("hook", "#!/bin/sh\necho x >>%s\n" % asked))
    for _ in range(6):
        session = begin(one)  # by two requests
        assert said(ask(one, tool("pid"), session)).isdigit()
        assert said(ask(one, modern(tool("pid")))).isdigit()
        assert ask(one, None, session, method="DELETE").status == 204
    assert len(asked.read_text().splitlines()) == 6 * 5


def test_a_disconnect_reaches_the_worker_that_has_the_program(site):
    one = site("--workers=2")
    for _ in range(4):
        with start(one, modern(tool("hold", 1, {"progressToken": 1}, key="k"))) as peer:
            Reply(peer).event()
    wait_for(lambda: said(ask(one, modern(tool("seen")))).count("notifications/cancelled") == 4, "each is cancelled")


def test_a_worker_that_dies_fails_what_is_pending(site):
    one = site("--workers=2")
    sessions = [begin(one) for _ in range(4)]
    with contextlib.ExitStack() as stack:
        calls = [modern(tool("hold", 1, key=str(i))) for i in range(4)]
        pending = [stack.enter_context(start(one, call)) for call in calls]
        wait_for(lambda: said(ask(one, modern(tool("holds")))) == "4", "the program has them")
        for pid in one.workers():
            os.kill(pid, signal.SIGKILL)
        for peer in pending:
            with contextlib.suppress(EOFError, ConnectionError):
                reply = Reply(peer)
                assert reply.status == 502 or reply.event() is None
    for session in sessions:
        wait_for(lambda session=session: answers(one, tool("pid"), session) == 404, "a new worker responds")
    assert said(ask(one, modern(tool("pid")))).isdigit()


def answers(one, message, session=None):
    """The status; None: the worker died meanwhile."""
    with contextlib.suppress(EOFError, ConnectionError):
        return ask(one, message, session).status


# ---- Requests of both versions


REJECTED = [
    (b"", {}, 400, -32700),
    (b"{", {}, 400, -32700),
    (b"[" * 1000, {}, 400, -32700),
    (b'"\xff"', {}, 400, -32700),
    (b"[]", {}, 400, -32600),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', {}, 400, -32600),
    (b'{"id":1,"method":"ping"}', {}, 400, -32600),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', {}, 400, -32600),
    (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', {}, 400, -32600),
    (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', {}, 400, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {}, 400, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"MCP-Protocol-Version": "1.0"}, 400, -32022),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Mcp-Session-Id": "x"}, 404, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Accept": "application/json"}, 406, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Accept": None}, 406, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Accept": "*/*"}, 400, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Content-Type": "text/plain"}, 415, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Content-Type": None}, 415, -32600),
    (b" " * 2000, {}, 413, -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Origin": "http://evil.example"}, 403, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', {"Host": "evil.example"}, 421, None),
]


def test_requests_that_are_rejected_start_nothing(site):
    one = site("--max-body=1024")
    for body, fields, status, code in REJECTED:
        reply = ask(one, body, fields=fields)
        assert reply.status == status, (body, fields, reply.text)
        if code:
            assert (reply.type, reply.error) == ("application/json", code), (body, fields)
    assert not children(one.pid)


def test_methods(site):
    one = site()
    session = begin(one)
    assert ask(one, None, method="PUT").fields["allow"] == "GET, POST, DELETE, OPTIONS"
    assert ask(one, None, session, {"Accept": "application/json"}, "GET").status == 406
    for method in ("GET", "DELETE"):
        assert ask(one, None, fields={"Accept": "text/event-stream"}, method=method).status == 400
        assert ask(one, None, session, {"MCP-Protocol-Version": "9"}, method).status == 400
    assert ask(one, request("initialize"), session).status == 400


def test_a_page_may_read_the_responses_if_it_is_allowed(site):
    one = site("--origin=app.example")
    origin = {"Origin": "%s://app.example" % SCHEME}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "mcp-method"}
    reply = ask(one, None, fields={**origin, **asked}, method="OPTIONS")
    assert reply.status == 204 and reply.fields["access-control-allow-headers"] == "mcp-method"
    reply = ask(one, request("initialize", protocolVersion="2025-11-25"), fields=origin)
    assert reply.fields["access-control-allow-origin"] == origin["Origin"]
    assert reply.fields["access-control-expose-headers"] == "Mcp-Session-Id"


def test_a_client_that_does_not_read_stops_no_other(site):
    one = site()
    session = begin(one)
    with one.connect(rcvbuf=4096) as slow:
        body = json.dumps(tool("progress", 1, {"progressToken": 1}, n=60000)).encode()
        slow.send(slow.request_bytes("/", {**fields_of({}, session), "Content-Length": len(body)}, "POST", upgrade=False) + body)
        assert said(ask(one, tool("pid", 2), session)).isdigit()
