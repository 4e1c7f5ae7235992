# SPDX-License-Identifier: BSD-2-Clause
"""--describe: an AsyncAPI document of the endpoints, and the fragments next to programs."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import WSPIPE, plain_only
from probes import unsanitized
from test_tls import Allocator
from wsraw import DEADLINE

pytestmark = plain_only
INTEROP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "interop"))
WITHOUT_YAML = "built without libyaml"


def run(*args):
    return subprocess.run([WSPIPE, "--describe", *map(str, args)], capture_output=True, text=True, timeout=DEADLINE, check=False,
        stdin=subprocess.DEVNULL)


def describe(*args):
    """The document, which is the same each time."""
    done = run(*args)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.isascii()
    assert run(*args).stdout == done.stdout
    return json.loads(done.stdout)


def only_channel(document):
    (channel,) = document["channels"].values()
    return channel


def payloads(channel, kind):
    return {name: message["payload"] for name, message in channel["messages"].items() if name.startswith(kind)}


@pytest.fixture
def programs(tmp_path):
    """A directory with the program "chat"; its fragment can be written."""
    directory = tmp_path / "programs"
    (directory / "sub").mkdir(parents=True)
    for name in ("chat", "sub/deep"):
        (directory / name).write_text("#!/bin/sh\nexec cat\n")
        (directory / name).chmod(0o755)
    (directory / "notes.txt").write_text("not executable")
    return directory


@pytest.fixture
def access(tmp_path):
    """The options of all kinds of credentials that need no TLS."""
    (tmp_path / "passwords").write_text("ann:$2y$05$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
    (tmp_path / "tokens").write_text("0123456789abcdef0123456789abcdef\n")
    return [f"--auth-basic={tmp_path}/passwords", f"--auth-token={tmp_path}/tokens", "--auth-header=X-User", "--trusted-proxy=127.0.0.1"]


# ---- Messages by framing


@pytest.mark.parametrize(("options", "sent", "received"), [
    ([], ["inText"], ["outText"]),
    (["--framing=stream"], ["inText", "inBinary"], ["outBinary"]),
    (["--framing=text"], ["inText"], ["outText"]),
    (["--framing=nul"], ["inText"], ["outText"]),
    (["--framing=length"], ["inText", "inBinary"], ["outBinary"]),
    (["--framing=length", "--text"], ["inText", "inBinary"], ["outText"]),
    (["--framing=json"], ["inText", "inBinary"], ["outText", "outBinary"]),
    (["--framing=lsp"], ["inText", "inBinary"], ["outText"]),
    (["--passstderr"], ["inText"], ["outLine"]),
    (["--framing=json", "--passstderr"], ["inText", "inBinary"], ["outText", "outBinary", "outStderr"]),
    (["--invalid-utf8=binary"], ["inText"], ["outText", "outBinary"]),
    (["--framing=json", "--shared", "--slow=drop"], ["inText", "inBinary"], ["outText", "outBinary", "outDropped"]),
    (["--pty"], ["inText", "inBinary"], ["outBinary"]),
    (["--pty", "--readonly"], [], ["outBinary"]),
])
def test_the_messages_are_those_of_the_framing(options, sent, received):
    document = describe(*options, "cat")
    channel = only_channel(document)
    assert list(payloads(channel, "in")) == sent
    assert list(payloads(channel, "out")) == received
    assert [one["action"] for one in document["operations"].values()] == ["receive", "send"][not sent:]
    for one in document["operations"].values():
        names = sent if one["action"] == "receive" else received
        assert one["messages"] == [{"$ref": f"#/channels/root/messages/{name}"} for name in names]


def test_the_program_of_json_gets_objects_with_events_and_ids():
    program = only_channel(describe("--framing=json", "--events", "--event-headers=Origin", "--shared", "cat"))["x-program"]
    stdin = {record["properties"]["type"]["const"] + str(len(record["required"])): record for record in program["stdin"]["records"]}
    assert set(stdin) == {"text3", "binary3", "open7", "close4"}
    assert all(record["properties"]["id"] == {"type": "integer"} and "id" in record["required"] for record in stdin.values())
    assert stdin["binary3"]["properties"]["data"] == {"type": "string", "contentEncoding": "base64"}
    assert stdin["open7"]["properties"]["headers"]["type"] == "object"
    for record in program["stdout"]["records"]:
        assert {"type": "array", "items": {"type": "integer"}} in record["properties"]["except"]["oneOf"]
        assert "id" not in record["required"]


def test_the_program_of_addressed_lines_gets_ids():
    channel = only_channel(describe("--shared=addressed", "--events", "cat"))
    assert channel["x-program"]["stdin"]["records"] == [{"type": "string", "pattern": "^[1-9][0-9]*\\t(open|text|close)\\t"}]
    assert "One program for all clients" in channel["description"]


# ---- Servers and security


def test_the_servers_are_the_addresses(certificate, tmp_path):
    document = describe("--sse=false", "cat")
    assert document["servers"] == {"tcp": {"host": "localhost:8080", "protocol": "ws"}}
    tls = ["--ssl", f"--sslcert={certificate[0]}", f"--sslkey={certificate[1]}", f"--sslca={certificate[0]}"]
    document = describe(*tls, "--sse=false", "--address=*", "--address=::1", "--port=0", f"--unixsocket={tmp_path}/s", "cat")
    assert {name: (one["host"], one["protocol"]) for name, one in document["servers"].items()} == {
        "tcp": ("{host}:{port}", "wss"), "tcp-2": ("[::1]:{port}", "wss"), "unix": ("localhost", "wss")}
    assert document["servers"]["unix"]["x-unix-socket"] == f"{tmp_path}/s"
    assert document["servers"]["tcp"]["security"] == [{"$ref": "#/components/securitySchemes/certificate"}]
    assert not (tmp_path / "s").exists()
    assert list(describe(f"--unixsocket={tmp_path}/s", "cat")["servers"]) == ["unix", "unix-http"]


def test_each_way_to_authenticate_is_an_alternative(access):
    document = describe(*access, "cat")
    schemes = document["components"]["securitySchemes"]
    assert {name: one["type"] for name, one in schemes.items()} == {"basic": "http", "bearer": "http", "tokenCookie": "httpApiKey",
        "tokenQuery": "httpApiKey", "proxy-X-User": "httpApiKey"}
    for operation in document["operations"].values():
        assert operation["security"] == [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes]
    hook = describe("--auth-hook=true", "cat")
    assert list(hook["components"]["securitySchemes"]) == ["hook"]


def test_event_streams_have_servers_and_bindings_of_http(tmp_path):
    document = describe("cat")
    assert {name: one["protocol"] for name, one in document["servers"].items()} == {"tcp": "ws", "tcp-http": "http"}
    assert {one["action"]: one["bindings"]["http"]["method"] for one in document["operations"].values()} == {"receive": "POST", "send": "GET"}
    assert "servers" not in only_channel(document)
    path = tmp_path / "conf"
    path.write_text("[/both]\ncommand = cat\n[/websocket]\ncommand = cat\nsse = false\n")
    channels = describe(f"--config={path}")["channels"]
    assert channels["websocket"]["servers"] == [{"$ref": "#/servers/tcp"}]
    assert list(describe("--workers=2", "cat")["servers"]) == ["tcp"]


def test_the_request_is_in_the_binding():
    binding = only_channel(describe("--pty", "--require-origin", "--subprotocol=a,b", "--require-subprotocol", "cat"))["bindings"]["ws"]
    assert set(binding["headers"]["required"]) == {"Origin", "Sec-WebSocket-Protocol"}
    assert binding["headers"]["properties"]["Sec-WebSocket-Protocol"]["examples"] == ["a", "b"]
    assert set(binding["query"]["properties"]) == {"cols", "rows"}


# ---- Endpoints and programs


def test_each_endpoint_of_a_file_is_a_channel(tmp_path, programs):
    path = tmp_path / "conf"
    path.write_text(f"[/]\nstaticdir = {tmp_path}/www\n[/a b]\ncommand = cat\n[/a{{b]\ncommand = cat\nframing = json\n[/p]\ndir = {programs}\n")
    (tmp_path / "www").mkdir()
    channels = describe(f"--config={path}")["channels"]
    assert {key: one["address"] for key, one in channels.items()} == {
        "a_b": "/a%20b", "a_b_2": "/a%7Bb", "p_chat": "/p/chat", "p_sub_deep": "/p/sub/deep"}
    path.write_text("[/a]\ncommand = cat\nframing = nonsense\n")
    done = run(f"--config={path}")
    assert (done.returncode, done.stdout) == (78, "")
    assert f"{path}:3: framing must be" in done.stderr


def test_only_programs_that_a_url_can_name_are_channels(programs):
    for name in (b".hidden", b"old~", b"back\\slash", b"tab\there", b"\xff", "ü".encode()):
        path = os.path.join(os.fsencode(programs), name)
        shutil.copy(programs / "chat", path)
    (programs / "loop").symlink_to(".")
    (programs / "link").symlink_to("chat")
    (programs / "outside").symlink_to("/bin/cat")
    os.mkfifo(programs / "fifo")
    document = describe(f"--dir={programs}")
    assert [one["address"] for one in document["channels"].values()] == ["/chat", "/link", "/sub/deep", "/%C3%BC"]


# ---- Fragments

FRAGMENT = {
    "info": {"title": "Chat", "version": "2.0.0"},
    "channels": {"chat": {"messages": {"inText": {"payload": {"type": "object"}}, "other": {"payload": {"type": "string"}}}}},
    "operations": {"send-chat": {"summary": "What others say"}},
    "components": {"schemas": {"name": {"type": "string"}}},
}
FRAGMENT_YAML = """\
info: {title: Chat, version: "2.0.0"}
channels:
  chat:
    messages:
      inText:
        payload: {type: object}
      other:
        payload: &text
          type: string
operations:
  send-chat: {summary: What others say}
components:
  schemas:
    name: *text
"""


@pytest.fixture(scope="module")
def yaml(tmp_path_factory):
    """Skips without libyaml."""
    directory = tmp_path_factory.mktemp("yaml")
    shutil.copy(shutil.which("true"), directory / "p")
    (directory / "p.asyncapi.yaml").write_text("info: {}\n")
    if WITHOUT_YAML in run(f"--dir={directory}").stderr:
        pytest.skip(WITHOUT_YAML)


def merged(programs):
    document = describe(f"--dir={programs}")
    channel = document["channels"]["chat"]
    assert document["info"]["title"] == "Chat"
    assert channel["messages"]["inText"]["payload"] == {"type": "object"}
    assert channel["messages"]["inText"]["contentType"] == "text/plain"
    assert document["operations"]["send-chat"]["summary"] == "What others say"
    assert document["components"]["schemas"] == {"name": {"type": "string"}}
    return document


def test_a_fragment_in_json_is_merged(programs):
    (programs / "chat.asyncapi.json").write_text(json.dumps(FRAGMENT))
    merged(programs)


def test_a_fragment_in_yaml_is_merged(programs, yaml):
    (programs / "chat.asyncapi.yaml").write_text(FRAGMENT_YAML)
    merged(programs)
    (programs / "chat.asyncapi.json").write_text("{}")
    done = run(f"--dir={programs}")
    assert done.returncode == 78 and "both exist: remove one of them" in done.stderr


def rejected(programs, kind, text, wanted):
    path = programs / f"chat.asyncapi.{kind}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run(f"--dir={programs}")
    assert (done.returncode, done.stdout) == (78, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"wspipe: {path}{wanted}"), line
    assert line.endswith("; correct it, or remove the file")
    path.unlink()


def test_a_bad_fragment_in_json_is_an_error_with_its_line(programs):
    for text, wanted in [
        ("{\n]", ":2: "),
        ('{"info": {"a": 1,\n"a": 2}}', ":2: duplicate object key"),
        ("[]", ": it must be an object"),
        ('{"servers": {}}', ": unknown member 'servers'"),
        ('{"info": 1}', ": the member 'info' must be an object"),
        ('{"info": ' + '{"a":' * 5000, ":1: "),
        (b'{"info": {"title": "\xff"}}', ":1: "),
        (b" " * (1 << 20) + b"{}", ": it is larger than 1 MiB"),
    ]:
        rejected(programs, "json", text, wanted)


def test_a_bad_fragment_in_yaml_is_an_error_with_its_line(programs, yaml):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
    for text, wanted in [
        ("info:\n  - a\n b", ":3: "),
        ("a: 1\na: 2", ":2: duplicate key 'a'"),
        ("", ":1: it is empty"),
        ("info: {}\n---\ninfo: {}", ":2: it has more than one document"),
        ("? [a]\n: 1", ":1: a key must be text"),
        ("a: &x 1\n<<: *x", ":2: merge keys (<<) are not supported"),
        ("info:\n  a: *x", ":2: the alias *x has no anchor before it"),
        ("info: &x\n  a: *x", ":2: the alias *x has no anchor before it"),
        ("info:\n  a: .inf", ":2: JSON has no .inf"),
        ("info:\n  a: !!python/object:os.system 1", ":2: the tag "),
        (bomb, ":5: more than 20000 values"),
        ("[" * 100000, ":1: more than 64 levels"),
        (b"info: \xff", ":1: "),
        ("- a", ": it must be an object"),
    ]:
        rejected(programs, "yaml", text, wanted)


def test_a_fragment_is_a_regular_file_inside_the_directory(programs, tmp_path):
    (tmp_path / "secret.json").write_text('{"info": {"title": "secret"}}')
    (programs / "chat.asyncapi.json").symlink_to(tmp_path / "secret.json")
    done = run(f"--dir={programs}")
    assert done.returncode == 78 and "chat.asyncapi.json: it leads out of the directory" in done.stderr
    (programs / "chat.asyncapi.json").unlink()
    os.mkfifo(programs / "chat.asyncapi.json")
    done = run(f"--dir={programs}")
    assert done.returncode == 78 and "it is not a regular file" in done.stderr


# ---- The document as a whole


def test_output_that_can_not_be_written_is_an_error():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([WSPIPE, "--describe", "cat"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 74 and "can't write to standard output" in done.stderr


def test_what_is_not_text_or_printable_is_escaped(programs, tmp_path):
    done = run(f"--unixsocket={tmp_path}/\x1b[31m\udcff\x9b", "cat")
    assert done.stdout.isascii() and "\x1b" not in done.stdout
    assert json.loads(done.stdout)["servers"]["unix"]["x-unix-socket"].endswith("/\x1b[31m\ufffd\x9b")
    (programs / "chat.asyncapi.json").write_text('{"\\u001b[31m": {}}')
    assert "\x1b" not in run(f"--dir={programs}").stderr


def test_asyncapi_accepts_the_documents(programs, access, certificate, tmp_path):
    if not shutil.which("node") or not os.path.isdir(os.path.join(INTEROP, "node_modules", "@asyncapi", "parser")):
        pytest.skip("node or @asyncapi/parser is missing: install nodejs, and run npm ci in tests/interop")
    for name in (b"braces{x}~1", "ü#?%".encode(), b'quote"'):
        shutil.copy(programs / "chat", os.path.join(os.fsencode(programs), name))
    (programs / "chat.asyncapi.json").write_text(json.dumps(FRAGMENT))
    endpoints = {
        "lines": [],
        "stderr": ["passstderr = true"],
        "json": ["framing = json", "events = true", "event-headers = Origin"],
        "shared-json": ["framing = json", "events = true", "shared = true", "slow = drop"],
        "shared-lines": ["shared = addressed", "events = true"],
        "broadcast": ["shared = true"],
        "lsp": ["framing = lsp"],
        "terminal": ["pty = true", "require-origin = true", "require-subprotocol = true"],
        "access": [*(option[2:].replace("=", " = ", 1) for option in access[:3]), "auth-cert = true", "auth-hook = true"],
        "hook": ["auth-hook = true"],
        "without-streams": ["sse = false"],
    }
    path = tmp_path / "conf"
    path.write_text(f"ssl = true\nsslcert = {certificate[0]}\nsslkey = {certificate[1]}\nsslca = {certificate[0]}\nport = 0\n"
        f"address = *\ntrusted-proxy = 127.0.0.1\n[/]\ndir = {programs}\n[/files]\nstaticdir = {INTEROP}\n[/socket]\ncommand = tcp:localhost:1\n"
        + "".join(f"[/{name}]\ncommand = cat\n" + "\n".join(lines) + "\n" for name, lines in endpoints.items()))
    unix = os.fsencode(tmp_path) + b'/\xff"{s}'
    documents = {"all": [f"--config={path}"], "unix": [b"--unixsocket=" + unix, "--sse=false", "cat"]}
    texts = {}
    for name, args in documents.items():
        done = subprocess.run([WSPIPE, "--describe", *args], capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, (name, done.stderr)
        texts[name] = done.stdout
    done = subprocess.run(["node", os.path.join(INTEROP, "asyncapi.mjs")], input=json.dumps(texts), capture_output=True, text=True,
        timeout=DEADLINE, check=True)
    for name, result in json.loads(done.stdout).items():
        assert result["errors"] == [], name
        assert result["addresses"] == [one["address"] for one in json.loads(texts[name])["channels"].values()]


@unsanitized
def test_no_document_is_incomplete_for_lack_of_memory(tmp_path):
    allocator = Allocator(tmp_path)
    env = dict(os.environ, **allocator.env)
    whole = subprocess.run([WSPIPE, "--describe", "--port=0", "sh"], capture_output=True, check=True).stdout
    for after in range(0, 100000, 3):
        allocator.fail(after)
        done = subprocess.run(
            [WSPIPE, "--describe", "--port=0", "sh"], capture_output=True, env=env, timeout=DEADLINE, check=False)
        assert done.returncode >= 0, after
        assert done.returncode != 0 or done.stdout == whole, after
        if allocator.left() > 0:
            return
    pytest.fail("it allocates without an end")
