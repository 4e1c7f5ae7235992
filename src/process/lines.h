/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits stderr output into lines for the log. Lines longer than LINES_MAX bytes are truncated,
 * so that a program is never blocked, whatever it writes. Pure. */
#ifndef PROCESS_LINES_H
#define PROCESS_LINES_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINES_MAX = 8192 };

/* Initialize with zero bytes ({0}). */
struct lines {
	struct buffer begun; /* owned: the partial line */
	bool skips; /* dropping the rest of a truncated line */
};

/* LINE is borrowed during the call and does not include the newline. */
typedef void lines_handler(void *arg, const char *line, size_t len);

/* Adds LEN bytes. Calls HANDLER for each completed line. */
void lines_take(
    struct lines *lines, const char *bytes, size_t len, lines_handler *handler, void *arg);

/* Ends the input. Calls HANDLER for a last line without a newline. */
void lines_end(struct lines *lines, lines_handler *handler, void *arg);

void lines_clear(struct lines *lines);

#endif
