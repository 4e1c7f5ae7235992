/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One non-blocking stream of bytes: a socket, or one end of a pipe.
 *
 * Writing happens at once; what the kernel does not take is queued and goes
 * out as it becomes writable. Reading is into memory of the caller's. An io
 * whose queue is empty owns no buffer. Backpressure is not reading:
 * io_set_reading(io, false); the death of the other side is still seen then.
 *
 * Which events are armed is computed from the state in one function, and only
 * a change of it costs a system call: none for a message that flows.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include "base/buffer.h"
#include "net/loop.h"
#include "net/transport.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum io_result {
	IO_OK,
	IO_AGAIN,
	IO_EOF,
	IO_FAILED,
};

/*
 * A handler may call anything here, also io_free(). None is called from
 * inside a function of this header, only from the loop.
 */
struct io_handlers {
	void (*on_readable)(void *arg); /* call io_read() once */
	void (*on_written)(void *arg); /* part of the queue has left, or all of it */
	/*
	 * The other side has gone, seen while reading was off or when the queue could not
	 * leave. FAILED: it can't be written to any more, or the system has no room to wait for
	 * it. Called once.
	 */
	void (*on_gone)(void *arg, bool failed);
};

/* Of io.c alone; it is here to be embedded. */
struct io {
	struct event event; /* pending while WANTED is not 0 */
	struct loop *loop; /* borrowed */
	struct transport transport;
	const struct io_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: the handlers' */
	struct buffer queue;
	uint32_t progress_ms; /* the low bits of util_clock_ms() */
	short wanted; /* the events that are waited for, of libevent's EV_ */
	bool reading;
	bool failed; /* the system refused to wait for it: on_gone comes */
	/* on_gone was called or is of no use: the death of the other side is known */
	bool gone;
	bool ending; /* io_shutdown() was called */
	bool ended; /* and carried out */
};

/*
 * A stream over FD, a pipe, which is non-blocking and is taken. Reading is off. HANDLERS and ARG
 * are borrowed.
 */
void io_init(struct io *io, struct loop *loop, const struct transport_ops *ops, int fd,
    const struct io_handlers *handlers, void *arg);

/* Closes it. Its memory must last until the stack is clear (loop_bury()). It may be called
 * twice, and for zero bytes. */
void io_clear(struct io *io);

/* False once it was cleared, or closed by its shutdown. */
bool io_is_open(const struct io *io);

/* As io_init() for any kind, in memory of its own; FD is taken even on failure. NULL without memory. */
struct io *io_new(struct loop *loop, const struct transport_ops *ops, int fd,
    const struct io_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* As io_new() over a transport that is open already; TRANSPORT is taken even on failure. */
struct io *io_new_take(struct loop *loop, struct transport transport,
    const struct io_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Hands the stream to another owner: from now on HANDLERS are called with ARG. */
void io_set_handlers(struct io *io, const struct io_handlers *handlers, void *arg);

/* Closes and frees; the memory goes when the stack is clear. Accepts NULL. */
void io_free(struct io *io);

/* Turns reading on or off. */
void io_set_reading(struct io *io, bool on);
bool io_is_reading(const struct io *io);

/* One read of at most CAPACITY bytes. IO_OK: *N bytes, more than 0. IO_FAILED: io_error() may
 * say more. */
enum io_result io_read(struct io *io, uint8_t *bytes, size_t capacity, size_t *n);

/* Why the stream failed, when there are better words for it than errno's; else NULL. They live
 * until the next call. */
const char *io_error(const struct io *io);

/*
 * Writes all LEN bytes, at once or later. False: the stream has failed (or
 * there is no memory to queue them); free it. After io_shutdown() bytes are dropped.
 */
bool io_write(struct io *io, const void *bytes, size_t len) __attribute__((warn_unused_result));

/* As io_write(), and io_shutdown() behind it: where nothing is queued both leave together, in
 * one segment. */
bool io_write_last(struct io *io, const void *bytes, size_t len)
    __attribute__((warn_unused_result));

/* As io_write() for COUNT parts (at most IO_PARTS_MAX) in one system call. */
enum { IO_PARTS_MAX = 8 };
bool io_writev(struct io *io, const struct iovec *parts, int count)
    __attribute__((warn_unused_result));

/* As io_write() for all bytes of BUFFER, which is empty afterwards; what must be queued is not
 * copied if the queue is empty. */
bool io_write_take(struct io *io, struct buffer *buffer) __attribute__((warn_unused_result));

/* Bytes in the queue. */
size_t io_queued(const struct io *io);

/* Bytes that left the queue of a socket and that the other side's system has not confirmed yet.
 */
size_t io_unconfirmed(const struct io *io);

/*
 * Whether the other side's system has something to confirm, and for how long nothing came from it. One
 * that is alive confirms within a round trip what is sent to it, or a probe of its closed window,
 * whether its program reads or not. {0} for anything but TCP.
 */
struct io_contact {
	bool awaited;
	uint32_t silent_ms;
};
struct io_contact io_contact(const struct io *io);

/* When bytes last left the queue or it began (util_clock_ms()); meaningful while it is not
 * empty. */
int64_t io_progress_ms(const struct io *io);

/* Writes no more: tells the other side so once the queue is empty. */
void io_shutdown(struct io *io);

/* The descriptor, for asking the system about it; -1 when it is closed. */
int io_fd(const struct io *io);

/* What carries the stream, for asking about the other side. */
const struct transport *io_transport(const struct io *io);

#endif
