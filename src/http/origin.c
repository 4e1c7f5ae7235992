/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may connect: the Origin of the page and the Host that was asked for. */
#include "http/origin.h"

#include "http/uri.h"

#include <arpa/inet.h>
#include <string.h>

/* What an Origin says, as spans of it. */
struct origin {
	struct span scheme;
	struct uri_authority authority; /* its host is empty in "file://" */
};

/* scheme (RFC 3986, section 3.1). */
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

/* Cuts "scheme://" off the front of TEXT; false when it is not there. */
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

/* The port of a scheme when none is spelled out; 0 for schemes that have none (RFC 6454,
 * section 4). */
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

/* "example.com." is another name to a browser but the same one to the DNS, so it is refused
 * where names count. */
static bool
origin_ends_with_dot(struct span host)
{
	return host.len > 0 && host.data[host.len - 1] == '.';
}

/* serialized-origin (RFC 6454, section 6.2): one, without path, query and user information. */
static bool
origin_parse(struct span text, struct origin *out)
{
	memset(out, 0, sizeof(*out));
	if (!origin_cut_scheme(&text, &out->scheme) || !origin_is_scheme(out->scheme))
		return false;
	if (text.len == 0 && !origin_is_web(out->scheme))
		return true;
	return uri_parse_authority(text, &out->authority);
}

/* Addresses are compared as numbers: they can be written in several ways. Both were read by
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

/* True when HOST is one or more labels, a dot, and SUFFIX. */
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
		return "is what many pages that have nothing in common send, so it can't be "
		       "told from others";
	if (origin_cut_scheme(&text, &out->scheme)) {
		if (!origin_is_scheme(out->scheme))
			return "has no valid scheme before ://";
		if (span_equal_nocase(out->scheme, SPAN("ws")) ||
		    span_equal_nocase(out->scheme, SPAN("wss")))
			return "must name the page, so its scheme is http or https";
	}
	if (text.len >= 2 && memcmp(text.data, "*.", 2) == 0) {
		out->any_subdomain = true;
		text = (struct span){text.data + 2, text.len - 2};
	}
	if (text.len > 0 && memchr(text.data, '*', text.len))
		return "may have a * only in place of whole labels at its front, as "
		       "*.example.com";
	if (!uri_parse_authority(text, &authority))
		return "must be an origin as https://example.com:8443 or a host name, without "
		       "a path";
	if (origin_ends_with_dot(authority.host))
		return "must not end with a dot";
	if (out->any_subdomain && (authority.is_ipv4 || authority.is_ipv6))
		return "has a * before an address";
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
		/* A page that came in plain text may be anybody's: it does not get into a
		 * service over TLS. */
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

static bool
origin_is_own(const struct origin *origin, struct span host, bool secure)
{
	struct span scheme = secure ? SPAN("https") : SPAN("http");
	struct uri_authority own;

	return uri_parse_authority(host, &own) && span_equal_nocase(origin->scheme, scheme) &&
	       origin_port(origin->scheme, origin->authority.port) ==
		   origin_port(scheme, own.port) &&
	       origin_same_host(
		   origin->authority.host, origin->authority.is_ipv6, own.host, own.is_ipv6);
}

/* Judges a request without an Origin: a program, since browsers always send one (RFC 6455,
 * section 10.2). */
static const char *
origin_missing_refused(const struct origin_policy *policy)
{
	if (policy->require)
		return "the client sent no Origin; without --require-origin and --sameorigin "
		       "it may connect";
	/* For websocketd it is "file:", which is in no list. */
	if (policy->compat && policy->mode != ORIGIN_ANY)
		return "the client sent no Origin, and in compat mode none is in the list; "
		       "--origin=any lets it connect";
	return NULL;
}

const char *
origin_refused(
    const struct origin_policy *policy, size_t count, struct span origin, struct span host)
{
	struct origin parsed;

	if (count == 0)
		return origin_missing_refused(policy);
	if (policy->mode == ORIGIN_ANY && !policy->compat)
		return NULL;
	if (count > 1)
		return "the request has several Origin fields; only --origin=any lets it "
		       "connect";
	if (span_equal(origin, SPAN("null"))) {
		if (policy->mode == ORIGIN_ANY && policy->rule_count == 0)
			return NULL;
		return "the Origin is null, as of a sandboxed page or a file; only "
		       "--origin=any lets it connect";
	}
	if (!origin_parse(origin, &parsed))
		return "the Origin can't be parsed; only --origin=any lets it connect";
	if (policy->mode == ORIGIN_ANY)
		return NULL;
	if (origin_ends_with_dot(parsed.authority.host))
		return "the host of the Origin ends with a dot; only --origin=any lets it "
		       "connect";
	if (policy->mode == ORIGIN_SAME || policy->same) {
		if (!origin_is_own(&parsed, host, policy->secure))
			return policy->same
				   ? "the page comes from another server, which --sameorigin "
				     "refuses; --origin in its place lets it connect"
				   : "the page comes from another server; --origin with its "
				     "origin lets it connect";
		if (policy->mode == ORIGIN_SAME)
			return NULL;
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (origin_matches(&policy->rules[i], &parsed, policy->secure))
			return NULL;
	}
	return "the origin of the page is not in the list of --origin; added there it may "
	       "connect";
}

bool
origin_host_is_local(struct span host, char *const *names, size_t name_count)
{
	struct uri_authority authority;

	if (!uri_parse_authority(host, &authority) || origin_ends_with_dot(authority.host))
		return false;
	/* Nobody can make a browser call an address, or localhost (RFC 6761, section 6.3), by
	 * another name. */
	if (authority.is_ipv4 || authority.is_ipv6 ||
	    span_equal_nocase(authority.host, SPAN("localhost")) ||
	    origin_is_below(authority.host, SPAN("localhost")))
		return true;
	for (size_t i = 0; i < name_count; i++) {
		if (span_equal_nocase(authority.host, span_of(names[i])))
			return true;
	}
	return false;
}
