/* SPDX-License-Identifier: BSD-2-Clause */
/* The embedded scripts for pages, js/wspipe.js and js/wspipe.mjs. */
#ifndef SERVE_WSPIPE_JS_H
#define SERVE_WSPIPE_JS_H

#include <stddef.h>

struct wspipe_js {
	const unsigned char *plain;
	size_t plain_len;
	const unsigned char *gzip;
	size_t gzip_len;
};

extern const struct wspipe_js wspipe_js, wspipe_mjs;

#endif
