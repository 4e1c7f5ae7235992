/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries for a program of another node: each kind, cut everywhere, and bytes that are none. */
#include "bus/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct entry entries[] = {
    {.kind = ENTRY_OPEN, .id = UINT64_MAX, .bytes = {"1\topen\t/\n", 9}},
    {.kind = ENTRY_OPEN, .id = 7},
    {.kind = ENTRY_RECORDS, .bytes = {"one\0two\n", 8}},
    {.kind = ENTRY_STATE, .id = 1, .state = ENTRY_NEEDS | ENTRY_BLOCKED},
    {.kind = ENTRY_CLOSE, .id = 7, .code = 1006},
    {.kind = ENTRY_CLOSE, .id = 8, .code = 4999, .bytes = {"bye", 3}},
};

static void
expect(const struct entry *entry, const struct entry *expected)
{
	assert_int_equal(entry->kind, expected->kind);
	assert_int_equal(entry->id, expected->id);
	assert_int_equal(entry->code, expected->code);
	assert_int_equal(entry->state, expected->state);
	assert_int_equal(entry->bytes.len, expected->bytes.len);
	if (expected->bytes.len > 0)
		assert_memory_equal(
		    entry->bytes.data, expected->bytes.data, expected->bytes.len);
}

static void
test_entries_cut_everywhere(void **state)
{
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(entries); i++)
		assert_true(entry_put(&out, &entries[i]));
	for (size_t cut = 0; cut <= buffer_len(&out); cut++) {
		struct span bytes = {(char *)buffer_data(&out), cut};
		struct entry entry;
		size_t count = 0;

		while (entry_next(&bytes, &entry) == ENTRY_OK)
			expect(&entry, &entries[count++]);
		/* The rest with what was not taken. */
		bytes.len += buffer_len(&out) - cut;
		while (entry_next(&bytes, &entry) == ENTRY_OK)
			expect(&entry, &entries[count++]);
		assert_int_equal(count, UTIL_LEN(entries));
		assert_int_equal(bytes.len, 0);
	}
	buffer_clear(&out);
}

static void
test_records_that_follow(void **state)
{
	struct buffer out = {0};
	struct span bytes;
	struct entry entry;
	size_t at;

	(void)state;
	assert_true(entry_put(&out, &entries[0]));
	at = entry_begin(&out);
	assert_true(buffer_append(&out, "one\0two\n", 8));
	entry_end(&out, at);
	at = entry_begin(&out);
	entry_end(&out, at);
	bytes = (struct span){(char *)buffer_data(&out), buffer_len(&out)};
	assert_int_equal(entry_next(&bytes, &entry), ENTRY_OK);
	assert_int_equal(entry_next(&bytes, &entry), ENTRY_OK);
	expect(&entry, &entries[2]);
	assert_int_equal(bytes.len, 0);
	buffer_clear(&out);
}

static void
test_bytes_that_are_no_entry(void **state)
{
	static const struct span rows[] = {
	    {"\0\0\0\0\0", 5},
	    {"\5\0\0\0\0", 5},
	    {"\377\0\0\0\0", 5},
	    {"\1\0\0\0\7", 5}, /* half an ID */
	    {"\3\0\0\0\11", 5},
	    {"\4\0\0\0\0", 5},
	    {"\4\0\0\0\12\0\0\0\0\0\0\0\0\0\0", 15},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct span bytes = rows[i];
		struct entry entry;

		assert_int_equal(entry_next(&bytes, &entry), ENTRY_BAD);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_entries_cut_everywhere),
	    cmocka_unit_test(test_records_that_follow),
	    cmocka_unit_test(test_bytes_that_are_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
