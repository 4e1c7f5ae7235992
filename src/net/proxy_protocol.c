/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of the PROXY protocol. */
#include "net/proxy_protocol.h"

#include "net/cidr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The commands and families of section 2.2, and the types of section 2.2.6. */
enum {
	PROXY_PROTOCOL_LOCAL = 0x20,
	PROXY_PROTOCOL_PROXY = 0x21,
	PROXY_PROTOCOL_UNSPEC = 0x00,
	PROXY_PROTOCOL_TCP4 = 0x11,
	PROXY_PROTOCOL_TCP6 = 0x21,
	PROXY_PROTOCOL_UNIX = 0x31,
	PROXY_PROTOCOL_TYPE_SSL = 0x20,
	PROXY_PROTOCOL_TYPE_SSL_CN = 0x22,
	PROXY_PROTOCOL_SSL = 0x01, /* the client uses TLS */
	PROXY_PROTOCOL_CERT = 0x02 | 0x04, /* the client has sent a certificate */
	PROXY_PROTOCOL_FIXED = 16, /* bytes before the addresses */
};

static const uint8_t proxy_protocol_signature[12] = "\r\n\r\n\0\r\nQUIT\n";
static const char proxy_protocol_v1[] = "PROXY ";

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
	uint8_t *to = proxy_protocol_append(
	    out, proxy_protocol_signature, sizeof(proxy_protocol_signature));
	uint8_t *const fields = to;
	struct in6_addr client6, local6;

	to += 4;
	memset(fields, 0, 4);
	fields[0] = PROXY_PROTOCOL_LOCAL;
	if (client->ss_family == AF_INET && local->ss_family == AF_INET) {
		fields[1] = PROXY_PROTOCOL_TCP4;
		to = proxy_protocol_append(to, &client4->sin_addr, 4);
		to = proxy_protocol_append(to, &local4->sin_addr, 4);
	} else if (cidr_normalize(client, &client6) && cidr_normalize(local, &local6)) {
		fields[1] = PROXY_PROTOCOL_TCP6;
		to = proxy_protocol_append(to, &client6, 16);
		to = proxy_protocol_append(to, &local6, 16);
	}
	if (fields[1] != 0) {
		fields[0] = PROXY_PROTOCOL_PROXY;
		/* The port is at the same offset in both families. */
		to = proxy_protocol_append(to, &client4->sin_port, 2);
		to = proxy_protocol_append(to, &local4->sin_port, 2);
	}
	fields[3] = (uint8_t)(to - fields - 4);
	return (size_t)(to - out);
}

/* Removes and returns the part of LINE before the next blank, or all of it. */
static struct span
proxy_protocol_word(struct span *line)
{
	const char *blank = line->len > 0 ? memchr(line->data, ' ', line->len) : NULL;
	struct span word = {line->data, blank ? (size_t)(blank - line->data) : line->len};
	size_t cut = word.len + (blank != NULL);

	*line = (struct span){line->data + cut, line->len - cut};
	return word;
}

static bool
proxy_protocol_port(struct span text, int64_t *port)
{
	return text.len > 0 && util_is_digit((unsigned char)*text.data) &&
	       (*text.data != '0' || text.len == 1) &&
	       !util_parse_number(text, 0, UINT16_MAX, port);
}

/* Parses the line of section 2.1, without its CR LF. */
static bool
proxy_protocol_parse_line(struct span line, struct proxy_protocol *out)
{
	struct span family, source, target, source_port, target_port;
	struct sockaddr_storage address;
	int64_t port, ignored;

	(void)proxy_protocol_word(&line);
	family = proxy_protocol_word(&line);
	out->anonymous = span_equal(family, SPAN("UNKNOWN"));
	if (out->anonymous)
		return true;
	source = proxy_protocol_word(&line);
	target = proxy_protocol_word(&line);
	source_port = proxy_protocol_word(&line);
	/* The rest, so that another blank is an error. */
	target_port = line;
	if (!proxy_protocol_port(source_port, &port) ||
	    !proxy_protocol_port(target_port, &ignored) ||
	    !cidr_parse_address(target, &address) ||
	    !cidr_parse_address(source, &out->client) ||
	    address.ss_family != out->client.ss_family)
		return false;
	if (address.ss_family == AF_INET) {
		((struct sockaddr_in *)&out->client)->sin_port = htons((uint16_t)port);
		return span_equal(family, SPAN("TCP4"));
	}
	((struct sockaddr_in6 *)&out->client)->sin6_port = htons((uint16_t)port);
	return span_equal(family, SPAN("TCP6"));
}

static enum proxy_protocol_result
proxy_protocol_parse_v1(const uint8_t *bytes, size_t len, struct proxy_protocol *out)
{
	size_t max = len < PROXY_PROTOCOL_V1_MAX ? len : PROXY_PROTOCOL_V1_MAX;
	const uint8_t *end = memchr(bytes, '\n', max);
	struct span line = {(const char *)bytes, 0};

	if (!end)
		return len < PROXY_PROTOCOL_V1_MAX ? PROXY_PROTOCOL_MORE : PROXY_PROTOCOL_BAD;
	out->len = (size_t)(end - bytes) + 1;
	line.len = out->len - 2;
	if (end[-1] != '\r' || !proxy_protocol_parse_line(line, out))
		return PROXY_PROTOCOL_BAD;
	return PROXY_PROTOCOL_DONE;
}

/* Removes the next type, length and value from the front of REST. */
static bool
proxy_protocol_next(struct span *rest, uint8_t *type, struct span *value)
{
	const uint8_t *bytes = (const uint8_t *)rest->data;
	size_t len;

	if (rest->len < 3)
		return false;
	len = (size_t)bytes[1] << 8 | bytes[2];
	if (len > rest->len - 3)
		return false;
	*type = bytes[0];
	*value = (struct span){rest->data + 3, len};
	*rest = (struct span){rest->data + 3 + len, rest->len - 3 - len};
	return true;
}

/* Parses what the proxy reports about the client's TLS: section 2.2.6, PP2_TYPE_SSL. */
static bool
proxy_protocol_parse_ssl(struct span value, struct proxy_protocol *out)
{
	static const uint8_t verified[4];
	struct span rest = {value.data + 5, value.len - 5};
	bool has_cert;

	if (value.len < 5)
		return false;
	out->secure = value.data[0] & PROXY_PROTOCOL_SSL;
	has_cert = out->secure && (value.data[0] & PROXY_PROTOCOL_CERT) &&
		   memcmp(value.data + 1, verified, sizeof(verified)) == 0;
	while (rest.len > 0) {
		uint8_t type;

		if (!proxy_protocol_next(&rest, &type, &value))
			return false;
		if (type == PROXY_PROTOCOL_TYPE_SSL_CN && has_cert)
			out->name = value;
	}
	return true;
}

static enum proxy_protocol_result
proxy_protocol_parse_v2(const uint8_t *bytes, size_t len, struct proxy_protocol *out)
{
	static const struct {
		uint8_t family;
		size_t len; /* length of both addresses and ports */
	} rows[] = {{PROXY_PROTOCOL_UNSPEC, 0}, {PROXY_PROTOCOL_TCP4, 12},
	    {PROXY_PROTOCOL_TCP6, 36}, {PROXY_PROTOCOL_UNIX, 216}};
	struct sockaddr_in *four = (struct sockaddr_in *)&out->client;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out->client;
	const uint8_t *addresses = bytes + PROXY_PROTOCOL_FIXED;
	struct span rest;
	size_t row = 0;

	if (len < PROXY_PROTOCOL_FIXED)
		return PROXY_PROTOCOL_MORE;
	rest = (struct span){(const char *)addresses, (size_t)bytes[14] << 8 | bytes[15]};
	out->len = PROXY_PROTOCOL_FIXED + rest.len;
	if ((bytes[12] != PROXY_PROTOCOL_LOCAL && bytes[12] != PROXY_PROTOCOL_PROXY) ||
	    out->len > PROXY_PROTOCOL_V2_MAX)
		return PROXY_PROTOCOL_BAD;
	if (len < out->len)
		return PROXY_PROTOCOL_MORE;
	/* LOCAL: the rest must be ignored, whatever it is. */
	if (bytes[12] == PROXY_PROTOCOL_LOCAL)
		return PROXY_PROTOCOL_DONE;
	while (row < UTIL_LEN(rows) && rows[row].family != bytes[13])
		row++;
	if (row == UTIL_LEN(rows) || rest.len < rows[row].len)
		return PROXY_PROTOCOL_BAD;
	if (bytes[13] == PROXY_PROTOCOL_TCP4) {
		four->sin_family = AF_INET;
		memcpy(&four->sin_addr, addresses, 4);
		memcpy(&four->sin_port, addresses + 8, 2);
	} else if (bytes[13] == PROXY_PROTOCOL_TCP6) {
		six->sin6_family = AF_INET6;
		memcpy(&six->sin6_addr, addresses, 16);
		memcpy(&six->sin6_port, addresses + 32, 2);
	} else {
		out->anonymous = true;
	}
	rest = (struct span){rest.data + rows[row].len, rest.len - rows[row].len};
	while (rest.len > 0) {
		struct span value;
		uint8_t type;

		if (!proxy_protocol_next(&rest, &type, &value) ||
		    (type == PROXY_PROTOCOL_TYPE_SSL && !proxy_protocol_parse_ssl(value, out)))
			return PROXY_PROTOCOL_BAD;
	}
	return PROXY_PROTOCOL_DONE;
}

enum proxy_protocol_result
proxy_protocol_parse(const uint8_t *bytes, size_t len, struct proxy_protocol *out)
{
	static const struct {
		const void *start;
		size_t len;
		enum proxy_protocol_result (*parse)(
		    const uint8_t *bytes, size_t len, struct proxy_protocol *out);
	} versions[] = {
	    {proxy_protocol_v1, sizeof(proxy_protocol_v1) - 1, proxy_protocol_parse_v1},
	    {proxy_protocol_signature, sizeof(proxy_protocol_signature),
		proxy_protocol_parse_v2},
	};

	*out = (struct proxy_protocol){.len = 0};
	for (size_t i = 0; i < UTIL_LEN(versions); i++) {
		size_t start = len < versions[i].len ? len : versions[i].len;

		if (memcmp(bytes, versions[i].start, start) != 0)
			continue;
		return start < versions[i].len ? PROXY_PROTOCOL_MORE
					       : versions[i].parse(bytes, len, out);
	}
	return PROXY_PROTOCOL_BAD;
}

enum proxy_protocol_result
proxy_protocol_receive(int fd, uint8_t bytes[PROXY_PROTOCOL_V2_MAX], struct proxy_protocol *out)
{
	enum proxy_protocol_result result;
	ssize_t n;

	do {
		n = recv(fd, bytes, PROXY_PROTOCOL_V2_MAX, MSG_PEEK);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return PROXY_PROTOCOL_MORE;
	if (n <= 0)
		return PROXY_PROTOCOL_BAD;
	result = proxy_protocol_parse(bytes, (size_t)n, out);
	/* The bytes have already arrived, so recv() returns them all. */
	if (result == PROXY_PROTOCOL_DONE && recv(fd, bytes, out->len, 0) != (ssize_t)out->len)
		return PROXY_PROTOCOL_BAD;
	return result;
}

char *
proxy_protocol_subject(struct span name)
{
	char *text = malloc(3 + 3 * name.len + 1);
	char *to = text;

	if (!text)
		return NULL;
	to += sprintf(to, "CN=");
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];
		bool ends = i == 0 || i == name.len - 1;

		if (c < 0x20 || c >= 0x7f)
			to += sprintf(to, "\\%02X", c);
		else if (strchr(",+\"\\<>;", c) || (c == ' ' && ends) || (c == '#' && i == 0))
			to += sprintf(to, "\\%c", c);
		else
			*to++ = (char)c;
	}
	*to = '\0';
	return text;
}
