/* SPDX-License-Identifier: BSD-2-Clause */
/* Accept-Encoding (RFC 9110, section 12.5.3), as a table. */
#include "http/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *fields;
	int br;
	int gzip;
	int identity;
} rows[] = {
    {"", -1, -1, -1},
    {"Accept-Encoding:\r\n", -1, -1, -1},
    {"Accept-Encoding: gzip\r\n", -1, 1000, -1},
    {"Accept-Encoding: GZip\r\n", -1, 1000, -1},
    {"Accept-Encoding: x-gzip\r\n", -1, 1000, -1},
    {"Accept-Encoding: gzip, deflate, br\r\n", 1000, 1000, -1},
    {"Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", 1000, 1000, -1},
    {"Accept-Encoding: ,, br ,\r\n", 1000, -1, -1},
    /* Weights. */
    {"Accept-Encoding: br;q=0.5, gzip;q=1.0\r\n", 500, 1000, -1},
    {"Accept-Encoding: br;Q=0.123,gzip ; q=0.001\r\n", 123, 1, -1},
    {"Accept-Encoding: br;q=1, gzip;q=1.000, identity;q=0.\r\n", 1000, 1000, 0},
    {"Accept-Encoding: br;q=0, gzip;q=0.000\r\n", 0, 0, -1},
    /* "*" is every coding that is not listed. */
    {"Accept-Encoding: *\r\n", 1000, 1000, 1000},
    {"Accept-Encoding: *;q=0\r\n", 0, 0, 0},
    {"Accept-Encoding: *;q=0.2, br;q=0\r\n", 0, 200, 200},
    {"Accept-Encoding: gzip;q=1.0, identity; q=0.5, *;q=0\r\n", 0, 1000, 500},
    /* The first counts. */
    {"Accept-Encoding: br;q=0, br\r\n", 0, -1, -1},
    /* Malformed: not acceptable. */
    {"Accept-Encoding: br;q=1.001, gzip;q=2\r\n", 0, 0, -1},
    {"Accept-Encoding: br;q=0.1234, gzip;q=-1\r\n", 0, 0, -1},
    {"Accept-Encoding: br;q=, gzip;q\r\n", 0, 0, -1},
    {"Accept-Encoding: br;q=.5, gzip;q=0,5\r\n", 0, 0, -1},
    {"Accept-Encoding: br;q=1x, gzip;level=9\r\n", 0, 0, -1},
    {"Accept-Encoding: br;q = 1, gzip;q=1e0\r\n", 0, 0, -1},
    {"Accept-Encoding: br;q=11, gzip;q=00\r\n", 0, 0, -1},
    {"Accept-Encoding: br;, gzip;;q=1\r\n", 0, 0, -1},
    {"Accept-Encoding: \"br\", gzip br\r\n", -1, -1, -1},
    {"Accept-Encoding: bro, gzi, b\r\n", -1, -1, -1},
    {"Accept-Encoding: ;q=1, ;\r\n", -1, -1, -1},
};

static void
test_table(void **state)
{
	static char input[512];
	static struct head head;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		int len = snprintf(input, sizeof(input), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
		    rows[i].fields);

		head_init(&head);
		assert_int_equal(head_parse(&head, input, (size_t)len), HEAD_DONE);
		if (encoding_weight(&head, "br") != rows[i].br ||
		    encoding_weight(&head, "gzip") != rows[i].gzip ||
		    encoding_weight(&head, "identity") != rows[i].identity)
			fail_msg("%s: %d %d %d", rows[i].fields, encoding_weight(&head, "br"),
			    encoding_weight(&head, "gzip"), encoding_weight(&head, "identity"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
