/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of bytes of the simulator itself; its memory is not counted, and never runs out. */
#ifndef TESTS_SIM_BYTES_H
#define TESTS_SIM_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *block;
	size_t head;
	size_t tail;
	size_t capacity;
};

static inline uint8_t *
bytes_data(const struct bytes *b)
{
	return b->block ? b->block + b->head : NULL;
}

static inline size_t
bytes_len(const struct bytes *b)
{
	return b->tail - b->head;
}

/* Makes LEN more bytes at the end, and returns where they are. */
uint8_t *bytes_add(struct bytes *b, size_t len);
void bytes_append(struct bytes *b, const void *data, size_t len);
void bytes_append_byte(struct bytes *b, uint8_t byte);
void bytes_consume(struct bytes *b, size_t len);
/* Empties it and keeps its memory. */
void bytes_reset(struct bytes *b);
/* Drops what follows the first LEN bytes. */
void bytes_cut(struct bytes *b, size_t len);
void bytes_free(struct bytes *b);

#endif
