/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream (net/stream.h) over a descriptor: one end of a pipe, or the core of net/io_socket.
 *
 * An io whose queue is empty owns no buffer. Which events are armed is computed from the state
 * in one function, and only a change of it costs a system call: none for a message that flows.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include "net/loop.h"
#include "net/stream.h"
#include "net/transport.h"

#include <event2/event_struct.h>

/* Of io.c and io_socket.c alone; it is here to be embedded. */
struct io {
	struct stream stream; /* first: io_of() casts it back */
	struct event event; /* pending while WANTED is not 0 */
	struct loop *loop; /* borrowed */
	struct transport transport;
	struct buffer queue;
	uint8_t wanted; /* the events that are waited for, of libevent's EV_ */
	bool failed : 1; /* the system refused to wait for it: on_gone comes */
	bool gone : 1; /* on_gone was called or is of no use */
	bool lost : 1; /* likewise, for STREAM_LOST */
	bool ending : 1; /* stream_shutdown() was called */
	bool ended : 1; /* and carried out */
};

/*
 * A stream over FD, a pipe, which is non-blocking and is taken, in the caller's memory.
 * HANDLERS and ARG are borrowed.
 */
void io_init(struct io *io, struct loop *loop, const struct transport_ops *ops, int fd,
    const struct stream_handlers *handlers, void *arg);

/* Closes it. Its memory must last until the stack is clear (loop_defer_free()). It may be
 * called twice, and for zero bytes. */
void io_clear(struct io *io);

/* False once it was cleared, or closed by its shutdown. */
bool io_is_open(const struct io *io);

/* The descriptor, for asking the system about it; -1 when it is closed. */
int io_fd(const struct io *io);

/*
 * For net/io_socket: an io that can be read and written, and its operations, for a table with
 * more of them. They are those of struct stream_ops.
 */
struct io_duplex {
	union {
		struct loop_task wake; /* reads, or writes, what no event announces */
		struct loop_deferred deferred; /* once it is freed */
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
