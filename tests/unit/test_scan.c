/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for a byte; built with each of the files that can do it. */
#include "base/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned int seed = 3;

static unsigned int
chance(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

/* Its neighbours, and those that differ in the top bit, look like it. */
static void
make(uint8_t *bytes, size_t len, uint8_t c, unsigned int rare, uint8_t mask)
{
	static const uint8_t near[] = {1, 0xff, 0x80, 0x7f, 0x81};

	for (size_t i = 0; i < len; i++) {
		bytes[i] =
		    mask & (chance(3) ? (uint8_t)chance(256) : (uint8_t)(c + near[chance(5)]));
		if (chance(rare) == 0)
			bytes[i] = c;
	}
}

static void
test_scan_finds_each_in_its_order(void **state)
{
	static const unsigned int rare[] = {1, 2, 7, 65, 300};
	uint32_t places[400];
	uint8_t bytes[400];

	(void)state;
	for (int round = 0; round < 50000; round++) {
		uint8_t c = (uint8_t)chance(256);
		size_t len = chance(sizeof(bytes) + 1);
		size_t max = chance(4) ? 400 : chance(20);
		size_t n = 0;
		size_t count;
		bool ascii, is_ascii = true;

		/* Now and then all is ASCII but one byte. */
		make(bytes, len, c, rare[chance(5)], chance(2) ? 0x7f : 0xff);
		if (len > 0 && chance(2))
			bytes[chance((unsigned int)len)] |= 0x80;
		count = scan_places(bytes, len, c, places, max, &ascii);
		for (uint32_t i = 0; i < len && n < max; i++) {
			if (bytes[i] == c)
				assert_int_equal(places[n++], i);
		}
		assert_int_equal(count, n);
		for (size_t i = 0; n > 0 && i <= places[n - 1]; i++)
			is_ascii = is_ascii && bytes[i] < 0x80;
		assert_true(is_ascii || !ascii);
	}
}

static void
test_scan_tells_ascii(void **state)
{
	uint8_t bytes[] = "of lines that are not long\nall is ASCII\nand behind them\n\xc3\xa9";
	uint32_t places[3];
	bool ascii = false;

	(void)state;
	assert_int_equal(scan_places(bytes, sizeof(bytes) - 3, '\n', places, 3, &ascii), 3);
	assert_true(ascii);
	bytes[30] = 0x80;
	assert_int_equal(scan_places(bytes, sizeof(bytes) - 3, '\n', places, 3, &ascii), 3);
	assert_false(ascii);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scan_finds_each_in_its_order),
	    cmocka_unit_test(test_scan_tells_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
