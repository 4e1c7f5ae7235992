/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts records from a Redis server, which other nodes have written, to messages. Each
 * message is delivered once. */
#ifndef BUS_REDIS_INPUT_H
#define BUS_REDIS_INPUT_H

#include "bus/record.h"
#include "bus/redis_context.h"
#include "bus/seen.h"

/* Embedded in its user. */
struct redis_input {
	struct redis_counts *counts; /* borrowed, as the next one */
	const char *channel; /* for the log */
	struct buffer parts; /* owned: parts that wait for delivery */
	size_t last; /* for record_put_batch() */
	struct seen seen;
	int64_t logged_ms; /* when a malformed record was last logged */
};

void redis_input_init(
    struct redis_input *input, struct redis_counts *counts, const char *channel);
void redis_input_clear(struct redis_input *input);

/* Returns false if the bytes are not a valid record, which is counted and logged. */
bool redis_input_parse(struct redis_input *input, struct span bytes, struct record *out)
    __attribute__((warn_unused_result));

/*
 * Adds the messages of a RECORD_OUTPUT, unless it was received before. With IN_ORDER, which
 * means that all records of a node arrive this way, counts a gap before it as missed messages.
 */
void redis_input_add(struct redis_input *input, const struct record *record, bool in_order);

/* Moves all parts to OUT, for record_next_batch(), followed by BATCH_SLACK bytes. Returns false
 * if there are none. */
bool redis_input_take(struct redis_input *input, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
