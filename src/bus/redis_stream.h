/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the records of a Redis stream in order, beginning with its last ones, across
 * reconnects. Records are the field "r" of its entries. A key of another type is logged and
 * retried until it is deleted.
 */
#ifndef BUS_REDIS_STREAM_H
#define BUS_REDIS_STREAM_H

#include "bus/redis_context.h"

enum {
	REDIS_STREAM_BLOCK_MS = 1000,
	REDIS_STREAM_RETRY_MS = 1000, /* while the key has another type */
	REDIS_STREAM_COUNT = 32, /* maximum number of entries per read */
	/* Number of entries kept in addition to the history, for servers that are
	 * disconnected. */
	REDIS_STREAM_SPARE = 10000,
};

struct redis_stream;

/* Not called from inside a function of this header. Must not free the stream. */
typedef void redis_stream_handler(void *arg, struct span record);

/* Begins to read. HISTORY is the number of earlier messages to read first. KEY, HANDLER and ARG
 * are borrowed. Returns NULL if out of memory. */
struct redis_stream *redis_stream_new(struct redis_context *context, const char *key,
    uint64_t history, redis_stream_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Returns true if new entries are being received. */
bool redis_stream_is_up(const struct redis_stream *stream);

/* Frees the stream. Accepts NULL. */
void redis_stream_free(struct redis_stream *stream);

#endif
