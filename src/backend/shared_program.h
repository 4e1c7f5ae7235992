/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A shared program, here or on another node, with its input and output while it runs: messages
 * of the members and of other nodes' clients, and its output. The user decides when it starts
 * and ends (backend/shared).
 *
 * Input that arrives while no program runs, or while a program without clients is ending, is
 * for the next program.
 */
#ifndef BACKEND_SHARED_PROGRAM_H
#define BACKEND_SHARED_PROGRAM_H

#include "backend/members.h"
#include "backend/shared_bus.h"
#include "backend/shared_input.h"
#include "backend/shared_output.h"
#include "backend/shared_rules.h"
#include "base/log.h"

/* No handler is called from inside a function of this header, except shared_program_start() and
 * shared_program_gone(). */
struct shared_program_handlers {
	/* As program_start(). */
	struct backend *(*start)(
	    void *arg, const struct backend_handlers *handlers, void *program, int *error);
	/* As for a backend. If the program is GONE, call shared_program_gone(). */
	void (*on_changed)(void *arg);
	/* A member has left. */
	void (*on_left)(void *arg);
	/* As in struct shared_bus_handlers. */
	void (*on_bus_changed)(void *arg);
	void (*on_failed)(void *arg, int error);
};

/* Embedded in its user, which may read it. */
struct shared_program {
	struct loop *loop; /* borrowed, as the next four */
	const struct shared_rules *rules;
	const char *name; /* endpoint name, for the log */
	const struct shared_program_handlers *handlers;
	void *arg;
	struct backend *backend; /* owned; NULL: no program runs */
	struct members members;
	struct shared_bus bus;
	struct shared_input input; /* for this program, or for the next one */
	struct shared_output output;
	struct log_limit stderr_limit;
	bool retired; /* accept no more clients; set by the user */
	bool ending; /* we have ended the program */
	bool passes; /* input from now on is for the next program */
	bool kept; /* keep its clients for the next program, though it did not exit by itself */
	bool blocked; /* a client reads too slowly */
	bool had_client; /* this program has had a client */
};

/* The user must set RULES, NAME, HANDLERS and ARG before. Returns false if out of memory. */
bool shared_program_init(struct shared_program *program, struct loop *loop, struct bus *bus,
    const struct bus_topic_spec *topic) __attribute__((warn_unused_result));
void shared_program_clear(struct shared_program *program);

/* Replaces rules and name; the rules must be equal to the present ones. */
void shared_program_set_rules(
    struct shared_program *program, const struct shared_rules *rules, const char *name);

/* Returns true if the program must run even without clients. */
static inline bool
shared_program_is_always(const struct shared_program *program)
{
	return program->rules->settings.begin == SHARED_ALWAYS && !program->retired;
}

/* Returns true if new clients must wait, because the program is ending or its next process is
 * starting. */
static inline bool
shared_program_must_wait(const struct shared_program *program)
{
	return program->ending || program->backend->state != BACKEND_RUNNING ||
	       (program->bus.remote && !shared_bus_has_program(&program->bus));
}

/* Starts the program here, or connects to that of the leader, and writes pending input to it.
 * Returns 0 or an errno; EAGAIN if no leader runs it. */
int shared_program_start(struct shared_program *program) __attribute__((warn_unused_result));

/* Ends the program. Does nothing if it is ending. */
void shared_program_end(struct shared_program *program);

/* Ends the program because another node leads. Its clients are kept for the next one. */
void shared_program_depose(struct shared_program *program);

/* Handles a program that is GONE: closes or keeps its clients, frees it, and sets BACKEND to
 * NULL. */
void shared_program_gone(struct shared_program *program);

/* Adds a member with this ID, whose open event is OPEN (empty afterwards). Returns NULL if out
 * of memory. */
struct backend *shared_program_join(struct shared_program *program, uint64_t id,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Pauses or resumes the reading of its output as required. */
void shared_program_set_reading(struct shared_program *program);

#endif
