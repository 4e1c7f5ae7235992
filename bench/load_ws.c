/* SPDX-License-Identifier: BSD-2-Clause */
/* WebSocket as a client speaks it: handshake, frames, permessage-deflate. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEAD_MAX = 4096,
	FRAME_HEAD_MAX = 14,
	FIN = 0x80,
	RSV1 = 0x40,
	TEXT = 1,
	BINARY = 2,
	CLOSE = 8,
	PING = 9
};

size_t
ws_frame(uint8_t *to, uint8_t first, const uint8_t *payload, size_t len)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	size_t at = 0;

	to[at++] = first;
	if (len < 126) {
		to[at++] = (uint8_t)(0x80 | len);
	} else if (len < 65536) {
		to[at++] = 0x80 | 126;
		to[at++] = (uint8_t)(len >> 8);
		to[at++] = (uint8_t)len;
	} else {
		to[at++] = 0x80 | 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			to[at++] = (uint8_t)((uint64_t)len >> shift);
	}
	memcpy(to + at, mask, 4);
	at += 4;
	for (size_t i = 0; i < len; i++)
		to[at + i] = payload[i] ^ mask[i % 4];
	return at + len;
}

/* Room for LEN more bytes behind those of the queue. */
static uint8_t *
queue_room(struct connection *c, size_t len)
{
	if (c->queue_len == 0)
		c->queue_at = 0;
	if (c->queue_room - c->queue_at - c->queue_len < len) {
		memmove(c->queue, c->queue + c->queue_at, c->queue_len);
		c->queue_at = 0;
		if (c->queue_room - c->queue_len < len) {
			c->queue_room = 2 * (c->queue_len + len);
			c->queue = realloc(c->queue, c->queue_room);
			if (!c->queue)
				load_die("realloc");
		}
	}
	return c->queue + c->queue_at + c->queue_len;
}

void
ws_queue(struct connection *c, const void *payload, size_t len)
{
	uint8_t *to = queue_room(c, len + FRAME_HEAD_MAX);

	if (load_settings.ws) {
		c->queue_len +=
		    ws_frame(to, FIN | (load_settings.binary ? BINARY : TEXT), payload, len);
		return;
	}
	memcpy(to, payload, len);
	to[len] = '\n';
	c->queue_len += len + 1;
}

void
ws_queue_close(struct connection *c)
{
	static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};

	c->queue_len +=
	    ws_frame(queue_room(c, FRAME_HEAD_MAX + 2), FIN | CLOSE, normal, sizeof(normal));
	c->close_expected = true;
}

void
ws_queue_compressed(struct connection *c, const uint8_t *payload, size_t len)
{
	static uint8_t packed[LOAD_BATCH];

	c->deflate.next_in = (uint8_t *)(uintptr_t)payload; /* zlib's API has no const */
	c->deflate.avail_in = (uInt)len;
	c->deflate.next_out = packed;
	c->deflate.avail_out = sizeof(packed);
	if (deflate(&c->deflate, Z_SYNC_FLUSH) != Z_OK || c->deflate.avail_out == 0)
		load_fail("deflate failed");
	len = sizeof(packed) - c->deflate.avail_out - 4; /* RFC 7692 7.2.1: not 00 00 ff ff */
	c->queue_len +=
	    ws_frame(queue_room(c, len + FRAME_HEAD_MAX), FIN | RSV1 | TEXT, packed, len);
}

static void
agree_on_deflate(struct connection *c, const char *head)
{
	const char *window = strstr(head, "client_max_window_bits=");
	int bits = window ? atoi(window + strlen("client_max_window_bits=")) : 15;

	if (!strstr(head, "permessage-deflate"))
		load_fail("the server does not compress");
	if (bits < 9 || bits > 15)
		load_fail("a bad client_max_window_bits came");
	if (deflateInit2(&c->deflate, 4, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    inflateInit2(&c->inflate, -15) != Z_OK)
		load_fail("zlib does not start");
}

void
ws_handshake(struct connection *c)
{
	char head[HEAD_MAX + 1];
	char *end = NULL;
	size_t len = 0;
	int request = snprintf(head, sizeof(head),
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n%s\r\n",
	    load_settings.port,
	    load_settings.deflate
		? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
		: "");

	if (io_write(c, head, (size_t)request) != request)
		load_fail("the request did not leave");
	while (!end) {
		ssize_t n = io_read(c, head + len, HEAD_MAX - len);

		if (n <= 0)
			load_fail(n == 0 ? "the connection ended before the answer"
					 : "no answer to the request in time");
		len += (size_t)n;
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (!end && len == HEAD_MAX)
			load_fail("the head of the answer is too long");
	}
	if (strncmp(head, "HTTP/1.1 101 ", 13) != 0) {
		*strstr(head, "\r\n") = '\0';
		fprintf(stderr, "load: the server answered \"%s\"\n", head);
		exit(1);
	}
	end += 4;
	c->early_len = len - (size_t)(end - head);
	if (c->early_len > 0) {
		c->early = malloc(c->early_len);
		if (!c->early)
			load_die("malloc");
		memcpy(c->early, end, c->early_len);
	}
	*end = '\0';
	if (!strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) /* RFC 6455 1.3, for its own key */
		load_fail("the Sec-WebSocket-Accept is not right");
	if (load_settings.deflate)
		agree_on_deflate(c, head);
}

static void
inflate_payload(struct connection *c, const uint8_t *bytes, size_t len)
{
	static uint8_t plain[LOAD_BATCH];

	c->inflate.next_in = (uint8_t *)(uintptr_t)bytes; /* zlib's API has no const */
	c->inflate.avail_in = (uInt)len;
	do {
		int result;

		c->inflate.next_out = plain;
		c->inflate.avail_out = sizeof(plain);
		result = inflate(&c->inflate, Z_SYNC_FLUSH);
		if (result != Z_OK && result != Z_BUF_ERROR)
			load_fail("what came can't be inflated");
		load_on_payload(c, plain, sizeof(plain) - c->inflate.avail_out);
	} while (c->inflate.avail_out == 0);
}

/* The length of a frame's header, 0 while it is not whole. */
static size_t
header_len(const uint8_t *header, size_t have)
{
	size_t need = 2;

	if (have < 2)
		return 0;
	if ((header[1] & 0x7f) == 126)
		need = 4;
	else if ((header[1] & 0x7f) == 127)
		need = 10;
	return have < need ? 0 : need;
}

/* Looks at the first byte of a header. */
static void
begin_frame(struct connection *c)
{
	int opcode = c->header[0] & 0xf;

	c->frame_final = c->header[0] & FIN;
	if (opcode == CLOSE && c->close_expected) {
		c->close_came = true;
		return;
	}
	if (opcode == CLOSE)
		load_fail("the server closed: could the program not start?");
	if (opcode == PING)
		load_fail("a ping came: the bridge took longer than measuring allows");
	if (opcode != (c->in_message ? 0 : load_settings.binary ? BINARY : TEXT))
		load_fail("a frame of another type came");
	if (!c->in_message)
		c->compressed = c->header[0] & RSV1;
	if (c->compressed && !load_settings.deflate)
		load_fail("a compressed frame came");
	c->in_message = true;
}

static void
end_frame(struct connection *c)
{
	static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};

	c->in_frame = false;
	if (!c->frame_final || c->close_came)
		return;
	if (c->compressed)
		inflate_payload(c, tail, sizeof(tail));
	c->in_message = false;
	load_on_message_end(c);
}

void
ws_receive(struct connection *c, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t piece;

		if (!c->in_frame) {
			c->header[c->header_len++] = *bytes++;
			len--;
			piece = header_len(c->header, c->header_len);
			if (piece == 0)
				continue;
			begin_frame(c);
			c->frame_left = c->header[1] & 0x7f;
			if (piece > 2)
				c->frame_left = 0;
			for (size_t i = 2; i < piece; i++)
				c->frame_left = c->frame_left << 8 | c->header[i];
			c->header_len = 0;
			c->in_frame = true;
			if (c->frame_left == 0)
				end_frame(c);
			continue;
		}
		piece = len < c->frame_left ? len : (size_t)c->frame_left;
		if (c->compressed && !c->close_came)
			inflate_payload(c, bytes, piece);
		else if (!c->close_came)
			load_on_payload(c, bytes, piece);
		bytes += piece;
		len -= piece;
		c->frame_left -= piece;
		if (c->frame_left == 0)
			end_frame(c);
	}
}
