/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages in parts. Random messages, fragmented, compressed and wrong now and then, are
 * decoded whole, and in parts from pieces of random lengths by a user that stops again and
 * again: both must yield the same bytes and the same failure.
 */
#include "simd/simd.h"
#include "websocket/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { FIN = 0x80, RSV1 = 0x40, ROUNDS = 3000, MESSAGE_MAX = 200 * 1000, PART_MAX = 64 * 1024 };

/* What came out. */
struct seen {
	struct buffer bytes; /* of all messages, each followed by its type */
	size_t whole; /* how many of BYTES belong to whole messages */
	unsigned int pings;
	uint64_t wire; /* bytes of payload */
	uint16_t code; /* of a failure */
};

static uint32_t seed;

static uint32_t
below(uint32_t limit)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % limit;
}

static void
put(struct buffer *to, const void *bytes, size_t len)
{
	assert_true(buffer_append(to, bytes, len));
}

static void
put_frame(struct buffer *to, uint8_t first, const uint8_t *payload, size_t len)
{
	uint8_t mask[4] = {(uint8_t)below(256), 0xfa, 0x21, (uint8_t)below(256)};
	uint8_t header[FRAME_SERVER_HEADER_MAX];
	size_t size = frame_write_header(header, false, 0, FRAME_CONTINUATION, len);
	uint8_t *at;

	header[0] = first;
	header[1] |= 0x80;
	put(to, header, size);
	put(to, mask, sizeof(mask));
	if (len == 0)
		return;
	at = buffer_reserve(to, len);
	assert_non_null(at);
	(void)simd->unmask(at, payload, len, mask, 0);
	buffer_commit(to, len);
}

/* Text in characters of one to four bytes; runs of one byte, which compress best; or any bytes.
 */
static void
fill(struct buffer *payload, bool text)
{
	static const char *const characters[] = {
	    "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	size_t len = below(4) == 0 ? below(MESSAGE_MAX) : below(300);
	bool run = below(2) == 0;

	while (buffer_len(payload) < len) {
		const char *character = characters[run ? 0 : below(4)];
		uint8_t byte = (uint8_t)(run ? 0 : below(256));

		if (text)
			put(payload, character, strlen(character));
		else
			put(payload, &byte, 1);
	}
	/* Wrong, with luck in the middle of a character. */
	if (text && buffer_len(payload) > 0 && below(20) == 0)
		buffer_data(payload)[below((uint32_t)buffer_len(payload))] = 0xff;
	if (text && below(40) == 0)
		put(payload, "\xe2\x82", 2);
}

static void
compress_payload(struct buffer *payload)
{
	struct buffer out = {0};
	z_stream z = {0};
	size_t room = buffer_len(payload) + 1000;
	uint8_t *to = buffer_reserve(&out, room);

	assert_non_null(to);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = buffer_data(payload);
	z.avail_in = (uInt)buffer_len(payload);
	z.next_out = to;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	room -= z.avail_out;
	deflateEnd(&z);
	buffer_commit(&out, room - 4); /* less 00 00 ff ff */
	if (below(30) == 0 && room > 10)
		buffer_data(&out)[below((uint32_t)room - 4)] ^= 0x55;
	buffer_clear(payload);
	buffer_move(payload, &out);
}

static void
put_message(struct buffer *to)
{
	struct buffer payload = {0};
	bool text = below(2) == 0;
	uint8_t first = text ? FRAME_TEXT : FRAME_BINARY;

	fill(&payload, text);
	if (below(2) == 0 && buffer_len(&payload) > 0) {
		compress_payload(&payload);
		first |= RSV1;
	}
	while (below(3) == 0) {
		size_t len = below((uint32_t)buffer_len(&payload) + 1);

		put_frame(to, first, buffer_data(&payload), len);
		buffer_consume(&payload, len);
		first = FRAME_CONTINUATION;
		if (below(3) == 0)
			put_frame(to, FIN | FRAME_PING, (const uint8_t *)"ping", 4);
	}
	put_frame(to, first | FIN, buffer_data(&payload), buffer_len(&payload));
	buffer_clear(&payload);
}

static void
begin(struct decoder *d, bool parts, uint64_t max_message)
{
	static const struct deflate_agreed agreed = {
	    .server_bits = 15, .client_bits = 15, .client_takeover = true};

	decoder_init(d, max_message);
	d->rules.inflater = inflater_new(&agreed);
	assert_non_null(d->rules.inflater);
	if (parts)
		d->rules.parts = true;
}

static void
end(struct decoder *d)
{
	decoder_clear(d);
	inflater_free(d->rules.inflater);
}

static void
note(struct decoder *d, enum decoder_event event, const struct decoder_item *item,
    struct seen *seen)
{
	const struct message *m = &item->message;

	switch (event) {
	case DECODER_MESSAGE:
	case DECODER_PART:
		assert_true(event == DECODER_MESSAGE || (d->rules.parts && m->len > 0));
		if (d->rules.parts)
			assert_true(item->in_place || m->len <= PART_MAX);
		put(&seen->bytes, m->data, m->len);
		seen->wire += decoder_wire_len(d, event, item);
		if (event == DECODER_PART)
			break;
		put(&seen->bytes, m->type == MESSAGE_TEXT ? "t" : "b", 1);
		seen->whole = buffer_len(&seen->bytes);
		break;
	case DECODER_PING:
		seen->pings++;
		break;
	case DECODER_FAIL:
		seen->code = item->code;
		break;
	case DECODER_MORE:
	case DECODER_PONG:
	case DECODER_CLOSE:
		fail();
	}
}

/* Feeds LEN bytes in a block of their own; stops after one event in STOPS, if that is not 0. */
static void
feed(struct decoder *d, const uint8_t *bytes, size_t len, uint32_t stops, struct seen *seen)
{
	struct buffer rest = {0};
	uint8_t *block = malloc(len + 1);
	struct decoder_item item;
	enum decoder_event event;

	assert_non_null(block);
	memcpy(block, bytes, len);
	decoder_feed(d, block, len);
	while ((event = decoder_next(d, &item)) != DECODER_MORE) {
		note(d, event, &item, seen);
		if (stops == 0 || below(stops) != 0)
			continue;
		assert_true(decoder_stop(d, &rest));
		free(block);
		block = malloc(buffer_len(&rest) + 1);
		assert_non_null(block);
		if (buffer_len(&rest) > 0)
			memcpy(block, buffer_data(&rest), buffer_len(&rest));
		decoder_feed(d, block, buffer_len(&rest));
		buffer_clear(&rest);
	}
	free(block);
}

static void
check_round(uint32_t number)
{
	struct buffer wire = {0};
	struct seen whole = {0};
	struct seen parts = {0};
	uint64_t max_message;
	struct decoder d;
	uint32_t piece;
	uint32_t stops;

	seed = number;
	for (uint32_t count = 1 + below(4); count > 0; count--)
		put_message(&wire);
	max_message = below(3) == 0 ? below(MESSAGE_MAX) + 1 : 0;
	begin(&d, false, max_message);
	feed(&d, buffer_data(&wire), buffer_len(&wire), 0, &whole);
	end(&d);
	begin(&d, true, max_message);
	piece = below(3) == 0 ? 1 + below(20) : 1 + below(60000);
	stops = below(3);
	while (buffer_len(&wire) > 0) {
		size_t len = 1 + below(piece);

		if (len > buffer_len(&wire))
			len = buffer_len(&wire);
		feed(&d, buffer_data(&wire), len, stops, &parts);
		buffer_consume(&wire, len);
	}
	/* Nothing is kept but what a character or a header needs. */
	assert_null(d.partial.block);
	end(&d);
	if (whole.code != parts.code || whole.pings != parts.pings ||
	    whole.whole != parts.whole ||
	    (whole.whole > 0 &&
		memcmp(buffer_data(&whole.bytes), buffer_data(&parts.bytes), whole.whole) != 0))
		fail_msg("round %u: %u and %u, %zu and %zu bytes", number, whole.code,
		    parts.code, whole.whole, parts.whole);
	if (whole.code == 0)
		assert_true(
		    whole.wire == parts.wire && parts.whole == buffer_len(&parts.bytes));
	buffer_clear(&whole.bytes);
	buffer_clear(&parts.bytes);
}

static void
test_parts_are_what_whole_messages_are(void **state)
{
	(void)state;
	for (uint32_t number = 1; number <= ROUNDS; number++)
		check_round(number);
}

/* A message of 64 MiB, of which the decoder never keeps more than a part. */
static void
test_a_message_may_be_larger_than_any_buffer(void **state)
{
	static uint8_t piece[PART_MAX];
	struct seen seen = {0};
	struct buffer frame = {0};
	struct decoder d;
	uint64_t total = 0;

	(void)state;
	begin(&d, true, 0);
	for (int i = 0; i <= 1024; i++) {
		put_frame(&frame,
		    i == 0	? FRAME_BINARY
		    : i == 1024 ? FIN
				: FRAME_CONTINUATION,
		    piece, sizeof(piece));
		for (size_t at = 0; at < buffer_len(&frame); at += 50000) {
			size_t left = buffer_len(&frame) - at;

			feed(&d, buffer_data(&frame) + at, left < 50000 ? left : 50000, 0,
			    &seen);
			total += buffer_len(&seen.bytes);
			buffer_clear(&seen.bytes);
			assert_null(d.partial.block);
		}
		buffer_clear(&frame);
	}
	assert_int_equal(total, (uint64_t)1025 * PART_MAX + 1);
	end(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parts_are_what_whole_messages_are),
	    cmocka_unit_test(test_a_message_may_be_larger_than_any_buffer),
	};

	return cmocka_run_group_tests_name("decoder_parts", tests, NULL, NULL);
}
