/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts records from a Redis server to messages. */
#include "bus/redis_input.h"

#include "base/log.h"

enum { REDIS_INPUT_LOG_MS = 60 * 1000 };

bool
redis_input_parse(struct redis_input *in, struct span bytes, struct record *out)
{
	int64_t now = util_clock_ms();

	if (record_parse(bytes, out))
		return true;
	atomic_fetch_add(&in->counts->malformed, 1);
	if (in->logged_ms != 0 && now - in->logged_ms < REDIS_INPUT_LOG_MS)
		return false;
	in->logged_ms = now;
	if (log_begin(LOG_WARN, "bus", 0,
		SPAN("dropped a malformed record from the bus: another program, or another "
		     "version of wspipe, uses the same --bus-prefix"))) {
		log_text("channel", span_of(in->channel));
		log_end();
	}
	return false;
}

void
redis_input_add(struct redis_input *in, const struct record *record, bool in_order)
{
	struct span body = record->body;
	struct batch batch;
	uint64_t missed;

	if (!seen_add(&in->seen, record->node, record->seq, &missed))
		return;
	if (in_order)
		atomic_fetch_add(&in->counts->missed, missed);
	while (record_next_batch(&body, &batch)) {
		uint32_t messages = record_put_batch(&in->parts, &in->last, &batch);

		atomic_fetch_add(&in->counts->received, messages);
	}
}

bool
redis_input_take(struct redis_input *in, struct buffer *out)
{
	if (buffer_len(&in->parts) > 0 && buffer_reserve(&in->parts, BATCH_SLACK))
		buffer_move(out, &in->parts);
	buffer_clear(&in->parts);
	in->last = SIZE_MAX;
	return buffer_len(out) > 0;
}

void
redis_input_init(struct redis_input *in, struct redis_counts *counts, const char *channel)
{
	*in = (struct redis_input){.counts = counts, .channel = channel, .last = SIZE_MAX};
}

void
redis_input_clear(struct redis_input *in)
{
	buffer_clear(&in->parts);
	seen_clear(&in->seen);
}
