/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of the console, which the build assembles from console/. */
#ifndef SERVE_CONSOLE_PAGE_H
#define SERVE_CONSOLE_PAGE_H

#include <stddef.h>

struct console_page {
	/* Content-Security-Policy sources of the page's script and style sheet. */
	const char *script;
	const char *style;
	const unsigned char *plain; /* NULL: only GZIP exists */
	size_t plain_len;
	const unsigned char *gzip; /* NULL: the page was not built */
	size_t gzip_len;
	const char *license; /* license of the embedded code; NULL: ours */
};

extern const struct console_page console_page;
/* The terminal page, if xterm.js was available at build time. */
extern const struct console_page terminal_page;

#endif
