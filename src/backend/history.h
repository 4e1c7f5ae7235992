/* SPDX-License-Identifier: BSD-2-Clause */
/* The last messages that a shared program sent to all clients, kept for later clients. */
#ifndef BACKEND_HISTORY_H
#define BACKEND_HISTORY_H

#include "base/util.h"
#include "websocket/broadcast.h"

/* Zero bytes ({0}) are an empty history. */
struct history {
	struct buffer refs; /* owned: references to broadcasts, oldest first */
	uint64_t messages; /* number of messages in these */
};

/* Adds the messages of B and keeps the last MAX. May lose messages if out of memory. */
void history_add(struct history *history, struct broadcast *b, uint64_t max);

size_t history_count(const struct history *history);
struct broadcast *history_get(const struct history *history, size_t i);

void history_clear(struct history *history);

/* Appends the history as frames, for history_read() in another process. Returns false if out of
 * memory. */
bool history_write(const struct history *history, struct buffer *out)
    __attribute__((warn_unused_result));

/* Replaces the history by what history_write() wrote, unless that is malformed. */
void history_read(struct history *history, struct span bytes, uint64_t max);

#endif
