/* SPDX-License-Identifier: BSD-2-Clause */
/* Access control for pages. */
#include "http/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_RULES = 4 };

/* One judgement. RULES are those of --origin, ending with NULL. */
struct row {
	const char *origin;
	const char *host;
	const char *rules[MAX_RULES + 1];
	bool secure;
	bool allowed;
};

static char reason[ORIGIN_REASON_MAX];

static const char *
check_over(bool secure, struct origin_policy policy, const char *const *texts, size_t count,
    const char *origin, const char *host)
{
	struct origin_rule rules[MAX_RULES];
	struct span value = origin ? span_of(origin) : (struct span){NULL, 0};

	for (policy.rule_count = 0; texts && texts[policy.rule_count]; policy.rule_count++) {
		const char *wrong = origin_parse_rule(
		    span_of(texts[policy.rule_count]), &rules[policy.rule_count]);

		if (wrong)
			fail_msg("rule %s %s", texts[policy.rule_count], wrong);
	}
	policy.rules = rules;
	return origin_refused(&policy, secure, count, value, span_of(host), reason);
}

static const char *
judge(struct origin_policy policy, const char *const *texts, size_t count, const char *origin,
    const char *host)
{
	return check_over(false, policy, texts, count, origin, host);
}

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "-._:/=,;()[]*' ";

static void
check_rows(enum origin_policy_mode mode, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct origin_policy policy = {.mode = mode};
		const char *refused = check_over(
		    rows[i].secure, policy, rows[i].rules, 1, rows[i].origin, rows[i].host);

		if ((refused == NULL) != rows[i].allowed)
			fail_msg("origin %s, host %s, rule %s: %s", rows[i].origin,
			    rows[i].host, rows[i].rules[0] ? rows[i].rules[0] : "-",
			    refused ? refused : "allowed");
		/* A reason is plain text, whatever the client sent. */
		if (refused && refused[strspn(refused, plain)] != '\0')
			fail_msg("%s", refused);
	}
}

static void
test_S_ORG_1_same_origin(void **state)
{
	static const struct row rows[] = {
	    {"http://localhost:8080", "localhost:8080", {NULL}, false, true},
	    {"http://example.com", "example.com", {NULL}, false, true},
	    {"https://example.com", "example.com", {NULL}, true, true},
	    {"http://127.0.0.1:8080", "127.0.0.1:8080", {NULL}, false, true},
	    {"http://[::1]:8080", "[::1]:8080", {NULL}, false, true},
	    {"http://evil.com", "localhost:8080", {NULL}, false, false},
	    {"http://localhost", "localhost:8080", {NULL}, false, false},
	    {"http://localhost:8081", "localhost:8080", {NULL}, false, false},
	    {"https://localhost:8080", "localhost:8080", {NULL}, false, false},
	    {"http://localhost:8080", "localhost:8080", {NULL}, true, false},
	    {"http://localhost:8080", "127.0.0.1:8080", {NULL}, false, false},
	    {"http://[::1]:8080", "localhost:8080", {NULL}, false, false},
	    {"ws://localhost:8080", "localhost:8080", {NULL}, false, false},
	    {"ftp://localhost:8080", "localhost:8080", {NULL}, false, false},
	    {"chrome-extension://localhost", "localhost", {NULL}, false, false},
	    {"http://localhost:8080", "", {NULL}, false, false},
	    {"http://localhost:8080", "localhost:8080:1", {NULL}, false, false},
	};

	(void)state;
	check_rows(ORIGIN_SAME, rows, UTIL_LEN(rows));
}

static void
test_S_ORG_1_missing(void **state)
{
	static const struct {
		enum origin_policy_mode mode;
		bool require, compat, allowed;
	} rows[] = {
	    {ORIGIN_SAME, false, false, true},
	    {ORIGIN_LIST, false, false, true},
	    {ORIGIN_ANY, false, false, true},
	    {ORIGIN_SAME, true, false, false},
	    {ORIGIN_LIST, true, false, false},
	    {ORIGIN_ANY, true, false, false},
	    /* For websocketd it is "file:", which is no server and in no list. */
	    {ORIGIN_ANY, false, true, true},
	    {ORIGIN_SAME, false, true, false},
	    {ORIGIN_LIST, false, true, false},
	    {ORIGIN_SAME, true, true, false},
	};
	static const char *const rules[] = {"example.com", NULL};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct origin_policy policy = {
		    .mode = rows[i].mode, .require = rows[i].require, .compat = rows[i].compat};
		const char *refused = judge(
		    policy, rows[i].mode == ORIGIN_LIST ? rules : NULL, 0, NULL, "example.com");

		if ((refused == NULL) != rows[i].allowed)
			fail_msg("row %zu: %s", i, refused ? refused : "allowed");
		if (refused && rows[i].require)
			assert_non_null(strstr(refused, "--require-origin"));
	}
}

static void
test_S_ORG_2_same_origin(void **state)
{
	static const struct row rows[] = {
	    {"HTTP://LocalHost:8080", "localhost:8080", {NULL}, false, true},
	    {"http://localhost:8080", "LOCALHOST:8080", {NULL}, false, true},
	    {"http://example.com:80", "example.com", {NULL}, false, true},
	    {"http://example.com", "example.com:80", {NULL}, false, true},
	    {"http://example.com:", "example.com", {NULL}, false, true},
	    {"https://example.com:443", "example.com", {NULL}, true, true},
	    {"https://example.com", "example.com:443", {NULL}, true, true},
	    {"http://example.com:443", "example.com", {NULL}, true, false},
	    {"https://example.com:80", "example.com", {NULL}, false, false},
	    {"http://[0:0::1]", "[::1]", {NULL}, false, true},
	    {"http://[::A]", "[::a]", {NULL}, false, true},
	    {"http://[::ffff:127.0.0.1]", "127.0.0.1", {NULL}, false, false},
	    {"http://xn--msli-0ra.example", "xn--msli-0ra.example", {NULL}, false, true},
	    {"http://m\xc3\xbcsli.example", "xn--msli-0ra.example", {NULL}, false, false},
	    {"http://m\xc3\xbcsli.example", "m\xc3\xbcsli.example", {NULL}, false, false},
	    {"null", "null", {NULL}, false, false},
	    {"null", "localhost", {NULL}, false, false},
	    {"", "localhost", {NULL}, false, false},
	    {" ", "localhost", {NULL}, false, false},
	    {"file://", "localhost", {NULL}, false, false},
	    {"file:", "localhost", {NULL}, false, false},
	    {"file:///a.html", "localhost", {NULL}, false, false},
	    {"localhost", "localhost", {NULL}, false, false},
	    {"//localhost", "localhost", {NULL}, false, false},
	    {"://localhost", "localhost", {NULL}, false, false},
	    {"http://", "localhost", {NULL}, false, false},
	    {"http:localhost", "localhost", {NULL}, false, false},
	    {"http:/localhost", "localhost", {NULL}, false, false},
	    {"h ttp://localhost", "localhost", {NULL}, false, false},
	    {"1http://localhost", "localhost", {NULL}, false, false},
	    {"http://localhost.", "localhost", {NULL}, false, false},
	    {"http://localhost", "localhost.", {NULL}, false, false},
	    {"http://localhost.", "localhost.", {NULL}, false, false},
	    {"http://localhost/", "localhost", {NULL}, false, true},
	    {"http://localhost:80/", "localhost", {NULL}, false, true},
	    {"https://localhost/", "localhost", {NULL}, true, true},
	    {"http://localhost//", "localhost", {NULL}, false, false},
	    {"http://localhost/?", "localhost", {NULL}, false, false},
	    {"http://localhost/ ", "localhost", {NULL}, false, false},
	    {"http://evil.com/", "localhost", {NULL}, false, false},
	    {"http:///", "localhost", {NULL}, false, false},
	    {"file:///", "localhost", {NULL}, false, false},
	    {"http://localhost/a", "localhost", {NULL}, false, false},
	    {"http://localhost?", "localhost", {NULL}, false, false},
	    {"http://localhost#", "localhost", {NULL}, false, false},
	    {"http://localhost\\", "localhost", {NULL}, false, false},
	    {"http://localhost http://localhost", "localhost", {NULL}, false, false},
	    {"http://localhost, http://evil.com", "localhost", {NULL}, false, false},
	    {"http://user@localhost", "localhost", {NULL}, false, false},
	    {"http://localhost@evil.com", "localhost", {NULL}, false, false},
	    {"http://localhost:80@evil.com", "localhost", {NULL}, false, false},
	    {"http://localhost.evil.com", "localhost", {NULL}, false, false},
	    {"http://evil-localhost", "localhost", {NULL}, false, false},
	    {"http://localhos", "localhost", {NULL}, false, false},
	    {"http://localhost:80x", "localhost", {NULL}, false, false},
	    {"http://localhost:0", "localhost", {NULL}, false, false},
	    {"http://localhost:65616", "localhost", {NULL}, false, false},
	    {"http://[::1", "[::1]", {NULL}, false, false},
	};

	(void)state;
	check_rows(ORIGIN_SAME, rows, UTIL_LEN(rows));
}

static void
test_S_ORG_2_list(void **state)
{
	static const struct row rows[] = {
	    /* With a scheme: exactly that. */
	    {"https://good.com", "h", {"https://good.com"}, true, true},
	    {"https://good.com", "h", {"https://good.com"}, false, true},
	    {"https://good.com:443", "h", {"https://good.com"}, false, true},
	    {"https://good.com", "h", {"https://good.com:443"}, false, true},
	    {"HTTPS://GOOD.com", "h", {"https://good.COM"}, false, true},
	    {"https://good.com/", "h", {"https://good.com"}, true, true},
	    {"http://good.com:1/", "h", {"good.com"}, false, true},
	    {"https://good.com/a", "h", {"https://good.com"}, true, false},
	    {"https://good.com", "h", {"HTTPS://Good.Com"}, false, true},
	    {"https://good.com:8443", "h", {"https://good.com"}, false, false},
	    {"https://good.com:8443", "h", {"https://good.com:8443"}, false, true},
	    {"http://good.com", "h", {"https://good.com"}, false, false},
	    {"http://good.com:443", "h", {"https://good.com"}, false, false},
	    {"https://good.com:80", "h", {"http://good.com"}, false, false},
	    {"http://good.com", "h", {"http://good.com"}, true, true},
	    {"chrome-extension://abc", "h", {"chrome-extension://abc"}, true, true},
	    {"chrome-extension://abd", "h", {"chrome-extension://abc"}, true, false},
	    {"chrome-extension://abc", "h", {"abc"}, false, false},
	    {"http://[::1]:80", "h", {"http://[0::1]"}, false, true},
	    {"http://[::1]", "h", {"[::1]"}, false, true},
	    {"http://[::1]", "h", {"[::2]"}, false, false},
	    /* One of several. */
	    {"https://b.com", "h", {"https://a.com", "https://b.com", "c.com"}, false, true},
	    {"http://c.com:1", "h", {"https://a.com", "https://b.com", "c.com"}, false, true},
	    {"http://b.com", "h", {"https://a.com", "https://b.com", "c.com"}, false, false},
	    /* The list takes the place of the default: the own origin is not in it. */
	    {"http://h", "h", {"https://good.com"}, false, false},
	    /* No prefixes, suffixes, parts. */
	    {"https://good.com.evil.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://evil.com/?good.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://evil.com/good.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://evil.com?https://good.com", "h", {"https://good.com", "good.com"}, false,
		false},
	    {"https://evil.com#@good.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://evilgood.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://evil.good.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://good.co", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://user@good.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://good.com@evil.com", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://good.com.", "h", {"https://good.com", "good.com"}, false, false},
	    {"https://goodxcom", "h", {"https://good.com", "good.com"}, false, false},
	    {"null", "h", {"https://good.com", "good.com"}, false, false},
	    {"", "h", {"https://good.com", "good.com"}, false, false},
	    {"file://", "h", {"https://good.com", "good.com"}, false, false},
	    {"good.com", "h", {"https://good.com", "good.com"}, false, false},
	};

	(void)state;
	check_rows(ORIGIN_LIST, rows, UTIL_LEN(rows));
}

static void
test_S_ORG_2_wildcard(void **state)
{
	static const struct row rows[] = {
	    {"https://a.example.com", "h", {"https://*.example.com"}, false, true},
	    {"https://a.b.example.com", "h", {"https://*.example.com"}, false, true},
	    {"https://A.EXAMPLE.com", "h", {"https://*.Example.com"}, false, true},
	    {"https://example.com", "h", {"https://*.example.com"}, false, false},
	    {"https://.example.com", "h", {"https://*.example.com"}, false, false},
	    {"https://..example.com", "h", {"https://*.example.com"}, false, false},
	    {"https://evilexample.com", "h", {"https://*.example.com"}, false, false},
	    {"https://a.example.com.evil.com", "h", {"https://*.example.com"}, false, false},
	    {"https://a.example.com.", "h", {"https://*.example.com"}, false, false},
	    {"http://a.example.com", "h", {"https://*.example.com"}, false, false},
	    {"https://a.example.com:8443", "h", {"https://*.example.com"}, false, false},
	    {"https://a.example.com:8443", "h", {"https://*.example.com:8443"}, false, true},
	    {"https://*.example.com", "h", {"https://example.com"}, false, false},
	    {"http://a.example.com:81", "h", {"*.example.com"}, false, true},
	    {"http://a.example.com", "h", {"*.example.com"}, true, false},
	    {"http://a.b", "h", {"*.b"}, false, true},
	    {"http://b", "h", {"*.b"}, false, false},
	    {"http://[::1]", "h", {"*.b"}, false, false},
	};

	(void)state;
	check_rows(ORIGIN_LIST, rows, UTIL_LEN(rows));
}

/* On loopback, three names are one host. */
static void
test_loopback_is_one_origin(void **state)
{
	static const char *const hosts[] = {
	    "localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[0:0::1]"};
	static const char *const others[] = {"127.0.0.2", "a.localhost", "localhost.", "[::2]",
	    "[::ffff:127.0.0.1]", "127.1", "box", "evil.com"};
	struct origin_policy policy = {.mode = ORIGIN_SAME, .local_only = true};
	char origin[64], host[64];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(hosts); i++) {
		snprintf(origin, sizeof(origin), "http://%s:8080", hosts[i]);
		for (size_t k = 0; k < UTIL_LEN(hosts); k++) {
			snprintf(host, sizeof(host), "%s:8080", hosts[k]);
			policy.local_only = true;
			assert_null(judge(policy, NULL, 1, origin, host));
			snprintf(host, sizeof(host), "%s:8081", hosts[k]);
			assert_non_null(judge(policy, NULL, 1, origin, host));
			snprintf(host, sizeof(host), "%s:8080", hosts[k]);
			assert_non_null(check_over(true, policy, NULL, 1, origin, host));
			policy.same = true;
			assert_null(judge(policy, NULL, 1, origin, host));
			policy.same = false;
		}
		for (size_t k = 0; k < UTIL_LEN(others); k++) {
			snprintf(host, sizeof(host), "%s:8080", others[k]);
			assert_non_null(judge(policy, NULL, 1, origin, host));
		}
	}
	/* No browser sends the slash, so it is a program, whatever the port. */
	assert_null(judge(policy, NULL, 1, "http://localhost/", "127.0.0.1:8080"));
	assert_null(judge(policy, NULL, 1, "http://[::1]:3000/", "localhost:8080"));
	assert_non_null(judge(policy, NULL, 1, "http://localhost//", "localhost:8080"));
	assert_non_null(judge(policy, NULL, 1, "http://evil.example/", "localhost:8080"));
	assert_non_null(judge(policy, NULL, 1, "ftp://localhost/", "localhost:8080"));
	policy.require = true;
	assert_non_null(judge(policy, NULL, 1, "http://localhost/", "127.0.0.1:8080"));
	policy.require = false;
	policy.local_only = false;
	assert_non_null(judge(policy, NULL, 1, "http://localhost/", "127.0.0.1:8080"));
	assert_non_null(judge(policy, NULL, 1, "http://localhost:1", "127.0.0.1:1"));
	policy.local_only = true;
	policy.compat = true;
	assert_non_null(judge(policy, NULL, 1, "http://localhost:1", "127.0.0.1:1"));
}

/* What is pasted into a shell is safe, and is an option that accepts the page. */
static void
test_reasons(void **state)
{
	static const struct {
		const char *origin;
		const char *rules[MAX_RULES + 1];
		const char *reason;
	} rows[] = {
	    {"http://localhost:5173", {NULL},
		"page from http://localhost:5173 may not connect; allow it with "
		"--origin=http://localhost:5173"},
	    {"http://localhost:5173/", {NULL},
		"page from http://localhost:5173 may not connect; allow it with "
		"--origin=http://localhost:5173"},
	    {"https://[::1]:5173", {NULL},
		"page from https://[::1]:5173 may not connect; allow it with "
		"--origin='https://[::1]:5173'"},
	    {"chrome-extension://abc", {NULL},
		"page from chrome-extension://abc may not connect; allow it with "
		"--origin=chrome-extension://abc"},
	    {"http://localhost:5173", {"https://a.example"},
		"page from http://localhost:5173 is not in --origin; add it to allow it: "
		"--origin=https://a.example,http://localhost:5173"},
	    {"http://h", {"https://*.a.example:8443", "b", "[::1]:80"},
		"page from http://h is not in --origin; add it to allow it: "
		"--origin='https://*.a.example:8443,b,[::1]:80,http://h'"},
	    {"http://$(reboot)", {NULL},
		"page from another origin may not connect (see --origin)"},
	    {"http://a;reboot", {NULL},
		"page from another origin may not connect (see --origin)"},
	    {"http://a'b", {NULL}, "page from another origin may not connect (see --origin)"},
	    {"http://a&b", {"b"}, "the Origin is not in --origin"},
	    {"http://a%20b", {"b"}, "the Origin is not in --origin"},
	    {"http://*", {"b"}, "the Origin is not in --origin"},
	    {"http://a", {"b'"}, "page from http://a is not in --origin; add it to allow it"},
	    {"http://a b", {NULL}, "the Origin is not valid"},
	    {"http:", {NULL}, "the Origin is not valid"},
	};
	static char long_origin[400] = "http://";

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct origin_policy policy = {
		    .mode = rows[i].rules[0] ? ORIGIN_LIST : ORIGIN_SAME};
		const char *refused = judge(policy, rows[i].rules, 1, rows[i].origin, "me:1");

		assert_non_null(refused);
		assert_string_equal(refused, rows[i].reason);
	}
	memset(long_origin + 7, 'a', sizeof(long_origin) - 8);
	assert_string_equal(
	    judge((struct origin_policy){.mode = ORIGIN_SAME}, NULL, 1, long_origin, "me:1"),
	    "page from another origin may not connect (see --origin)");
}

static void
test_S_ORG_2_several_origins(void **state)
{
	static const char *const rules[] = {"good.com", NULL};
	struct origin_policy policy = {.mode = ORIGIN_SAME};

	(void)state;
	assert_null(judge(policy, NULL, 1, "http://good.com", "good.com"));
	assert_non_null(judge(policy, NULL, 2, "http://good.com", "good.com"));
	policy.mode = ORIGIN_LIST;
	assert_null(judge(policy, rules, 1, "http://good.com", "h"));
	assert_non_null(judge(policy, rules, 2, "http://good.com", "h"));
}

static void
test_any_origin(void **state)
{
	static const char *const origins[] = {
	    "http://evil.com", "null", "", "file://", "no origin", "http://good.com@evil.com"};
	struct origin_policy policy = {.mode = ORIGIN_ANY};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(origins); i++)
		assert_null(judge(policy, NULL, 1, origins[i], "h"));
	assert_null(judge(policy, NULL, 2, "http://a", "h"));
	assert_null(judge(policy, NULL, 1, "http://a", ""));
}

/* As websocketd: every page, but not an Origin that can't be parsed. */
static void
test_any_origin_compat(void **state)
{
	static const struct {
		const char *origin;
		bool allowed;
	} rows[] = {
	    {"http://evil.com", true},
	    {"https://evil.com:8443", true},
	    {"http://evil.com.", true},
	    {"file://", true},
	    {"chrome-extension://abc", true},
	    {"null", true},
	    {"", false},
	    {"evil.com", false},
	    {"http://", false},
	    {"http://a b", false},
	    {"http://a:b", false},
	};
	struct origin_policy policy = {.mode = ORIGIN_ANY, .compat = true};
	static const char *const rules[] = {"good.com", NULL};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const char *refused = judge(policy, NULL, 1, rows[i].origin, "h");

		if ((refused == NULL) != rows[i].allowed)
			fail_msg("%s: %s", rows[i].origin, refused ? refused : "allowed");
	}
	assert_non_null(judge(policy, NULL, 2, "http://a", "h"));
	policy.mode = ORIGIN_LIST;
	assert_non_null(judge(policy, rules, 1, "null", "h"));
	policy.mode = ORIGIN_SAME;
	assert_non_null(judge(policy, NULL, 1, "null", "null"));
}

static void
test_S_ORG_4_rules_without_a_scheme(void **state)
{
	static const struct row rows[] = {
	    {"http://good.com", "h", {"good.com"}, false, true},
	    {"https://good.com", "h", {"good.com"}, false, true},
	    {"http://good.com:8080", "h", {"good.com"}, false, true},
	    {"http://good.com", "h", {"good.com"}, true, false},
	    {"http://good.com:443", "h", {"good.com"}, true, false},
	    {"https://good.com", "h", {"good.com"}, true, true},
	    {"https://good.com:8443", "h", {"good.com"}, true, true},
	    {"http://good.com", "h", {"good.com:80"}, false, true},
	    {"http://good.com:80", "h", {"good.com:80"}, false, true},
	    {"http://good.com:81", "h", {"good.com:80"}, false, false},
	    {"https://good.com", "h", {"good.com:80"}, false, false},
	    {"https://good.com:80", "h", {"good.com:80"}, false, true},
	    {"http://good.com", "h", {"good.com:80"}, true, false},
	    {"https://good.com", "h", {"good.com:443"}, true, true},
	    {"ftp://good.com", "h", {"good.com"}, false, false},
	    {"ws://good.com", "h", {"good.com"}, false, false},
	};

	(void)state;
	check_rows(ORIGIN_LIST, rows, UTIL_LEN(rows));
}

static void
test_rules(void **state)
{
	static const struct {
		const char *text, *scheme, *host;
		bool any_subdomain, is_ipv6;
		int port;
	} good[] = {
	    {"https://example.com:8443", "https", "example.com", false, false, 8443},
	    {"https://example.com", "https", "example.com", false, false, 0},
	    {"example.com", "", "example.com", false, false, 0},
	    {"example.com:80", "", "example.com", false, false, 80},
	    {"https://*.example.com", "https", "example.com", true, false, 0},
	    {"*.example.com:81", "", "example.com", true, false, 81},
	    {"http://[::1]:3000", "http", "::1", false, true, 3000},
	    {"127.0.0.1", "", "127.0.0.1", false, false, 0},
	    {"vscode-webview://a1", "vscode-webview", "a1", false, false, 0},
	};
	static const char *const bad[] = {
	    "",
	    " ",
	    " example.com",
	    "example.com ",
	    "*",
	    "*.",
	    "**",
	    "*.*",
	    "*.*.com",
	    "a.*.com",
	    "a*.com",
	    "example.*",
	    "*example.com",
	    "https://*",
	    "https://",
	    "://example.com",
	    "1x://a",
	    "h_t://a",
	    "null",
	    "NULL",
	    "ws://example.com",
	    "WSS://example.com",
	    "https://example.com/",
	    "example.com/a",
	    "http://a/b",
	    "http://a?b",
	    "http://user@a",
	    "http://a:0",
	    "http://a:65536",
	    "http://a:b",
	    "a:b",
	    "example.com.",
	    "https://example.com.:1",
	    "*.example.com.",
	    "*.127.0.0.1",
	    "*.[::1]",
	    "::1",
	    "[::1",
	    "http:a",
	    "m\xc3\xbcsli.example",
	};
	struct origin_rule rule;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(good); i++) {
		const char *wrong = origin_parse_rule(span_of(good[i].text), &rule);

		if (wrong)
			fail_msg("%s %s", good[i].text, wrong);
		assert_true(span_equal(rule.scheme, span_of(good[i].scheme)));
		assert_true(span_equal(rule.host, span_of(good[i].host)));
		assert_int_equal(rule.any_subdomain, good[i].any_subdomain);
		assert_int_equal(rule.is_ipv6, good[i].is_ipv6);
		assert_int_equal(rule.port, good[i].port);
	}
	for (size_t i = 0; i < UTIL_LEN(bad); i++) {
		if (!origin_parse_rule(span_of(bad[i]), &rule))
			fail_msg("rule [%s] was taken", bad[i]);
	}
}

/* A proxy may replace the Host, and not report that its clients use TLS. */
static void
test_pages_of_the_proxy(void **state)
{
	static char one[] = "ws.example.com", two[] = "b.example";
	char *names[] = {one, two};
	static const struct {
		const char *origin;
		bool accepted;
	} rows[] = {
	    {"https://ws.example.com", true},
	    {"https://WS.example.com:443", true},
	    {"https://b.example", true},
	    {"http://ws.example.com", false},
	    {"https://ws.example.com:444", false},
	    {"http://ws.example.com:443", false},
	    {"https://ws.example.com.", false},
	    {"https://a.ws.example.com", false},
	    {"https://example.com", false},
	    {"https://evil.example", false},
	    {"wss://ws.example.com", false},
	    {"null", false},
	    {"http://127.0.0.1:8080", true},
	};

	(void)state;
	for (size_t i = 0; i < 2 * UTIL_LEN(rows); i++) {
		struct origin_policy policy = {
		    .mode = ORIGIN_SAME, .names = names, .name_count = 2, .same = i % 2};
		const char *refused =
		    judge(policy, NULL, 1, rows[i / 2].origin, "127.0.0.1:8080");

		if (!refused != rows[i / 2].accepted)
			fail_msg("%s: %s", rows[i / 2].origin, refused);
	}
}

static void
test_S_ORG_3_local_hosts(void **state)
{
	static const struct {
		const char *host;
		bool local;
	} rows[] = {
	    {"localhost", true},
	    {"LOCALHOST:8080", true},
	    {"localhost:", true},
	    {"a.localhost", true},
	    {"a.b.LocalHost:1", true},
	    {"127.0.0.1", true},
	    {"127.0.0.1:8080", true},
	    {"192.0.2.1", true},
	    {"[::1]", true},
	    {"[::1]:8080", true},
	    {"[2001:db8::1]", true},
	    {"box", true},
	    {"BOX.lan:8080", true},
	    {"evil.com", false},
	    {"evil.com:8080", false},
	    {"localhost.", false},
	    {"localhost.:8080", false},
	    {"a.localhost.", false},
	    {".localhost", false},
	    {"..localhost", false},
	    {"xlocalhost", false},
	    {"localhost.evil.com", false},
	    {"localhost@evil.com", false},
	    {"127.0.0.1.evil.com", false},
	    {"127.0.0.1.", false},
	    {"127.1", false},
	    {"2130706433", false},
	    {"0x7f000001", false},
	    {"0177.0.0.1", false},
	    {"::1", false},
	    {"[::1", false},
	    {"[localhost]", false},
	    {"a.box", false},
	    {"box.", false},
	    {"bo", false},
	    {"", false},
	    {":8080", false},
	    {"localhost:0", false},
	    {"localhost:x", false},
	    {"localhost/", false},
	    {"local%68ost", false},
	};
	char box[] = "box", lan[] = "Box.LAN";
	char *names[] = {box, lan};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const char *refused = origin_host_refused(
		    span_of(rows[i].host), true, names, UTIL_LEN(names), reason);

		if (!refused != rows[i].local)
			fail_msg("[%s] is not %d", rows[i].host, rows[i].local);
		if (refused && refused[strspn(refused, plain)] != '\0')
			fail_msg("%s", refused);
	}
	assert_non_null(origin_host_refused((struct span){NULL, 0}, true, NULL, 0, reason));
	assert_string_equal(origin_host_refused(SPAN("box:80"), true, NULL, 0, reason),
	    "Host 'box' is rejected because the server only listens on loopback; allow it with "
	    "--host=box");
	assert_string_equal(origin_host_refused(SPAN("a.box"), false, names, 2, reason),
	    "Host 'a.box' is not in --host; allow it with --host=a.box");
	assert_string_equal(origin_host_refused(SPAN("a;b"), false, names, 2, reason),
	    "the Host is not in --host");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_S_ORG_1_same_origin),
	    cmocka_unit_test(test_S_ORG_1_missing),
	    cmocka_unit_test(test_S_ORG_2_same_origin),
	    cmocka_unit_test(test_S_ORG_2_list),
	    cmocka_unit_test(test_S_ORG_2_wildcard),
	    cmocka_unit_test(test_S_ORG_2_several_origins),
	    cmocka_unit_test(test_loopback_is_one_origin),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_any_origin),
	    cmocka_unit_test(test_any_origin_compat),
	    cmocka_unit_test(test_S_ORG_4_rules_without_a_scheme),
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_pages_of_the_proxy),
	    cmocka_unit_test(test_S_ORG_3_local_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
