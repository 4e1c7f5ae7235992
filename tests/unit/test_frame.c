/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame codec: headers, masking, close codes. */
#include "websocket/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads from a block of exactly LEN bytes, so that a sanitizer sees a read behind it. */
static int
read_header(const void *bytes, size_t len, struct frame_header *h)
{
	uint8_t *block = malloc(len ? len : 1);
	int size;

	assert_non_null(block);
	memcpy(block, bytes, len);
	size = frame_read_header(block, len, h);
	free(block);
	return size;
}

static void
short_masked_header(void **state)
{
	struct frame_header h;

	(void)state;
	/* RFC 6455, section 5.7: a single-frame masked text message. */
	assert_int_equal(read_header("\x81\x85\x37\xfa\x21\x3d\x7f", 7, &h), 6);
	assert_true(h.fin);
	assert_true(h.masked);
	assert_int_equal(h.rsv, 0);
	assert_int_equal(h.opcode, FRAME_TEXT);
	assert_int_equal(h.len, 5);
	assert_memory_equal(h.mask, "\x37\xfa\x21\x3d", 4);
}

static void
unmasked_header(void **state)
{
	struct frame_header h;

	(void)state;
	assert_int_equal(read_header("\x02\x03", 2, &h), 2);
	assert_false(h.fin);
	assert_false(h.masked);
	assert_int_equal(h.opcode, FRAME_BINARY);
	assert_int_equal(h.len, 3);
}

static void
reserved_bits(void **state)
{
	struct frame_header h;

	(void)state;
	assert_int_equal(read_header("\xc1\x00", 2, &h), 2);
	assert_int_equal(h.rsv, 4);
	assert_int_equal(read_header("\xb1\x00", 2, &h), 2);
	assert_int_equal(h.rsv, 3);
	assert_int_equal(h.opcode, FRAME_TEXT);
}

static void
length_in_2_bytes(void **state)
{
	struct frame_header h;

	(void)state;
	assert_int_equal(read_header("\x82\x7e\x00\x7e", 4, &h), 4);
	assert_int_equal(h.len, 126);
	assert_int_equal(read_header("\x82\x7e\xff\xff", 4, &h), 4);
	assert_int_equal(h.len, 65535);
	assert_int_equal(read_header("\x82\xfe\x01\x00\x01\x02\x03\x04", 8, &h), 8);
	assert_int_equal(h.len, 256);
	assert_memory_equal(h.mask, "\x01\x02\x03\x04", 4);
}

static void
length_in_8_bytes(void **state)
{
	struct frame_header h;

	(void)state;
	assert_int_equal(read_header("\x82\x7f\0\0\0\0\0\1\0\0", 10, &h), 10);
	assert_true(h.len == 65536);
	assert_int_equal(read_header("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10, &h), 10);
	assert_true(h.len == UINT64_MAX / 2);
	assert_int_equal(read_header("\x82\xff\x40\0\0\0\0\0\0\0\1\2\3\4", 14, &h), 14);
	assert_true(h.len == (uint64_t)1 << 62);
	assert_memory_equal(h.mask, "\1\2\3\4", 4);
}

static void
length_not_shortest(void **state)
{
	struct frame_header h;

	(void)state;
	assert_int_equal(read_header("\x82\x7e\x00\x7d", 4, &h), -1);
	assert_int_equal(read_header("\x82\x7e\x00\x00", 4, &h), -1);
	assert_int_equal(read_header("\x82\x7f\0\0\0\0\0\0\xff\xff", 10, &h), -1);
	assert_int_equal(read_header("\x82\x7f\0\0\0\0\0\0\0\0", 10, &h), -1);
	assert_int_equal(h.len, 0);
	assert_int_equal(h.opcode, FRAME_BINARY);
}

static void
length_with_top_bit(void **state)
{
	struct frame_header h;

	(void)state;
	assert_int_equal(read_header("\x82\x7f\x80\0\0\0\0\1\0\0", 10, &h), -1);
	/* Its first byte shows it. */
	assert_int_equal(read_header("\x82\xff\x80", 3, &h), -1);
}

static void
header_cut_anywhere(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		size_t len_end; /* where the length is known */
	} headers[] = {
	    {"\x81\x85\x37\xfa\x21\x3d", 6, 2},
	    {"\x81\xfe\x01\x00\x37\xfa\x21\x3d", 8, 4},
	    {"\x81\xff\0\0\0\1\0\0\0\0\x37\xfa\x21\x3d", 14, 10},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct frame_header h;

		for (size_t len = 0; len < headers[i].len; len++) {
			assert_int_equal(read_header(headers[i].bytes, len, &h), 0);
			/* What is there is told already, the rest is zero. */
			assert_int_equal(h.fin, len >= 1);
			assert_int_equal(h.opcode, len >= 1 ? FRAME_TEXT : 0);
			assert_int_equal(h.masked, len >= 2);
			assert_int_equal(h.len != 0, len >= headers[i].len_end);
		}
		assert_int_equal(
		    read_header(headers[i].bytes, headers[i].len, &h), headers[i].len);
	}
}

static void
written_headers_read_back(void **state)
{
	static const uint64_t lens[] = {0, 1, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537,
	    UINT32_MAX, (uint64_t)UINT32_MAX + 1, (uint64_t)1 << 62, UINT64_MAX / 2};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t out[FRAME_SERVER_HEADER_MAX];
		struct frame_header h;
		size_t size =
		    frame_write_header(out, i & 1, i & 2 ? 1 : 0, FRAME_PONG, lens[i]);

		assert_int_equal(size, lens[i] < 126 ? 2 : lens[i] < 65536 ? 4 : 10);
		assert_int_equal(read_header(out, size, &h), size);
		assert_int_equal(h.fin, i & 1);
		assert_int_equal(h.rsv, i & 2 ? 4 : 0);
		assert_int_equal(h.opcode, FRAME_PONG);
		assert_false(h.masked);
		assert_true(h.len == lens[i]);
	}
}

static void
mask_example_of_the_rfc(void **state)
{
	uint8_t data[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58};

	(void)state;
	frame_mask(data, data, sizeof(data), (const uint8_t *)"\x37\xfa\x21\x3d", 0);
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
	frame_mask(got + to, got + from, len, mask, offset);
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

			frame_mask(got + to, source + from, 40, mask, 3);
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
	frame_mask(whole, whole, sizeof(whole), mask, 0);
	for (size_t cut = 0; cut <= sizeof(whole); cut++) {
		uint8_t parts[64] = {0};

		frame_mask(parts, parts, cut, mask, 0);
		frame_mask(parts + cut, parts + cut, sizeof(parts) - cut, mask, cut);
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

/* One byte that is not ASCII, at each place of each length; what is beside is not looked at. */
static void
mask_tells_what_is_ascii(void **state)
{
	static const uint8_t mask[4] = {0x81, 0x02, 0xff, 0x7f};
	uint8_t plain[MASK_LEN + 1], masked[MASK_LEN + 1], got[MASK_LEN + 1];

	(void)state;
	for (size_t len = 0; len <= MASK_LEN; len++) {
		uint64_t offset = len % 5;

		memset(plain, 0x7f, sizeof(plain));
		plain[len] = 0xff;
		frame_mask(masked, plain, sizeof(plain), mask, offset);
		assert_true(frame_mask_ascii(got, masked, len, mask, offset));
		assert_memory_equal(got, plain, len);
		for (size_t at = 0; at < len; at++) {
			masked[at] ^= 0x80;
			assert_false(frame_mask_ascii(got, masked, len, mask, offset));
			masked[at] ^= 0x80;
		}
	}
}

static void
close_codes(void **state)
{
	(void)state;
	for (unsigned int code = 0; code <= 66000; code++) {
		bool want = code >= 1000 && code <= 4999 && (code <= 1014 || code >= 3000) &&
			    code != 1004 && code != 1005 && code != 1006;

		assert_int_equal(frame_close_code_valid(code), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_masked_header),
	    cmocka_unit_test(unmasked_header),
	    cmocka_unit_test(reserved_bits),
	    cmocka_unit_test(length_in_2_bytes),
	    cmocka_unit_test(length_in_8_bytes),
	    cmocka_unit_test(length_not_shortest),
	    cmocka_unit_test(length_with_top_bit),
	    cmocka_unit_test(header_cut_anywhere),
	    cmocka_unit_test(written_headers_read_back),
	    cmocka_unit_test(mask_example_of_the_rfc),
	    cmocka_unit_test(mask_in_place_at_all_alignments),
	    cmocka_unit_test(mask_moving_down_with_overlap),
	    cmocka_unit_test(mask_to_another_block_at_all_alignments),
	    cmocka_unit_test(mask_in_pieces_is_mask_at_once),
	    cmocka_unit_test(mask_at_large_offsets),
	    cmocka_unit_test(mask_tells_what_is_ascii),
	    cmocka_unit_test(close_codes),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
