/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control for pages: their Origin (RFC 6454; RFC 6455, sections 4.2.2 and 10.2) and the
 * Host they were loaded from (against DNS rebinding). Pure. Origins are compared as parsed
 * triples of scheme, lower-case host and effective port, never as text; there are no suffix or
 * substring matches.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One entry of --origin, parsed:
 *   https://example.com:8443     exactly this origin
 *   https://example.com          the scheme's default port
 *   example.com, example.com:80  http or https; over TLS only https. Without a port: any port
 *   *.example.com                any host with one or more labels before .example.com; also
 *                                after a scheme
 */
struct origin_rule {
	struct span scheme; /* span of the parsed text; empty: any */
	struct span host; /* without the "*." */
	bool any_subdomain;
	bool is_ipv6;
	int port; /* 0: the scheme's default if a scheme is given, otherwise any */
};

/* Parses one entry. Returns NULL, or the error as text that follows its name. */
const char *origin_parse_rule(struct span text, struct origin_rule *out)
    __attribute__((warn_unused_result));

enum origin_policy_mode {
	ORIGIN_SAME, /* default: the request's own scheme, host and port */
	ORIGIN_LIST, /* any of the rules */
	ORIGIN_ANY, /* any origin */
};

struct origin_policy {
	enum origin_policy_mode mode;
	const struct origin_rule *rules; /* borrowed */
	size_t rule_count;
	/* Borrowed: host names of https pages that count as the request's own with mode SAME:
	 * those of a proxy that may replace the Host and not report TLS. */
	char *const *names;
	size_t name_count;
	bool require; /* a request must have an Origin (--require-origin, --sameorigin) */
	/* --sameorigin: an origin allowed by MODE must also be the request's own; not with
	 * ANY */
	bool same;
	/* As websocketd: a missing Origin, or "null" without rules, is "file:"; ANY still
	 * rejects an invalid one. */
	bool compat;
	/* Every listener is on loopback, where localhost, 127.0.0.1 and [::1] are equal. */
	bool local_only;
};

/* Bytes of a reason, including the NUL. */
enum { ORIGIN_REASON_MAX = 1024 };

/*
 * Checks the Origin of a request, received over TLS if SECURE. COUNT is the number of Origin
 * fields, ORIGIN the value of the first; HOST is the value of the Host field (or the authority
 * of an absolute target). Returns NULL if the client may connect, else REASON or a constant:
 * one sentence that names the option to use, unless no option is advisable. It only quotes
 * parts of the Origin that a shell and a page treat as plain text.
 *
 * "null", an empty value, two fields or an invalid one never match; only mode ANY without
 * compat accepts them. One trailing slash is ignored. With one, a loopback host on any port
 * matches mode SAME while the server is local: only programs send it ("http://localhost/"). A
 * page on an http or https origin never matches with a trailing dot or user information.
 */
const char *origin_refused(const struct origin_policy *policy, bool secure, size_t count,
    struct span origin, struct span host, char reason[ORIGIN_REASON_MAX])
    __attribute__((warn_unused_result));

/*
 * Checks the Host of a request against DNS rebinding, which makes a page on an attacker's host
 * name same-origin with this server. HOST must be localhost, a name below .localhost, an IP
 * address (DNS can't redirect these), or one of NAMES (case-insensitive, without port); a
 * trailing dot is not accepted. Returns NULL if it is valid, else REASON or a constant as
 * above. LOCAL_ONLY: every listener is on loopback.
 */
const char *origin_host_refused(struct span host, bool local_only, char *const *names,
    size_t name_count, char reason[ORIGIN_REASON_MAX]) __attribute__((warn_unused_result));

#endif
