/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connected TCP or Unix socket as a backend, with two framings.
 *
 * A FIN of the other end ends the output. Once our FIN has been sent, after queued data, the
 * backend is GONE with BACKEND_CLOSED. backend_finish() sends our FIN; input is then read until
 * the other end's FIN, for at most the duration of a program's termination sequence.
 */
#ifndef BACKEND_SOCKET_H
#define BACKEND_SOCKET_H

#include "backend/framed.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { SOCKET_FINISH_MS = 100 + 250 + 500 }; /* as in process/termination.h, until SIGKILL */

/* The sockets of a process. */
struct sockets {
	struct loop *loop; /* borrowed */
	int64_t extra_wait_ms; /* added three times to SOCKET_FINISH_MS */
	atomic_size_t *count; /* borrowed: number of sockets, including those being connected */
	struct list list; /* connected sockets */
};

struct socket_spec {
	struct sockets *sockets; /* borrowed, like RULES; outlives the backend */
	const struct framed_rules *rules;
	int fd; /* taken, even on failure, with its slot in the count of SOCKETS */
	struct span head; /* sent first; borrowed during the call */
	struct span event; /* sent after HEAD: from framed_put_open() */
};

/* Creates the backend. HANDLERS and ARG are borrowed; none is called before the return to the
 * loop. Returns NULL if out of memory. */
struct backend *socket_start_take(const struct socket_spec *spec,
    const struct backend_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Closes all connections immediately. */
void socket_abort_all(struct sockets *sockets);

#endif
