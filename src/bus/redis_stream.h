/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the records of a Redis stream in order, from the last ones that it has, over
 * reconnects. The records are the field "r" of its entries. A key of another type is reported,
 * and tried again until somebody deletes it.
 */
#ifndef BUS_REDIS_STREAM_H
#define BUS_REDIS_STREAM_H

#include "bus/redis_context.h"

enum {
	REDIS_STREAM_BLOCK_MS = 1000,
	REDIS_STREAM_RETRY_MS = 1000, /* while the key has another type */
	REDIS_STREAM_COUNT = 32, /* entries that are read at a time */
	/* Entries that are kept beyond the history, for servers that are cut off. */
	REDIS_STREAM_SPARE = 10000,
};

struct redis_stream;

/* Not called from inside a function of this header; it does not free the stream. */
typedef void redis_stream_handler(void *arg, struct span record);

/* HISTORY: messages that are read at first. KEY, HANDLER and ARG are borrowed. NULL without
 * memory. */
struct redis_stream *redis_stream_new(struct redis_context *context, const char *key,
    uint64_t history, redis_stream_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Whether what is appended comes. */
bool redis_stream_is_up(const struct redis_stream *stream);

/* Accepts NULL. */
void redis_stream_free(struct redis_stream *stream);

#endif
