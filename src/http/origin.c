/* SPDX-License-Identifier: BSD-2-Clause */
/* Access control for pages: their Origin, and the Host they were loaded from. */
#include "http/origin.h"

#include "http/uri.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
	ORIGIN_PLAIN_MAX = 253, /* bytes of a host quoted in a reason */
	ORIGIN_LIST_MAX = 400, /* bytes of the --origin value in a reason */
};

/* A parsed Origin, as spans of it. */
struct origin {
	struct span scheme;
	struct uri_authority authority; /* the host is empty in "file://" */
};

/* Checks a scheme (RFC 3986, section 3.1). */
static bool
origin_is_scheme(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!util_is_alpha(c) &&
		    (i == 0 || (!util_is_digit(c) && c != '+' && c != '-' && c != '.')))
			return false;
	}
	return text.len > 0;
}

/* Removes "scheme://" from the front of TEXT. Returns false if it is missing. */
static bool
origin_cut_scheme(struct span *text, struct span *scheme)
{
	const char *mark = text->len > 0 ? memmem(text->data, text->len, "://", 3) : NULL;

	if (!mark)
		return false;
	*scheme = (struct span){text->data, (size_t)(mark - text->data)};
	*text = (struct span){mark + 3, text->len - scheme->len - 3};
	return true;
}

/* Returns the default port of a scheme; 0 if it has none (RFC 6454, section 4). */
static int
origin_default_port(struct span scheme)
{
	if (span_equal_nocase(scheme, SPAN("http")))
		return 80;
	return span_equal_nocase(scheme, SPAN("https")) ? 443 : 0;
}

static int
origin_port(struct span scheme, int port)
{
	return port != 0 ? port : origin_default_port(scheme);
}

static bool
origin_is_web(struct span scheme)
{
	return origin_default_port(scheme) != 0;
}

/* Reports whether HOST ends with a dot: "example.com." is a different name to a browser but the
 * same one to the DNS, so it is rejected where names matter. */
static bool
origin_ends_with_dot(struct span host)
{
	return host.len > 0 && host.data[host.len - 1] == '.';
}

/*
 * Parses a serialized-origin (RFC 6454, section 6.2): one origin, without path, query and user
 * information. One trailing slash is tolerated: the package golang.org/x/net/websocket sends
 * what its user wrote, often "http://localhost/".
 */
static bool
origin_parse(struct span text, struct origin *out)
{
	memset(out, 0, sizeof(*out));
	if (!origin_cut_scheme(&text, &out->scheme) || !origin_is_scheme(out->scheme))
		return false;
	if (origin_is_web(out->scheme) && text.len > 0 && text.data[text.len - 1] == '/')
		text.len--;
	if (text.len == 0 && !origin_is_web(out->scheme))
		return true;
	return uri_parse_authority(text, &out->authority);
}

/* Compares addresses as numbers, because they have several notations. Both were parsed by
 * uri_parse_authority(). */
static bool
origin_same_address(struct span a, struct span b)
{
	char text[2][INET6_ADDRSTRLEN] = {{0}};
	struct in6_addr address[2];

	memcpy(text[0], a.data, a.len);
	memcpy(text[1], b.data, b.len);
	return inet_pton(AF_INET6, text[0], &address[0]) == 1 &&
	       inet_pton(AF_INET6, text[1], &address[1]) == 1 &&
	       memcmp(&address[0], &address[1], sizeof(address[0])) == 0;
}

static bool
origin_same_host(struct span a, bool a_is_ipv6, struct span b, bool b_is_ipv6)
{
	if (a_is_ipv6 != b_is_ipv6)
		return false;
	return a_is_ipv6 ? origin_same_address(a, b) : span_equal_nocase(a, b);
}

/* Returns true if HOST is one or more labels, a dot, and SUFFIX. */
static bool
origin_is_below(struct span host, struct span suffix)
{
	struct span tail;

	if (host.len < suffix.len + 2 || host.data[0] == '.')
		return false;
	tail = (struct span){host.data + host.len - suffix.len, suffix.len};
	return tail.data[-1] == '.' && span_equal_nocase(tail, suffix);
}

const char *
origin_parse_rule(struct span text, struct origin_rule *out)
{
	struct uri_authority authority;

	memset(out, 0, sizeof(*out));
	if (span_equal_nocase(text, SPAN("null")))
		return "can't be allowed by itself: any sandboxed page or local file sends it; "
		       "use --origin=any to allow every page";
	if (origin_cut_scheme(&text, &out->scheme)) {
		if (!origin_is_scheme(out->scheme))
			return "has no valid scheme before ://";
		if (span_equal_nocase(out->scheme, SPAN("ws")) ||
		    span_equal_nocase(out->scheme, SPAN("wss")))
			return "must be the origin of the page, so its scheme is http or "
			       "https";
	}
	if (text.len >= 2 && memcmp(text.data, "*.", 2) == 0) {
		out->any_subdomain = true;
		text = (struct span){text.data + 2, text.len - 2};
	}
	if (text.len > 0 && memchr(text.data, '*', text.len))
		return "may use '*' only for the leading labels of the host "
		       "(https://*.example.com); for any port write the host alone, such as "
		       "--origin=localhost";
	if (!uri_parse_authority(text, &authority))
		return "must be an origin such as https://example.com:8443, or a host name, "
		       "without a path";
	if (origin_ends_with_dot(authority.host))
		return "must not end with a dot";
	if (out->any_subdomain && (authority.is_ipv4 || authority.is_ipv6))
		return "may use '*' only with a host name, not with an address";
	out->host = authority.host;
	out->is_ipv6 = authority.is_ipv6;
	out->port = authority.port;
	return NULL;
}

static bool
origin_matches(const struct origin_rule *rule, const struct origin *origin, bool secure)
{
	struct span host = origin->authority.host;
	int port = origin_port(origin->scheme, origin->authority.port);

	if (rule->scheme.len > 0) {
		if (!span_equal_nocase(rule->scheme, origin->scheme) ||
		    origin_port(rule->scheme, rule->port) != port)
			return false;
	} else {
		/* A page loaded in plain text may have been forged: it may not use a service
		 * over TLS. */
		if (!origin_is_web(origin->scheme) ||
		    (secure && !span_equal_nocase(origin->scheme, SPAN("https"))))
			return false;
		if (rule->port != 0 && rule->port != port)
			return false;
	}
	if (rule->any_subdomain)
		return !origin->authority.is_ipv6 && origin_is_below(host, rule->host);
	return origin_same_host(host, origin->authority.is_ipv6, rule->host, rule->is_ipv6);
}

/* Reports whether a host is a name of this machine that no page on another machine can have. */
static bool
origin_is_loopback(const struct uri_authority *authority)
{
	struct span host = authority->host;

	return authority->is_ipv6 ? origin_same_address(host, SPAN("::1"))
				  : span_equal_nocase(host, SPAN("localhost")) ||
					span_equal(host, SPAN("127.0.0.1"));
}

/*
 * Reports whether TEXT, parsed as ORIGIN, names this machine with a trailing slash. The
 * serialization of RFC 6454, section 6.2, has no slash, so no browser sends one: the client is
 * a program, which needs no Origin at all. The examples of golang.org/x/net/websocket send
 * "http://localhost/" to any port.
 */
static bool
origin_is_of_program(
    const struct origin_policy *policy, struct span text, const struct origin *origin)
{
	return policy->mode == ORIGIN_SAME && policy->local_only && !policy->require &&
	       !policy->compat && text.data[text.len - 1] == '/' &&
	       origin_is_web(origin->scheme) && origin_is_loopback(&origin->authority);
}

/* Reports whether a page is served over TLS by the proxy in front of this server. */
static bool
origin_is_named(const struct origin_policy *policy, const struct origin *origin)
{
	const struct uri_authority *page = &origin->authority;

	if (!span_equal_nocase(origin->scheme, SPAN("https")) ||
	    origin_port(origin->scheme, page->port) != origin_default_port(origin->scheme))
		return false;
	for (size_t i = 0; i < policy->name_count; i++) {
		if (span_equal_nocase(page->host, span_of(policy->names[i])))
			return true;
	}
	return false;
}

static bool
origin_is_own(const struct origin_policy *policy, bool secure, const struct origin *origin,
    struct span host)
{
	struct span scheme = secure ? SPAN("https") : SPAN("http");
	struct uri_authority own;

	if (origin_is_named(policy, origin))
		return true;
	if (!uri_parse_authority(host, &own) || !span_equal_nocase(origin->scheme, scheme) ||
	    origin_port(origin->scheme, origin->authority.port) !=
		origin_port(scheme, own.port))
		return false;
	if (policy->local_only && !policy->compat && origin_is_loopback(&own) &&
	    origin_is_loopback(&origin->authority))
		return true;
	return origin_same_host(
	    origin->authority.host, origin->authority.is_ipv6, own.host, own.is_ipv6);
}

/* Reasons */

/* Returns true if HOST has no special meaning to a shell, a terminal or a page. */
static bool
origin_is_plain(struct span host, bool is_ipv6)
{
	for (size_t i = 0; i < host.len; i++) {
		unsigned char c = (unsigned char)host.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && !strchr("-._", c) &&
		    !(is_ipv6 && c == ':'))
			return false;
	}
	return host.len > 0 && host.len <= ORIGIN_PLAIN_MAX;
}

/* Appends a piece of an origin to the NUL-terminated TEXT of SIZE bytes. Returns false if it
 * does not fit. */
static bool
origin_put(char *text, size_t size, const char *before, struct span piece, const char *after)
{
	size_t len = strlen(text);
	int put = snprintf(text + len, size - len, "%s%.*s%s", before, (int)piece.len,
	    piece.len > 0 ? piece.data : "", after);

	return put >= 0 && (size_t)put < size - len;
}

static bool
origin_put_authority(
    char *text, size_t size, const char *before, struct span host, bool is_ipv6, int port)
{
	char number[16] = "";

	if (port != 0)
		snprintf(number, sizeof(number), ":%d", port);
	return origin_is_plain(host, is_ipv6) &&
	       origin_put(text, size, is_ipv6 ? "[" : before, host, is_ipv6 ? "]" : "") &&
	       origin_put(text, size, "", span_of(number), "");
}

/* Formats the origin. Returns false if it can't be quoted. */
static bool
origin_put_origin(char *text, size_t size, const struct origin *origin)
{
	return origin->scheme.len <= ORIGIN_PLAIN_MAX &&
	       origin_put(text, size, "", origin->scheme, "://") &&
	       origin_put_authority(text, size, "", origin->authority.host,
		   origin->authority.is_ipv6, origin->authority.port);
}

/* Formats the current rules, each followed by a comma. */
static bool
origin_put_rules(char *text, size_t size, const struct origin_policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct origin_rule *rule = &policy->rules[i];

		if ((rule->scheme.len > 0 &&
			!origin_put(text, size, "", rule->scheme, "://")) ||
		    !origin_put_authority(text, size, rule->any_subdomain ? "*." : "",
			rule->host, rule->is_ipv6, rule->port) ||
		    !origin_put(text, size, "", SPAN(","), ""))
			return false;
	}
	return true;
}

/* Returns why a page of another origin is rejected, and the option to use if it should be
 * allowed. */
static const char *
origin_explain(const struct origin_policy *policy, const struct origin *origin,
    char reason[ORIGIN_REASON_MAX])
{
	bool listed = policy->mode == ORIGIN_LIST && !policy->same;
	char page[ORIGIN_PLAIN_MAX * 2 + 32] = "";
	char value[ORIGIN_LIST_MAX] = "";
	const char *quote;

	if (!origin_put_origin(page, sizeof(page), origin))
		return listed ? "the Origin is not in --origin"
			      : "page from another origin may not connect (see --origin)";
	if (listed && !origin_put_rules(value, sizeof(value), policy)) {
		snprintf(reason, ORIGIN_REASON_MAX,
		    "page from %s is not in --origin; add it to allow it", page);
		return reason;
	}
	if (!origin_put(value, sizeof(value), "", span_of(page), ""))
		return "page from another origin may not connect (see --origin)";
	/* Quote what a shell would expand. */
	quote = strpbrk(value, "[*") ? "'" : "";
	if (policy->same)
		snprintf(reason, ORIGIN_REASON_MAX,
		    "page from %s may not connect because of --sameorigin; to allow it, give "
		    "--origin=%s%s%s instead",
		    page, quote, value, quote);
	else
		snprintf(reason, ORIGIN_REASON_MAX,
		    listed ? "page from %s is not in --origin; add it to allow it: "
			     "--origin=%s%s%s"
			   : "page from %s may not connect; allow it with --origin=%s%s%s",
		    page, quote, value, quote);
	return reason;
}

/* Checks a request without an Origin. It comes from a program, because browsers always send one
 * (RFC 6455, section 10.2). */
static const char *
origin_missing_refused(const struct origin_policy *policy)
{
	if (policy->require)
		return "the client sent no Origin, which --require-origin and --sameorigin "
		       "require";
	/* websocketd treats it as "file:", which is in no list. */
	if (policy->compat && policy->mode != ORIGIN_ANY)
		return "the client sent no Origin; like websocketd, wspipe then accepts it "
		       "only with --origin=any";
	return NULL;
}

const char *
origin_refused(const struct origin_policy *policy, bool secure, size_t count,
    struct span origin, struct span host, char reason[ORIGIN_REASON_MAX])
{
	struct origin parsed;

	if (count == 0)
		return origin_missing_refused(policy);
	if (policy->mode == ORIGIN_ANY && !policy->compat)
		return NULL;
	if (count > 1)
		return "the request has more than one Origin";
	if (span_equal(origin, SPAN("null"))) {
		if (policy->mode == ORIGIN_ANY && policy->rule_count == 0)
			return NULL;
		return "page without an origin (Origin: null, from a local file or a sandboxed "
		       "frame) may not connect; serve it with --staticdir=DIR, or allow every "
		       "page with --origin=any";
	}
	if (!origin_parse(origin, &parsed))
		return "the Origin is not valid";
	if (policy->mode == ORIGIN_ANY)
		return NULL;
	if (parsed.authority.host.len == 0)
		return "page from a local file may not connect; serve it with --staticdir=DIR, "
		       "or allow every page with --origin=any";
	if (origin_ends_with_dot(parsed.authority.host))
		return "the host in the Origin ends with a dot; open the page without it";
	if (origin_is_of_program(policy, origin, &parsed))
		return NULL;
	if (policy->mode == ORIGIN_SAME || policy->same) {
		if (!origin_is_own(policy, secure, &parsed, host))
			return origin_explain(policy, &parsed, reason);
		if (policy->mode == ORIGIN_SAME)
			return NULL;
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (origin_matches(&policy->rules[i], &parsed, secure))
			return NULL;
	}
	return origin_explain(policy, &parsed, reason);
}

static bool
origin_host_matches(
    const struct uri_authority *authority, char *const *names, size_t name_count)
{
	/* No DNS server can make a browser use an address or localhost (RFC 6761, section 6.3)
	 * as its own name. */
	if (authority->is_ipv4 || authority->is_ipv6 ||
	    span_equal_nocase(authority->host, SPAN("localhost")) ||
	    origin_is_below(authority->host, SPAN("localhost")))
		return true;
	for (size_t i = 0; i < name_count; i++) {
		if (span_equal_nocase(authority->host, span_of(names[i])))
			return true;
	}
	return false;
}

const char *
origin_host_refused(struct span host, bool local_only, char *const *names, size_t name_count,
    char reason[ORIGIN_REASON_MAX])
{
	struct uri_authority authority;
	int len;

	if (!uri_parse_authority(host, &authority))
		return "the Host is not valid";
	if (origin_ends_with_dot(authority.host))
		return "the Host ends with a dot; leave it out";
	if (origin_host_matches(&authority, names, name_count))
		return NULL;
	if (!origin_is_plain(authority.host, false))
		return local_only ? "the Host is not a name of this machine (see --host)"
				  : "the Host is not in --host";
	len = (int)authority.host.len;
	snprintf(reason, ORIGIN_REASON_MAX,
	    local_only ? "Host '%.*s' is rejected because the server only listens on loopback; "
			 "allow it with --host=%.*s"
		       : "Host '%.*s' is not in --host; allow it with --host=%.*s",
	    len, authority.host.data, len, authority.host.data);
	return reason;
}
