/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbered records, kept to be sent again. */
#include "peer/replay.h"

#include <assert.h>
#include <string.h>

struct span
replay_unsent(const struct replay *r)
{
	return (struct span){
	    (const char *)buffer_data(&r->bytes) + r->sent, buffer_len(&r->bytes) - r->sent};
}

/* Returns the end of the record that begins at FROM. */
static size_t
replay_end(const struct replay *r, size_t from)
{
	const uint8_t *bytes = buffer_data(&r->bytes);
	size_t len = strlen(r->terminator);
	const uint8_t *end =
	    memmem(bytes + from, buffer_len(&r->bytes) - from, r->terminator, len);

	assert(end);
	return (size_t)(end - bytes) + len;
}

bool
replay_seek(struct replay *r, uint64_t after)
{
	size_t at = 0;

	if (after < r->dropped || after > r->last)
		return false;
	for (uint64_t i = r->dropped; i < after; i++)
		at = replay_end(r, at);
	r->sent = at;
	return true;
}

/* Returns the number of the record that begins at FROM, or of the next record if FROM is the
 * end. */
static uint64_t
replay_number(const struct replay *r, size_t from)
{
	const uint8_t *digit = buffer_data(&r->bytes) + from + r->number_at;
	uint64_t number = 0;

	if (from == buffer_len(&r->bytes))
		return r->last + 1;
	for (; *digit >= '0' && *digit <= '9'; digit++)
		number = number * 10 + (uint64_t)(*digit - '0');
	return number;
}

void
replay_trim(struct replay *r, size_t max)
{
	size_t len = buffer_len(&r->bytes);
	size_t terminator = strlen(r->terminator);
	size_t at;

	if (len <= max || r->sent == 0)
		return;
	at = len - max; /* the least to drop; a record ends there, or later */
	at = at < r->sent ? replay_end(r, at < terminator ? 0 : at - terminator) : r->sent;
	r->dropped = replay_number(r, at) - 1;
	buffer_consume(&r->bytes, at);
	r->sent -= at;
}
