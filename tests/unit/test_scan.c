/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for a byte in a block; built with each of the files that can do it. */
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

static void
test_scan_finds_each(void **state)
{
	uint8_t bytes[SCAN_BLOCK];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		uint8_t c = (uint8_t)chance(256);
		uint64_t want = 0;

		for (unsigned int i = 0; i < SCAN_BLOCK; i++) {
			/* Its neighbours, and those that differ in the top bit, look like it.
			 */
			static const uint8_t near[] = {0, 1, 0xff, 0x80, 0x7f, 0x81};

			bytes[i] =
			    chance(3) ? (uint8_t)chance(256) : (uint8_t)(c + near[chance(6)]);
			want |= (uint64_t)(bytes[i] == c) << i;
		}
		assert_true(scan_block(bytes, c) == want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scan_finds_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
