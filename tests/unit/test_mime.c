/* SPDX-License-Identifier: BSD-2-Clause */
/* Media types by the ending of a name. */
#include "http/mime.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
assert_type(const char *name, const char *expected)
{
	char type[MIME_TYPE_MAX];

	mime_type(name, type);
	if (strcmp(type, expected) != 0)
		fail_msg("%s is %s, not %s", name, type, expected);
}

static void
test_types(void **state)
{
	static const char *const rows[][2] = {
	    {"index.html", "text/html; charset=utf-8"},
	    {"INDEX.HTML", "text/html; charset=utf-8"},
	    {"a/b.c/style.css", "text/css; charset=utf-8"},
	    {"app.js", "text/javascript; charset=utf-8"},
	    {"app.mjs", "text/javascript; charset=utf-8"},
	    {"app.min.js", "text/javascript; charset=utf-8"},
	    {"app.js.map", "application/json"},
	    {"data.json", "application/json"},
	    {"module.wasm", "application/wasm"},
	    {"logo.svg", "image/svg+xml"},
	    {"logo.png", "image/png"},
	    {"photo.JPeG", "image/jpeg"},
	    {"notes.txt", "text/plain; charset=utf-8"},
	    {"font.woff2", "font/woff2"},
	    {"film.webm", "video/webm"},
	    {"app.webmanifest", "application/manifest+json"},
	    {"file.zip", "application/zip"},
	    {"page.html.zip", "application/zip"},
	    /* Not known. */
	    {"", "application/octet-stream"},
	    {"README", "application/octet-stream"},
	    {"html", "application/octet-stream"},
	    {"a.", "application/octet-stream"},
	    {"a.html.", "application/octet-stream"},
	    {"a.htmlx", "application/octet-stream"},
	    {"a.xhtm", "application/octet-stream"},
	    {"a.html/b", "application/octet-stream"},
	    {"a.html~", "application/octet-stream"},
	    {"a.php", "application/octet-stream"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_type(rows[i][0], rows[i][1]);
}

static void
load(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	mime_load_take(copy);
}

static int
unload(void **state)
{
	(void)state;
	mime_load_take(NULL);
	return 0;
}

static void
test_types_of_a_file(void **state)
{
	const char *text = "# a comment\n"
			   "application/x-first\tone two\n"
			   "application/x-second   two three # four\r\n"
			   "  text/x-notes\t\tnote\n"
			   "text/html htm\n"
			   "application/x-empty\n"
			   "\n"
			   "application/x-last FIVE";

	(void)state;
	load(text);
	assert_type("a.one", "application/x-first");
	assert_type("a.two", "application/x-first");
	assert_type("a.three", "application/x-second");
	assert_type("a.four", "application/octet-stream");
	assert_type("a.#", "application/octet-stream");
	assert_type("a.note", "text/x-notes; charset=utf-8");
	assert_type("a.five", "application/x-last");
	/* The built-in ones are still known. */
	assert_type("a.html", "text/html; charset=utf-8");
	assert_type("a.wasm", "application/wasm");
	assert_type("a", "application/octet-stream");
	assert_type("a.", "application/octet-stream");
}

/* What can't be a type or would end a header line is ignored; nothing is read beyond the file.
 */
static void
test_hostile_types(void **state)
{
	const char *text = "noslash one\n"
			   "/x one\n"
			   "x/ one\n"
			   "a/b/c one\n"
			   "text/x;charset=x one\n"
			   "text/\x0bx one\n"
			   "text/\xe4 one\n"
			   "text/x\rX-Header:\n"
			   "one\n"
			   "#text/html one\n";
	char *large = malloc((1 << 20) + 1);

	(void)state;
	load(text);
	assert_type("a.one", "application/octet-stream");
	assert_type("a.X-Header:", "text/x; charset=utf-8");
	assert_non_null(large);
	large[1 << 20] = '\0';
	/* A type that is too long, an ending, and many. */
	memset(large, 'x', 1 << 20);
	memcpy(large, "text/", 5);
	memcpy(large + 1000, " one", 4);
	load(large);
	assert_type("a.one", "application/octet-stream");
	memset(large, 'a', 1 << 20);
	memcpy(large, "text/x one ", 11);
	load(large);
	assert_type("a.one", "text/x; charset=utf-8");
	for (size_t i = 0; i < 1 << 20; i += 4)
		memcpy(large + i, " b c", 4);
	memcpy(large, "a/b ", 4);
	load(large);
	assert_type("a.b", "a/b");
	assert_type("a.css", "text/css; charset=utf-8");
	load("");
	assert_type("a.b", "application/octet-stream");
	assert_type("a.css", "text/css; charset=utf-8");
	free(large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_types_of_a_file),
	    cmocka_unit_test(test_hostile_types),
	};

	return cmocka_run_group_tests(tests, NULL, unload);
}
