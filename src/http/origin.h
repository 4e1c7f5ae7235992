/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may connect: the Origin of the page (RFC 6454; RFC 6455, sections 4.2.2
 * and 10.2) and the Host that was asked for (against DNS rebinding). Pure.
 *
 * Origins are compared as parsed triples of scheme, lower-case host and
 * effective port, never as text; there are no suffix or substring rules.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One entry of --origin, parsed:
 *   https://example.com:8443   exactly that
 *   https://example.com        the scheme's own port
 *   example.com, example.com:80  any of http and https; over TLS only https. Without a port:
 * any port
 *   *.example.com              any host with one or more labels before .example.com; also
 * behind a scheme
 */
struct origin_rule {
	struct span scheme; /* owned by the text it was parsed from; empty: any */
	struct span host; /* without the "*." */
	bool any_subdomain;
	bool is_ipv6;
	int port; /* 0: the scheme's own when a scheme is given, any otherwise */
};

/* Reads one entry. NULL, or what is wrong with it in words that follow the entry. */
const char *origin_parse_rule(struct span text, struct origin_rule *out)
    __attribute__((warn_unused_result));

enum origin_policy_mode {
	ORIGIN_SAME, /* the default: the request's own scheme, host and port */
	ORIGIN_LIST, /* one of the rules */
	ORIGIN_ANY, /* whatever it says */
};

struct origin_policy {
	enum origin_policy_mode mode;
	const struct origin_rule *rules; /* borrowed */
	size_t rule_count;
	bool require; /* a request without an Origin is refused (--require-origin, --sameorigin)
		       */
	bool same; /* --sameorigin: what MODE allows must be the request's own as well; not with
		      ANY */
	bool compat; /* as websocketd: a missing Origin, or "null" when there are no rules, is
			"file:"; ANY still refuses what does not parse */
	bool secure; /* the connection is TLS, so the request's own scheme is https */
};

/*
 * Judges a request. COUNT is how many Origin fields it has and ORIGIN the first's value; HOST
 * is the value of the Host field (the authority of the target when it was absolute). Returns
 * NULL when it may connect, else one sentence for the log that names the option that would
 * allow it. "null", an empty value, two fields or one that does not parse never match; only
 * mode ANY without compat lets them in. A page on an http or https origin never matches by a
 * trailing dot or user information.
 */
const char *origin_refused(const struct origin_policy *policy, size_t count, struct span origin,
    struct span host) __attribute__((warn_unused_result));

/*
 * Against DNS rebinding, where the server listens on loopback only: HOST must
 * be localhost, a name below .localhost, an IP address, or one of NAMES (any
 * case, without port). True when it is. A trailing dot is not accepted.
 */
bool origin_host_is_local(struct span host, char *const *names, size_t name_count);

#endif
