/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of IP addresses. */
#include "net/cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static void
blocks_cover_their_addresses(void **state)
{
	static const struct {
		const char *block;
		const char *address;
		bool covered;
	} rows[] = {
	    {"192.0.2.0/24", "192.0.2.0", true},
	    {"192.0.2.0/24", "192.0.2.255", true},
	    {"192.0.2.0/24", "192.0.3.0", false},
	    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
	    {"::ffff:192.0.2.0/120", "192.0.2.7", true},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"192.0.2.128/25", "192.0.2.127", false},
	    {"192.0.2.128/25", "192.0.2.128", true},
	    {"0.0.0.0/0", "255.255.255.255", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"::/0", "2001:db8::1", true},
	    {"::/0", "192.0.2.1", false},
	    {"2001:db8::/32", "2001:db8:ffff::1", true},
	    {"2001:db8::/32", "2001:db9::1", false},
	    {"2001:db8::/127", "2001:db8::1", true},
	    {"2001:db8::/127", "2001:db8::2", false},
	    {"::1", "::1", true},
	    {"::1", "127.0.0.1", false},
	    {"127.0.0.0/8", "127.255.0.1", true},
	    {"127.0.0.0/8", "0.0.0.127", false},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct cidr_list list = {0};
		struct sockaddr_storage address;

		assert_true(cidr_list_add(&list, span_of(rows[i].block)));
		assert_true(cidr_parse_address(span_of(rows[i].address), &address));
		if (cidr_list_covers(&list, &address) != rows[i].covered)
			fail_msg("%s and %s", rows[i].block, rows[i].address);
		cidr_list_clear(&list);
	}
}

static void
what_is_no_block(void **state)
{
	static const char *const rows[] = {"", "/", "/8", "192.0.2.0/", "192.0.2.0/33",
	    "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/8", "192.0.2.1/24", "192.0.2.0/24/24",
	    "192.0.2", "192.0.2.0.0", "192.0.2.256", "01.2.3.4", "::1/129", "2001:db8::1/64",
	    "[::1]", "[::1]/128", "fe80::1%lo", "::ffff:192.0.2.1/24", "localhost", "*",
	    " 192.0.2.1", "192.0.2.1 ", "unix:", "UNIX", "192.0.2.0/ 24", "192.0.2.0/0x18",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct cidr_list list = {0};

		if (cidr_list_add(&list, span_of(rows[i])))
			fail_msg("'%s' is accepted", rows[i]);
		assert_int_equal(list.count, 0);
	}
}

static void
a_unix_socket_is_listed_by_name(void **state)
{
	struct sockaddr_storage address = {.ss_family = AF_UNIX};
	struct sockaddr_storage none = {.ss_family = AF_UNSPEC};
	struct cidr_list list = {0};

	(void)state;
	assert_true(cidr_list_add(&list, SPAN("0.0.0.0/0")));
	assert_true(cidr_list_add(&list, SPAN("::/0")));
	assert_false(cidr_list_covers(&list, &address));
	assert_true(cidr_list_add(&list, SPAN("unix")));
	assert_true(cidr_list_covers(&list, &address));
	assert_false(cidr_list_covers(&list, &none));
	cidr_list_clear(&list);
	assert_false(cidr_list_covers(&list, &address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_cover_their_addresses),
	    cmocka_unit_test(what_is_no_block),
	    cmocka_unit_test(a_unix_socket_is_listed_by_name),
	};

	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
