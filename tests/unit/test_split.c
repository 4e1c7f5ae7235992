/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way from records to frames, against the long one; built with each of the files that
 * can do it. What is fed is made by chance, with a fixed seed.
 */
#include "websocket/split.h"

#include "child/framing.h"
#include "websocket/encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, FED_MAX = 16 * 1024, GUARD = 0x5a };

static unsigned int seed;

static unsigned int
chance(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

struct frames {
	uint8_t bytes[SPLIT_ROOM(FED_MAX) + SPLIT_SLACK + 1];
	size_t len;
	size_t messages;
	uint64_t payload;
};

static void
put_one(struct frames *frames, const uint8_t *text, size_t len)
{
	struct encoder e = {0};

	frames->len += encoder_header(&e, frames->bytes + frames->len, MESSAGE_TEXT, true, len);
	if (len > 0)
		memcpy(frames->bytes + frames->len, text, len);
	frames->len += len;
	frames->messages++;
	frames->payload += len;
}

/* The long way: each record by framing_next(). What is left is no whole record. */
static void
one_by_one(const struct framing *framing, uint8_t *bytes, size_t len, struct frames *out)
{
	struct framing_reader r;
	struct framing_item item;

	framing_init(&r, framing);
	framing_feed(&r, bytes, len);
	while (framing_next(&r, &item) == FRAMING_MESSAGE)
		put_one(out, item.message.data, item.message.len);
	framing_clear(&r);
}

/* The short way, in rounds of at most MAX bytes. */
static void
in_runs(
    const struct framing *framing, uint8_t *bytes, size_t len, size_t max, struct frames *out)
{
	struct framing_reader r;
	struct framing_item item;
	struct split split = {0};
	char separator;

	framing_init(&r, framing);
	framing_feed(&r, bytes, len);
	while (framing_splits(&r, &separator, &split.cr)) {
		const uint8_t *from = r.bytes;
		size_t room = r.len < max ? r.len : max;
		size_t used;

		split = (struct split){.separator = (uint8_t)separator,
		    .cr = split.cr,
		    .to = out->bytes + out->len,
		    .messages = out->messages,
		    .bytes = out->payload};
		used = split_take(&split, from, room);
		assert_true(used <= room);
		for (size_t i = 0; split.ascii && i < used; i++)
			assert_true(from[i] < 0x80);
		out->len = (size_t)(split.to - out->bytes);
		out->messages = split.messages;
		out->payload = split.bytes;
		framing_take(&r, used);
		if (split.longer.data) {
			assert_true(split.longer.len > SPLIT_COPY_MAX);
			put_one(out, (const uint8_t *)split.longer.data, split.longer.len);
		} else if (used == 0) {
			if (framing_next(&r, &item) != FRAMING_MESSAGE)
				break;
			put_one(out, item.message.data, item.message.len);
		}
	}
	framing_clear(&r);
}

/* Records of any kind of length; now and then all is ASCII. */
static size_t
make(uint8_t *bytes, uint8_t separator)
{
	static const unsigned int rare[] = {1, 2, 9, 70, 300, 3000, 20000};
	size_t len = chance(3) ? chance(700) : chance(FED_MAX + 1);
	unsigned int often = rare[chance(7)];
	unsigned int top = chance(3) ? 0 : chance(500) + 1;

	for (size_t i = 0; i < len; i++) {
		bytes[i] = (uint8_t)chance(128);
		if (bytes[i] == separator || chance(20) == 0)
			bytes[i] = chance(2) ? '\r' : 'a';
		if (chance(often) == 0)
			bytes[i] = separator;
		else if (top && chance(top) == 0)
			bytes[i] |= 0x80;
	}
	return len;
}

static void
test_split_puts_what_the_framing_finds(void **state)
{
	static struct frames lone, runs;
	static uint8_t bytes[FED_MAX + SPLIT_SLACK];

	(void)state;
	seed = 4;
	for (int round = 0; round < ROUNDS; round++) {
		const struct framing framing = {
		    .kind = chance(2) ? FRAMING_LINES : FRAMING_NUL};
		size_t len = make(bytes, framing.kind == FRAMING_NUL ? 0 : '\n');

		lone.len = lone.messages = lone.payload = 0;
		runs.len = runs.messages = runs.payload = 0;
		one_by_one(&framing, bytes, len, &lone);
		runs.bytes[lone.len + SPLIT_SLACK] = GUARD;
		in_runs(&framing, bytes, len, chance(2) ? FED_MAX : chance(3000), &runs);
		assert_int_equal(runs.messages, lone.messages);
		assert_int_equal(runs.payload, lone.payload);
		assert_int_equal(runs.len, lone.len);
		assert_memory_equal(runs.bytes, lone.bytes, lone.len);
		assert_int_equal(runs.bytes[lone.len + SPLIT_SLACK], GUARD);
	}
}

/* The most that can come out is what SPLIT_ROOM says. */
static void
test_split_room(void **state)
{
	static uint8_t bytes[FED_MAX + SPLIT_SLACK];
	static struct frames out;

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		struct split split = {.separator = '\n', .to = out.bytes};

		memset(bytes, 'x', sizeof(bytes));
		for (size_t i = size; i < FED_MAX; i += size + 1)
			bytes[i] = '\n';
		split_take(&split, bytes, FED_MAX);
		assert_true((size_t)(split.to - out.bytes) <= SPLIT_ROOM(FED_MAX));
	}
}

static void
test_split_tells_ascii(void **state)
{
	uint8_t bytes[128 + SPLIT_SLACK] =
	    "of lines that are not long\nall is ASCII\nand behind them\n\xc3\xa9";
	uint8_t out[SPLIT_ROOM(128) + SPLIT_SLACK];
	struct split split = {.separator = '\n', .to = out};
	size_t len = strlen((char *)bytes) - 2;

	(void)state;
	assert_int_equal(split_take(&split, bytes, len), len);
	assert_true(split.ascii);
	bytes[30] = 0x80;
	split.to = out;
	assert_int_equal(split_take(&split, bytes, len), len);
	assert_false(split.ascii);
	assert_int_equal(split.messages, 6);
}

/* A text that is too long to be copied is told, and nothing behind it is taken. */
static void
test_split_stops_at_a_long_text(void **state)
{
	static uint8_t bytes[SPLIT_COPY_MAX + 100 + SPLIT_SLACK];
	static uint8_t out[SPLIT_ROOM(sizeof(bytes))];
	struct split split = {.separator = '\n', .cr = true, .to = out};

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "a\r\n", 3);
	memcpy(bytes + 3 + SPLIT_COPY_MAX + 1, "\r\nb\n", 4);
	assert_int_equal(
	    split_take(&split, bytes, SPLIT_COPY_MAX + 100), 3 + SPLIT_COPY_MAX + 3);
	assert_int_equal(split.messages, 1);
	assert_int_equal(split.bytes, 1);
	assert_int_equal(split.to - out, 3);
	assert_memory_equal(out,
	    "\x81\x01"
	    "a",
	    3);
	assert_ptr_equal(split.longer.data, bytes + 3);
	assert_int_equal(split.longer.len, SPLIT_COPY_MAX + 1);
	/* One byte less, and it is put. */
	split.to = out;
	assert_int_equal(
	    split_take(&split, bytes + 4, SPLIT_COPY_MAX + 90), SPLIT_COPY_MAX + 4);
	assert_null(split.longer.data);
	assert_int_equal(split.messages, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_split_puts_what_the_framing_finds),
	    cmocka_unit_test(test_split_room),
	    cmocka_unit_test(test_split_tells_ascii),
	    cmocka_unit_test(test_split_stops_at_a_long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
