/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control for pages: their Origin (RFC 6454; RFC 6455, sections 4.2.2
 * and 10.2) and the Host they were loaded from (against DNS rebinding). Pure.
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

/* Reads one entry. NULL, or what is wrong with it in words that follow its name. */
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
	/* Names, borrowed, of https pages that are the request's own with mode SAME: of a proxy
	 * that may replace the Host and not report TLS. */
	char *const *names;
	size_t name_count;
	bool require; /* a request must have an Origin (--require-origin, --sameorigin) */
	bool same; /* --sameorigin: what MODE allows must be the request's own as well; not with
		      ANY */
	bool compat; /* as websocketd: a missing Origin, or "null" when there are no rules, is
			"file:"; ANY still refuses what does not parse */
	bool local_only; /* every listener is on loopback, where localhost, 127.0.0.1 and [::1]
			    are one host */
};

/* Bytes of a reason with its end. */
enum { ORIGIN_REASON_MAX = 1024 };

/*
 * Checks the Origin of a request, which came over TLS if SECURE. COUNT is how many Origin
 * fields it has and ORIGIN the first's value; HOST is the value of the Host field (the
 * authority of the target when it was absolute). Returns NULL when the client may connect, else
 * REASON or a constant: one sentence that names the option to paste, unless no option is
 * advisable. It repeats of the Origin only what a shell and a page treat as plain text.
 *
 * "null", an empty value, two fields or one that does not parse never match; only mode ANY
 * without compat accepts them. One trailing slash is ignored. With one, a loopback host on any
 * port matches mode SAME while the server is local: only programs send it
 * ("http://localhost/"). A page on an http or https origin never matches by a trailing dot or
 * user information.
 */
const char *origin_refused(const struct origin_policy *policy, bool secure, size_t count,
    struct span origin, struct span host, char reason[ORIGIN_REASON_MAX])
    __attribute__((warn_unused_result));

/*
 * Checks the Host of a request against DNS rebinding, by which a page on a name of its own
 * becomes of the same origin as this server. HOST must be localhost, a name below .localhost,
 * an IP address (none of which the DNS can redirect), or one of NAMES (any case, without
 * port); a trailing dot is not accepted. Returns NULL when it is, else REASON or a constant as
 * above. LOCAL_ONLY: every listener is on loopback.
 */
const char *origin_host_refused(struct span host, bool local_only, char *const *names,
    size_t name_count, char reason[ORIGIN_REASON_MAX]) __attribute__((warn_unused_result));

#endif
