/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path from records to frames, compared with the other. The input is random, with a
 * fixed seed.
 */
#include "websocket/encoder.h"

#include "base/utf8.h"
#include "base/util.h"
#include "each_simd.h"
#include "framing/framing.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20000, FED_MAX = 16 * 1024, GUARD = 0x5a };

static unsigned int seed;

static unsigned int
chance(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

struct frames {
	uint8_t bytes[SIMD_FRAMES_ROOM(FED_MAX) + SIMD_SLACK + 1];
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

/* One by one: each record by framing_next(). What is left is no complete record. */
static void
one_by_one(const struct framing *framing, uint8_t *bytes, size_t len, struct frames *out)
{
	struct framing_reader r;
	struct framing_item item;

	out->len = out->messages = out->payload = 0;
	framing_init(&r, framing);
	framing_feed(&r, bytes, len);
	while (framing_next(&r, &item) == FRAMING_MESSAGE)
		put_one(out, item.message.data, item.message.len);
	framing_clear(&r);
}

/* Batches of at most MAX bytes, until there is none. */
static void
put_batches(struct framing_reader *r, size_t max, struct frames *out)
{
	struct simd_frames batch = {0};
	char separator;

	while (framing_splits(r, &separator, &batch.cr)) {
		const uint8_t *from = r->bytes;
		size_t len = r->len < max ? r->len : max;
		bool not_utf8;
		size_t used;

		batch.separator = (uint8_t)separator;
		batch.to = out->bytes + out->len;
		batch.count = out->messages;
		batch.bytes = out->payload;
		used = encoder_batch(&batch, from, len, &not_utf8);
		assert_true(used <= len);
		assert_int_equal(not_utf8, !utf8_valid(from, used));
		for (size_t i = 0; batch.ascii && i < used; i++)
			assert_true(from[i] < 0x80);
		if (used == 0)
			return;
		out->len = (size_t)(batch.to - out->bytes);
		out->messages = batch.count;
		out->payload = batch.bytes;
		framing_take(r, used);
	}
}

/* The fast path, from reads of CUT bytes and the rest. */
static void
in_batches(const struct framing *framing, uint8_t *bytes, size_t len, size_t cut, size_t max,
    struct frames *out)
{
	struct framing_reader r;
	struct framing_item item;

	out->len = out->messages = out->payload = 0;
	framing_init(&r, framing);
	for (size_t n = cut < len ? cut : len; len > 0; n = len) {
		framing_feed(&r, bytes, n);
		for (;;) {
			put_batches(&r, max, out);
			if (framing_next(&r, &item) != FRAMING_MESSAGE)
				break;
			put_one(out, item.message.data, item.message.len);
		}
		bytes += n;
		len -= n;
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
check(const struct framing *framing, uint8_t *bytes, size_t len, size_t cut, size_t max)
{
	static struct frames lone, batches;

	one_by_one(framing, bytes, len, &lone);
	batches.bytes[lone.len + SIMD_SLACK] = GUARD;
	in_batches(framing, bytes, len, cut, max, &batches);
	assert_int_equal(batches.messages, lone.messages);
	assert_int_equal(batches.payload, lone.payload);
	assert_int_equal(batches.len, lone.len);
	assert_memory_equal(batches.bytes, lone.bytes, lone.len);
	assert_int_equal(batches.bytes[lone.len + SIMD_SLACK], GUARD);
}

static void
test_batch_is_what_the_framing_finds(void **state)
{
	static uint8_t bytes[FED_MAX + SIMD_SLACK];

	(void)state;
	seed = 4;
	for (int round = 0; round < ROUNDS; round++) {
		const struct framing framing = {
		    .kind = chance(2) ? FRAMING_LINES : FRAMING_NUL};
		size_t len = make(bytes, framing.kind == FRAMING_NUL ? 0 : '\n');

		check(&framing, bytes, len, len, chance(2) ? FED_MAX : chance(3000));
	}
}

static void
test_batch_cut_everywhere(void **state)
{
	static uint8_t bytes[FED_MAX + SIMD_SLACK];
	const struct framing framing = {.kind = FRAMING_LINES};

	(void)state;
	seed = 5;
	for (int round = 0; round < 20; round++) {
		size_t len = make(bytes, '\n') % 1500;

		for (size_t cut = 1; cut < len; cut++)
			check(&framing, bytes, len, cut, FED_MAX);
		for (size_t max = 1; max < 200; max++)
			check(&framing, bytes, len, len, max);
	}
}

/* All that is observable of records_to_frames, in blocks with no more bytes than it may touch.
 */
static void
test_frames_are_those_of_scalar(void **state)
{
	static uint8_t bytes[FED_MAX + SIMD_SLACK];

	(void)state;
	seed = 6;
	for (int round = 0; round < ROUNDS / 4; round++) {
		size_t len = make(bytes, '\n');
		size_t room = SIMD_FRAMES_ROOM(len) + SIMD_SLACK;
		uint8_t *from = malloc(len + SIMD_SLACK);
		struct simd_frames f[2];
		uint8_t *to[2];
		size_t used[2], size;

		assert_non_null(from);
		memcpy(from, bytes, len + SIMD_SLACK);
		for (size_t i = 0; i < 2; i++) {
			to[i] = malloc(room);
			assert_non_null(to[i]);
			f[i] = (struct simd_frames){
			    .separator = '\n', .cr = round & 1, .to = to[i]};
			used[i] =
			    (i == 0 ? &simd_scalar : simd)->records_to_frames(&f[i], from, len);
		}
		size = (size_t)(f[0].to - to[0]);
		assert_int_equal(used[0], used[1]);
		assert_int_equal(f[1].to - to[1], size);
		assert_memory_equal(to[0], to[1], size);
		assert_int_equal(f[0].count, f[1].count);
		assert_int_equal(f[0].bytes, f[1].bytes);
		assert_int_equal(f[0].ascii, f[1].ascii);
		free(from);
		free(to[0]);
		free(to[1]);
	}
}

/* The largest output is SIMD_FRAMES_ROOM(). */
static void
test_batch_room(void **state)
{
	static uint8_t bytes[FED_MAX + SIMD_SLACK];
	static struct frames out;

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		struct simd_frames batch = {.separator = '\n', .to = out.bytes};

		memset(bytes, 'x', sizeof(bytes));
		for (size_t i = size; i < FED_MAX; i += size + 1)
			bytes[i] = '\n';
		simd->records_to_frames(&batch, bytes, FED_MAX);
		assert_true((size_t)(batch.to - out.bytes) <= SIMD_FRAMES_ROOM(FED_MAX));
	}
}

static void
test_batch_reports_what_is_not_utf8(void **state)
{
	uint8_t bytes[128 + SIMD_SLACK] =
	    "lines that are not long\nall of them ASCII\nfollowed by others\n\xc3\xa9";
	uint8_t out[SIMD_FRAMES_ROOM(128) + SIMD_SLACK];
	struct simd_frames batch = {.separator = '\n', .to = out};
	size_t len = strlen((char *)bytes) - 2;
	bool not_utf8;

	(void)state;
	assert_int_equal(encoder_batch(&batch, bytes, len, &not_utf8), len);
	assert_false(not_utf8);
	bytes[30] = 0x80;
	batch.to = out;
	assert_int_equal(encoder_batch(&batch, bytes, len, &not_utf8), len);
	assert_true(not_utf8);
	memcpy(bytes + 30, "\xc3\xa9", 2);
	batch.to = out;
	assert_int_equal(encoder_batch(&batch, bytes, len, &not_utf8), len);
	assert_false(not_utf8);
	assert_false(batch.ascii);
	assert_int_equal(batch.count, 9);
}

/* Nothing is converted from a record on that is too long to be copied cheaply. */
static void
test_batch_stops_at_a_long_record(void **state)
{
	enum { LONG = SIMD_RECORD_MAX + 64 };
	static uint8_t bytes[3 + LONG + 4 + SIMD_SLACK];
	static uint8_t out[SIMD_FRAMES_ROOM(sizeof(bytes))];

	(void)state;
	for (size_t size = SIMD_RECORD_MAX - 10; size <= LONG; size++) {
		struct simd_frames batch = {.separator = '\n', .cr = true, .to = out};
		size_t used;

		memset(bytes, 'x', sizeof(bytes));
		memcpy(bytes, "a\r\n", 3);
		memcpy(bytes + 3 + size, "\nb\n", 3);
		used = simd->records_to_frames(&batch, bytes, 3 + size + 3);
		if (size <= SIMD_RECORD_MAX || (used != 3 && size < LONG)) {
			assert_int_equal(used, 3 + size + 3);
			assert_int_equal(batch.count, 3);
			assert_int_equal(batch.bytes, size + 2);
			continue;
		}
		assert_int_equal(used, 3);
		assert_int_equal(batch.count, 1);
		assert_int_equal(batch.bytes, 1);
		assert_memory_equal(out,
		    "\x81\x01"
		    "a",
		    3);
		assert_int_equal(batch.to - out, 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_batch_is_what_the_framing_finds),
	    cmocka_unit_test(test_batch_cut_everywhere),
	    cmocka_unit_test(test_frames_are_those_of_scalar),
	    cmocka_unit_test(test_batch_room),
	    cmocka_unit_test(test_batch_reports_what_is_not_utf8),
	    cmocka_unit_test(test_batch_stops_at_a_long_record),
	};

	return run_for_each_simd(tests, UTIL_LEN(tests));
}
