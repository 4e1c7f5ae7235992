/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that clients share, and what goes to and from it while it runs: messages of the
 * members and of the clients of other nodes, and its output. It runs here, or on another node.
 * Its user decides when it is to start and to end (backend/shared).
 *
 * What clients send while no program runs, or while it ends without clients, is for the next
 * one.
 */
#ifndef BACKEND_SHARED_PROGRAM_H
#define BACKEND_SHARED_PROGRAM_H

#include "backend/members.h"
#include "backend/shared_bus.h"
#include "backend/shared_input.h"
#include "backend/shared_output.h"
#include "backend/shared_rules.h"
#include "base/log.h"

/* None is called from inside a function of this header but shared_program_start() and
 * shared_program_gone(). */
struct shared_program_handlers {
	/* As program_start(). */
	struct backend *(*start)(
	    void *arg, const struct backend_handlers *handlers, void *program, int *error);
	/* As that of a backend. If it is GONE, shared_program_gone() has to follow. */
	void (*on_changed)(void *arg);
	/* A member has left. */
	void (*on_left)(void *arg);
	/* As those of shared_bus. */
	void (*on_bus_changed)(void *arg);
	void (*on_failed)(void *arg, int error);
};

/* Embedded in its user, which reads it. */
struct shared_program {
	struct loop *loop; /* borrowed, as the next four */
	const struct shared_rules *rules;
	const char *name; /* of the endpoint, for the log */
	const struct shared_program_handlers *handlers;
	void *arg;
	struct backend *backend; /* owned; NULL: none runs */
	struct members members;
	struct shared_bus bus;
	struct shared_input input; /* for this one, or for the next one */
	struct shared_output output;
	struct log_limit stderr_limit;
	bool retired; /* no more clients will come: set by the user */
	bool ending; /* we have ended it */
	bool passes; /* what clients send from here on is for the next one */
	bool kept; /* its clients wait for the next one, though it did not end by itself */
	bool blocked; /* by a client that reads too slowly */
	bool had_client; /* in the life of this one */
};

/* RULES, NAME, HANDLERS and ARG are set by the user. False without memory. */
bool shared_program_init(struct shared_program *program, struct loop *loop, struct bus *bus,
    const struct bus_topic_spec *topic) __attribute__((warn_unused_result));
void shared_program_clear(struct shared_program *program);

/* The rules and the name are others, which are equal to those until now. */
void shared_program_set_rules(
    struct shared_program *program, const struct shared_rules *rules, const char *name);

/* Whether it runs without clients, too. */
static inline bool
shared_program_is_always(const struct shared_program *program)
{
	return program->rules->settings.begin == SHARED_ALWAYS && !program->retired;
}

/* Whether new clients have to wait: it is about to end, or its next process to start. */
static inline bool
shared_program_must_wait(const struct shared_program *program)
{
	return program->ending || program->backend->state != BACKEND_RUNNING ||
	       (program->bus.remote && !shared_bus_has_program(&program->bus));
}

/* Starts it here, or connects to that of the leader. It gets what waits for it. 0, or an errno:
 * EAGAIN if no leader runs it. */
int shared_program_start(struct shared_program *program) __attribute__((warn_unused_result));

/* Ends it, once. */
void shared_program_end(struct shared_program *program);

/* Ends it, as another node leads: the clients of this one are kept for the next one. */
void shared_program_depose(struct shared_program *program);

/* It is GONE: its clients are closed, or kept. BACKEND is NULL afterwards. */
void shared_program_gone(struct shared_program *program);

/* A member with this ID, which OPEN announces (it is empty afterwards). NULL without memory. */
struct backend *shared_program_join(struct shared_program *program, uint64_t id,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Reads its output, or not, as it should be by now. */
void shared_program_set_reading(struct shared_program *program);

#endif
