/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame codec: headers and close codes. */
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
	    cmocka_unit_test(close_codes),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
