/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of IP addresses (RFC 4632) and lists of them. Pure.
 *
 * IPv4 is kept as IPv4-mapped IPv6, so 192.0.2.1 and ::ffff:192.0.2.1 are the same address.
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
	unsigned int bits; /* of the prefix, 0 to 128 */
};

/* Zero bytes ({0}) are an empty list. */
struct cidr_list {
	struct cidr *items; /* owned */
	size_t count;
	bool unix_socket; /* and every peer on a Unix socket */
};

/* Reads "192.0.2.0/24", "2001:db8::/32" or a single address. NULL, or what is wrong in text
 * that follows the name: "must be ...". */
const char *cidr_parse(struct span text, struct cidr *out) __attribute__((warn_unused_result));

/* Adds a block, or with "unix" the peers on a Unix socket. False: TEXT is neither, or there is
 * no memory. */
bool cidr_list_add(struct cidr_list *list, struct span text)
    __attribute__((warn_unused_result));

/* ADDRESS as IPv6; false: it is of another family. */
bool cidr_normalize(const struct sockaddr_storage *address, struct in6_addr *out);

/* Whether a block of LIST covers ADDRESS, of any family. */
bool cidr_list_covers(const struct cidr_list *list, const struct sockaddr_storage *address);

/* Frees the items; it is empty afterwards. */
void cidr_list_clear(struct cidr_list *list);

/* Reads an IP address without brackets, port and scope into *OUT, whose port is 0. False: it is
 * none. */
bool cidr_parse_address(struct span text, struct sockaddr_storage *out)
    __attribute__((warn_unused_result));

#endif
