/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream (net/stream.h) over a descriptor: one end of a pipe, or the core of net/io_socket.
 * An io with an empty queue has no buffer. One function computes the armed events from the
 * state, and only a change costs a system call: a message that passes through costs none.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include "net/loop.h"
#include "net/stream.h"
#include "net/transport.h"

#include <event2/event_struct.h>

/* Private to io.c and io_socket.c; defined here for embedding. */
struct io {
	struct stream stream; /* first: io_of() casts it back */
	struct event event; /* pending while WANTED is not 0 */
	struct loop *loop; /* borrowed */
	struct transport transport;
	struct buffer queue;
	uint8_t wanted; /* armed libevent events (EV_*) */
	bool failed : 1; /* the kernel refused to poll the descriptor: on_gone follows */
	bool gone : 1; /* on_gone was called or is not needed */
	bool lost : 1; /* the same, for STREAM_LOST */
	bool ending : 1; /* stream_shutdown() was called */
	bool ended : 1; /* the shutdown was carried out */
};

/*
 * Initializes a stream over FD, a non-blocking pipe, in the caller's memory. Takes FD. HANDLERS
 * and ARG are borrowed.
 */
void io_init(struct io *io, struct loop *loop, const struct transport_ops *ops, int fd,
    const struct stream_handlers *handlers, void *arg);

/* Closes the stream. Its memory must stay valid until the stack has unwound
 * (loop_defer_free()). May be called twice, and on zeroed memory. */
void io_clear(struct io *io);

/* Returns false once the stream was cleared, or closed by its shutdown. */
bool io_is_open(const struct io *io);

/* Returns the descriptor, for queries about it; -1 if it is closed. */
int io_fd(const struct io *io);

/*
 * For net/io_socket: a readable and writable io, and its operations (those of struct
 * stream_ops) for a table with additional ones.
 */
struct io_duplex {
	union {
		struct loop_task wake; /* reads or writes data that no event announces */
		struct loop_deferred deferred; /* for the deferred free */
	};
	struct io io;
};
void io_init_duplex(struct io_duplex *duplex, struct loop *loop, struct transport transport,
    const struct stream_ops *ops, const struct stream_handlers *handlers, void *arg);
enum stream_result io_read(struct stream *stream, uint8_t *bytes, size_t capacity, size_t *n);
bool io_writev(struct stream *stream, const struct iovec *parts, int count);
bool io_write_take(struct stream *stream, struct buffer *buffer);
size_t io_queued(const struct stream *stream);
void io_set_reading(struct stream *stream, bool on);
void io_shutdown(struct stream *stream);
const char *io_error(const struct stream *stream);

#endif
