/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream (net/stream.h) over a descriptor: a socket, TLS over one, or one end of a pipe.
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

/* Of io.c alone; it is here to be embedded. */
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

/* A stream over an open TRANSPORT, which is taken with SLOT, even on failure. SLOT and PEER,
 * the address of the other side, may be NULL. NULL without memory. */
struct stream *io_new_take(struct loop *loop, struct transport transport,
    struct limit_slot *slot, const struct sockaddr_storage *peer,
    const struct stream_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Of such a stream: what stream_peer_name() returns, without memory NULL. NAME is copied. */
void io_set_peer_name(struct stream *stream, const char *name);

/* Likewise, what a proxy has reported of the other side: that it uses TLS, and its
 * certificate, which is taken; {0}: it has none. */
void io_set_peer_tls_take(struct stream *stream, struct stream_cert *cert);

/* Likewise: PEER is that of a proxy, and the other side unknown. */
void io_set_anonymous(struct stream *stream);

#endif
