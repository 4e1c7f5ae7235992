/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses what proxies report about a client: an element of the field Forwarded (RFC 7239,
 * section 4), and a node there and in X-Forwarded-For. Pure.
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/util.h"

#include <stdbool.h>
#include <sys/socket.h>

/* The parameters of an element; empty: missing. Escapes ("\") in values are not decoded: no
 * address, host or protocol needs any. */
struct forwarded {
	struct span node; /* "for" */
	struct span host;
	struct span proto;
};

/* Returns false if the element is malformed. An empty element has no parameters. */
bool forwarded_parse(struct span element, struct forwarded *out)
    __attribute__((warn_unused_result));

/*
 * Parses the address of a node: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or
 * "[2001:db8::1]:80". The port is 0 unless it is given as a number (section 6). Returns false
 * for anything else, such as "unknown" or identifiers like "_hidden".
 */
bool forwarded_parse_node(struct span node, struct sockaddr_storage *out)
    __attribute__((warn_unused_result));

#endif
