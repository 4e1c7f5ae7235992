/* SPDX-License-Identifier: BSD-2-Clause */
/* The last messages of a shared program that went to all, for clients that come later. */
#ifndef BACKEND_HISTORY_H
#define BACKEND_HISTORY_H

#include "base/util.h"
#include "websocket/broadcast.h"

/* Zero bytes ({0}) are an empty one. */
struct history {
	struct buffer refs; /* owned: references, the oldest first */
	uint64_t messages; /* in these */
};

/* Adds the messages of B and keeps the last MAX. Without memory it may lack some. */
void history_add(struct history *history, struct broadcast *b, uint64_t max);

size_t history_count(const struct history *history);
struct broadcast *history_get(const struct history *history, size_t i);

void history_clear(struct history *history);

/* Appends all of it, as frames, for history_read() in another process. False without memory. */
bool history_write(const struct history *history, struct buffer *out)
    __attribute__((warn_unused_result));

/* Replaces what it has by what was written elsewhere, unless that is malformed. */
void history_read(struct history *history, struct span bytes, uint64_t max);

#endif
