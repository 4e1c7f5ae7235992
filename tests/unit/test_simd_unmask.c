/* SPDX-License-Identifier: BSD-2-Clause */
/* Masking, compared with a loop over bytes. */
#include "each_simd.h"

#include "base/util.h"

#include <string.h>

static void
mask_example_of_the_rfc(void **state)
{
	uint8_t data[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58};

	(void)state;
	simd->unmask(data, data, sizeof(data), (const uint8_t *)"\x37\xfa\x21\x3d", 0);
	assert_memory_equal(data, "Hello", 5);
}

enum { MASK_ROOM = 16, MASK_LEN = 300 };

/* Masks LEN bytes within a block, between two places in it; compares all with a reference. */
static void
check_mask(size_t from, size_t to, size_t len, uint64_t offset)
{
	static const uint8_t mask[4] = {0x12, 0xab, 0x00, 0xff};
	uint8_t got[MASK_ROOM + MASK_LEN];
	uint8_t want[sizeof(got)];
	uint8_t source[sizeof(got)];

	for (size_t i = 0; i < sizeof(got); i++)
		got[i] = want[i] = source[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < len; i++)
		want[to + i] = source[from + i] ^ mask[(offset + i) % 4];
	simd->unmask(got + to, got + from, len, mask, offset);
	assert_memory_equal(got, want, sizeof(got));
}

static void
mask_in_place_at_all_alignments(void **state)
{
	(void)state;
	for (size_t at = 0; at < MASK_ROOM; at++) {
		for (size_t len = 0; len <= MASK_LEN; len++) {
			for (uint64_t offset = 0; offset < 9; offset++)
				check_mask(at, at, len, offset);
		}
	}
}

static void
mask_moving_down_with_overlap(void **state)
{
	(void)state;
	for (size_t from = 0; from <= MASK_ROOM; from++) {
		for (size_t to = 0; to < from; to++) {
			for (size_t len = 0; len <= MASK_LEN; len++)
				check_mask(from, to, len, len);
		}
	}
}

static void
mask_to_another_block_at_all_alignments(void **state)
{
	static const uint8_t mask[4] = {1, 2, 4, 8};
	uint8_t source[48];

	(void)state;
	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)i;
	for (size_t from = 0; from < 8; from++) {
		for (size_t to = 0; to < 8; to++) {
			uint8_t got[48] = {0};

			simd->unmask(got + to, source + from, 40, mask, 3);
			for (size_t i = 0; i < 40; i++)
				assert_int_equal(
				    got[to + i], source[from + i] ^ mask[(i + 3) & 3]);
		}
	}
}

static void
mask_in_pieces_is_mask_at_once(void **state)
{
	static const uint8_t mask[4] = {9, 8, 7, 6};
	uint8_t whole[64] = {0};

	(void)state;
	simd->unmask(whole, whole, sizeof(whole), mask, 0);
	for (size_t cut = 0; cut <= sizeof(whole); cut++) {
		uint8_t parts[64] = {0};

		simd->unmask(parts, parts, cut, mask, 0);
		simd->unmask(parts + cut, parts + cut, sizeof(parts) - cut, mask, cut);
		assert_memory_equal(parts, whole, sizeof(whole));
	}
}

static void
mask_at_large_offsets(void **state)
{
	(void)state;
	check_mask(0, 0, 40, UINT32_MAX);
	check_mask(0, 0, 40, ((uint64_t)1 << 40) + 3);
	check_mask(0, 0, 40, UINT64_MAX / 2);
}

/* One byte that is not ASCII, at each place of each length; its neighbours have no effect. */
static void
mask_reports_ascii(void **state)
{
	static const uint8_t mask[4] = {0x81, 0x02, 0xff, 0x7f};
	uint8_t plain[MASK_LEN + 1], masked[MASK_LEN + 1], got[MASK_LEN + 1];

	(void)state;
	for (size_t len = 0; len <= MASK_LEN; len++) {
		uint64_t offset = len % 5;

		memset(plain, 0x7f, sizeof(plain));
		plain[len] = 0xff;
		simd->unmask(masked, plain, sizeof(plain), mask, offset);
		assert_true(simd->unmask(got, masked, len, mask, offset));
		assert_memory_equal(got, plain, len);
		for (size_t at = 0; at < len; at++) {
			masked[at] ^= 0x80;
			assert_false(simd->unmask(got, masked, len, mask, offset));
			masked[at] ^= 0x80;
		}
	}
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Random bytes at every length and distance. */
static void
mask_of_random_bytes(void **state)
{
	static const uint8_t mask[4] = {0x12, 0x9c, 0x40, 0xe7};
	uint32_t seed = 2;

	(void)state;
	for (size_t len = 0; len <= MASK_LEN; len++) {
		for (size_t down = 0; down <= 40; down++) {
			uint8_t from[MASK_LEN + 100], got[sizeof(from)], want[sizeof(from)];
			uint8_t bits = next_random(&seed) % 2 ? 0xff : 0x7f;
			bool ascii = true;

			for (size_t i = 0; i < sizeof(from); i++)
				from[i] =
				    (uint8_t)(next_random(&seed) & bits) ^ mask[(i - down) & 3];
			memcpy(got, from, sizeof(from));
			memcpy(want, from, sizeof(from));
			for (size_t i = 0; i < len; i++) {
				want[i] = from[i + down] ^ mask[i & 3];
				ascii = ascii && want[i] < 0x80;
			}
			assert_int_equal(simd->unmask(got, got + down, len, mask, 0), ascii);
			assert_memory_equal(got, want, sizeof(got));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mask_example_of_the_rfc),
	    cmocka_unit_test(mask_in_place_at_all_alignments),
	    cmocka_unit_test(mask_moving_down_with_overlap),
	    cmocka_unit_test(mask_to_another_block_at_all_alignments),
	    cmocka_unit_test(mask_in_pieces_is_mask_at_once),
	    cmocka_unit_test(mask_at_large_offsets),
	    cmocka_unit_test(mask_reports_ascii),
	    cmocka_unit_test(mask_of_random_bytes),
	};

	return run_for_each_simd(tests, UTIL_LEN(tests));
}
