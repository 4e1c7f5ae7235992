/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a stderr, for the log. A line is cut at LINES_MAX bytes and the
 * rest of it is dropped, so that the program goes on whatever it writes. Pure.
 */
#ifndef PROCESS_LINES_H
#define PROCESS_LINES_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINES_MAX = 8192 };

/* Zero bytes ({0}) are its beginning. */
struct lines {
	struct buffer begun; /* owned: a partial line */
	bool skips; /* the rest of a line that was cut is being dropped */
};

/* LINE has no end and is borrowed for the call. */
typedef void lines_handler(void *arg, const char *line, size_t len);

/* Goes on with LEN bytes; HANDLER gets each line that ends in them. */
void lines_take(
    struct lines *lines, const char *bytes, size_t len, lines_handler *handler, void *arg);

/* After the last byte: HANDLER gets a last line without an end. */
void lines_end(struct lines *lines, lines_handler *handler, void *arg);

void lines_clear(struct lines *lines);

#endif
