/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of the console, which the build assembles from console/. */
#ifndef SERVE_CONSOLE_PAGE_H
#define SERVE_CONSOLE_PAGE_H

#include <stddef.h>

/* The sources of its one script and its one style sheet for a Content-Security-Policy. */
extern const char console_page_script[];
extern const char console_page_style[];

extern const unsigned char console_page_plain[];
extern const size_t console_page_plain_len;
extern const unsigned char console_page_gzip[];
extern const size_t console_page_gzip_len;

#endif
