/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a stderr: whole, byte by byte, split everywhere, and too long. */
#include "process/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buffer seen; /* each line with a bar behind it */

static void
on_line(void *arg, const char *line, size_t len)
{
	(void)arg;
	assert_true(len <= LINES_MAX);
	assert_true(buffer_append(&seen, line, len) && buffer_append(&seen, "|", 1));
}

static void
expect(const char *expected)
{
	assert_true(buffer_append(&seen, "", 1));
	assert_string_equal((const char *)buffer_data(&seen), expected);
	buffer_clear(&seen);
}

static void
test_lines_split_everywhere(void **state)
{
	static const char in[] = "one\n\ntwo\r\nthr\ree\nlast";

	(void)state;
	for (size_t cut = 0; cut < sizeof(in); cut++) {
		struct lines lines = {0};

		lines_take(&lines, in, cut, on_line, NULL);
		lines_take(&lines, in + cut, sizeof(in) - 1 - cut, on_line, NULL);
		lines_end(&lines, on_line, NULL);
		assert_null(lines.begun.block);
		expect("one||two|thr\ree|last|");
	}
}

static void
test_a_long_line_is_cut_and_the_next_one_is_whole(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 3; extra++) {
		for (size_t piece = 1; piece <= 4096; piece *= 64) {
			struct lines lines = {0};
			size_t len = LINES_MAX + extra;
			char *in = malloc(len + 6);
			char *expected = malloc(LINES_MAX + 8);

			assert_true(in && expected);
			memset(in, 'x', len);
			memcpy(in + len, "\nnext\n", 6);
			memset(expected, 'x', LINES_MAX);
			memcpy(expected + LINES_MAX, "|next|", 7);
			for (size_t at = 0; at < len + 6; at += piece)
				lines_take(&lines, in + at,
				    piece < len + 6 - at ? piece : len + 6 - at, on_line, NULL);
			expect(expected);
			lines_clear(&lines);
			free(in);
			free(expected);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_split_everywhere),
	    cmocka_unit_test(test_a_long_line_is_cut_and_the_next_one_is_whole),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
