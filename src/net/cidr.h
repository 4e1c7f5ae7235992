/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of IP addresses (RFC 4632) and lists of blocks. Pure. IPv4 is stored as IPv4-mapped
 * IPv6, so 192.0.2.1 and ::ffff:192.0.2.1 are equal.
 */
#ifndef NET_CIDR_H
#define NET_CIDR_H

#include "base/util.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct cidr {
	struct in6_addr address;
	unsigned int bits; /* length of the prefix, 0 to 128 */
};

/* Zeroed ({0}): an empty list. */
struct cidr_list {
	struct cidr *items; /* owned */
	size_t count;
	bool unix_socket; /* contains all peers on Unix sockets */
};

/* Parses "192.0.2.0/24", "2001:db8::/32" or a single address. Returns NULL, or the error as
 * text that follows the name: "must be ...". */
const char *cidr_parse(struct span text, struct cidr *out) __attribute__((warn_unused_result));

/* Adds a block, or with "unix" the peers on Unix sockets. Returns false if TEXT is invalid or
 * memory runs out. */
bool cidr_list_add(struct cidr_list *list, struct span text)
    __attribute__((warn_unused_result));

/* Converts ADDRESS to IPv6. Returns false for other address families. */
bool cidr_normalize(const struct sockaddr_storage *address, struct in6_addr *out);

/* Reports whether LIST covers ADDRESS, of any family. */
bool cidr_list_covers(const struct cidr_list *list, const struct sockaddr_storage *address);

/* Frees the items and empties the list. */
void cidr_list_clear(struct cidr_list *list);

/* Parses an IP address without brackets, port and scope into *OUT, whose port is set to 0.
 * Returns false if TEXT is not one. */
bool cidr_parse_address(struct span text, struct sockaddr_storage *out)
    __attribute__((warn_unused_result));

#endif
