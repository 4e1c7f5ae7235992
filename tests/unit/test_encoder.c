/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and control frames -> bytes. */
#include "websocket/encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
message_in_one_frame(void **state)
{
	struct encoder e = {0};
	uint8_t out[FRAME_SERVER_HEADER_MAX];

	(void)state;
	assert_int_equal(encoder_header(&e, out, MESSAGE_TEXT, true, 5), 2);
	assert_memory_equal(out, "\x81\x05", 2);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, true, 0), 2);
	assert_memory_equal(out, "\x82\x00", 2);
	assert_false(e.in_message);
}

static void
lengths_at_their_limits(void **state)
{
	struct encoder e = {0};
	uint8_t out[FRAME_SERVER_HEADER_MAX];

	(void)state;
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, true, 125), 2);
	assert_memory_equal(out, "\x82\x7d", 2);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, true, 126), 4);
	assert_memory_equal(out, "\x82\x7e\x00\x7e", 4);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, true, 65535), 4);
	assert_memory_equal(out, "\x82\x7e\xff\xff", 4);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, true, 65536), 10);
	assert_memory_equal(out, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}

static void
message_in_fragments(void **state)
{
	struct encoder e = {0};
	uint8_t out[FRAME_SERVER_HEADER_MAX];
	uint8_t ping[2 + FRAME_CONTROL_MAX];

	(void)state;
	encoder_header(&e, out, MESSAGE_TEXT, false, 3);
	assert_memory_equal(out, "\x01\x03", 2);
	assert_true(e.in_message);
	/* Section 5.4: control frames may stand between the fragments. */
	assert_int_equal(encoder_control(ping, FRAME_PING, NULL, 0), 2);
	encoder_header(&e, out, MESSAGE_TEXT, false, 0);
	assert_memory_equal(out, "\x00\x00", 2);
	encoder_header(&e, out, MESSAGE_TEXT, true, 1);
	assert_memory_equal(out, "\x80\x01", 2);
	assert_false(e.in_message);
	encoder_header(&e, out, MESSAGE_BINARY, true, 1);
	assert_memory_equal(out, "\x82\x01", 2);
}

static void
control_frames(void **state)
{
	uint8_t payload[FRAME_CONTROL_MAX];
	uint8_t out[2 + FRAME_CONTROL_MAX];

	(void)state;
	memset(payload, 'p', sizeof(payload));
	assert_int_equal(encoder_control(out, FRAME_PONG, payload, 4), 6);
	assert_memory_equal(out, "\x8a\x04pppp", 6);
	assert_int_equal(
	    encoder_control(out, FRAME_PING, payload, sizeof(payload)), sizeof(out));
	assert_memory_equal(out, "\x89\x7d", 2);
	assert_memory_equal(out + 2, payload, sizeof(payload));
	assert_int_equal(encoder_control(out, FRAME_PING, NULL, 0), 2);
	assert_memory_equal(out, "\x89\x00", 2);
}

static void
close_with_and_without_a_code(void **state)
{
	static const unsigned int silent[] = {
	    0, CLOSE_NO_STATUS, CLOSE_ABNORMAL, 1015, 999, 70000};
	uint8_t out[2 + FRAME_CONTROL_MAX];

	(void)state;
	assert_int_equal(encoder_close(out, CLOSE_NORMAL, SPAN("")), 4);
	assert_memory_equal(out, "\x88\x02\x03\xe8", 4);
	assert_int_equal(encoder_close(out, 4003, SPAN("exit 3")), 10);
	assert_memory_equal(out,
	    "\x88\x08\x0f\xa3"
	    "exit 3",
	    10);
	/* U+0000 is a character like others (RFC 3629), in a reason too. */
	assert_int_equal(encoder_close(out, 4003, SPAN("a\0b")), 7);
	assert_memory_equal(out,
	    "\x88\x05\x0f\xa3"
	    "a\0b",
	    7);
	assert_int_equal(encoder_close(out, CLOSE_GOING_AWAY, (struct span){0}), 4);
	assert_memory_equal(out, "\x88\x02\x03\xe9", 4);
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		assert_int_equal(encoder_close(out, silent[i], SPAN("reason")), 2);
		assert_memory_equal(out, "\x88\x00", 2);
	}
}

/* A reason of ASCII bytes so long that END begins at byte AT. */
static size_t
close_len(size_t at, const char *end)
{
	char reason[200];
	uint8_t out[2 + FRAME_CONTROL_MAX];
	size_t len;

	memset(reason, 'a', at);
	strcpy(reason + at, end);
	len = encoder_close(out, CLOSE_NORMAL, span_of(reason));
	assert_int_equal(out[1], len - 2);
	assert_memory_equal(out + 4, reason, len - 4);
	return len - 4;
}

static void
close_reason_is_cut_at_a_character(void **state)
{
	(void)state;
	assert_int_equal(close_len(122, "b"), 123);
	assert_int_equal(close_len(123, "b"), 123);
	assert_int_equal(close_len(180, "b"), 123);
	assert_int_equal(close_len(121, "\xc3\xa4"), 123);
	assert_int_equal(close_len(122, "\xc3\xa4"), 122);
	assert_int_equal(close_len(120, "\xe2\x82\xac"), 123);
	assert_int_equal(close_len(121, "\xe2\x82\xac"), 121);
	assert_int_equal(close_len(122, "\xe2\x82\xac"), 122);
	assert_int_equal(close_len(119, "\xf0\x9f\x98\x80"), 123);
	assert_int_equal(close_len(120, "\xf0\x9f\x98\x80"), 120);
	/* What is not UTF-8 never leaves. */
	assert_int_equal(close_len(3, "\xff more"), 3);
}

/* RFC 7692, section 6. */
static void
compressed_message_has_rsv1_on_its_first_frame_only(void **state)
{
	struct encoder e = {.compressed = true};
	uint8_t out[FRAME_SERVER_HEADER_MAX];

	(void)state;
	assert_int_equal(encoder_header(&e, out, MESSAGE_TEXT, true, 5), 2);
	assert_memory_equal(out, "\xc1\x05", 2);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, false, 5), 2);
	assert_memory_equal(out, "\x42\x05", 2);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, false, 6), 2);
	assert_memory_equal(out, "\x00\x06", 2);
	assert_int_equal(encoder_header(&e, out, MESSAGE_BINARY, true, 7), 2);
	assert_memory_equal(out, "\x80\x07", 2);
	e.compressed = false;
	assert_int_equal(encoder_header(&e, out, MESSAGE_TEXT, true, 5), 2);
	assert_memory_equal(out, "\x81\x05", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(message_in_one_frame),
	    cmocka_unit_test(lengths_at_their_limits),
	    cmocka_unit_test(message_in_fragments),
	    cmocka_unit_test(control_frames),
	    cmocka_unit_test(close_with_and_without_a_code),
	    cmocka_unit_test(close_reason_is_cut_at_a_character),
	    cmocka_unit_test(compressed_message_has_rsv1_on_its_first_frame_only),
	};

	return cmocka_run_group_tests_name("encoder", tests, NULL, NULL);
}
