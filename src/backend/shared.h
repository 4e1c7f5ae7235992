/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program for many clients: its life. What they send to it and get of it is
 * backend/shared_program's. The members (backend/members) are what the sessions see; the
 * program itself is a backend as any other.
 *
 * It is started for the first client, ended some time after the last one, and started again
 * after an exit of its own once a client needs it, with a back-off. While it can't be started,
 * clients wait (shared_wait()).
 */
#ifndef BACKEND_SHARED_H
#define BACKEND_SHARED_H

#include "backend/shared_rules.h"
#include "bus/bus.h"
#include "net/loop.h"

#include <stdatomic.h>

enum {
	SHARED_BACKOFF_MS = 100, /* after an exit; doubled by each further one */
	SHARED_BACKOFF_MAX_MS = 30 * 1000,
	SHARED_STEADY_MS = 10 * 1000, /* one that has run for so long starts at once again */
};

/* What its user does for it. */
struct shared_handlers {
	/* As program_start(). */
	struct backend *(*start)(
	    void *arg, const struct backend_handlers *handlers, void *shared, int *error);
	/* It has a program or clients, or is about to have: it needs its rules from now on, or,
	 * last of all in a call from the loop, no more. */
	void (*hold)(void *arg);
	void (*release)(void *arg);
};

struct shared_spec {
	struct loop *loop; /* borrowed, as all of these, for longer than it lives */
	struct list *list; /* of all shared programs */
	struct bus *bus; /* joins it with those of other processes; NULL: there are none */
	struct bus_topic_spec topic; /* on it */
	atomic_size_t *clients; /* counts those of all shared programs; may be NULL */
	atomic_size_t *down; /* counts those that should run and do not; may be NULL */
	const struct shared_rules *rules;
	const char *name; /* of the endpoint, for the log */
	const struct shared_handlers *handlers;
	void *arg;
};

struct shared;

/* NULL without memory. */
struct shared *shared_new(const struct shared_spec *spec) __attribute__((warn_unused_result));

/* Another user takes it over, with rules that are equal to those until now: RULES, NAME and ARG
 * of SPEC. What the old one was held for goes on. */
void shared_adopt(struct shared *shared, const struct shared_spec *spec);

/* It holds nothing. Accepts NULL. */
void shared_free(struct shared *shared);

/* Whether there is room for another client. */
bool shared_has_room(const struct shared *shared);

/* A client that waits for the program. Embedded in its user. */
struct shared_wait {
	struct list node;
	struct shared *shared; /* borrowed; NULL: it does not wait */
	/* It may join; or with an errno, the program can't be started. */
	void (*done)(void *arg, int error);
	void *arg; /* borrowed */
};

/* Whether a client has to wait before shared_join(). */
bool shared_must_wait(const struct shared *shared);
void shared_wait(struct shared *shared, struct shared_wait *wait);
void shared_cancel(struct shared_wait *wait);

/* A backend for the client with this ID, which OPEN announces (it is empty afterwards). NULL:
 * the program could not be started, and *ERROR is the errno; EUSERS: there is no room. */
struct backend *shared_join(struct shared *shared, uint64_t id, struct buffer *open,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

/* Starts it if it is to run always. */
void shared_start(struct shared *shared);

/* No more clients will come: it ends with the last one. The second one is for a list. */
void shared_retire(struct shared *shared);
void shared_retire_all(struct list *list);

/* The clients of all in a list are about to be closed: they get what was read for them. */
void shared_flush_all(struct list *list);

/* All in a list end now: their clients are being closed. */
void shared_stop_all(struct list *list);

/* Whether one in a list holds its user. */
bool shared_in_use(const struct list *list);

#endif
