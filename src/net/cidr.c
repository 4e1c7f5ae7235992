/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of IP addresses. */
#include "net/cidr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { CIDR_IPV4_BITS = 96 }; /* prefix of IPv4-mapped addresses: RFC 4291, section 2.5.5.2 */

bool
cidr_normalize(const struct sockaddr_storage *address, struct in6_addr *out)
{
	if (address->ss_family == AF_INET6) {
		*out = ((const struct sockaddr_in6 *)address)->sin6_addr;
		return true;
	}
	if (address->ss_family != AF_INET)
		return false;
	memset(out, 0, sizeof(*out));
	out->s6_addr[10] = out->s6_addr[11] = 0xff;
	memcpy(out->s6_addr + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	return true;
}

bool
cidr_parse_address(struct span text, struct sockaddr_storage *out)
{
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	char copy[INET6_ADDRSTRLEN];

	memset(out, 0, sizeof(*out));
	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, &four->sin_addr) == 1)
		out->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, copy, &six->sin6_addr) == 1)
		out->ss_family = AF_INET6;
	return out->ss_family != AF_UNSPEC;
}

/* Note that ::/0 covers all of IPv6, but not IPv4. */
static bool
cidr_covers(const struct cidr *cidr, const struct in6_addr *address)
{
	unsigned int bytes = cidr->bits / 8;
	unsigned int mask = (0xff00U >> cidr->bits % 8) & 0xffU;

	if (cidr->bits < CIDR_IPV4_BITS && IN6_IS_ADDR_V4MAPPED(address))
		return false;
	return memcmp(cidr->address.s6_addr, address->s6_addr, bytes) == 0 &&
	       (mask == 0 ||
		   ((cidr->address.s6_addr[bytes] ^ address->s6_addr[bytes]) & mask) == 0);
}

/* Reports whether no bit is set beyond the prefix. */
static bool
cidr_is_block(const struct cidr *cidr)
{
	for (unsigned int i = cidr->bits; i < 128; i++) {
		if (cidr->address.s6_addr[i / 8] & (0x80U >> i % 8))
			return false;
	}
	return true;
}

const char *
cidr_parse(struct span text, struct cidr *out)
{
	const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
	struct span host = {text.data, slash ? (size_t)(slash - text.data) : text.len};
	struct sockaddr_storage address;
	int64_t bits;
	int max;

	if (!cidr_parse_address(host, &address))
		return "must be an IP address or a block of them, such as 192.0.2.0/24";
	(void)cidr_normalize(&address, &out->address);
	max = address.ss_family == AF_INET ? 32 : 128;
	bits = max;
	if (slash) {
		struct span number = {slash + 1, text.len - host.len - 1};

		if (number.len == 0 || !util_is_digit((unsigned char)*number.data) ||
		    util_parse_number(number, 0, max, &bits))
			return max == 32 ? "must have a prefix length from 0 to 32"
					 : "must have a prefix length from 0 to 128";
	}
	out->bits = (unsigned int)bits + (max == 32 ? CIDR_IPV4_BITS : 0);
	return cidr_is_block(out) ? NULL
				  : "must not have bits set beyond the prefix length; write "
				    "the first address of the block";
}

bool
cidr_list_add(struct cidr_list *list, struct span text)
{
	struct cidr cidr;
	struct cidr *items;

	if (span_equal(text, SPAN("unix"))) {
		list->unix_socket = true;
		return true;
	}
	if (cidr_parse(text, &cidr))
		return false;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return false;
	list->items = items;
	items[list->count++] = cidr;
	return true;
}

bool
cidr_list_covers(const struct cidr_list *list, const struct sockaddr_storage *address)
{
	struct in6_addr normal;

	if (address->ss_family == AF_UNIX)
		return list->unix_socket;
	if (!cidr_normalize(address, &normal))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (cidr_covers(&list->items[i], &normal))
			return true;
	}
	return false;
}

void
cidr_list_clear(struct cidr_list *list)
{
	free(list->items);
	*list = (struct cidr_list){0};
}
