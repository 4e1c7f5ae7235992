/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbered records, kept so that they can be sent again. */
#include "peer/replay.h"

#include <assert.h>
#include <string.h>

void
replay_add(struct replay *r)
{
	r->last++;
}

struct span
replay_unsent(const struct replay *r)
{
	return (struct span){
	    (const char *)buffer_data(&r->bytes) + r->sent, buffer_len(&r->bytes) - r->sent};
}

/* Where the record ends that begins at FROM. */
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

void
replay_trim(struct replay *r, size_t max)
{
	size_t len = buffer_len(&r->bytes);
	size_t at = 0;

	while (len - at > max && at < r->sent) {
		size_t end = replay_end(r, at);

		if (end > r->sent)
			break;
		at = end;
		r->dropped++;
	}
	if (at > 0)
		buffer_consume(&r->bytes, at);
	r->sent -= at;
}
