/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8, compared with the check of one character at a time (utf8_char_len(), which test_utf8
 * compares with a reference of its own), and the check of a text in parts, compared with that
 * of one byte at a time.
 */
#include "base/utf8.h"
#include "base/util.h"
#include "each_simd.h"

#include <stdlib.h>
#include <string.h>

/* The bytes at which the tables of RFC 3629 change their mind, and their neighbours. */
static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
    0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};

static const char *const characters[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
    "\xd0\x96", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80", "\xf0\x90\x80\x80", "~"};

enum {
	SHORT_TEXT = 70, /* a sequence is put at each place of it */
	LONG_TEXT = 420, /* more than three rounds of the widest loop */
};

static bool
reference_valid(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_char_len(bytes + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static const char *
hex(const uint8_t *bytes, size_t len)
{
	static char text[3 * (LONG_TEXT + 8) + 1];

	text[0] = '\0';
	for (size_t i = 0; i < len && 3 * i + 3 < sizeof(text); i++)
		sprintf(text + 3 * i, "%02x ", bytes[i]);
	return text;
}

static void
check(const uint8_t *bytes, size_t len, bool wanted)
{
	if (utf8_valid(bytes, len) != wanted)
		fail_msg("%s is not %d", hex(bytes, len), wanted);
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Exactly LEN bytes of whole characters: all ASCII, or of all lengths. */
static void
fill(uint8_t *out, size_t len, bool ascii, uint32_t *seed)
{
	size_t i = 0;

	memset(out, 'x', len);
	while (!ascii && i < len) {
		const char *c = characters[next_random(seed) % UTIL_LEN(characters)];
		size_t n = strlen(c);

		if (n <= len - i)
			memcpy(out + i, c, n);
		i += n;
	}
}

/* A text of TOTAL bytes, of which SIZE are SEQUENCE and stand at AT between whole characters.
 */
static void
build(uint8_t *out, size_t total, const uint8_t *sequence, size_t size, size_t at, bool ascii)
{
	uint32_t seed = (uint32_t)at;

	fill(out, at, ascii, &seed);
	memcpy(out + at, sequence, size);
	fill(out + at + size, total - at - size, ascii, &seed);
}

static void
test_every_1_and_2_bytes_at_every_place(void **state)
{
	uint8_t text[SHORT_TEXT];

	(void)state;
	for (size_t size = 1; size <= 2; size++) {
		for (size_t at = 0; at <= sizeof(text) - size; at++) {
			for (int ascii = 0; ascii <= 1; ascii++) {
				build(text, sizeof(text), edges, size, at, ascii);
				for (unsigned int i = 0; i < 1u << 8 * size; i++) {
					text[at] = (uint8_t)i;
					if (size == 2)
						text[at + 1] = (uint8_t)(i >> 8);
					check(text, sizeof(text),
					    reference_valid(text + at, size));
				}
			}
		}
	}
}

/* Each is put at one place; neighbours in number at neighbouring places. */
static void
test_every_3_bytes(void **state)
{
	static uint8_t texts[2][SHORT_TEXT][SHORT_TEXT];
	const size_t places = SHORT_TEXT - 2;

	(void)state;
	for (size_t at = 0; at < places; at++) {
		build(texts[0][at], SHORT_TEXT, edges, 3, at, false);
		build(texts[1][at], SHORT_TEXT, edges, 3, at, true);
	}
	for (unsigned int i = 0; i < 1u << 24; i++) {
		size_t at = i % places;
		uint8_t *text = texts[i / places % 2][at];

		text[at] = (uint8_t)(i >> 16);
		text[at + 1] = (uint8_t)(i >> 8);
		text[at + 2] = (uint8_t)i;
		/* What begins with two ASCII bytes has been seen. */
		if ((text[at] | text[at + 1]) < 0x80)
			continue;
		check(text, SHORT_TEXT, reference_valid(text + at, 3));
	}
}

/* Every first byte of four, and what may or may not follow it, at every place. */
static void
test_4_bytes_at_every_place(void **state)
{
	static const uint8_t next[] = {
	    0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xf0};
	const size_t n = sizeof(next);
	uint8_t text[SHORT_TEXT];

	(void)state;
	for (size_t at = 0; at <= sizeof(text) - 4; at++) {
		for (int ascii = 0; ascii <= 1; ascii++) {
			build(text, sizeof(text), edges, 4, at, ascii);
			for (unsigned int lead = 0xf0; lead <= 0xff; lead++) {
				text[at] = (uint8_t)lead;
				for (size_t i = 0; i < n * n * n; i++) {
					text[at + 1] = next[i / (n * n)];
					text[at + 2] = next[i / n % n];
					text[at + 3] = next[i % n];
					check(
					    text, sizeof(text), reference_valid(text + at, 4));
				}
			}
		}
	}
}

static void
test_every_4_edges_in_a_long_text(void **state)
{
	static uint8_t text[LONG_TEXT];
	const size_t n = sizeof(edges);
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < n * n * n * n; i++) {
		uint8_t bytes[4] = {edges[i / (n * n * n)], edges[i / (n * n) % n],
		    edges[i / n % n], edges[i % n]};

		at = (at + 1) % (sizeof(text) - 3);
		/* Filling is dear: the ASCII around stays, and is mended behind us. */
		if (i == 0)
			build(text, sizeof(text), bytes, sizeof(bytes), at, true);
		memcpy(text + at, bytes, sizeof(bytes));
		check(text, sizeof(text), reference_valid(bytes, sizeof(bytes)));
		memset(text + at, 'x', sizeof(bytes));
	}
}

/* ASCII between the parts of a character, of which whole vectors may be stepped over. */
static void
test_characters_torn_apart(void **state)
{
	uint8_t text[LONG_TEXT];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(characters); i++) {
		size_t size = strlen(characters[i]);

		for (size_t cut = 1; cut < size; cut++) {
			for (size_t at = 0; at < 140; at++) {
				for (size_t gap = 1; gap < 270; gap++) {
					memset(text, 'x', sizeof(text));
					memcpy(text + at, characters[i], cut);
					memcpy(text + at + cut + gap, characters[i] + cut,
					    size - cut);
					check(text, sizeof(text), false);
				}
			}
		}
	}
}

/* Blocks have exactly their sizes, for the sanitizers. */
static void
test_cut_at_every_length(void **state)
{
	uint8_t text[LONG_TEXT];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20; round++) {
		fill(text, sizeof(text), round == 0, &seed);
		for (size_t len = 0; len <= sizeof(text); len++) {
			uint8_t *block = malloc(len ? len : 1);

			assert_non_null(block);
			memcpy(block, text, len);
			check(block, len, reference_valid(block, len));
			if (len > 0) {
				block[len - 1] = 0xc3;
				check(block, len, false);
			}
			free(block);
		}
	}
}

/* A text of LEN bytes with up to three violations, or with none. */
static void
mutate(uint8_t *text, size_t len, uint32_t *seed)
{
	size_t violations = next_random(seed) % 4;

	fill(text, len, next_random(seed) % 8 == 0, seed);
	for (; violations > 0 && len > 0; violations--) {
		size_t at = next_random(seed) % len;

		switch (next_random(seed) % 4) {
		case 0:
			text[at] = (uint8_t)next_random(seed);
			break;
		case 1:
			text[at] = edges[next_random(seed) % sizeof(edges)];
			break;
		case 2:
			text[at] ^= (uint8_t)(1 << next_random(seed) % 8);
			break;
		default:
			memmove(text + at, text + at + 1, len - at - 1);
			break;
		}
	}
}

static void
test_random_mutations(void **state)
{
	uint8_t text[LONG_TEXT];
	uint32_t seed = 2;
	size_t well = 0;

	(void)state;
	for (int round = 0; round < 300000; round++) {
		size_t limit = round % 2 ? SHORT_TEXT : LONG_TEXT;
		size_t len = next_random(&seed) % (limit + 1);
		bool wanted;

		mutate(text, len, &seed);
		wanted = reference_valid(text, len);
		well += wanted;
		check(text, len, wanted);
	}
	/* The test is worth something only if both are frequent. */
	assert_in_range(well, 60000, 240000);
}

/* Where the first byte stands that can't be, or LEN: fed one at a time. */
static size_t
first_violation(const uint8_t *bytes, size_t len)
{
	struct utf8 state = {0};
	size_t i = 0;

	while (i < len && utf8_feed(&state, bytes + i, 1))
		i++;
	return i;
}

/* However it is cut, a text is refused with the part that has the first impossible byte, and
 * after each part it is known whether it may end there. */
static void
test_parts_of_any_size(void **state)
{
	uint8_t text[LONG_TEXT];
	uint32_t seed = 3;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		size_t len = next_random(&seed) % (LONG_TEXT + 1);
		size_t widest = round % 3 ? 1 + next_random(&seed) % 200 : 5;
		struct utf8 whole = {0};
		size_t violation, done = 0;
		bool good = true;

		mutate(text, len, &seed);
		violation = first_violation(text, len);
		while (good && done < len) {
			size_t n = next_random(&seed) % (widest + 1);

			if (n > len - done)
				n = len - done;
			good = utf8_feed(&whole, text + done, n);
			done += n;
			if (good != (done <= violation))
				fail_msg("%s is %d", hex(text, done), good);
			if (good && utf8_complete(&whole) != reference_valid(text, done))
				fail_msg("%s ends wrongly", hex(text, done));
		}
	}
}

/* A violation is told when it is there, at the very end of a long text too. */
static void
test_refused_at_once(void **state)
{
	static const char *const bad[] = {"\x80", "\xff", "\xc0", "\xe0\x9f", "\xed\xa0",
	    "\xf0\x8f", "\xf4\x90", "\xe1\x80\xc0", "\xf1\x80\x80\x41", "\xc3\xc3"};
	uint8_t text[LONG_TEXT];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(bad); i++) {
		size_t size = strlen(bad[i]);

		for (size_t len = size; len <= sizeof(text); len++) {
			uint32_t seed = (uint32_t)len;
			struct utf8 before = {0}, with = {0};

			fill(text, len - size, len % 2, &seed);
			memcpy(text + len - size, bad[i], size);
			assert_true(utf8_feed(&before, text, len - 1));
			assert_int_equal(utf8_complete(&before), size == 1);
			assert_false(utf8_feed(&with, text, len));
		}
	}
}

static void
test_the_list_ends_with_scalar(void **state)
{
	const struct simd *list[SIMD_LIST_MAX];
	size_t len = simd_list(list);

	(void)state;
	assert_in_range(len, 1, SIMD_LIST_MAX);
	assert_ptr_equal(list[len - 1], &simd_scalar);
	simd_init();
	assert_ptr_equal(simd, list[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_list_ends_with_scalar),
	    cmocka_unit_test(test_every_1_and_2_bytes_at_every_place),
	    cmocka_unit_test(test_every_3_bytes),
	    cmocka_unit_test(test_4_bytes_at_every_place),
	    cmocka_unit_test(test_every_4_edges_in_a_long_text),
	    cmocka_unit_test(test_characters_torn_apart),
	    cmocka_unit_test(test_cut_at_every_length),
	    cmocka_unit_test(test_random_mutations),
	    cmocka_unit_test(test_parts_of_any_size),
	    cmocka_unit_test(test_refused_at_once),
	};

	return run_for_each_simd(tests, UTIL_LEN(tests));
}
