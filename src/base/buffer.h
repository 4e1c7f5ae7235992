/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of bytes in one block of memory: append at the tail, consume at the
 * head. A buffer that is empty owns no memory, and is itself one pointer, as an idle
 * connection has eight of them; zero bytes ({0}) are a valid empty buffer.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The watermarks of backpressure, in bytes of a queue: reading on its behalf stops above HIGH
 * and resumes at LOW. They are low because each queue is followed by one of the system's, of a
 * pipe or a socket, which keeps the other side busy; a batch may come on top of HIGH.
 */
enum {
	BUFFER_HIGH = 4 * 1024,
	BUFFER_LOW = 0,
};

/* Of this header alone. */
struct buffer_block {
	size_t head; /* the first byte that is in use */
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

/* Copies LEN bytes to the tail. False when there is no memory: nothing changed then. */
bool buffer_append(struct buffer *b, const void *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * Makes room for LEN more bytes after the tail and returns where they go, or
 * NULL when there is no memory. Follow with buffer_commit().
 */
uint8_t *buffer_reserve(struct buffer *b, size_t len) __attribute__((warn_unused_result));
void buffer_commit(struct buffer *b, size_t len);

/* Drops LEN bytes from the head. The memory is freed with the last byte. */
void buffer_consume(struct buffer *b, size_t len);

/* Drops all but the first LEN bytes, of which there are at least so many. */
void buffer_cut(struct buffer *b, size_t len);

/* Frees the memory; the buffer is empty and usable afterwards. */
void buffer_clear(struct buffer *b);

/* Moves FROM's memory to the empty buffer TO; FROM is empty afterwards. */
void buffer_move(struct buffer *to, struct buffer *from);

#endif
