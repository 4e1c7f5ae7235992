/* SPDX-License-Identifier: BSD-2-Clause */
/* A byte queue that only owns memory while it is not empty. */
#include "base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Capacity of the smallest block in bytes. Each larger one doubles it, so that one or two
 * batches fill a block. */
enum { BUFFER_FIRST = 256 };

uint8_t *
buffer_reserve(struct buffer *b, size_t len)
{
	struct buffer_block *block = b->block;
	size_t capacity = block ? block->capacity : BUFFER_FIRST / 2;
	size_t used = buffer_len(b);
	size_t need;
	size_t size;

	if (block && block->capacity - block->tail >= len)
		return block->bytes + block->tail;
	if (__builtin_add_overflow(used, len, &need))
		return NULL;
	if (block) {
		memmove(block->bytes, block->bytes + block->head, used);
		block->head = 0;
		block->tail = used;
		/* A quarter stays free, so at most three bytes are moved per appended byte. */
		if (need <= capacity - capacity / 4)
			return block->bytes + used;
	}
	do {
		if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
			return NULL;
	} while (capacity < need);
	if (__builtin_add_overflow(capacity, sizeof(*block), &size))
		return NULL;
	block = realloc(block, size);
	if (!block)
		return NULL;
	*block = (struct buffer_block){.tail = used, .capacity = capacity};
	b->block = block;
	return block->bytes + used;
}

void
buffer_commit(struct buffer *b, size_t len)
{
	assert(b->block ? len <= b->block->capacity - b->block->tail : len == 0);
	if (b->block)
		b->block->tail += len;
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
	if (!b->block)
		return;
	b->block->head += len;
	if (b->block->head == b->block->tail)
		buffer_clear(b);
}

void
buffer_cut(struct buffer *b, size_t len)
{
	assert(len <= buffer_len(b));
	if (b->block)
		b->block->tail = b->block->head + len;
}

void
buffer_clear(struct buffer *b)
{
	free(b->block);
	b->block = NULL;
}

void
buffer_move(struct buffer *to, struct buffer *from)
{
	assert(!to->block);
	*to = *from;
	from->block = NULL;
}
