/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs need from the process that starts them. */
#ifndef SERVE_LAUNCHER_H
#define SERVE_LAUNCHER_H

#include "backend/socket.h"
#include "net/bucket.h"
#include "net/listeners.h"
#include "net/lookup.h"

#include <stdbool.h>
#include <stdint.h>

struct children;
struct limit;
struct pools;

/* What launches need from the process; what is a pointer is borrowed for longer than any
 * backend. */
struct launcher {
	struct loop *loop;
	struct children *children;
	struct sockets *sockets;
	struct lookup *lookup; /* may be NULL without an endpoint that needs it */
	struct limit *limit;
	const struct listeners *listeners; /* the first one is where shared programs are */
	bool secure; /* over TLS */
	struct list *shared; /* struct shared: all of them */
	/* How many programs that all clients share do not run in this process: as long as there
	 * are any, the server is not ready (--admin). */
	atomic_size_t *down;
	struct pools *pools; /* their programs are ended for others */
	struct buckets *buckets; /* of all processes that serve */
	struct bucket_rate rate; /* of new sessions; may change at any time, as the next one */
	char retry[32]; /* the header line for a client that exceeds it */
	_Atomic uint64_t *last_id; /* of a launch, in all processes that serve */
};

#endif
