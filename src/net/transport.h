/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport below a stream: a const table of functions for each kind. All are non-blocking,
 * and only net/io uses them. The TLS transport is in net/tls_stream.h.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "net/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

enum { TRANSPORT_DEAD_S = 60 }; /* a connection is dead after this long without a response */

struct transport;

struct transport_ops {
	enum stream_result (*read)(
	    struct transport *t, void *bytes, size_t capacity, size_t *n);
	enum stream_result (*writev)(
	    struct transport *t, const struct iovec *parts, int count, size_t *n);
	/*
	 * Notifies the peer that no more data will be written. Closes a pipe; fd is then -1.
	 * Returns false if that is not possible now; call again when the descriptor is
	 * writable.
	 */
	bool (*shutdown)(struct transport *t);
	/* Closes the descriptor and sets fd to -1. */
	void (*close)(struct transport *t);
	/* Returns true if there is data to read that no event of the descriptor will announce.
	 * NULL: never. */
	bool (*pending)(const struct transport *t);
	/* Returns why the last read or write was an ERROR; valid until the next call, or
	 * permanently if bytes were read before. NULL: see errno. */
	const char *(*error)(const struct transport *t);
	/* Like stream_client_cert(). NULL: no certificate. */
	bool (*client_cert)(const struct transport *t, struct stream_cert *out);
	bool secure; /* protected by TLS */
	/* A pipe: shutdown closes it, and only reading or writing shows that the peer died. */
	bool one_way;
};

struct transport {
	const struct transport_ops *ops;
	void *state; /* private to the kind */
	int fd; /* owned; -1 when closed */
	/* After AGAIN: the operation waits until the descriptor is ready for the opposite
	 * one. */
	bool read_wants_write;
	bool write_wants_read;
	bool last; /* shutdown() follows, so that the FIN need not be a separate segment */
	bool plain_text; /* the client does not speak TLS, although expected */
};

/* Sets the options of a TCP socket: no delay, and detection of dead peers. Returns false with
 * errno. */
bool transport_tune(int fd) __attribute__((warn_unused_result));

extern const struct transport_ops transport_socket;
extern const struct transport_ops transport_pipe;
/* One direction of a terminal's master, used like a pipe. EIO, reported when no process has the
 * terminal open any more, is treated as the end. */
extern const struct transport_ops transport_terminal;

#endif
