/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of bytes of the simulator itself. */
#include "bytes.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

uint8_t *
bytes_add(struct bytes *b, size_t len)
{
	uint8_t *to;

	if (b->tail + len > b->capacity) {
		if (b->head > 0) {
			memmove(b->block, b->block + b->head, b->tail - b->head);
			b->tail -= b->head;
			b->head = 0;
		}
		if (b->tail + len > b->capacity) {
			b->capacity = 2 * (b->tail + len);
			b->block = memory_real_realloc(b->block, b->capacity);
			if (!b->block)
				abort();
		}
	}
	to = b->block + b->tail;
	b->tail += len;
	return to;
}

void
bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (len > 0)
		memcpy(bytes_add(b, len), data, len);
}

void
bytes_append_byte(struct bytes *b, uint8_t byte)
{
	*bytes_add(b, 1) = byte;
}

void
bytes_consume(struct bytes *b, size_t len)
{
	b->head += len;
	if (b->head == b->tail)
		bytes_reset(b);
}

void
bytes_reset(struct bytes *b)
{
	b->head = 0;
	b->tail = 0;
}

void
bytes_cut(struct bytes *b, size_t len)
{
	b->tail = b->head + len;
}

void
bytes_free(struct bytes *b)
{
	memory_real_free(b->block);
	*b = (struct bytes){0};
}
