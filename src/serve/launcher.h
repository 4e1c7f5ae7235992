/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs need from the process that starts them, and how many it may start. */
#ifndef SERVE_LAUNCHER_H
#define SERVE_LAUNCHER_H

#include "backend/socket.h"
#include "net/bucket.h"
#include "net/listeners.h"
#include "net/lookup.h"
#include "serve/reject.h"

#include <stdbool.h>
#include <stdint.h>

struct bus;
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
	struct bus *bus; /* joins them with those of other processes; NULL: there are none */
	bool
	    bus_is_remote; /* other servers are on it: what they send matters before a client */
	const _Atomic uint64_t *first_id; /* IDs of launches are above it; NULL: above 0 */
	atomic_size_t *members; /* clients of those, in this process */
	/* How many programs that all clients share do not run in this process: as long as there
	 * are any, the server is not ready (--admin). */
	atomic_size_t *down;
	struct pools *pools; /* their programs are ended for others */
	struct buckets *buckets; /* of all processes that serve */
	struct bucket_rate rate; /* of new sessions; may change at any time, as the next one */
	char retry[32]; /* the header line for a client that exceeds it */
	_Atomic uint64_t *last_id; /* of a launch, in all processes that serve */
};

/* Whether there is room for another program; nothing is ended for it. LAUNCHER is a struct
 * launcher: for pools.may_start. */
bool launcher_has_slot(void *launcher);

/* Sets the rate of new sessions of an address. */
void launcher_set_rate(struct launcher *launcher, const struct bucket_rate *rate);

/* Whether another program may be started. False: *REJECT is the response. */
bool launcher_may_fork(const struct launcher *launcher, struct reject *reject)
    __attribute__((warn_unused_result));

/* The last of the limits: what another one rejects costs the client PEER no token. */
bool launcher_keeps_rate(const struct launcher *launcher, const struct sockaddr_storage *peer,
    struct reject *reject) __attribute__((warn_unused_result));

/* How many sessions there are. The descriptors of a session are there for programs and sockets;
 * further ones are for clients that wait for a response. */
size_t launcher_count(const struct launcher *launcher);

/* ROOM: whether there are descriptors for another session. Or else *REJECT says so. */
bool launcher_check_room(bool room, struct reject *reject) __attribute__((warn_unused_result));
bool launcher_has_room(const struct launcher *launcher, struct reject *reject)
    __attribute__((warn_unused_result));

#endif
