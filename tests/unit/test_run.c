/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder's short way, against its long one: a run of frames says what the decoder says.
 * What is fed is made by chance, with a fixed seed.
 */
#include "websocket/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, WIRE_MAX = 8192, MAX_MESSAGE = 600 };

/* What came out: each message as its type, its length and its bytes. */
struct tale {
	uint8_t bytes[8 * WIRE_MAX];
	size_t len;
};

static unsigned int seed;

static unsigned int
chance(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static void
tell(struct tale *t, uint8_t kind, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(t->bytes) - t->len - 3);
	t->bytes[t->len++] = kind;
	t->bytes[t->len++] = (uint8_t)(len >> 8);
	t->bytes[t->len++] = (uint8_t)len;
	if (len > 0)
		memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
}

static void
assert_same(const struct tale *a, const struct tale *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->bytes, b->bytes, a->len);
}

/* Frames, nearly all of the simplest form; the last one is cut somewhere. */
static size_t
make_frames(uint8_t *wire)
{
	static const char *const texts[] = {
	    "", "a", "hello", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80"};
	size_t len = 0;

	for (unsigned int n = 1 + chance(12); n > 0; n--) {
		uint8_t payload[WIRE_MAX / 12];
		uint8_t mask[4];
		size_t size = chance(8) == 0 ? chance(650) : chance(140);
		uint8_t header[FRAME_HEADER_MAX];
		size_t head;
		uint8_t first = chance(4) == 0 ? 0x82 : 0x81;

		if (chance(25) == 0)
			first = (uint8_t)chance(256);
		for (size_t i = 0; i < size; i++)
			payload[i] = (uint8_t)('a' + chance(26));
		if (chance(3) == 0) {
			const char *text = texts[chance(5)];
			size_t text_len = strlen(text);

			if (text_len <= size)
				memcpy(payload + chance((unsigned int)(size - text_len + 1)),
				    text, text_len);
		}
		if (size > 0 && chance(30) == 0)
			payload[chance((unsigned int)size)] = (uint8_t)(0x80 + chance(128));
		head = frame_write_header(header, true, 0, FRAME_TEXT, size);
		header[0] = first;
		header[1] |= chance(40) == 0 ? 0 : 0x80;
		if (len + head + 4 + size > WIRE_MAX)
			break;
		for (size_t i = 0; i < 4; i++)
			mask[i] = (uint8_t)chance(256);
		memcpy(wire + len, header, head);
		memcpy(wire + len + head, mask, 4);
		frame_mask(wire + len + head + 4, payload, size, mask, 0);
		len += head + 4 + size;
	}
	return chance(3) == 0 ? len - chance((unsigned int)len + 1) : len;
}

/* Decodes WIRE; with a RUN as often as it can be asked for, which puts things DOWN bytes below.
 */
static void
decode(const uint8_t *wire, size_t len, bool text, bool binary, int tail, size_t down,
    struct tale *t)
{
	uint8_t block[RUN_HEAD + WIRE_MAX + RUN_SLACK];
	uint8_t *bytes = block + RUN_HEAD;
	struct decoder d;
	struct decoder_item item;
	enum decoder_event event;
	bool runs = text || binary;
	/* The tail is told apart from what comes behind it only by the lengths. */
	uint8_t *put = bytes;

	memcpy(bytes, wire, len);
	decoder_init(&d, MAX_MESSAGE);
	decoder_feed(&d, bytes, len);
	for (;;) {
		struct run run = {.text = text, .binary = binary, .tail = tail, .to = put};

		event = DECODER_MORE;
		if (runs) {
			run.to = (d.bytes ? d.bytes : bytes) - down;
			put = run.to;
			event = decoder_run(&d, &run, &item);
			tell(t, 'r', put, (size_t)(run.to - put));
		}
		if (event == DECODER_MORE)
			event = decoder_next(&d, &item);
		if (event == DECODER_MORE)
			break;
		switch (event) {
		case DECODER_MESSAGE:
			tell(t, 'r', item.message.data, item.message.len);
			if (tail != RUN_NO_TAIL) {
				uint8_t byte = (uint8_t)tail;

				tell(t, 'r', &byte, 1);
			}
			break;
		case DECODER_CLOSE:
		case DECODER_FAIL:
			tell(t, 'x', &item.code, sizeof(item.code));
			break;
		case DECODER_MORE:
		case DECODER_PING:
		case DECODER_PONG:
			break;
		}
	}
	decoder_clear(&d);
}

/* Joins what lies side by side, as a run joins messages. */
static void
join(const struct tale *from, struct tale *to)
{
	size_t at = 0;

	to->len = 0;
	while (at < from->len) {
		size_t len = (size_t)from->bytes[at + 1] << 8 | from->bytes[at + 2];

		if (from->bytes[at] == 'x')
			to->bytes[to->len++] = 'x';
		memcpy(to->bytes + to->len, from->bytes + at + 3, len);
		to->len += len;
		at += 3 + len;
	}
}

static void
test_run_says_what_the_decoder_says(void **state)
{
	static struct tale lone, run, a, b;
	static const int tails[] = {RUN_NO_TAIL, '\n', 0};
	uint8_t wire[WIRE_MAX];

	(void)state;
	seed = 1;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = make_frames(wire);
		int tail = tails[chance(3)];
		bool text = chance(4) != 0;

		lone.len = run.len = 0;
		decode(wire, len, false, false, tail, 0, &lone);
		decode(wire, len, text, !text || chance(2), tail,
		    chance(3) ? RUN_HEAD : chance(RUN_HEAD + 1), &run);
		join(&lone, &a);
		join(&run, &b);
		assert_same(&a, &b);
	}
}

/* Where the run takes all, it says how much that was. */
static void
test_run_counts(void **state)
{
	uint8_t block[RUN_HEAD + 27 + RUN_SLACK];
	const uint8_t wire[] = {0x81, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2, 0x81, 0x80, 9, 9, 9,
	    9, 0x82, 0x81, 0, 0, 0, 0, 0xff, 0x89, 0x80, 0, 0, 0, 0};

	(void)state;
	for (size_t down = 0; down <= RUN_HEAD; down += RUN_HEAD) {
		uint8_t *bytes = block + RUN_HEAD;
		struct run run = {.text = true,
		    .binary = true,
		    .tail = '\n',
		    .max_message = 2,
		    .to = bytes - down};
		bool not_utf8;

		memcpy(bytes, wire, sizeof(wire));
		assert_int_equal(run_take(&run, bytes, sizeof(wire), &not_utf8), 21);
		assert_false(not_utf8);
		assert_int_equal(run.messages, 3);
		assert_int_equal(run.bytes, 3);
		assert_int_equal(run.to - bytes + (ptrdiff_t)down, 6);
		assert_memory_equal(bytes - down, "hi\n\n\xff\n", 6);
	}
}

/* Masking without steps over single bytes, at every length and distance. */
static void
test_unmask_is_mask(void **state)
{
	uint8_t from[400], one[400], other[400];
	const uint8_t mask[4] = {0x12, 0x9c, 0x40, 0xe7};

	(void)state;
	seed = 2;
	for (size_t len = 0; len <= 300; len++) {
		for (size_t down = 0; down <= 40; down++) {
			bool ascii = true;
			bool high = chance(2);

			for (size_t i = 0; i < sizeof(from); i++)
				from[i] =
				    (uint8_t)chance(high ? 256 : 128) ^ mask[(i - down) & 3];
			memcpy(one, from, sizeof(from));
			memcpy(other, from, sizeof(from));
			for (size_t i = 0; i < len; i++)
				one[i] = from[i + down] ^ mask[i & 3];
			for (size_t i = 0; i < len; i++)
				ascii = ascii && one[i] < 0x80;
			assert_int_equal(
			    frame_mask_ascii(other, other + down, len, mask, 0), ascii);
			assert_memory_equal(one, other, len);
			/* Nothing is written behind it. */
			assert_memory_equal(other + len, from + len, sizeof(from) - len);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_run_says_what_the_decoder_says),
	    cmocka_unit_test(test_run_counts),
	    cmocka_unit_test(test_unmask_is_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
