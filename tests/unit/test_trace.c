/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace of a request. */
#include "http/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IDS "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
#define VALID "00" IDS "01"

static bool
parent(const char *fields, char out[TRACE_PARENT_LEN + 1])
{
	char text[1024];
	struct head head;
	int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	head_init(&head);
	assert_int_equal(head_parse(&head, text, (size_t)len), HEAD_DONE);
	return trace_parent(&head, out);
}

static void
test_a_valid_traceparent_is_copied(void **state)
{
	static const char *const rows[][2] = {
	    {VALID, VALID},
	    {"00" IDS "00", "00" IDS "00"},
	    {"00" IDS "ff", "00" IDS "ff"},
	    /* Of a later version, what this one knows. */
	    {"01" IDS "03", "00" IDS "01"},
	    {"cc" IDS "02-what-the-future-is-like", "00" IDS "00"},
	    {"fe" IDS "1f-", "00" IDS "01"},
	};
	char fields[512], out[TRACE_PARENT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		snprintf(fields, sizeof(fields), "traceparent: %s\r\n", rows[i][0]);
		if (!parent(fields, out))
			fail_msg("%s is rejected", rows[i][0]);
		assert_string_equal(out, rows[i][1]);
	}
}

static void
test_any_other_traceparent_is_rejected(void **state)
{
	static const char *const rows[] = {
	    "",
	    "00",
	    "ff" IDS "01",
	    "0" IDS "01",
	    "000" IDS "01",
	    "0G" IDS "01",
	    "00" IDS "1",
	    "00" IDS "001",
	    "00" IDS "01-",
	    "00" IDS "01-more",
	    "01" IDS "01.more",
	    "01" IDS "0x",
	    "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
	    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
	    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0 1",
	    VALID ", " VALID,
	};
	char fields[512], out[TRACE_PARENT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		snprintf(fields, sizeof(fields), "traceparent: %s\r\n", rows[i]);
		if (parent(fields, out))
			fail_msg("%s is accepted", rows[i]);
	}
	assert_false(parent("Other: " VALID "\r\n", out));
	assert_false(parent("Traceparent: " VALID "\r\nTraceparent: " VALID "\r\n", out));
}

static void
test_one_is_made_of_random_bytes(void **state)
{
	unsigned char random[TRACE_RANDOM];
	char fields[512], out[TRACE_PARENT_LEN + 1], again[TRACE_PARENT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (unsigned char)(i * 11);
	trace_make_parent(random, out);
	assert_string_equal(out, "00-000b16212c37424d58636e79848f9aa5-b0bbc6d1dce7f2fd-01");
	snprintf(fields, sizeof(fields), "Traceparent: %s\r\n", out);
	assert_true(parent(fields, again));
	assert_string_equal(out, again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_valid_traceparent_is_copied),
	    cmocka_unit_test(test_any_other_traceparent_is_rejected),
	    cmocka_unit_test(test_one_is_made_of_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
