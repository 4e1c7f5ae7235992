/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of the PROXY protocol, version 2. */
#include "net/proxy_protocol.h"

#include <netinet/in.h>
#include <string.h>

/* The commands and families of section 2.2. */
enum {
	PROXY_PROTOCOL_LOCAL = 0x20,
	PROXY_PROTOCOL_PROXY = 0x21,
	PROXY_PROTOCOL_TCP4 = 0x11,
	PROXY_PROTOCOL_TCP6 = 0x21,
};

static uint8_t *
proxy_protocol_append(uint8_t *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

size_t
proxy_protocol_put(uint8_t out[PROXY_PROTOCOL_MAX], const struct sockaddr_storage *client,
    const struct sockaddr_storage *local)
{
	const struct sockaddr_in *client4 = (const struct sockaddr_in *)client;
	const struct sockaddr_in *local4 = (const struct sockaddr_in *)local;
	const struct sockaddr_in6 *client6 = (const struct sockaddr_in6 *)client;
	const struct sockaddr_in6 *local6 = (const struct sockaddr_in6 *)local;
	uint8_t *to = proxy_protocol_append(out, "\r\n\r\n\0\r\nQUIT\n", 12);
	uint8_t *const fields = to;

	to += 4;
	memset(fields, 0, 4);
	fields[0] = PROXY_PROTOCOL_LOCAL;
	if (client->ss_family == AF_INET && local->ss_family == AF_INET) {
		fields[1] = PROXY_PROTOCOL_TCP4;
		to = proxy_protocol_append(to, &client4->sin_addr, 4);
		to = proxy_protocol_append(to, &local4->sin_addr, 4);
		to = proxy_protocol_append(to, &client4->sin_port, 2);
		to = proxy_protocol_append(to, &local4->sin_port, 2);
	} else if (client->ss_family == AF_INET6 && local->ss_family == AF_INET6) {
		fields[1] = PROXY_PROTOCOL_TCP6;
		to = proxy_protocol_append(to, &client6->sin6_addr, 16);
		to = proxy_protocol_append(to, &local6->sin6_addr, 16);
		to = proxy_protocol_append(to, &client6->sin6_port, 2);
		to = proxy_protocol_append(to, &local6->sin6_port, 2);
	}
	if (fields[1] != 0)
		fields[0] = PROXY_PROTOCOL_PROXY;
	fields[3] = (uint8_t)(to - fields - 4);
	return (size_t)(to - out);
}
