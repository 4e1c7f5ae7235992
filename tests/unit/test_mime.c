/* SPDX-License-Identifier: BSD-2-Clause */
/* Media types by the ending of a name. */
#include "http/mime.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (strcmp(mime_type(rows[i][0]), rows[i][1]) != 0)
			fail_msg(
			    "%s is %s, not %s", rows[i][0], mime_type(rows[i][0]), rows[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
