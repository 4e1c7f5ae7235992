/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A byte queue in one block of memory: append at the tail, consume at the head. An empty buffer
 * owns no memory and is only one pointer, because an idle connection has eight of them. Zeroed
 * ({0}): empty.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The watermarks of backpressure, in queued bytes: reading stops above HIGH and resumes at LOW.
 * They are low because each queue is followed by one in the kernel, of a pipe or socket, which
 * keeps the other side busy; a batch may exceed HIGH.
 */
enum {
	BUFFER_HIGH = 4 * 1024,
	BUFFER_LOW = 0,
};

/* Private to this header. */
struct buffer_block {
	size_t head; /* first byte in use */
	size_t tail; /* after the last byte in use; head <= tail <= capacity */
	size_t capacity;
	uint8_t bytes[];
};

struct buffer {
	struct buffer_block *block; /* owned; NULL when empty */
};

static inline uint8_t *
buffer_data(const struct buffer *b)
{
	return b->block ? b->block->bytes + b->block->head : NULL;
}

static inline size_t
buffer_len(const struct buffer *b)
{
	return b->block ? b->block->tail - b->block->head : 0;
}

/* Copies LEN bytes to the tail. Returns false, without a change, if memory runs out. */
bool buffer_append(struct buffer *b, const void *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * Makes room for LEN bytes after the tail and returns their address, or NULL if memory runs
 * out. Follow with buffer_commit().
 */
uint8_t *buffer_reserve(struct buffer *b, size_t len) __attribute__((warn_unused_result));
void buffer_commit(struct buffer *b, size_t len);

/* Removes LEN bytes from the head. Frees the memory with the last byte. */
void buffer_consume(struct buffer *b, size_t len);

/* Keeps only the first LEN bytes; there must be at least that many. */
void buffer_cut(struct buffer *b, size_t len);

/* Frees the memory; the buffer is empty and usable afterwards. */
void buffer_clear(struct buffer *b);

/* Moves FROM's memory to the empty buffer TO; FROM is empty afterwards. */
void buffer_move(struct buffer *to, struct buffer *from);

#endif
