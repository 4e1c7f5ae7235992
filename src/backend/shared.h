/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life cycle of one program that many clients share. backend/shared_program handles its
 * input and output. Sessions see members (backend/members); the program itself is a backend
 * like any other.
 *
 * The program is started for the first client and ended some time after the last one has left.
 * If it exits by itself, it is restarted, with a back-off, when a client needs it. While it
 * can't be started, clients wait (shared_wait()).
 */
#ifndef BACKEND_SHARED_H
#define BACKEND_SHARED_H

#include "backend/shared_rules.h"
#include "bus/bus.h"
#include "net/loop.h"

#include <stdatomic.h>

enum {
	SHARED_BACKOFF_MS = 100, /* delay after an exit; doubled for each further one */
	SHARED_BACKOFF_MAX_MS = 30 * 1000,
	SHARED_STEADY_MS = 10 * 1000, /* run time after which the back-off is reset */
};

/* Provided by the user. */
struct shared_handlers {
	/* As program_start(). */
	struct backend *(*start)(
	    void *arg, const struct backend_handlers *handlers, void *shared, int *error);
	/*
	 * hold(): the user must keep its rules from now on, because there is, or will be, a
	 * program, a client or another node. release(): no longer; this is the last handler of
	 * a call from the loop.
	 */
	void (*hold)(void *arg);
	void (*release)(void *arg);
};

struct shared_spec {
	struct loop *loop; /* borrowed, like all pointers here; outlives the shared program */
	struct list *list; /* list of all shared programs */
	struct bus *bus; /* joins it with other processes; NULL: none */
	struct bus_topic_spec topic; /* its topic on BUS */
	atomic_size_t *clients; /* counter of the clients of all shared programs; may be NULL */
	/* Counter of the programs that should run but don't; may be NULL. */
	atomic_size_t *down;
	const struct shared_rules *rules;
	const char *name; /* endpoint name, for the log */
	const struct shared_handlers *handlers;
	void *arg;
};

struct shared;

/* Creates a shared program without starting it. Returns NULL if out of memory. */
struct shared *shared_new(const struct shared_spec *spec) __attribute__((warn_unused_result));

/* Passes the program to another user: RULES, which must be equal to the present ones, NAME and
 * ARG of SPEC. If a program runs, the old user stays held until it has ended. */
void shared_adopt(struct shared *shared, const struct shared_spec *spec);

/* Frees a shared program that has no program or clients and does not hold its user. Accepts
 * NULL. */
void shared_free(struct shared *shared);

/* Returns true if the client limit allows another client. */
bool shared_has_room(const struct shared *shared);

/* A client that waits for the program. Embedded in its user. */
struct shared_wait {
	struct list node;
	struct shared *shared; /* borrowed; NULL: not waiting */
	/* Called with 0 when the client may join, or with an errno if the program can't be
	 * started. */
	void (*done)(void *arg, int error);
	void *arg; /* borrowed */
};

/* Returns true if a client must call shared_wait() before shared_join(). */
bool shared_must_wait(const struct shared *shared);
void shared_wait(struct shared *shared, struct shared_wait *wait);
void shared_cancel(struct shared_wait *wait);

/* Joins the client ID, whose open event is OPEN (empty afterwards). Returns its backend, or
 * NULL with the errno of the start in *ERROR; EUSERS if the client limit is reached. */
struct backend *shared_join(struct shared *shared, uint64_t id, struct buffer *open,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

/* Starts the program if it must always run. */
void shared_start(struct shared *shared);

/* Accept no more clients: the program ends with the last one. */
void shared_retire(struct shared *shared);
void shared_retire_all(struct list *list);

/* Delivers pending messages of all programs in LIST, before their clients are closed. */
void shared_flush_all(struct list *list);

/* Ends all programs in LIST. The caller closes their clients. */
void shared_stop_all(struct list *list);

/* Returns true if a shared program in LIST holds its user. */
bool shared_in_use(const struct list *list);

#endif
