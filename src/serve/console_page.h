/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of the console, which the build assembles from console/. */
#ifndef SERVE_CONSOLE_PAGE_H
#define SERVE_CONSOLE_PAGE_H

#include <stddef.h>

struct console_page {
	/* The sources of its one script and its one style sheet for a Content-Security-Policy.
	 */
	const char *script;
	const char *style;
	const unsigned char *plain; /* NULL: only compressed */
	size_t plain_len;
	const unsigned char *gzip; /* NULL: the build does not have the page */
	size_t gzip_len;
	const char *license; /* of what it embeds; NULL: ours */
};

extern const struct console_page console_page;
/* The page of a terminal, if xterm.js was there when it was built. */
extern const struct console_page terminal_page;

#endif
