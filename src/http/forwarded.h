/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What proxies write about a client: an element of the field Forwarded (RFC 7239, section 4),
 * and the node of a client there and in X-Forwarded-For. Pure.
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/util.h"

#include <stdbool.h>
#include <sys/socket.h>

/* The parameters of an element, empty where it has none. A value that has escapes ("\") comes
 * with them: no address, host or protocol needs any. */
struct forwarded {
	struct span node; /* "for" */
	struct span host;
	struct span proto;
};

/* False: the element is malformed. One that is empty has no parameters. */
bool forwarded_parse(struct span element, struct forwarded *out)
    __attribute__((warn_unused_result));

/*
 * Reads the address of a node: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or
 * "[2001:db8::1]:80". The port is 0 without one that is a number (section 6). False: it is none
 * of these, as "unknown" and identifiers such as "_hidden" are.
 */
bool forwarded_parse_node(struct span node, struct sockaddr_storage *out)
    __attribute__((warn_unused_result));

#endif
