/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evaluates preconditions (RFC 9110, section 13) and ranges (section 14): which part of a file
 * to send, if any. Pure. A single range is served. Multiple or malformed ranges are ignored,
 * which sections 14.2 and 15.3.7 allow, and so are invalid dates.
 */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include "http/request.h"

#include <stdint.h>
#include <time.h>

enum {
	CONDITIONAL_TAG_MAX = 64, /* bytes of an entity tag, including the NUL */
	CONDITIONAL_DATE_MAX = 32, /* bytes of a date, including the NUL */
};

struct conditional_file {
	int64_t size;
	int64_t modified; /* seconds since 1970 */
	char tag[CONDITIONAL_TAG_MAX]; /* strong entity tag, with quotes */
};

struct conditional {
	int status; /* 200, 206, 304, 412 or 416 */
	int64_t first; /* 200 and 206: the bytes to send */
	int64_t length;
};

/* Generates the entity tag of a file from its size, modification time and inode. */
void conditional_make_tag(
    char tag[CONDITIONAL_TAG_MAX], int64_t size, struct timespec modified, uint64_t inode);

/* Formats an IMF-fixdate (section 5.6.7). */
void conditional_put_date(char text[CONDITIONAL_DATE_MAX], int64_t seconds);

/* Evaluates a GET or HEAD request whose response would otherwise be a 200. */
struct conditional conditional_check(
    const struct request *request, const struct conditional_file *file);

#endif
