/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of the decoder, compared with the other: a batch has what the decoder emits one
 * by one. The input is random, with a fixed seed.
 */
#include "websocket/decoder.h"

#include "base/util.h"
#include "each_simd.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20000, WIRE_MAX = 8192, MAX_MESSAGE = 600 };

/* The output: each message as its type, its length and its bytes. */
struct trace {
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
add(struct trace *t, uint8_t kind, const void *bytes, size_t len)
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
assert_same(const struct trace *a, const struct trace *b)
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
		/* Not the shortest form: section 5.2 forbids it. */
		if (chance(40) == 0 && size <= 125) {
			header[1] = 126;
			header[2] = 0;
			header[3] = (uint8_t)size;
			head = 4;
		}
		header[0] = first;
		header[1] |= chance(40) == 0 ? 0 : 0x80;
		if (len + head + 4 + size > WIRE_MAX)
			break;
		for (size_t i = 0; i < 4; i++)
			mask[i] = (uint8_t)chance(256);
		memcpy(wire + len, header, head);
		memcpy(wire + len + head, mask, 4);
		simd->unmask(wire + len + head + 4, payload, size, mask, 0);
		len += head + 4 + size;
	}
	return chance(3) == 0 ? len - chance((unsigned int)len + 1) : len;
}

/* How the fast path is asked, and how the input comes. */
struct way {
	bool text; /* neither of these: it is not asked */
	bool binary;
	int separator;
	size_t down; /* bytes below the next frame, where the output goes */
	size_t cut; /* bytes of the first read */
	size_t part; /* bytes of each other read */
};

/* Asks for a batch, if there is to be one, then for the next message. */
static enum decoder_event
decode_next(
    struct decoder *d, const struct way *way, struct decoder_item *item, struct trace *t)
{
	struct decoder_batch batch = {
	    .text = way->text, .binary = way->binary, .separator = way->separator};
	uint8_t *to = d->bytes - way->down;
	enum decoder_event event;

	if ((way->text || way->binary) && d->len > 0) {
		batch.to = to;
		event = decoder_next_batch(d, &batch, item);
		/* Records differ from what follows them only by the lengths: see join(). */
		add(t, 'r', to, (size_t)(batch.to - to));
		if (event != DECODER_MORE)
			return event;
	}
	return decoder_next(d, item);
}

/* Feeds one read, in memory with no more around it than the fast path may touch. */
static void
decode_read(
    struct decoder *d, const uint8_t *wire, size_t len, const struct way *way, struct trace *t)
{
	uint8_t *block = malloc(DECODER_BATCH_GAP + len + DECODER_BATCH_SLACK);
	uint8_t separator = (uint8_t)way->separator;
	struct decoder_item item;
	enum decoder_event event;

	assert_non_null(block);
	memcpy(block + DECODER_BATCH_GAP, wire, len);
	decoder_feed(d, block + DECODER_BATCH_GAP, len);
	while ((event = decode_next(d, way, &item, t)) != DECODER_MORE) {
		switch (event) {
		case DECODER_MESSAGE:
			add(t, 'r', item.message.data, item.message.len);
			if (way->separator != DECODER_NO_SEPARATOR)
				add(t, 'r', &separator, 1);
			break;
		case DECODER_CLOSE:
		case DECODER_FAIL:
			add(t, 'x', &item.code, sizeof(item.code));
			break;
		case DECODER_MORE:
		case DECODER_PART:
		case DECODER_PING:
		case DECODER_PONG:
			break;
		}
	}
	free(block);
}

static void
decode(const uint8_t *wire, size_t len, const struct way *way, struct trace *t)
{
	size_t n = way->cut < len ? way->cut : len;
	struct decoder d;

	t->len = 0;
	decoder_init(&d, MAX_MESSAGE);
	while (len > 0 && !d.over) {
		decode_read(&d, wire, n, way, t);
		wire += n;
		len -= n;
		n = way->part < len ? way->part : len;
	}
	decoder_clear(&d);
}

/* Joins neighbours, as a batch joins messages. */
static void
join(const struct trace *from, struct trace *to)
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

/* With and without the fast path, WIRE says the same. */
static void
check(const uint8_t *wire, size_t len, const struct way *way)
{
	static struct trace lone, batch, a, b;
	struct way slow = {.separator = way->separator, .cut = len, .part = len};

	decode(wire, len, &slow, &lone);
	decode(wire, len, way, &batch);
	join(&lone, &a);
	join(&batch, &b);
	assert_same(&a, &b);
}

static struct way
make_way(void)
{
	static const int separators[] = {DECODER_NO_SEPARATOR, '\n', 0};
	struct way way = {.text = chance(4) != 0, .separator = separators[chance(3)]};

	way.binary = !way.text || chance(2);
	way.down = chance(3) ? DECODER_BATCH_GAP : chance(DECODER_BATCH_GAP + 1);
	way.cut = way.part = WIRE_MAX;
	return way;
}

static void
test_batch_is_what_the_decoder_emits(void **state)
{
	uint8_t wire[WIRE_MAX];

	(void)state;
	seed = 1;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = make_frames(wire);
		struct way way = make_way();

		check(wire, len, &way);
	}
}

static void
test_batch_cut_everywhere(void **state)
{
	uint8_t wire[WIRE_MAX];

	(void)state;
	seed = 3;
	for (int round = 0; round < 40; round++) {
		size_t len = make_frames(wire);
		struct way way = make_way();

		for (way.cut = 1; way.cut < len; way.cut++)
			check(wire, len, &way);
		for (way.part = 1; way.part <= 80; way.part++) {
			way.cut = way.part;
			check(wire, len, &way);
		}
	}
}

/* All that is observable of frames_to_records. */
static void
test_records_are_those_of_scalar(void **state)
{
	uint8_t wire[WIRE_MAX];
	uint8_t blocks[2][SIMD_GAP + WIRE_MAX + SIMD_SLACK];

	(void)state;
	seed = 4;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = make_frames(wire);
		struct simd_records r[2];
		size_t used[2], size;

		for (size_t i = 0; i < 2; i++) {
			const struct simd *way = i == 0 ? &simd_scalar : simd;

			r[i] = (struct simd_records){.opcode = wire[0] & 0xf,
			    .separated = round & 1,
			    .separator = '\n',
			    .max_record = MAX_MESSAGE,
			    .to = blocks[i]};
			memcpy(blocks[i] + SIMD_GAP, wire, len);
			used[i] = way->frames_to_records(&r[i], blocks[i] + SIMD_GAP, len);
		}
		size = (size_t)(r[0].to - blocks[0]);
		assert_int_equal(used[0], used[1]);
		assert_int_equal(r[1].to - blocks[1], size);
		assert_memory_equal(blocks[0], blocks[1], size);
		assert_int_equal(r[0].count, r[1].count);
		assert_memory_equal(r[0].lens, r[1].lens, r[0].count * sizeof(r[0].lens[0]));
		assert_int_equal(r[0].ascii, r[1].ascii);
	}
}

/* Many records, and long ones: where a call stops has no effect on the whole. */
static void
test_batch_of_many_records(void **state)
{
	static const size_t sizes[] = {0, 1, 31, 125, 126, 600};
	enum { LEN = 60000 };
	uint8_t *block = malloc(DECODER_BATCH_GAP + LEN + DECODER_BATCH_SLACK);

	(void)state;
	assert_non_null(block);
	for (size_t i = 0; i < UTIL_LEN(sizes); i++) {
		struct decoder_batch b = {
		    .text = true, .separator = '\n', .max_message = MAX_MESSAGE, .to = block};
		uint8_t *bytes = block + DECODER_BATCH_GAP;
		size_t frame = sizes[i] + (sizes[i] < 126 ? 6 : 8);
		size_t count = LEN / frame;
		bool not_utf8;

		memset(bytes, 0, LEN);
		for (size_t at = 0; at < count * frame; at += frame) {
			uint8_t header[FRAME_HEADER_MAX];
			size_t len = frame_write_header(header, true, 0, FRAME_TEXT, sizes[i]);

			header[1] |= 0x80;
			memcpy(bytes + at, header, len);
			memset(bytes + at + len + 4, 'x', sizes[i]);
		}
		assert_int_equal(decoder_batch_take(&b, bytes, LEN, &not_utf8), count * frame);
		assert_false(not_utf8);
		assert_int_equal(b.messages, count);
		assert_int_equal(b.bytes, count * sizes[i]);
		for (size_t at = 0; at < count * (sizes[i] + 1); at++)
			assert_int_equal(
			    block[at], at % (sizes[i] + 1) == sizes[i] ? '\n' : 'x');
	}
	free(block);
}

static void
test_batch_counts(void **state)
{
	uint8_t block[DECODER_BATCH_GAP + 27 + DECODER_BATCH_SLACK];
	const uint8_t wire[] = {0x81, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2, 0x81, 0x80, 9, 9, 9,
	    9, 0x82, 0x81, 0, 0, 0, 0, 0xff, 0x89, 0x80, 0, 0, 0, 0};
	uint8_t *bytes = block + DECODER_BATCH_GAP;
	struct decoder_batch b = {
	    .text = true, .binary = true, .separator = '\n', .max_message = 2, .to = block};
	bool not_utf8;

	(void)state;
	memcpy(bytes, wire, sizeof(wire));
	assert_int_equal(decoder_batch_take(&b, bytes, sizeof(wire), &not_utf8), 21);
	assert_false(not_utf8);
	assert_int_equal(b.messages, 3);
	assert_int_equal(b.bytes, 3);
	assert_int_equal(b.to - block, 6);
	assert_memory_equal(block, "hi\n\n\xff\n", 6);
	/* Without the room that it needs, it does nothing. */
	memcpy(bytes, wire, sizeof(wire));
	b.to = block + 1;
	assert_int_equal(decoder_batch_take(&b, bytes, sizeof(wire), &not_utf8), 0);
	assert_memory_equal(bytes, wire, sizeof(wire));
}

/* What precedes a text that is not UTF-8 is delivered, whatever makes it valid together. */
static void
test_batch_stops_at_what_is_not_utf8(void **state)
{
	static const uint8_t wire[] = {0x81, 0x82, 0, 0, 0, 0, 0xc3, 0xa9, 0x81, 0x81, 0, 0, 0,
	    0, 0xc3, 0x81, 0x81, 0, 0, 0, 0, 0xa9};
	static const int separators[] = {'\n', DECODER_NO_SEPARATOR};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(separators); i++) {
		uint8_t block[DECODER_BATCH_GAP + sizeof(wire) + DECODER_BATCH_SLACK];
		struct decoder_batch b = {
		    .text = true, .separator = separators[i], .max_message = 2, .to = block};
		bool not_utf8;

		memcpy(block + DECODER_BATCH_GAP, wire, sizeof(wire));
		decoder_batch_take(&b, block + DECODER_BATCH_GAP, sizeof(wire), &not_utf8);
		assert_true(not_utf8);
		assert_int_equal(b.messages, 1);
		assert_int_equal(b.bytes, 2);
		assert_int_equal(b.to - block, i == 0 ? 3 : 2);
		assert_memory_equal(block, "\xc3\xa9\n", (size_t)(b.to - block));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_batch_is_what_the_decoder_emits),
	    cmocka_unit_test(test_batch_cut_everywhere),
	    cmocka_unit_test(test_records_are_those_of_scalar),
	    cmocka_unit_test(test_batch_of_many_records),
	    cmocka_unit_test(test_batch_counts),
	    cmocka_unit_test(test_batch_stops_at_what_is_not_utf8),
	};

	return run_for_each_simd(tests, UTIL_LEN(tests));
}
