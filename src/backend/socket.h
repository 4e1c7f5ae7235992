/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connected TCP or Unix socket as a backend, with two framings.
 *
 * The other side's FIN ends its output: once ours has been sent after what is queued, it is
 * GONE as CLOSED. backend_finish() sends our FIN; what the other side sends after that is read
 * until its FIN, for as long as the termination sequence of a program may last.
 */
#ifndef BACKEND_SOCKET_H
#define BACKEND_SOCKET_H

#include "backend/framed.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { SOCKET_FINISH_MS = 100 + 250 + 500 }; /* process/child.h: until SIGKILL */

/* All sockets of a process. */
struct sockets {
	struct loop *loop; /* borrowed */
	int64_t extra_wait_ms; /* three times this is added to SOCKET_FINISH_MS */
	atomic_size_t *count; /* borrowed: those that exist, and that are being connected */
	struct list list; /* of those that are connected */
};

struct socket_spec {
	struct sockets *sockets; /* borrowed, as RULES, for longer than the backend lives */
	const struct framed_rules *rules;
	int fd; /* taken, even on failure, with its place in the count of SOCKETS */
	struct span head; /* is sent first; borrowed during the call */
	struct span event; /* and this: of framed_put_open() */
};

/* NULL without memory. HANDLERS and ARG are borrowed; none is called before the return to the
 * loop. */
struct backend *socket_start_take(const struct socket_spec *spec,
    const struct backend_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Closes all connections at once. */
void socket_abort_all(struct sockets *sockets);

#endif
