/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8, compared with a reference that is slow and simple: it encodes every
 * code point there is and remembers what its encodings begin with.
 */
#include "base/utf8.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 512 };

/* The bytes at which the tables of RFC 3629 change their mind, and their neighbours. */
static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
    0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};

/* Sets of what an encoding begins with, by its length: 1, 2, 3 bytes; a bit each. */
static uint8_t *fronts[4];

static size_t
front_index(const uint8_t *bytes, size_t len)
{
	size_t index = 0;

	for (size_t i = 0; i < len; i++)
		index = index << 8 | bytes[i];
	return index;
}

static size_t
encode(uint32_t code, uint8_t *out)
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}

static int
make_fronts(void **state)
{
	uint8_t bytes[4];

	(void)state;
	for (size_t len = 1; len <= 3; len++) {
		fronts[len] = calloc(1, ((size_t)1 << 8 * len) / 8);
		if (!fronts[len])
			return -1;
	}
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		size_t total;

		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		total = encode(code, bytes);
		for (size_t len = 1; len < total; len++) {
			size_t index = front_index(bytes, len);

			fronts[len][index / 8] |= (uint8_t)(1 << index % 8);
		}
	}
	return 0;
}

static int
free_fronts(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 3; len++)
		free(fronts[len]);
	return 0;
}

/* The length of the character at the front, 0 when there is none. */
static size_t
reference_char_len(const uint8_t *bytes, size_t len)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};

	for (size_t n = 1; n <= 4 && n <= len; n++) {
		uint32_t code = bytes[0] & masks[n];
		uint8_t again[4];

		for (size_t i = 1; i < n; i++)
			code = code << 6 | (bytes[i] & 0x3f);
		if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) &&
		    encode(code, again) == n && memcmp(bytes, again, n) == 0)
			return n;
	}
	return 0;
}

/* The length of the longest part of a character at the front, at least 1: what one U+FFFD
 * stands for. */
static size_t
reference_bad_len(const uint8_t *bytes, size_t len)
{
	for (size_t n = 3; n > 1; n--) {
		if (n <= len) {
			size_t index = front_index(bytes, n);

			if (fronts[n][index / 8] >> index % 8 & 1)
				return n;
		}
	}
	return 1;
}

static size_t
reference_repair(const uint8_t *bytes, size_t len, uint8_t *out, size_t *replaced)
{
	size_t out_len = 0;

	for (size_t i = 0; i < len;) {
		size_t n = reference_char_len(bytes + i, len - i);

		if (n > 0) {
			memcpy(out + out_len, bytes + i, n);
			out_len += n;
			i += n;
		} else {
			memcpy(out + out_len, "\xef\xbf\xbd", 3);
			out_len += 3;
			(*replaced)++;
			i += reference_bad_len(bytes + i, len - i);
		}
	}
	return out_len;
}

static const char *
hex(const uint8_t *bytes, size_t len)
{
	static char text[3 * LONGEST + 1];

	text[0] = '\0';
	for (size_t i = 0; i < len; i++)
		sprintf(text + 3 * i, "%02x ", bytes[i]);
	return text;
}

/* Checks the input whole and cut in two at CUT. Blocks have exactly their sizes, for the
 * sanitizers. */
static void
check_cut(const uint8_t *bytes, size_t len, size_t cut)
{
	uint8_t wanted[3 * LONGEST], got[UTF8_REPAIR_MAX(LONGEST) + UTF8_REPAIR_MAX(0)];
	size_t wanted_replaced = 0, replaced = 0;
	size_t wanted_len = reference_repair(bytes, len, wanted, &wanted_replaced);
	struct utf8_repair repair = {0};
	struct utf8 check = {0};
	size_t first, got_len;
	bool valid;

	first = utf8_repair(&repair, bytes, cut, false, got, &replaced);
	assert_true(first <= UTF8_REPAIR_MAX(cut));
	got_len =
	    first + utf8_repair(&repair, bytes + cut, len - cut, true, got + first, &replaced);
	assert_true(got_len - first <= UTF8_REPAIR_MAX(len - cut));
	if (got_len != wanted_len || memcmp(got, wanted, got_len) != 0 ||
	    replaced != wanted_replaced)
		fail_msg("repair of %s, cut at %zu", hex(bytes, len), cut);
	assert_int_equal(repair.partial_len, 0);
	assert_int_equal(repair.partial_len, 0);

	valid = utf8_feed(&check, bytes, cut) && utf8_feed(&check, bytes + cut, len - cut) &&
		utf8_complete(&check);
	if (valid != (wanted_replaced == 0))
		fail_msg("%s, cut at %zu, is %d", hex(bytes, len), cut, valid);
}

static void
check_all_cuts(const uint8_t *bytes, size_t len)
{
	size_t replaced = 0;
	uint8_t out[3 * LONGEST];

	for (size_t cut = 0; cut <= len; cut++)
		check_cut(bytes, len, cut);
	(void)reference_repair(bytes, len, out, &replaced);
	if (utf8_valid(bytes, len) != (replaced == 0) ||
	    utf8_char_len(bytes, len) != reference_char_len(bytes, len))
		fail_msg("%s", hex(bytes, len));
}

static void
test_tables(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
	    {"", true},
	    {"plain text that is longer than eight bytes", true},
	    {"\xc2\x80", true},
	    {"\xdf\xbf", true},
	    {"\xe0\xa0\x80", true},
	    {"\xed\x9f\xbf", true},
	    {"\xee\x80\x80", true},
	    {"\xef\xbf\xbf", true},
	    {"\xf0\x90\x80\x80", true},
	    {"\xf4\x8f\xbf\xbf", true},
	    {"\xef\xbb\xbf"
	     "a byte order mark is text",
		true},
	    {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", true},
	    {"\x80", false},
	    {"\xbf", false},
	    {"\xc0\x80", false},
	    {"\xc1\xbf", false},
	    {"\xc2", false},
	    {"\xc2"
	     "a",
		false},
	    {"\xe0\x80\x80", false},
	    {"\xe0\x9f\xbf", false},
	    {"\xe1\x80", false},
	    {"\xed\xa0\x80", false},
	    {"\xed\xbf\xbf", false},
	    {"\xf0\x80\x80\x80", false},
	    {"\xf0\x8f\xbf\xbf", false},
	    {"\xf0\x90\x80", false},
	    {"\xf4\x90\x80\x80", false},
	    {"\xf5\x80\x80\x80", false},
	    {"\xfe", false},
	    {"\xff", false},
	    {"12345678\xff", false},
	    {"1234567\xc3\xa4"
	     "12345678\xc3",
		false},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].text;

		if (utf8_valid(bytes, strlen(rows[i].text)) != rows[i].valid)
			fail_msg("row %zu", i);
		check_all_cuts(bytes, strlen(rows[i].text));
	}
	assert_true(utf8_valid((const uint8_t *)"a\0b", 3));
	assert_true(utf8_valid(NULL, 0));
	assert_int_equal(utf8_char_len(NULL, 0), 0);
	assert_int_equal(utf8_char_len((const uint8_t *)"\0", 1), 1);
	assert_int_equal(utf8_char_len((const uint8_t *)"\xe2\x82\xac\x80", 4), 3);
	assert_int_equal(utf8_char_len((const uint8_t *)"\xe2\x82\xac", 2), 0);
}

/* A text is refused at the first byte that can't be: nobody waits for the rest of it. */
static void
test_refused_at_once(void **state)
{
	static const struct {
		const char *bytes;
		size_t good; /* so many can still become a text */
	} rows[] = {
	    {"\x80", 0},
	    {"\xc0", 0},
	    {"\xf5", 0},
	    {"\xe0\x9f", 1},
	    {"\xed\xa0", 1},
	    {"\xf0\x8f", 1},
	    {"\xf4\x90", 1},
	    {"\xe1\x80\xc0", 2},
	    {"\xf1\x80\x80\x41", 3},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct utf8 check = {0};
		const uint8_t *bytes = (const uint8_t *)rows[i].bytes;

		assert_true(utf8_feed(&check, bytes, rows[i].good));
		assert_false(utf8_feed(&check, bytes + rows[i].good, 1));
	}
}

/* One U+FFFD for each maximal part (Unicode 16, section 3.9, table 3-8 and its neighbours). */
static void
test_repair_of_maximal_parts(void **state)
{
#define R "\xef\xbf\xbd"
	static const struct {
		const char *in, *out;
		size_t replaced;
	} rows[] = {
	    {"a\xff"
	     "b",
		"a" R "b", 1},
	    {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
	     "A",
		R R R R R R R R "A", 8},
	    {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
	     "A",
		R R R R R R R R "A", 8},
	    {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", R R R R R "A" R R "B", 7},
	    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", R R R R "A", 4},
	    {"\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", R R R "b" R "c" R R "d", 6},
	    {"\xe2\x82", R, 1},
	    {"\xf0\x9f\x98", R, 1},
	    {"\xe2\xe2\x82\xac", R "\xe2\x82\xac", 1},
	    {"\xf0\x9f\xf0\x9f\x98\x80", R "\xf0\x9f\x98\x80", 1},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].in;
		size_t len = strlen(rows[i].in);
		uint8_t *out = malloc(UTF8_REPAIR_MAX(len));
		struct utf8_repair repair = {0};
		size_t replaced = 0;

		assert_non_null(out);
		assert_int_equal(utf8_repair(&repair, bytes, len, true, out, &replaced),
		    strlen(rows[i].out));
		assert_memory_equal(out, rows[i].out, strlen(rows[i].out));
		assert_int_equal(replaced, rows[i].replaced);
		free(out);
		check_all_cuts(bytes, len);
	}
#undef R
}

/* A character that is not whole is kept back until it is, or until no more will come. */
static void
test_repair_keeps_back(void **state)
{
	struct utf8_repair repair = {0};
	size_t replaced = 0;
	uint8_t out[32];

	(void)state;
	assert_int_equal(
	    utf8_repair(&repair, (const uint8_t *)"a\xf0", 2, false, out, &replaced), 1);
	assert_int_equal(
	    utf8_repair(&repair, (const uint8_t *)"\x9f", 1, false, out, &replaced), 0);
	assert_int_equal(
	    utf8_repair(&repair, (const uint8_t *)"\x98", 1, false, out, &replaced), 0);
	assert_int_equal(
	    utf8_repair(&repair, (const uint8_t *)"\x80z", 2, false, out, &replaced), 5);
	assert_memory_equal(out, "\xf0\x9f\x98\x80z", 5);
	assert_int_equal(replaced, 0);
	assert_int_equal(
	    utf8_repair(&repair, (const uint8_t *)"\xe2", 1, false, out, &replaced), 0);
	assert_int_equal(utf8_repair(&repair, NULL, 0, true, out, &replaced), 3);
	assert_memory_equal(out, "\xef\xbf\xbd", 3);
	assert_int_equal(replaced, 1);
	assert_int_equal(utf8_repair(&repair, NULL, 0, true, out, &replaced), 0);
	/* The next text begins again. */
	assert_int_equal(
	    utf8_repair(&repair, (const uint8_t *)"ok", 2, true, out, &replaced), 2);
	assert_int_equal(replaced, 1);
}

static void
test_every_character(void **state)
{
	uint8_t bytes[4];

	(void)state;
	for (uint32_t code = 0; code <= 0x110000; code++) {
		size_t len = encode(code, bytes);
		bool valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

		assert_int_equal(utf8_valid(bytes, len), valid);
		assert_int_equal(utf8_char_len(bytes, len), valid ? len : 0);
	}
}

static void
test_every_pair_of_bytes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 65536; i++) {
		uint8_t bytes[2] = {(uint8_t)(i >> 8), (uint8_t)i};

		check_all_cuts(bytes, sizeof(bytes));
	}
}

static void
test_every_four_edges(void **state)
{
	const size_t n = sizeof(edges);

	(void)state;
	for (size_t i = 0; i < n * n * n * n; i++) {
		uint8_t bytes[4] = {edges[i / (n * n * n)], edges[i / (n * n) % n],
		    edges[i / n % n], edges[i % n]};

		check_cut(bytes, sizeof(bytes), i % 5);
	}
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Runs of ASCII, whole characters of all lengths, and broken ones: the words of eight bytes
 * begin everywhere. */
static void
test_generated_texts(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint8_t bytes[LONGEST];
		size_t len = 0, wanted = next_random(&seed) % 100;
		bool broken = round % 2 == 0;

		while (len < wanted) {
			switch (next_random(&seed) % (broken ? 4 : 3)) {
			case 0:
				for (size_t n = next_random(&seed) % 20; n > 0; n--)
					bytes[len++] = (uint8_t)(next_random(&seed) % 128);
				break;
			case 1:
				len += encode(next_random(&seed) % 0xd800, bytes + len);
				break;
			case 2:
				len += encode(
				    0x10000 + next_random(&seed) % 0x100000, bytes + len);
				break;
			default:
				bytes[len++] = edges[next_random(&seed) % sizeof(edges)];
				break;
			}
		}
		if (!broken)
			assert_true(utf8_valid(bytes, len));
		check_all_cuts(bytes, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_refused_at_once),
	    cmocka_unit_test(test_repair_of_maximal_parts),
	    cmocka_unit_test(test_repair_keeps_back),
	    cmocka_unit_test(test_every_character),
	    cmocka_unit_test(test_every_pair_of_bytes),
	    cmocka_unit_test(test_every_four_edges),
	    cmocka_unit_test(test_generated_texts),
	};

	return cmocka_run_group_tests(tests, make_fronts, free_fronts);
}
