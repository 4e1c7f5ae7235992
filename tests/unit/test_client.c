/* SPDX-License-Identifier: BSD-2-Clause */
/* Who sent a request: what trusted proxies report, and what everyone else claims. */
#include "http/client.h"

#include "http/forwarded.h"
#include "net/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REJECTED "rejected"

/*
 * The header fields of a request, and the client that they stand for when they come from the
 * trusted proxy 10.0.0.1. NULL: the proxy itself, or what it would be without them.
 */
struct row {
	const char *fields;
	const char *client;
	const char *host;
	const char *secure; /* "https" or "http" */
};

static const struct row x_forwarded[] = {
    {"", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"x-forwarded-for: 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7:4711\r\n", "192.0.2.7:4711", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7:_port\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7", NULL, NULL},
    {"X-Forwarded-For: [2001:db8::7]\r\n", "2001:db8::7", NULL, NULL},
    {"X-Forwarded-For: [2001:db8::7]:4711\r\n", "[2001:db8::7]:4711", NULL, NULL},
    {"X-Forwarded-For: ::ffff:192.0.2.7\r\n", "::ffff:192.0.2.7", NULL, NULL},
    /* Only what comes after the last hop that is not trusted was added by a trusted one. */
    {"X-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 127.0.0.1,192.0.2.7,10.0.0.2\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.1, 192.0.2.7, 10.0.0.3, 10.0.0.2\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.0.0.2\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3", NULL, NULL},
    {"X-Forwarded-For: ::ffff:10.0.0.3, ::ffff:10.0.0.2\r\n", "::ffff:10.0.0.3", NULL, NULL},
    /* A client can put anything in front, but hide nothing. */
    {"X-Forwarded-For: \"127.0.0.1, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: \"\\, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: , , , 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: garbage, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: <script>, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 10.0.0.2;192.0.2.1, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.1 10.0.0.2, 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=127.0.0.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    /* What is no address: the trusted hop that reported it counts. */
    {"X-Forwarded-For:\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: ,\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: ,,,\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: unknown\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7, unknown\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7, unknown, 10.0.0.2\r\n", "10.0.0.2", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7,\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: _hidden\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: localhost\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.256\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.07\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 3221225991\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 0xc0000207\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7/32\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7:\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7:65536\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7:-1\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7:80:80\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: [192.0.2.7]\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: [2001:db8::7\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: [2001:db8::7]80\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: []\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: [\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: :\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: fe80::1%eth0\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: unix\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: unix:\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For: \xff\xfe\r\n", NULL, NULL, NULL},
    /* Names that only look like it. */
    {"X-Forwarded_For: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"X_Forwarded_For: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"X-Forwarded-For-: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"X-Real-IP: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"True-Client-IP: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"CF-Connecting-IP: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"Via: 1.1 192.0.2.7\r\n", NULL, NULL, NULL},
    {"Forwarded: for=192.0.2.7;proto=https;host=a.example\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Server: a.example\r\nX-Forwarded-Port: 1\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Ssl: on\r\nFront-End-Https: on\r\n", NULL, NULL, NULL},
    /* Protocol and host: the last element. */
    {"X-Forwarded-Proto: https\r\n", NULL, NULL, "https"},
    {"X-Forwarded-Proto: HTTPS\r\n", NULL, NULL, "https"},
    {"X-Forwarded-Proto: wss\r\n", NULL, NULL, "https"},
    {"X-Forwarded-Proto: ws\r\n", NULL, NULL, "http"},
    {"X-Forwarded-Proto: https, http\r\n", NULL, NULL, "http"},
    {"X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n", NULL, NULL, "https"},
    {"X-Forwarded-Proto: https,\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Proto: httpss\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Proto: \"https\"\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Host: a.example\r\n", NULL, "a.example", NULL},
    {"X-Forwarded-Host: a.example:81\r\n", NULL, "a.example:81", NULL},
    {"X-Forwarded-Host: b.example, a.example\r\n", NULL, "a.example", NULL},
    {"X-Forwarded-Host:\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Host: a b\r\n", REJECTED, NULL, NULL},
    {"X-Forwarded-Host: user@a.example\r\n", REJECTED, NULL, NULL},
    {"X-Forwarded-Host: a.example/\r\n", REJECTED, NULL, NULL},
    {"X-Forwarded-Host: a.example:0\r\n", REJECTED, NULL, NULL},
    {"X-Forwarded-Host: \"\r\n", REJECTED, NULL, NULL},
};

static const struct row forwarded[] = {
    {"", NULL, NULL, NULL},
    {"Forwarded: for=192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"forwarded: FOR=192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=\"192.0.2.7:4711\"\r\n", "192.0.2.7:4711", NULL, NULL},
    {"Forwarded: for=\"[2001:db8::7]\"\r\n", "2001:db8::7", NULL, NULL},
    {"Forwarded: for=\"[2001:db8::7]:4711\"\r\n", "[2001:db8::7]:4711", NULL, NULL},
    {"Forwarded: for=\"192.0.2.7:_port\"\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=192.0.2.7;proto=https;host=a.example;by=10.0.0.1\r\n", "192.0.2.7",
	"a.example", "https"},
    {"Forwarded: by=10.0.0.1;host=\"a.example:81\";proto=http;for=192.0.2.7\r\n", "192.0.2.7",
	"a.example:81", "http"},
    {"Forwarded: for=192.0.2.7; proto=https\r\n", "192.0.2.7", NULL, "https"},
    {"Forwarded: ;for=192.0.2.7;\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=192.0.2.7;secret=\"a, for=127.0.0.1\"\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=192.0.2.7;secret=\"\\\", for=127.0.0.1\"\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=127.0.0.1, for=192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=127.0.0.1\r\nForwarded: for=192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=192.0.2.7, for=10.0.0.2\r\n", "192.0.2.7", NULL, NULL},
    {"Forwarded: for=192.0.2.7;proto=https, for=10.0.0.2;proto=http;host=b.example\r\n",
	"192.0.2.7", "b.example", "https"},
    {"Forwarded: for=127.0.0.1;proto=https;host=b.example, for=192.0.2.7\r\n", "192.0.2.7",
	NULL, NULL},
    {"Forwarded: for=10.0.0.3, for=10.0.0.2\r\n", "10.0.0.3", NULL, NULL},
    {"Forwarded: proto=https;host=a.example\r\n", NULL, "a.example", "https"},
    {"X-Forwarded-For: 127.0.0.1\r\nForwarded: for=192.0.2.7\r\n", "192.0.2.7", NULL, NULL},
    {"X-Forwarded-For: 192.0.2.7\r\n", NULL, NULL, NULL},
    {"X-Forwarded-Host: a.example\r\nX-Forwarded-Proto: https\r\n", NULL, NULL, NULL},
    /* What is no address. */
    {"Forwarded:\r\n", NULL, NULL, NULL},
    {"Forwarded: ,,\r\n", NULL, NULL, NULL},
    {"Forwarded: ;;;\r\n", NULL, NULL, NULL},
    {"Forwarded: for=unknown\r\n", NULL, NULL, NULL},
    {"Forwarded: for=UNKNOWN;proto=https\r\n", NULL, NULL, "https"},
    {"Forwarded: for=\"unknown:80\"\r\n", NULL, NULL, NULL},
    {"Forwarded: for=_hidden\r\n", NULL, NULL, NULL},
    {"Forwarded: for=\"_SEVKISEK:_port\"\r\n", NULL, NULL, NULL},
    {"Forwarded: for=192.0.2.7, for=_hidden\r\n", NULL, NULL, NULL},
    {"Forwarded: for=192.0.2.7, for=_hidden, for=10.0.0.2\r\n", "10.0.0.2", NULL, NULL},
    {"Forwarded: for=\"\"\r\n", NULL, NULL, NULL},
    {"Forwarded: for=\"192.0.2.7:\"\r\n", NULL, NULL, NULL},
    {"Forwarded: for=\"19\\2.0.2.7\"\r\n", NULL, NULL, NULL},
    {"Forwarded: for=host.example\r\n", NULL, NULL, NULL},
    /* With a quote that a client leaves open, nothing can be known. */
    {"Forwarded: for=\"127.0.0.1, for=192.0.2.7\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=\", for=\"[2001:db8::7]\"\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=\"192.0.2.7\\\"\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=\"192.0.2.7\\\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=\"\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=\r\n", REJECTED, NULL, NULL},
    {"Forwarded: =192.0.2.7\r\n", REJECTED, NULL, NULL},
    {"Forwarded: =\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for =192.0.2.7\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for= 192.0.2.7\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=192.0.2.7 proto=https\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=\"192.0.2.7\"proto=https\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=[2001:db8::7]\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=192.0.2.7:80\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=192.0.2.7;for=127.0.0.1\r\n", REJECTED, NULL, NULL},
    {"Forwarded: proto=http;proto=https\r\n", REJECTED, NULL, NULL},
    {"Forwarded: 192.0.2.7\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=192.0.2.7;host=\"a b\"\r\n", REJECTED, NULL, NULL},
    {"Forwarded: for=192.0.2.7;host=\"a\\.example\"\r\n", REJECTED, NULL, NULL},
    {"Forwarded: broken, for=192.0.2.7\r\n", REJECTED, NULL, NULL},
};

/* Which fields count, in the order of enum client_fields. */
static const struct {
	const struct row *rows;
	size_t count;
} tables[] = {
    [CLIENT_X_FORWARDED] = {x_forwarded, UTIL_LEN(x_forwarded)},
    [CLIENT_FORWARDED] = {forwarded, UTIL_LEN(forwarded)},
};

/* A request with FIELDS from PEER, which uses TLS if SECURE, as text: its client, its protocol
 * and its host; or REJECTED. */
static const char *
resolve(enum client_fields kind, const char *peer, bool secure, const char *fields)
{
	static char result[256];
	struct client_rules rules = {.fields = kind};
	struct client client = {.secure = secure};
	char text[1024], address[LISTENER_TEXT_MAX];
	struct span host = SPAN("own.example");
	const char *reason;
	struct head head;
	int len = snprintf(
	    text, sizeof(text), "GET / HTTP/1.1\r\nHost: own.example\r\n%s\r\n", fields);

	assert_in_range(len, 1, sizeof(text) - 1);
	assert_true(cidr_list_add(&rules.trusted, SPAN("10.0.0.0/24")));
	assert_true(cidr_list_add(&rules.trusted, SPAN("2001:db8:1::/48")));
	client.address.ss_family = AF_UNIX;
	if (strcmp(peer, "unix-socket") != 0)
		assert_true(cidr_parse_address(span_of(peer), &client.address));
	head_init(&head);
	assert_int_equal(head_parse(&head, text, (size_t)len), HEAD_DONE);
	reason = client_resolve(&client, &rules, &head, &host);
	cidr_list_clear(&rules.trusted);
	if (reason)
		return REJECTED;
	listener_text(&client.address, address);
	snprintf(result, sizeof(result), "%s %s %.*s", address,
	    client.secure ? "https" : "http", (int)host.len, host.data);
	return result;
}

static void
S_PRX_1_a_trusted_proxy_reports_its_client(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < UTIL_LEN(tables); kind++) {
		for (size_t i = 0; i < 2 * tables[kind].count; i++) {
			const struct row *row = &tables[kind].rows[i / 2];
			const char *own = i % 2 ? "https" : "http";
			char wanted[256];

			snprintf(wanted, sizeof(wanted), "%s %s %s",
			    row->client ? row->client : "10.0.0.1",
			    row->secure ? row->secure : own,
			    row->host ? row->host : "own.example");
			if (row->client && strcmp(row->client, REJECTED) == 0)
				strcpy(wanted, REJECTED);
			if (strcmp(resolve((enum client_fields)kind, "10.0.0.1", i % 2,
				       row->fields),
				wanted) != 0)
				fail_msg("%s: wanted %s, got %s", row->fields, wanted,
				    resolve((enum client_fields)kind, "10.0.0.1", i % 2,
					row->fields));
		}
	}
}

/* All rows of both tables, with either kind of fields. */
static void
S_PRX_1_nobody_else_is_believed(void **state)
{
	static const char *const peers[] = {"192.0.2.1", "127.0.0.1", "::1", "10.0.1.1",
	    "2001:db8:2::1", "::ffff:192.0.2.1", "::10.0.0.1", "unix-socket"};
	size_t forms = 0;

	(void)state;
	for (size_t kind = 0; kind < 2 * UTIL_LEN(tables); kind++) {
		for (size_t i = 0; i < tables[kind / 2].count; i++) {
			for (size_t p = 0; p < 2 * UTIL_LEN(peers); p++) {
				const char *fields = tables[kind / 2].rows[i].fields;
				char wanted[256];

				snprintf(wanted, sizeof(wanted), "%s %s own.example",
				    peers[p / 2], p % 2 ? "https" : "http");
				assert_string_equal(resolve((enum client_fields)(kind % 2),
							peers[p / 2], p % 2, fields),
				    wanted);
			}
			forms += kind % 2;
		}
	}
	assert_true(forms >= 60);
}

static void
addresses_are_trusted_in_either_family(void **state)
{
	static const char field[] = "X-Forwarded-For: 192.0.2.7\r\n";
	static const char wanted[] = "192.0.2.7 http own.example";

	(void)state;
	assert_string_equal(
	    resolve(CLIENT_X_FORWARDED, "::ffff:10.0.0.9", false, field), wanted);
	assert_string_equal(resolve(CLIENT_X_FORWARDED, "2001:db8:1::9", false, field), wanted);
}

/* As many hops as a head can have. */
static void
long_lists_are_read(void **state)
{
	char fields[900] = "X-Forwarded-For: 192.0.2.7";
	size_t len = strlen(fields);

	(void)state;
	while (len + 12 < sizeof(fields)) {
		strcpy(fields + len, ",10.0.0.2");
		len += strlen(fields + len);
	}
	strcpy(fields + len, "\r\n");
	assert_string_equal(resolve(CLIENT_X_FORWARDED, "10.0.0.1", false, fields),
	    "192.0.2.7 http own.example");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(S_PRX_1_a_trusted_proxy_reports_its_client),
	    cmocka_unit_test(S_PRX_1_nobody_else_is_believed),
	    cmocka_unit_test(addresses_are_trusted_in_either_family),
	    cmocka_unit_test(long_lists_are_read),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
