/* SPDX-License-Identifier: BSD-2-Clause */
/* What other nodes have written, on its way from a Redis server: records become messages, each
 * of which is delivered once. */
#ifndef BUS_REDIS_INPUT_H
#define BUS_REDIS_INPUT_H

#include "bus/record.h"
#include "bus/redis_context.h"
#include "bus/seen.h"

/* Embedded in its user. */
struct redis_input {
	struct redis_counts *counts; /* borrowed, as the next one */
	const char *channel; /* for the log */
	struct buffer parts; /* owned: those that wait to be delivered */
	size_t last; /* of record_put_batch() */
	struct seen seen;
	int64_t logged_ms; /* when a malformed record was last logged */
};

void redis_input_init(
    struct redis_input *input, struct redis_counts *counts, const char *channel);
void redis_input_clear(struct redis_input *input);

/* False: the bytes are not a record, which is counted and logged. */
bool redis_input_parse(struct redis_input *input, struct span bytes, struct record *out)
    __attribute__((warn_unused_result));

/* Keeps the messages of a record of output, unless it came before. Records that should have
 * come before it count as missed if IN_ORDER, as all of a node come this way. */
void redis_input_add(struct redis_input *input, const struct record *record, bool in_order);

/* All that is kept, for record_next_batch(), followed by BATCH_SLACK bytes. False: nothing. */
bool redis_input_take(struct redis_input *input, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
