/* SPDX-License-Identifier: BSD-2-Clause */
/* The process-wide state that starting a program needs, and the limits on programs and
 * sessions. */
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

/* The process-wide state that launches need. Pointers are borrowed and outlive every
 * backend. */
struct launcher {
	struct loop *loop;
	struct children *children;
	struct sockets *sockets;
	struct lookup *lookup; /* NULL if no endpoint needs it */
	struct limit *limit;
	const struct listeners *listeners; /* the first one is the address of shared programs */
	bool secure; /* clients connect over TLS */
	struct list *shared; /* all of struct shared */
	struct bus *bus; /* connects them with other processes; NULL: no bus */
	/* Other servers use the bus too: their messages count even without a client here. */
	bool bus_is_remote;
	/* Launch IDs are greater than this; NULL: greater than 0. */
	const _Atomic uint64_t *first_id;
	atomic_size_t *members; /* clients of shared programs, in this process */
	/* Shared programs that are not running in this process. While there are any, the server
	 * is not ready (--admin). */
	atomic_size_t *down;
	struct pools *pools; /* parked programs, ended to make room for others */
	struct buckets *buckets; /* shared by all serving processes */
	/* Limit on new sessions; may change at any time, as the next one. */
	struct bucket_rate rate;
	char retry[32]; /* Retry-After header line for clients that exceed RATE */
	_Atomic uint64_t *last_id; /* the last launch ID, shared by all serving processes */
};

/* Reports whether another program may be started, without ending a parked one. LAUNCHER is a
 * struct launcher; for pools.may_start. */
bool launcher_has_slot(void *launcher);

/* Sets the limit on the rate of new sessions per address. */
void launcher_set_rate(struct launcher *launcher, const struct bucket_rate *rate);

/* Reports whether another program may be started; ends a parked one if necessary. If not,
 * *REJECT is the error response. */
bool launcher_may_fork(const struct launcher *launcher, struct reject *reject)
    __attribute__((warn_unused_result));

/* Takes a rate-limit token from the client PEER. Must be the last limit checked: a request that
 * another limit rejects costs no token. Returns false with the error response in *REJECT. */
bool launcher_keeps_rate(const struct launcher *launcher, const struct sockaddr_storage *peer,
    struct reject *reject) __attribute__((warn_unused_result));

/* Returns the number of sessions. Session descriptors are reserved for programs and sockets;
 * clients waiting for a response use others. */
size_t launcher_count(const struct launcher *launcher);

/* Return whether descriptors for another session are available: ROOM, or by the limit. If not,
 * *REJECT is the error response. */
bool launcher_check_room(bool room, struct reject *reject) __attribute__((warn_unused_result));
bool launcher_has_room(const struct launcher *launcher, struct reject *reject)
    __attribute__((warn_unused_result));

#endif
