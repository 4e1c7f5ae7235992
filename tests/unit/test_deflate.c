/* SPDX-License-Identifier: BSD-2-Clause */
/* permessage-deflate: what is answered to which offer, and the two codecs against each other
 * and against zlib. */
#include "websocket/deflate_offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

enum { VALUES_MAX = 4 };

static const struct deflate_settings usual = {
    .on = true, .takeover = true, .window = 11, .level = 4, .min = 64};
static const struct deflate_settings widest = {
    .on = true, .takeover = true, .window = 15, .level = 4};
static const struct deflate_settings frugal = {
    .on = true, .takeover = false, .window = 9, .level = 1};

/* The answer to VALUES, "none" or "broken". */
static const char *
answered(const struct deflate_settings *settings, const char *const *values)
{
	static char answer[DEFLATE_ANSWER_MAX];
	struct span spans[VALUES_MAX];
	char *copies[VALUES_MAX];
	struct deflate_agreed agreed;
	enum deflate_result result;
	size_t count = 0;

	for (; count < VALUES_MAX && values[count]; count++) {
		size_t len = strlen(values[count]);

		/* In blocks of exactly their size. */
		copies[count] = malloc(len ? len : 1);
		assert_non_null(copies[count]);
		memcpy(copies[count], values[count], len);
		spans[count] = (struct span){copies[count], len};
	}
	result = deflate_negotiate(settings, spans, count, &agreed);
	while (count > 0)
		free(copies[--count]);
	if (result == DEFLATE_AGREED) {
		size_t len = deflate_answer(&agreed, answer);

		assert_int_equal(len, strlen(answer));
	}
	return result == DEFLATE_AGREED ? answer : result == DEFLATE_NONE ? "none" : "broken";
}

#define PMD "permessage-deflate"
#define SNO "; server_no_context_takeover"
#define CNO "; client_no_context_takeover"
#define SB "; server_max_window_bits="
#define CB "; client_max_window_bits="
#define PMD11 PMD SB "11"

struct offer_case {
	const char *values[VALUES_MAX];
	const char *want;
};

static void
check_offers(
    const struct deflate_settings *settings, const struct offer_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = answered(settings, cases[i].values);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s | %s:\n  got  %s\n  want %s",
			    cases[i].values[0] ? cases[i].values[0] : "(nothing)",
			    cases[i].values[0] && cases[i].values[1] ? cases[i].values[1] : "",
			    got, cases[i].want);
	}
}

static void
offers(void **state)
{
	static const struct offer_case cases[] = {
	    /* Nothing, and others. */
	    {{NULL}, "none"},
	    {{""}, "none"},
	    {{" , ,\t,"}, "none"},
	    {{"x-webkit-deflate-frame"}, "none"},
	    {{"permessage-bzip2; level=9, x; y=\"z\""}, "none"},
	    {{"Permessage-Deflate"}, "none"},
	    {{"permessage-deflate2"}, "none"},
	    {{"permessage-deflat"}, "none"},
	    /* The four parameters. */
	    {{PMD}, PMD},
	    {{PMD SNO}, PMD SNO},
	    {{PMD CNO}, PMD CNO},
	    {{PMD SNO CNO}, PMD SNO CNO},
	    {{PMD CNO SNO}, PMD SNO CNO},
	    {{PMD "; client_max_window_bits"}, PMD CB "11"},
	    {{PMD CB "15"}, PMD CB "11"},
	    {{PMD CB "11"}, PMD CB "11"},
	    {{PMD CB "10"}, PMD CB "10"},
	    {{PMD CB "9"}, PMD CB "9"},
	    {{PMD CB "8"}, PMD CB "8"},
	    {{PMD SB "15"}, PMD11},
	    {{PMD SB "12"}, PMD11},
	    {{PMD SB "11"}, PMD11},
	    {{PMD SB "10"}, PMD SB "10"},
	    {{PMD SB "9"}, PMD SB "9"},
	    {{PMD SB "10; client_max_window_bits"}, PMD SB "10" CB "11"},
	    {{PMD CB "13" SB "14" CNO SNO}, PMD SNO CNO SB "11" CB "11"},
	    /* Declined: what zlib can't do, values that can't be, unknown and repeated
	       parameters. */
	    {{PMD SB "8"}, "none"},
	    {{PMD SB "7"}, "none"},
	    {{PMD SB "16"}, "none"},
	    {{PMD SB "08"}, "none"},
	    {{PMD SB "011"}, "none"},
	    {{PMD SB "0"}, "none"},
	    {{PMD SB "1"}, "none"},
	    {{PMD SB "20"}, "none"},
	    {{PMD SB "+9"}, "none"},
	    {{PMD SB "-9"}, "none"},
	    {{PMD SB "9.0"}, "none"},
	    {{PMD SB "1e1"}, "none"},
	    {{PMD SB "0xb"}, "none"},
	    {{PMD SB "100000000000000000011"}, "none"},
	    {{PMD SB "1111"}, "none"},
	    {{PMD SB "11111"}, "none"},
	    {{PMD "; server_max_window_bits"}, "none"},
	    {{PMD CB "7"}, "none"},
	    {{PMD CB "16"}, "none"},
	    {{PMD CB "08"}, "none"},
	    {{PMD CB "x"}, "none"},
	    {{PMD SNO "=1"}, "none"},
	    {{PMD SNO "=true"}, "none"},
	    {{PMD CNO "=\"x\""}, "none"},
	    {{PMD "; unknown"}, "none"},
	    {{PMD "; unknown=11"}, "none"},
	    {{PMD "; Server_No_Context_Takeover"}, "none"},
	    {{PMD SNO SNO}, "none"},
	    {{PMD CNO CNO}, "none"},
	    {{PMD SB "10" SB "10"}, "none"},
	    {{PMD "; client_max_window_bits; client_max_window_bits"}, "none"},
	    {{PMD "; client_max_window_bits" CB "10"}, "none"},
	    {{PMD SB "8" SB "10"}, "none"},
	    /* Quoted values; one with a backslash is not known. */
	    {{PMD "; server_max_window_bits=\"10\""}, PMD SB "10"},
	    {{PMD "; server_max_window_bits=\"1\\0\""}, "none"},
	    {{PMD "; client_max_window_bits=\"\\9\""}, "none"},
	    {{PMD "; server_max_window_bits=\"08\""}, "none"},
	    {{PMD "; server_max_window_bits=\"10\" ; client_max_window_bits"},
		PMD SB "10" CB "11"},
	    /* Blanks, or none. */
	    {{"permessage-deflate;server_max_window_bits=10;client_max_window_bits"},
		PMD SB "10" CB "11"},
	    {{" permessage-deflate \t;\tserver_max_window_bits = 10 ; client_max_window_bits = "
	      "9 "},
		PMD SB "10" CB "9"},
	    /* Several offers, also over several lines: the first that can be. */
	    {{PMD SB "8, " PMD}, PMD},
	    {{PMD "; unknown, " PMD SB "10, " PMD SB "9"}, PMD SB "10"},
	    {{"x-unknown, " PMD SNO}, PMD SNO},
	    {{PMD SB "16, " PMD SNO SNO}, "none"},
	    {{PMD SB "16", PMD SB "12"}, PMD11},
	    {{"", "x-unknown", PMD CNO}, PMD CNO},
	    {{PMD SNO, PMD CNO}, PMD SNO},
	    {{",, " PMD ",,"}, PMD},
	    {{"x; a=\""
	      "p,q"
	      "\", " PMD},
		"broken"},
	    /* Not by the grammar. */
	    {{PMD ";"}, "broken"},
	    {{PMD "; ;" SNO}, "broken"},
	    {{";" PMD}, "broken"},
	    {{PMD "; =11"}, "broken"},
	    {{PMD "; server_max_window_bits="}, "broken"},
	    {{PMD "; server_max_window_bits=\"\""}, "broken"},
	    {{PMD "; server_max_window_bits=\"10"}, "broken"},
	    {{PMD "; server_max_window_bits=\"10\\"}, "broken"},
	    {{PMD "; server_max_window_bits=\"1 0\""}, "broken"},
	    {{PMD "; server_max_window_bits=\"10\"x"}, "broken"},
	    {{PMD "; server_max_window_bits=10 11"}, "broken"},
	    {{PMD " x"}, "broken"},
	    {{PMD "=1"}, "broken"},
	    {{"(x)"}, "broken"},
	    {{PMD, "@"}, "broken"},
	};

	(void)state;
	check_offers(&usual, cases, UTIL_LEN(cases));
}

static void
offers_to_the_widest_settings(void **state)
{
	static const struct offer_case cases[] = {
	    {{PMD}, PMD},
	    {{PMD "; client_max_window_bits"}, PMD CB "15"},
	    {{PMD SB "15"}, PMD SB "15"},
	    {{PMD SB "12" CB "13"}, PMD SB "12" CB "13"},
	};

	(void)state;
	check_offers(&widest, cases, UTIL_LEN(cases));
}

static void
offers_to_the_most_frugal_settings(void **state)
{
	static const struct offer_case cases[] = {
	    {{PMD}, PMD SNO CNO},
	    {{PMD CB "8"}, PMD SNO CNO CB "8"},
	    {{PMD SNO CNO SB "15; client_max_window_bits"}, PMD SNO CNO SB "9" CB "9"},
	};

	(void)state;
	check_offers(&frugal, cases, UTIL_LEN(cases));
}

static void
sixteen_offers_are_looked_at(void **state)
{
	char text[4096] = "";
	const char *values[VALUES_MAX] = {text};

	(void)state;
	for (int i = 0; i < DEFLATE_OFFERS_MAX - 1; i++)
		strcat(text, "x-other,");
	strcat(text, PMD);
	assert_string_equal(answered(&usual, values), PMD);
	memcpy(text, "y,", 2);
	strcpy(text, "y,");
	for (int i = 0; i < DEFLATE_OFFERS_MAX - 1; i++)
		strcat(text, "x-other,");
	strcat(text, PMD);
	assert_string_equal(answered(&usual, values), "none");
	/* What comes behind is not even read. */
	strcat(text, ";;;;");
	assert_string_equal(answered(&usual, values), "none");
}

/* The codecs */

static struct deflate_agreed
agree(int bits, bool takeover)
{
	return (struct deflate_agreed){.server_bits = (uint8_t)bits,
	    .client_bits = (uint8_t)bits,
	    .server_takeover = takeover,
	    .client_takeover = takeover};
}

/* A message of LEN bytes: text that repeats itself, with some noise. */
static void
fill(uint8_t *bytes, size_t len, uint32_t seed)
{
	static const char text[] = "{\"time\":1700000000,\"name\":\"value\",\"list\":[1,2,3]}";

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = seed >> 28 == 0 ? (uint8_t)(seed >> 16)
					   : (uint8_t)text[i % (sizeof(text) - 1)];
	}
}

/* Decompresses a message that comes in pieces of STEP bytes, into ROOM bytes at a time. */
static size_t
inflate_all(struct inflater *f, const uint8_t *wire, size_t wire_len, size_t step, size_t room,
    uint8_t *out)
{
	size_t len = 0;

	assert_true(inflater_begin(f));
	for (size_t i = 0; i < wire_len; i += step) {
		enum inflater_result result;

		inflater_feed(f, wire + i, wire_len - i < step ? wire_len - i : step);
		do {
			size_t n;

			result = inflater_next(f, out + len, room, &n);
			assert_true(n <= room);
			len += n;
		} while (result == INFLATER_FULL);
		assert_int_equal(result, INFLATER_MORE);
	}
	assert_true(inflater_end(f));
	return len;
}

/* Sends messages of many sizes up to LARGEST through both codecs, in parts of PART bytes. */
static void
round_trips(int bits, bool takeover, size_t largest, size_t part, size_t step, size_t room)
{
	static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 1000, 0, 5000, 40000, 3, 70000, 0};
	static uint8_t plain[70000], wire[90000], back[80000];
	struct deflate_agreed agreed = agree(bits, takeover);
	struct deflater *d = deflater_new(&agreed, 4);
	struct inflater *f = inflater_new(&agreed);

	assert_non_null(d);
	assert_non_null(f);
	for (size_t i = 0; i < UTIL_LEN(sizes); i++) {
		size_t wire_len = 0, done = 0;

		if (sizes[i] > largest)
			continue;
		fill(plain, sizes[i], (uint32_t)i);
		do {
			size_t n = sizes[i] - done < part ? sizes[i] - done : part;
			size_t got;

			/* The last part may be empty. */
			bool last = done + n == sizes[i] && (n < part || part > sizes[i]);
			got = deflater_put(d, plain + done, n, last, wire + wire_len);
			assert_true(got > 0 && got <= deflater_bound(n));
			wire_len += got;
			done += n;
			if (last)
				break;
		} while (true);
		if (sizes[i] == 0)
			assert_int_equal(wire_len, 1);
		assert_int_equal(inflate_all(f, wire, wire_len, step, room, back), sizes[i]);
		assert_memory_equal(back, plain, sizes[i]);
		if (i % 2) {
			deflater_rest(d);
			inflater_rest(f);
		}
	}
	deflater_free(d);
	inflater_free(f);
}

static void
round_trips_of_all_windows(void **state)
{
	(void)state;
	for (int bits = 9; bits <= 15; bits++) {
		round_trips(bits, true, 70000, 100000, 100000, 70000);
		round_trips(bits, false, 70000, 100000, 100000, 70000);
		round_trips(bits, true, 70000, 65536, 1, 7000);
		round_trips(bits, false, 70000, 1000, 13, 1);
	}
}

static void
parts_of_one_byte(void **state)
{
	(void)state;
	round_trips(11, true, 5000, 1, 1, 1);
	round_trips(9, false, 5000, 1, 3, 2);
}

/* The examples of RFC 7692, section 7.2.3. */
static void
examples_of_the_rfc(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
		const char *plain;
	} cases[] = {
	    {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello"}, /* 7.2.3.1 */
	    {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11, "Hello"}, /* 7.2.3.3 */
	    {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, "Hello"}, /* 7.2.3.4 */
	    {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13, "Hello"}, /* 7.2.3.5 */
	    {"\x00", 1, ""}, /* 7.2.3.6 */
	    {"\xf3\x48\xcd\xc9\xc9\x07\x00", 7, "Hello"}, /* a last block, and nothing behind */
	};
	struct deflate_agreed agreed = agree(15, true);
	uint8_t back[64];

	(void)state;
	for (size_t step = 1; step < 14; step++) {
		struct inflater *f = inflater_new(&agreed);

		for (size_t i = 0; i < UTIL_LEN(cases); i++) {
			const uint8_t *wire = (const uint8_t *)cases[i].wire;

			assert_int_equal(
			    inflate_all(f, wire, cases[i].len, step, sizeof(back), back),
			    strlen(cases[i].plain));
			assert_memory_equal(back, cases[i].plain, strlen(cases[i].plain));
		}
		/* 7.2.3.2: "Hello" again, from the window; which a last block in between did
		 * not empty. */
		assert_int_equal(
		    inflate_all(f, (const uint8_t *)"\xf2\x00\x11\x00\x00", 5, step, 64, back),
		    5);
		assert_memory_equal(back, "Hello", 5);
		inflater_free(f);
	}
}

/* Sections 7.2.1 and 7.2.3.4: any block of a message may have BFINAL set. */
static void
final_blocks_are_blocks_like_others(void **state)
{
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"
#define FINAL_HELLO "\xf3\x48\xcd\xc9\xc9\x07\x00"
#define FINAL_STORED "\x01\x02\x00\xfd\xffHi"
#define EMPTY_FINAL "\x01\x00\x00\xff\xff"
#define CASE(wire, plain)                                                                      \
	{                                                                                      \
		wire, sizeof(wire) - 1, plain                                                  \
	}
	static const struct {
		const char *wire;
		size_t len;
		const char *plain;
	} cases[] = {
	    CASE(FINAL_HELLO, "Hello"),
	    CASE(FINAL_HELLO "\x00", "Hello"),
	    CASE(FINAL_HELLO "\x01", "Hello"),
	    /* A stream that was closed, or flushed and closed: its last block is empty and
	       final. */
	    CASE("\xf2\x48\xcd\xc9\xc9\x07\x04", "Hello"),
	    CASE("\xf2\x48\xcd\xc9\xc9\x07\x04\x00\x00\xff\xff", "Hello"),
	    CASE(HELLO "\x00\x00\xff\xff\x01", "Hello"),
	    CASE(HELLO "\x00\x00\xff\xff" EMPTY_FINAL, "Hello"),
	    CASE("\x00\x02\x00\xfd\xffHi\x01", "Hi"),
	    CASE(FINAL_STORED, "Hi"),
	    CASE(FINAL_STORED "\x00", "Hi"),
	    CASE(FINAL_STORED "\x01", "Hi"),
	    CASE("\x01", ""),
	    CASE(EMPTY_FINAL, ""),
	    CASE("\x03\x00", ""),
	    CASE("\x03\x00\x00", ""),
	    /* Several of them. */
	    CASE(FINAL_HELLO FINAL_HELLO, "HelloHello"),
	    CASE(FINAL_STORED FINAL_HELLO FINAL_STORED "\x00", "HiHelloHi"),
	    CASE(FINAL_HELLO EMPTY_FINAL "\x03\x00" FINAL_STORED "\x01", "HelloHi"),
	    CASE(EMPTY_FINAL EMPTY_FINAL HELLO, "Hello"),
	};
	uint8_t back[64];

	(void)state;
	for (int takeover = 0; takeover < 2; takeover++) {
		for (size_t step = 1; step < 24; step++) {
			struct deflate_agreed agreed = agree(15, takeover);
			struct inflater *f = inflater_new(&agreed);

			for (size_t i = 0; i < UTIL_LEN(cases); i++) {
				size_t want = strlen(cases[i].plain);

				assert_int_equal(
				    inflate_all(f, (const uint8_t *)cases[i].wire, cases[i].len,
					step, step % 3 == 0 ? 1 : sizeof(back), back),
				    want);
				assert_memory_equal(back, cases[i].plain, want);
				if (!takeover) {
					inflater_rest(f);
					continue;
				}
				/* 7.2.3.2: the window goes on. */
				if (want < 5 || strcmp(cases[i].plain + want - 5, "Hello") != 0)
					continue;
				assert_int_equal(
				    inflate_all(f, (const uint8_t *)"\xf2\x00\x11\x00\x00", 5,
					step, 64, back),
				    5);
				assert_memory_equal(back, "Hello", 5);
			}
			inflater_free(f);
		}
	}
#undef CASE
}

/* Behind a final block a message may be cut as well. */
static void
cut_blocks_behind_a_final_one_are_not_complete(void **state)
{
	struct deflate_agreed agreed = agree(15, true);
	uint8_t back[64];
	size_t n;

	(void)state;
	for (size_t cut = 1; cut < 6; cut++) {
		struct inflater *f = inflater_new(&agreed);

		assert_true(inflater_begin(f));
		inflater_feed(f, (const uint8_t *)FINAL_HELLO, 7);
		assert_int_equal(inflater_next(f, back, sizeof(back), &n), INFLATER_MORE);
		inflater_feed(f, (const uint8_t *)FINAL_HELLO, cut);
		assert_int_equal(inflater_next(f, back, sizeof(back), &n), INFLATER_MORE);
		assert_false(inflater_end(f));
		inflater_free(f);
	}
}

static void
our_empty_message_is_that_of_the_rfc(void **state)
{
	struct deflate_agreed agreed = agree(11, true);
	struct deflater *d = deflater_new(&agreed, 4);
	uint8_t wire[64];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(deflater_put(d, NULL, 0, true, wire), 1);
		assert_int_equal(wire[0], 0);
	}
	/* 7.2.3.1 and 7.2.3.2. */
	assert_int_equal(deflater_put(d, (const uint8_t *)"Hello", 5, true, wire), 7);
	assert_memory_equal(wire, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	assert_true(deflater_put(d, (const uint8_t *)"Hello", 5, true, wire) < 7);
	deflater_free(d);
}

static void
without_takeover_each_message_stands_alone(void **state)
{
	struct deflate_agreed agreed = agree(11, false);
	struct deflater *d = deflater_new(&agreed, 4);
	uint8_t first[256], second[256], plain[100];
	size_t len;

	(void)state;
	fill(plain, sizeof(plain), 7);
	len = deflater_put(d, plain, sizeof(plain), true, first);
	assert_int_equal(deflater_put(d, plain, sizeof(plain), true, second), len);
	assert_memory_equal(first, second, len);
	deflater_rest(d);
	assert_int_equal(deflater_put(d, plain, sizeof(plain), true, second), len);
	assert_memory_equal(first, second, len);
	assert_true(deflater_is_fresh(d));
	deflater_free(d);
}

static void
what_can_not_be_compressed_fits_its_bound(void **state)
{
	static uint8_t plain[65536], wire[80000];
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++) {
		seed = seed * 1664525 + 1013904223;
		plain[i] = (uint8_t)(seed >> 24);
	}
	for (int bits = 9; bits <= 15; bits++) {
		for (int level = 1; level <= 9; level++) {
			struct deflate_agreed agreed = agree(bits, true);
			struct deflater *d = deflater_new(&agreed, level);

			assert_true(deflater_bound(sizeof(plain)) <= sizeof(wire));
			for (size_t len = 1; len <= sizeof(plain); len *= 16)
				assert_true(deflater_put(d, plain, len, true, wire) > 0);
			deflater_free(d);
		}
	}
}

/* Each prefix of a message is not complete, or is bad; none is taken for the whole. */
static void
cut_messages_are_not_complete(void **state)
{
	struct deflate_agreed agreed = agree(15, true);
	struct deflater *d = deflater_new(&agreed, 4);
	uint8_t plain[300], wire[512], back[512];
	size_t len, n;

	(void)state;
	fill(plain, sizeof(plain), 3);
	len = deflater_put(d, plain, sizeof(plain), true, wire);
	for (size_t cut = 0; cut < len; cut++) {
		struct inflater *f = inflater_new(&agreed);

		assert_true(inflater_begin(f));
		inflater_feed(f, wire, cut);
		assert_int_equal(inflater_next(f, back, sizeof(back), &n), INFLATER_MORE);
		assert_false(inflater_end(f));
		inflater_free(f);
	}
	deflater_free(d);
}

static void
damaged_data_is_bad(void **state)
{
	static const char *const cases[] = {
	    "\x06", /* a block of type 3 */
	    "\x00\x05\x00\x05\x00x", /* a length that its complement contradicts */
	    "\x02\x62\x60", /* a distance before the beginning */
	};
	struct deflate_agreed agreed = agree(15, true);
	uint8_t back[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(cases); i++) {
		struct inflater *f = inflater_new(&agreed);
		size_t len = i == 1 ? 6 : strlen(cases[i]);
		enum inflater_result result;

		assert_true(inflater_begin(f));
		inflater_feed(f, (const uint8_t *)cases[i], len);
		result = inflater_next(f, back, sizeof(back), &n);
		assert_true(result == INFLATER_BAD || !inflater_end(f));
		inflater_free(f);
	}
}

/* What zlib's own compressor makes, with each level, strategy and flush, is understood. */
static void
what_zlib_makes_is_understood(void **state)
{
	static const int flushes[] = {Z_SYNC_FLUSH, Z_FULL_FLUSH};
	static uint8_t plain[20000], wire[30000], back[20001];

	(void)state;
	fill(plain, sizeof(plain), 5);
	for (int level = 0; level <= 9; level++) {
		for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy++) {
			for (size_t i = 0; i < 2; i++) {
				struct deflate_agreed agreed = agree(12, true);
				struct inflater *f = inflater_new(&agreed);
				z_stream z = {.next_in = plain,
				    .avail_in = sizeof(plain),
				    .next_out = wire,
				    .avail_out = sizeof(wire)};

				assert_int_equal(
				    deflateInit2(&z, level, Z_DEFLATED, -12, 9, strategy),
				    Z_OK);
				assert_int_equal(deflate(&z, flushes[i]), Z_OK);
				assert_int_equal(
				    inflate_all(f, wire, z.total_out - 4, 777, 999, back),
				    sizeof(plain));
				assert_memory_equal(back, plain, sizeof(plain));
				deflateEnd(&z);
				inflater_free(f);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(offers),
	    cmocka_unit_test(offers_to_the_widest_settings),
	    cmocka_unit_test(offers_to_the_most_frugal_settings),
	    cmocka_unit_test(sixteen_offers_are_looked_at),
	    cmocka_unit_test(round_trips_of_all_windows),
	    cmocka_unit_test(parts_of_one_byte),
	    cmocka_unit_test(examples_of_the_rfc),
	    cmocka_unit_test(final_blocks_are_blocks_like_others),
	    cmocka_unit_test(cut_blocks_behind_a_final_one_are_not_complete),
	    cmocka_unit_test(our_empty_message_is_that_of_the_rfc),
	    cmocka_unit_test(without_takeover_each_message_stands_alone),
	    cmocka_unit_test(what_can_not_be_compressed_fits_its_bound),
	    cmocka_unit_test(cut_messages_are_not_complete),
	    cmocka_unit_test(damaged_data_is_bad),
	    cmocka_unit_test(what_zlib_makes_is_understood),
	};

	return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
