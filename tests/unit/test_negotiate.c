/* SPDX-License-Identifier: BSD-2-Clause */
/* The opening handshake's arithmetic. */
#include "websocket/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
accept_example_of_the_rfc(void **state)
{
	char out[NEGOTIATE_ACCEPT_LEN + 1];

	(void)state;
	assert_true(negotiate_accept(SPAN("dGhlIHNhbXBsZSBub25jZQ=="), out));
	assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void
accept_needs_a_key(void **state)
{
	char out[NEGOTIATE_ACCEPT_LEN + 1];

	(void)state;
	assert_false(negotiate_accept(SPAN(""), out));
	assert_string_equal(out, "");
	assert_false(negotiate_accept(SPAN("dGhlIHNhbXBsZSBub25jZQ==="), out));
}

static void
good_keys(void **state)
{
	(void)state;
	assert_true(negotiate_key_valid(SPAN("dGhlIHNhbXBsZSBub25jZQ==")));
	assert_true(negotiate_key_valid(SPAN("AAAAAAAAAAAAAAAAAAAAAA==")));
	assert_true(negotiate_key_valid(SPAN("+/09azAZ+/09azAZ+/09aw==")));
}

static void
bad_keys(void **state)
{
	static const char *const keys[] = {"",
	    "==", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
	    "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQ= ", "dGhlIHNhbXBsZSBub25jZQA=",
	    "dGhlIHNhbXBsZSBub25jZQAA",
	    "dGhlIHNhbXBs ZSBub25jZ==", " dGhlIHNhbXBsZSBub25jZ==", "dGhlIHNhbXBsZSBub25j-_==",
	    "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25jZQ==\n",
	    "dGhl=HNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j\xc3\xa4=="};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(keys); i++)
		assert_false(negotiate_key_valid(span_of(keys[i])));
	assert_false(negotiate_key_valid((struct span){"dGhlIHNhbXBsZSBub25j\0Q==", 24}));
	assert_false(negotiate_key_valid((struct span){NULL, 0}));
}

static void
version_13(void **state)
{
	(void)state;
	assert_int_equal(negotiate_version(SPAN("13")), NEGOTIATE_VERSION_OK);
}

static void
other_versions(void **state)
{
	static const char *const values[] = {
	    "0", "7", "8", "12", "14", "99", "100", "113", "130", "199", "200", "249", "255"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(values); i++)
		assert_int_equal(
		    negotiate_version(span_of(values[i])), NEGOTIATE_VERSION_OTHER);
}

static void
malformed_versions(void **state)
{
	static const char *const values[] = {"", "013", "00", "0013", "256", "299", "300",
	    "999", "1313", "+13", "-1", "13 ", " 13", "13, 13", "13,13", "1 3", "x", "0xd",
	    "1.3", "13\r", "\xc2\xb2"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(values); i++)
		assert_int_equal(negotiate_version(span_of(values[i])), NEGOTIATE_VERSION_BAD);
	assert_int_equal(negotiate_version((struct span){"13\0", 3}), NEGOTIATE_VERSION_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accept_example_of_the_rfc),
	    cmocka_unit_test(accept_needs_a_key),
	    cmocka_unit_test(good_keys),
	    cmocka_unit_test(bad_keys),
	    cmocka_unit_test(version_13),
	    cmocka_unit_test(other_versions),
	    cmocka_unit_test(malformed_versions),
	};

	return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
