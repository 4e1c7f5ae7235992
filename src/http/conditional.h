/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which part of a file a request asks for, if any: preconditions (RFC 9110, section 13) and
 * ranges (section 14). Pure.
 *
 * One range is served. Several, or a malformed one, are ignored, which sections 14.2 and 15.3.7
 * allow; so are invalid dates.
 */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include "http/request.h"

#include <stdint.h>
#include <time.h>

enum {
	CONDITIONAL_TAG_MAX = 64, /* bytes of an entity tag, terminated */
	CONDITIONAL_DATE_MAX = 32, /* bytes of a date, terminated */
};

struct conditional_file {
	int64_t size;
	int64_t modified; /* seconds since 1970 */
	char tag[CONDITIONAL_TAG_MAX]; /* a strong one, with its quotes */
};

struct conditional {
	int status; /* 200, 206, 304, 412 or 416 */
	int64_t first; /* of a 200 or 206: which bytes */
	int64_t length;
};

/* The tag of a file, from what changes with its content. */
void conditional_make_tag(
    char tag[CONDITIONAL_TAG_MAX], int64_t size, struct timespec modified, uint64_t inode);

/* IMF-fixdate: section 5.6.7. */
void conditional_put_date(char text[CONDITIONAL_DATE_MAX], int64_t seconds);

/* For a GET or HEAD request whose response would be a 200 otherwise. */
struct conditional conditional_check(
    const struct request *request, const struct conditional_file *file);

#endif
