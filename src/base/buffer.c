/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of bytes that owns memory only while it holds some. */
#include "base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that the smallest block has room for. Each larger one doubles it, so that a batch, or
 * two, fill theirs. */
enum { BUFFER_FIRST = 256 };

static struct buffer_block *
buffer_block_resize(struct buffer_block *block, size_t capacity)
{
	size_t size;

	if (__builtin_add_overflow(capacity, sizeof(*block), &size))
		return NULL;
	block = realloc(block, size);
	if (block)
		block->capacity = capacity;
	return block;
}

/* A larger block with room for NEED bytes; those in use stand at its front. NULL without
 * memory: the old one is as it was. */
static struct buffer_block *
buffer_block_grow(struct buffer_block *old, size_t used, size_t need)
{
	size_t capacity = BUFFER_FIRST;
	struct buffer_block *block;

	/* One that is nearly full would be copied for every few bytes if it did not grow. */
	if (old && __builtin_mul_overflow(old->capacity, (size_t)2, &capacity))
		return NULL;
	while (capacity < need) {
		if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
			return NULL;
	}
	if (!old || old->head == 0) {
		block = buffer_block_resize(old, capacity);
	} else {
		block = buffer_block_resize(NULL, capacity);
		if (block)
			memcpy(block->bytes, old->bytes + old->head, used);
		if (block)
			free(old);
	}
	if (!block)
		return NULL;
	block->head = 0;
	block->tail = used;
	return block;
}

uint8_t *
buffer_reserve(struct buffer *b, size_t len)
{
	struct buffer_block *block = b->block;
	size_t used = buffer_len(b);
	size_t need;

	if (block && block->capacity - block->tail >= len)
		return block->bytes + block->tail;
	if (__builtin_add_overflow(used, len, &need))
		return NULL;
	if (block && need <= block->capacity - block->capacity / 4) {
		/* A quarter is free afterwards, so at most three bytes are copied for one
		 * appended. */
		memmove(block->bytes, block->bytes + block->head, used);
		block->head = 0;
		block->tail = used;
		return block->bytes + used;
	}
	block = buffer_block_grow(block, used, need);
	if (!block)
		return NULL;
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
