/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What carries the bytes of a stream: a const table of functions for each
 * kind. All of them are non-blocking. net/io is their only user. The kind for TLS
 * is in net/tls_stream.h.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "net/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

enum { TRANSPORT_DEAD_S = 60 }; /* after so long without a response a connection is dead */

struct transport;

struct transport_ops {
	enum stream_result (*read)(
	    struct transport *t, void *bytes, size_t capacity, size_t *n);
	enum stream_result (*writev)(
	    struct transport *t, const struct iovec *parts, int count, size_t *n);
	/*
	 * Tells the other side that no more will be written. A pipe is closed by it: fd is -1
	 * then. False: it can't be sent now; call it again when the descriptor can be written
	 * to.
	 */
	bool (*shutdown)(struct transport *t);
	/* Closes the descriptor; fd is -1 afterwards. */
	void (*close)(struct transport *t);
	/* True when there is something to read that no event of the descriptor will announce.
	 * NULL: never. */
	bool (*pending)(const struct transport *t);
	/* Why the last read or write was an ERROR, in a text that lives until the next call, or
	 * for ever if bytes were read before. NULL: errno says it. */
	const char *(*error)(const struct transport *t);
	/* As stream_client_cert(). NULL: there is none. */
	bool (*client_cert)(const struct transport *t, struct stream_cert *out);
	bool secure; /* nobody in between can read or change what is sent */
	bool one_way; /* a pipe: shutdown closes it, and nothing but reading or writing shows
			 that the other side died */
};

struct transport {
	const struct transport_ops *ops;
	void *state; /* of the kind's own */
	int fd; /* owned; -1 when closed */
	/* After AGAIN: what was asked for waits until the descriptor is ready for the opposite.
	 */
	bool read_wants_write;
	bool write_wants_read;
	bool last; /* shutdown() follows what is written: a FIN need not be a segment of its own
		    */
	bool plain_text; /* the client does not speak TLS, which was expected */
};

/* Sets the options of a TCP socket: messages leave at once, a dead other side is detected.
 * False with errno. */
bool transport_tune(int fd) __attribute__((warn_unused_result));

extern const struct transport_ops transport_socket;
extern const struct transport_ops transport_pipe;
/* One direction of the master of a terminal, as of a pipe. EIO, which it reports when no
 * process has the terminal open any more, is the end. */
extern const struct transport_ops transport_terminal;

#endif
