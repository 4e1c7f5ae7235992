/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of bytes that owns memory only while it holds some. */
#include "base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_FIRST = 256 }; /* bytes: the smallest block */

uint8_t *
buffer_reserve(struct buffer *b, size_t len)
{
	size_t used = buffer_len(b);
	size_t need;
	size_t capacity = b->capacity ? b->capacity : BUFFER_FIRST;
	uint8_t *block;

	if (b->block && b->capacity - b->tail >= len)
		return b->block + b->tail;
	if (__builtin_add_overflow(used, len, &need))
		return NULL;
	if (b->block && need <= capacity - capacity / 4) {
		/* A quarter is free afterwards, so at most three bytes are copied for one
		 * appended. */
		memmove(b->block, b->block + b->head, used);
		b->head = 0;
		b->tail = used;
		return b->block + used;
	}
	/* A block that is nearly full would be copied for every few bytes if it did not grow.
	 */
	if (b->block && __builtin_mul_overflow(capacity, (size_t)2, &capacity))
		return NULL;
	while (capacity < need) {
		if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
			return NULL;
	}
	if (b->block && b->head == 0) {
		block = realloc(b->block, capacity);
		if (!block)
			return NULL;
	} else {
		block = malloc(capacity);
		if (!block)
			return NULL;
		if (b->block)
			memcpy(block, b->block + b->head, used);
		free(b->block);
	}
	b->block = block;
	b->capacity = capacity;
	b->head = 0;
	b->tail = used;
	return block + used;
}

void
buffer_commit(struct buffer *b, size_t len)
{
	assert(len <= b->capacity - b->tail);
	b->tail += len;
}

bool
buffer_append(struct buffer *b, const void *bytes, size_t len)
{
	uint8_t *to;

	if (len == 0)
		return true;
	to = buffer_reserve(b, len);
	if (!to)
		return false;
	memcpy(to, bytes, len);
	buffer_commit(b, len);
	return true;
}

void
buffer_consume(struct buffer *b, size_t len)
{
	assert(len <= buffer_len(b));
	b->head += len;
	if (b->head == b->tail)
		buffer_clear(b);
}

void
buffer_clear(struct buffer *b)
{
	free(b->block);
	memset(b, 0, sizeof(*b));
}

void
buffer_move(struct buffer *to, struct buffer *from)
{
	assert(!to->block);
	*to = *from;
	memset(from, 0, sizeof(*from));
}
