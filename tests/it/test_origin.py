# SPDX-License-Identifier: BSD-2-Clause
"""Who may connect: the Origin of a page, and the Host against DNS rebinding."""

import re

import pytest
from conftest import OTHER_PORT, OTHER_SCHEME, PORT, SCHEME, TLS


def own(table):
    """The tables are written for http as the request's own scheme: over TLS it and https change places."""
    swap = {"http:": SCHEME + ":", "https:": OTHER_SCHEME + ":", ":80": ":" + PORT, ":443": ":" + OTHER_PORT}

    def swapped(value):
        if isinstance(value, list):
            return [swapped(v) for v in value]
        return re.sub(r"(?i)https?:(?=/)|:(80|443)$", lambda m: swap[m[0].lower()], value) if value else value

    return [(swapped(origin), swapped(host), status) for origin, host, status in table]


def outcome(one, origin=None, host=None, path="/"):
    """The status of a handshake with these fields."""
    headers = {"Origin": origin}
    if host is not None:
        headers["Host"] = host
    with one.connect() as peer:
        peer.send(peer.request_bytes(path, headers))
        status, fields = peer.response()
        if status == 101:
            return status
        assert dict(fields)["connection"] == "close"
        assert re.fullmatch(rb"%d [^\n]+\n\n[^\n]+\n" % status, peer.read_to_end())
        return status


def check(one, table):
    """Each row is (origin, host, status), "@" standing for the server's port; a refusal names its option."""
    port = str(one.addresses[0][1])

    def filled(value):
        if isinstance(value, list):
            return [filled(v) for v in value]
        return value.replace("@", port) if value else value

    got = [(origin, host, outcome(one, filled(origin), filled(host))) for origin, host, _ in table]
    assert got == table
    return re.findall(r'rejected status=(\d+) .* reason="(.*)"\n', one.log())


# Without options: the page must come from the request's own scheme, host and port.
SAME = [
    (None, None, 101),
    ("http://127.0.0.1:@", "127.0.0.1:@", 101),
    ("http://localhost:@", "localhost:@", 101),
    ("HTTP://LocalHost:@", "LOCALHOST:@", 101),
    ("http://[::1]:@", "[::1]:@", 101),
    ("http://[0:0:0:0:0:0:0:1]:@", "[::1]:@", 101),
    ("http://localhost", "localhost", 101),
    ("http://localhost:80", "localhost", 101),
    ("http://localhost", "localhost:80", 101),
    ("http://a.localhost:@", "a.localhost:@", 101),
    # On loopback these are one host.
    ("http://localhost:@", "127.0.0.1:@", 101),
    ("http://127.0.0.1:@", "[::1]:@", 101),
    ("http://[::1]:@", "localhost:@", 101),
    ("http://127.0.0.1:1", "localhost:@", 403),
    ("http://127.0.0.2:@", "localhost:@", 403),
    ("http://a.localhost:@", "localhost:@", 403),
    ("http://localhost", "localhost:@", 403),
    ("http://localhost:1", "localhost:@", 403),
    # Browsers never send the slash, so these are programs.
    ("http://localhost/", "localhost:@", 101),
    ("http://127.0.0.1:1/", "localhost:@", 101),
    ("http://localhost//", "localhost:@", 403),
    ("https://localhost:@", "localhost:@", 403),
    ("https://localhost", "localhost", 403),
    ("ws://localhost:@", "localhost:@", 403),
    ("http://localhost.:@", "localhost:@", 403),
    ("http://localhost:@.evil.example", "localhost:@", 403),
    ("http://localhost.evil.example:@", "localhost:@", 403),
    ("http://evillocalhost:@", "localhost:@", 403),
    ("http://evil.example/?localhost:@", "localhost:@", 403),
    ("http://evil.example#localhost:@", "localhost:@", 403),
    ("http://localhost:@/", "localhost:@", 101),
    ("http://localhost:@//", "localhost:@", 403),
    ("http://localhost:@/a", "localhost:@", 403),
    ("http://evil.example/", "localhost:@", 403),
    ("http://me@localhost", "localhost", 403),
    ("http://localhost@evil.example", "localhost", 403),
    ("http://localhost:@ http://evil.example", "localhost:@", 403),
    ("http://localhost:@, http://localhost:@", "localhost:@", 403),
    (["http://localhost:@", "http://localhost:@"], "localhost:@", 403),
    (["http://localhost:@", "http://evil.example"], "localhost:@", 403),
    ("http://evil.example", "localhost:@", 403),
    ("null", "localhost:@", 403),
    ("", "localhost:@", 403),
    ("file://", "localhost:@", 403),
    ("localhost:@", "localhost:@", 403),
    ("//localhost:@", "localhost:@", 403),
    ("chrome-extension://abcdef", "localhost:@", 403),
    ("http://l\xf6calhost:@", "localhost:@", 403),
    ("http://xn--lcalhost-n4a:@", "localhost:@", 403),
    ("http://127.1:@", "127.0.0.1:@", 403),
    ("http://[::ffff:127.0.0.1]:@", "127.0.0.1:@", 403),
]

LIST = (
    "https://app.example, https://*.wild.example,http://dev.example:3000,"
    "plain.example,ported.example:81,https://[2001:db8::1]"
)
# What a name without a scheme stands for: any page of the web, over TLS only one that came by TLS, too.
BY_HTTP = 403 if TLS else 101
LISTED = [
    (None, None, 101),
    ("https://app.example", None, 101),
    ("https://APP.example:443", None, 101),
    ("https://a.wild.example", None, 101),
    ("https://a.b.wild.example", None, 101),
    ("http://dev.example:3000", None, 101),
    ("http://plain.example", None, BY_HTTP),
    ("https://plain.example:8443", None, 101),
    ("http://ported.example:81", None, BY_HTTP),
    ("https://ported.example:81", None, 101),
    ("https://[2001:DB8:0::1]", None, 101),
    ("http://app.example", None, 403),
    ("https://app.example:8443", None, 403),
    ("https://app.example.", None, 403),
    ("https://app.example.evil.example", None, 403),
    ("https://evilapp.example", None, 403),
    ("https://sub.app.example", None, 403),
    ("https://wild.example", None, 403),
    ("https://.wild.example", None, 403),
    ("https://evilwild.example", None, 403),
    ("http://a.wild.example", None, 403),
    ("http://dev.example", None, 403),
    ("https://dev.example:3000", None, 403),
    ("http://ported.example", None, 403),
    ("ftp://plain.example", None, 403),
    ("https://evil.example/?https://app.example", None, 403),
    ("https://evil.example#app.example", None, 403),
    ("https://app.example@evil.example", None, 403),
    ("https://app.example,https://app.example", None, 403),
    (["https://app.example", "https://app.example"], None, 403),
    ("null", None, 403),
    ("", None, 403),
    ("file://", None, 403),
    ("http://127.0.0.1:@", None, 403),  # the list replaces the default
]


# What can be pasted, or why nothing can.
REASON = (
    r"^page from \S+ (may not connect; allow it with|is not in --origin; add it to allow it:) --origin='?[-.:/\w,*\[\]]+'?$"
    r"|^page (without an origin|from a local file) .* --origin=any$"
    r"|^the Origin is not valid$|^the host in the Origin ends with a dot|^the request has more than one Origin$"
)


def test_default_is_the_same_origin(server):
    refusals = check(server("cat"), own(SAME))
    assert len(refusals) == len([row for row in SAME if row[2] == 403])
    assert [r for r in refusals if r[0] != "403" or not re.search(REASON, r[1])] == []


def test_list_of_origins(server):
    refusals = check(server("--origin=" + LIST, "cat"), LISTED)
    assert len(refusals) == len([row for row in LISTED if row[2] == 403])
    assert [r for r in refusals if not re.search(REASON, r[1])] == []


@pytest.mark.parametrize("word", ["any", "*"])
def test_any_origin(server, word):
    pages = ["http://evil.example", "null", "", "file://", "no origin at all", ["http://a", "http://b"], None]
    check(server("--origin=" + word, "cat"), [(page, None, 101) for page in pages])


@pytest.mark.parametrize(
    "option, table",
    [
        ("--sameorigin", [(None, "localhost:@", 403), ("http://localhost:@", "localhost:@", 101)]),
        ("--sameorigin", [("http://evil.example", "localhost:@", 403), ("null", "localhost:@", 403)]),
        ("--require-origin", [(None, "localhost:@", 403), ("http://localhost:@", "localhost:@", 101)]),
        ("--require-origin", [("http://evil.example", "localhost:@", 403), ("", "localhost:@", 403)]),
    ],
)
def test_a_client_without_an_origin_can_be_refused(server, option, table):
    refusals = check(server(option, "cat"), own(table))
    assert len(refusals) == len([row for row in table if row[2] == 403])
    for (origin, _, _), (_, reason) in zip((row for row in table if row[2] == 403), refusals):
        assert re.search("--require-origin" if origin is None else REASON + "|--sameorigin", reason)


@pytest.mark.parametrize("compat", ([], ["--compat=websocketd"]))
@pytest.mark.parametrize("listed", ("any", "*", "https://app.example,localhost"))
def test_an_origin_list_does_not_undo_sameorigin(server, compat, listed):
    """Both must hold, as with websocketd."""
    table = [("http://localhost:@", "localhost:@", 101), ("https://app.example", "localhost:@", 403)]
    table += [("http://localhost:1", "localhost:@", 403), ("null", "localhost:@", 403), (None, "localhost:@", 403)]
    check(server("--sameorigin", "--origin=" + listed, *compat, "cat"), own(table))


def test_sameorigin_and_a_list_without_it(server):
    check(server("--sameorigin", "--origin=app.example", "cat"), own([("http://localhost:@", "localhost:@", 403)]))


def test_required_origin_and_list(server):
    table = [(None, None, 403), ("https://app.example", None, 101), ("https://evil.example", None, 403)]
    check(server("--require-origin", "--origin=https://app.example", "cat"), table)


def test_required_origin_may_be_any(server):
    check(server("--require-origin", "--origin=any", "cat"), [(None, None, 403), ("null", None, 101)])


# A name that somebody else's DNS can point to 127.0.0.1.
HOSTS = [
    (None, "localhost", 101),
    (None, "LOCALHOST:@", 101),
    (None, "a.b.localhost", 101),
    (None, "127.0.0.1", 101),
    (None, "192.0.2.1:80", 101),
    (None, "[::1]", 101),
    (None, "[2001:db8::1]:80", 101),
    (None, "evil.example", 421),
    (None, "evil.example:@", 421),
    (None, "localhost.", 421),
    (None, "localhost.evil.example", 421),
    (None, "evillocalhost", 421),
    (None, ".localhost", 421),
    (None, "127.0.0.1.evil.example", 421),
    (None, "127.1", 421),
    (None, "0x7f000001", 421),
    ("http://evil.example:@", "evil.example:@", 421),
]


def test_hosts_that_are_not_local(server):
    refusals = check(server("cat"), HOSTS)
    assert len(refusals) == len([row for row in HOSTS if row[2] == 421])
    named = r"^Host '(\S+)' is rejected because the server only listens on loopback; allow it with --host=\1$"
    assert [r for r in refusals if r[0] != "421" or not re.search(named + "|^the Host ends with a dot", r[1])] == []


def test_further_hosts(server):
    table = [
        (None, "dev.example", 101),
        (None, "DEV.example:@", 101),
        (None, "other.example", 101),
        ("http://dev.example:@", "dev.example:@", 101),
        ("http://evil.example:@", "dev.example:@", 403),
        (None, "sub.dev.example", 421),
        (None, "dev.example.", 421),
        (None, "evil.example", 421),
        (None, "localhost", 101),
    ]
    check(server("--host=dev.example", "--host=other.example", "cat"), own(table))


@pytest.mark.parametrize("address", ["--address=*", "--address=0.0.0.0", "--address=127.0.0.1"])
@pytest.mark.parametrize("compat", ([], ["--compat=websocketd"]))
def test_a_given_host_is_required_on_every_address(server, address, compat):
    table = [
        (None, "ws.example", 101),
        (None, "WS.Example:@", 101),
        ("http://ws.example", "ws.example", 101),
        (None, "localhost:@", 101),
        (None, "a.localhost", 101),
        (None, "127.0.0.1:@", 101),
        (None, "192.0.2.1", 101),
        (None, "[2001:db8::1]:@", 101),
        (None, "evil.example", 421),
        (None, "sub.ws.example", 421),
        (None, "ws.example.", 421),
        ("http://evil.example", "evil.example", 421),
    ]
    refusals = check(server(address, "--host=ws.example", *compat, "cat"), own(table))
    if address != "--address=127.0.0.1" and not compat:
        assert refusals[0] == ("421", "Host 'evil.example' is not in --host; allow it with --host=evil.example")


def test_names_of_loopback_are_not_one_origin_elsewhere(server):
    table = [("http://localhost:@", "localhost:@", 101), ("http://localhost:@", "127.0.0.1:@", 403)]
    check(server("--address=*", "cat"), own(table))
    check(server("--compat=websocketd", "--sameorigin", "--address=127.0.0.1", "cat"), own(table))


def test_the_log_names_the_rejected_origin_and_host(server):
    one = server("cat")
    outcome(one, "http://evil.example", "localhost")
    outcome(one, "http://evil.example\x9b31m' reason=\"", "localhost")
    outcome(one, "x" * 5000, "y" * 5000 + ".localhost")
    outcome(one, ["http://a", "http://b"], "localhost")
    one.wait_log(r' status=403 .* host=localhost origin=http://evil\.example reason="page from http://evil\.example may not')
    one.wait_log(r' status=403 .* host=localhost origin="http://evil\.example\\x9b31m\' reason=\\"" reason="the Origin is not valid"\n')
    one.wait_log(r' status=403 .* host=y{400} origin=x{400} reason="the Origin is not valid"')
    one.wait_log(r' status=403 .* host=localhost origin=http://a reason="the request has more than one Origin"')


def test_any_origin_does_not_open_the_host(server):
    check(server("--origin=any", "cat"), [("http://evil.example", "evil.example", 421)])


def test_hosts_are_free_where_not_only_loopback_is_listened_on(server):
    table = [(None, "wspipe.example", 101), ("http://wspipe.example", "wspipe.example", 101)]
    check(server("--address=*", "cat"), own(table + [("http://evil.example", "wspipe.example", 403)]))


def test_host_of_a_plain_request(server, tmp_path):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.txt").write_text("a text\n")
    one = server("--staticdir=%s" % (tmp_path / "public"))
    for host, status in (("localhost", 200), ("evil.example", 421)):
        with one.connect() as peer:
            peer.send(b"GET /a.txt HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
            assert peer.answer()[0] == status


def test_compat_lets_all_pages_in(server):
    """As websocketd; an Origin that can't be parsed is refused all the same."""
    table = [(None, None, 101), ("null", None, 101), ("http://evil.example", "evil.example", 101)]
    check(server("--compat=websocketd", "cat"), table + [("no origin", None, 403)])


def test_compat_same_origin(server):
    table = [("http://wspipe.example", "wspipe.example", 101), ("http://evil.example", "wspipe.example", 403)]
    check(server("--compat=websocketd", "--sameorigin", "cat"), own(table + [(None, None, 403)]))


def test_compat_list(server):
    table = [("http://app.example", None, BY_HTTP), ("https://app.example:8443", None, 101)]
    table += [(None, None, 403), ("null", None, 403), ("http://evil.example", None, 403)]
    check(server("--compat=websocketd", "--origin=app.example", "cat"), table)
