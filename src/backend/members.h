/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of a program that they share: a member is the backend of one session, with a
 * queue of what it has still to get. What goes to many is in all queues at once, by reference.
 *
 * A member is RUNNING until its session finishes it, and then GONE.
 */
#ifndef BACKEND_MEMBERS_H
#define BACKEND_MEMBERS_H

#include "backend/backend.h"
#include "backend/history.h"
#include "base/list.h"
#include "net/loop.h"

/* What is done with a client whose queue exceeds its limit. */
enum members_slow {
	MEMBERS_CLOSE, /* it is closed with 1013 */
	MEMBERS_DROP, /* messages for it are dropped until its queue is empty */
	MEMBERS_BLOCK, /* on_block() */
};

struct members_rules {
	int64_t queue_max; /* bytes of a queue */
	enum members_slow slow;
	int64_t history; /* messages to all that a new member gets first */
	bool reports_dropped; /* it gets a message with their number */
};

struct member;

/* The program's side. None is called from inside a function of this header. */
struct members_handlers {
	/* As backend_write(), of a member. */
	enum backend_result (*on_write)(void *arg, struct member *member, struct batch *batch);
	void (*on_flush)(void *arg);
	/* Bytes that wait for the program. */
	size_t (*queued)(void *arg);
	/* Its client has disconnected, with this code and reason. It is no member any more. */
	void (*on_left)(void *arg, struct member *member, uint16_t code, struct span reason);
	/* Whether a queue exceeds its limit, with MEMBERS_BLOCK. */
	void (*on_block)(void *arg, bool blocked);
	void (*on_dropped)(void *arg, struct member *member, uint64_t messages);
};

/* Embedded in its user. */
struct members {
	struct loop *loop; /* borrowed, as the next three */
	const struct members_rules *rules;
	const struct members_handlers *handlers;
	void *arg;
	struct list list; /* all of them, in the order in which they came */
	struct list dirty; /* those that have something to deliver */
	struct list throttled; /* those whose clients wait for the program to read */
	struct member **table; /* owned: by ID */
	size_t table_size; /* a power of 2, or 0 */
	size_t count;
	size_t blocking; /* those whose queue exceeds its limit */
	struct history history; /* owned */
};

void members_init(struct members *members, struct loop *loop, const struct members_rules *rules,
    const struct members_handlers *handlers, void *arg);

/* There must be no member left. */
void members_clear(struct members *members);

/* A member with an ID that none of them has, and which gets the history. OPEN is kept with it
 * and empty afterwards; HANDLERS and ARG are borrowed. NULL without memory. */
struct backend *members_add(struct members *members, uint64_t id, pid_t pid,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

uint64_t member_id(const struct member *member);
struct backend *member_backend(struct member *member);

/* What members_add() was given as OPEN, and the next member. */
struct span member_open(const struct member *member);
struct member *members_first(const struct members *members);
struct member *members_next(const struct members *members, const struct member *member);

/* Those of the process FROM of the program are those of TO. */
void members_set_pid(struct members *members, pid_t from, pid_t to);

/* NULL: there is no such member. */
struct member *members_find(const struct members *members, uint64_t id);

/* Queues messages, which get another reference; members_flush() delivers them. */
void members_send(struct members *members, struct member *member, struct broadcast *b);

/* The same to all but those in EXCEPT (COUNT of them); with NULL they are history, too. */
void members_send_all(
    struct members *members, struct broadcast *b, struct member *const *except, size_t count);

void members_flush(struct members *members);

/* Closes a session once what is queued for it has been sent; the first call counts. */
void members_close(
    struct members *members, struct member *member, uint16_t code, struct span reason);

/* The client of MEMBER has to wait until members_resume(). */
void members_throttle(struct members *members, struct member *member);
void members_resume(struct members *members);

#endif
