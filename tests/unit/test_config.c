/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of the configuration file, and the words of a command. */
#include "options/config_file.h"
#include "options/config_names.h"
#include "options/words.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Appends what an item is to the text ARG: "1 [/a]", "2 key=value", "3 !wrong". */
static void
describe(void *arg, const struct config_item *item)
{
	FILE *out = arg;
	int name = (int)item->name.len, value = (int)item->value.len;

	switch (item->kind) {
	case CONFIG_SECTION:
		fprintf(out, "%zu [%.*s]\n", item->line, name, item->name.data);
		break;
	case CONFIG_KEY:
		fprintf(out, "%zu %.*s=%.*s\n", item->line, name, item->name.data, value,
		    item->value.data);
		break;
	case CONFIG_INVALID:
		fprintf(out, "%zu !%.20s\n", item->line, item->wrong);
		break;
	}
}

/* The text is in memory of exactly its size. */
static void
check_text(const char *text, size_t len, const char *items)
{
	char *copy = malloc(len > 0 ? len : 1);
	char *got = NULL;
	size_t got_len;
	FILE *out = open_memstream(&got, &got_len);

	assert_non_null(copy);
	assert_non_null(out);
	memcpy(copy, text, len);
	config_file_parse(copy, len, describe, out);
	fclose(out);
	assert_string_equal(got, items);
	free(got);
	free(copy);
}

#define CHECK(text, items) check_text((text), sizeof(text) - 1, (items))

static void
lines_are_sections_keys_and_comments(void **state)
{
	(void)state;
	CHECK("", "");
	CHECK("\n\n", "");
	CHECK("a=b", "1 a=b\n");
	CHECK("a = b\n[ /x ]\n\n  c-d =  e f  \n", "1 a=b\n2 [/x]\n4 c-d=e f\n");
	CHECK("# c\n;d\n \t# e\nx = # y\n", "4 x=# y\n");
	CHECK("a=\na==b=\n", "1 a=\n2 a==b=\n");
	CHECK("[]]\n[a]b]\n", "1 []]\n2 [a]b]\n");
}

static void
ends_of_lines_may_be_of_any_system(void **state)
{
	(void)state;
	CHECK("\xef\xbb\xbf[/]\r\na=b\r\n\r\nc=d\r", "1 [/]\n2 a=b\n4 c=d\n");
	CHECK("a\xef\xbb\xbf=b", "1 a\xef\xbb\xbf=b\n");
	CHECK("\xef\xbb", "1 !missing '=': write k\n");
}

static void
a_backslash_continues_a_line(void **state)
{
	(void)state;
	CHECK("a = b\\\nc\nd=e", "1 a=bc\n3 d=e\n");
	CHECK("a = b \\\r\n  c \\\n  d\ne=f", "1 a=b   c   d\n4 e=f\n");
	CHECK("a = b\\\\\nc=d", "1 a=b\\\\\n2 c=d\n");
	CHECK("a = b\\\\\\\nc", "1 a=b\\\\c\n");
	CHECK("a = b\\\n", "1 !the last line ends w\n");
	CHECK("\\", "1 !the last line ends w\n");
	CHECK("\\\n\\\nx=y", "1 x=y\n");
	CHECK("# c \\\na=b", "2 a=b\n");
	CHECK("a=\\\n# b", "1 a=# b\n");
}

static void
lines_that_are_invalid_are_reported(void **state)
{
	(void)state;
	CHECK("a\n=b\n[\n[x\n[]\n[/]x", "1 !missing '=': write k\n2 !missing key before t\n"
					"3 !a section is a path \n4 !a section is a path \n"
					"5 !a section is a path \n6 !a section is a path \n");
	CHECK("a=\0\nb=c\n", "1 !NUL byte: save the f\n2 b=c\n");
	CHECK("#\x1b\na\x7f=b\nc\rd=e", "1 !control character: r\n2 !control character: r\n"
					"3 !control character: r\n");
	CHECK("a=\\\n\0\nb=c", "1 !NUL byte: save the f\n3 b=c\n");
}

/* The words of TEXT, each followed by '|', or "!" and why there are none. */
static void
check_words(const char *text, const char *expected)
{
	const char *wrong;
	char **words = words_split(span_of(text), &wrong);
	char **copy = words ? words_copy(words) : NULL;
	char got[256] = "";

	if (!words)
		snprintf(got, sizeof(got), "!%.18s", wrong);
	for (size_t i = 0; words && words[i]; i++) {
		assert_string_equal(words[i], copy[i]);
		assert_ptr_not_equal(words[i], copy[i]);
		strcat(strcat(got, copy[i]), "|");
	}
	assert_string_equal(got, expected);
	free(words);
	free(copy);
}

static void
words_are_split_as_by_a_shell(void **state)
{
	(void)state;
	check_words("a", "a|");
	check_words("  a\t b  ", "a|b|");
	check_words("a 'b  c' \"d  e\"", "a|b  c|d  e|");
	check_words("a'b'\"c\"d", "abcd|");
	check_words("'' \"\" a''", "||a|");
	check_words("'a\\b' \"c'd\" 'e\"f'", "a\\b|c'd|e\"f|");
	check_words("a\\ b \\'c \\\\ \\\"", "a b|'c|\\|\"|");
	check_words("\"a\\\"b\\\\c\\$d\\`e\\f\\n\"", "a\"b\\c$d`e\\f\\n|");
	check_words("$HOME * ~ a;b |c >d #e `f`", "$HOME|*|~|a;b||c|>d|#e|`f`|");
}

static void
words_that_do_not_end_are_reported(void **state)
{
	(void)state;
	check_words("", "!there is no progra");
	check_words(" \t ", "!there is no progra");
	check_words("a 'b", "!the closing single");
	check_words("a \"b\\\"", "!the closing double");
	check_words("a \"b\\", "!the closing double");
	check_words("a b\\", "!there is nothing a");
}

static void
patterns_match_names_of_files(void **state)
{
	static const char *const files[] = {
	    "b.conf", "a.conf", ".c.conf", "d/a.conf", "d/b.x", "e/a.conf", "f*/a.conf"};
	/* The names, with a blank after each. */
	static const char *const rows[][2] = {
	    {"*.conf", "a.conf b.conf "},
	    {"[b-z].conf", "b.conf "},
	    {"?.con", ""},
	    {"none/*.conf", ""},
	    {"a.conf/*", ""},
	    {".*.conf", ".c.conf "},
	    {"d/*", "d/a.conf d/b.x "},
	    {"*/a.conf", "d/a.conf e/a.conf f*/a.conf "},
	    {"[de]//*.conf", "d/a.conf e/a.conf "},
	    {"f\\*/a.*", "f*/a.conf "},
	    {"./d/b.?", "./d/b.x "},
	};
	char directory[] = "/tmp/wspipe-names-XXXXXX", whole[PATH_MAX];
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *names;
	size_t len;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mkdir((const char *[]){"d", "e", "f*"}[i], 0700), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		fclose(fopen(files[i], "w"));
	/* A relative pattern, and an absolute one. */
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const *row = rows[i / 2];
		size_t prefix = i % 2 == 0 ? 0 : strlen(directory) + 1;
		const char *expected = row[1];

		snprintf(whole, sizeof(whole), "%s%s%s", prefix ? directory : "",
		    prefix ? "/" : "", row[0]);
		out = open_memstream(&names, &len);
		assert_true(config_names(whole, out));
		fclose(out);
		for (const char *name = names; name < names + len; name += strlen(name) + 1) {
			size_t most = strcspn(expected, " ");

			assert_int_equal(strlen(name), prefix + most);
			assert_memory_equal(name + prefix, expected, most);
			expected += most + 1;
		}
		assert_string_equal(expected, "");
		free(names);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	for (size_t i = 0; i < 3; i++)
		rmdir((const char *[]){"d", "e", "f*"}[i]);
	assert_int_equal(fchdir(before), 0);
	close(before);
	rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_sections_keys_and_comments),
	    cmocka_unit_test(ends_of_lines_may_be_of_any_system),
	    cmocka_unit_test(a_backslash_continues_a_line),
	    cmocka_unit_test(lines_that_are_invalid_are_reported),
	    cmocka_unit_test(words_are_split_as_by_a_shell),
	    cmocka_unit_test(words_that_do_not_end_are_reported),
	    cmocka_unit_test(patterns_match_names_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
