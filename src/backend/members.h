/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of a program that they share (backend/member.h), by their IDs, and when they get
 * what goes to all of them.
 */
#ifndef BACKEND_MEMBERS_H
#define BACKEND_MEMBERS_H

#include "backend/history.h"
#include "backend/member.h"

/* Embedded in its user. */
struct members {
	struct member_group group;
	struct list list; /* all of them, in the order in which they came */
	struct list throttled; /* those whose clients wait for the program to read */
	struct member **table; /* owned: by ID */
	size_t table_size; /* a power of 2, or 0 */
	size_t count;
	struct history history; /* owned */
	struct broadcast *pending; /* owned: to all of them, and in no queue yet; or NULL */
	int64_t rest_until_ms; /* before, it is not delivered; 0: at any time */
	struct timer timer; /* while something is pending, or a member dirty, after a call */
};

void members_init(struct members *members, struct loop *loop, const struct member_rules *rules,
    const struct member_handlers *handlers, void *arg);

/* There must be no member left. */
void members_clear(struct members *members);

/* A member with an ID that none of them has, and which gets the history. OPEN is kept with it
 * and empty afterwards; HANDLERS and ARG are borrowed. NULL without memory. */
struct backend *members_add(struct members *members, uint64_t id, pid_t pid,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

struct member *members_first(const struct members *members);
struct member *members_next(const struct members *members, const struct member *member);

/* Those of the process FROM of the program are those of TO. */
void members_set_pid(struct members *members, pid_t from, pid_t to);

/* NULL: there is no such member. */
struct member *members_find(const struct members *members, uint64_t id);

/* Queues messages, which get another reference; members_flush() delivers them. */
void members_send(struct members *members, struct member *member, struct broadcast *b);

/* The same to all, also those that come later, as far as there is history. */
void members_send_all(struct members *members, struct broadcast *b);

/* The same to all but those in EXCEPT (COUNT of them). */
void members_send_but(
    struct members *members, struct broadcast *b, struct member *const *except, size_t count);

/* What goes to all may be delivered some milliseconds later, with more, if the delivery before
 * it took long; with the second one it is not. */
void members_flush(struct members *members);
void members_flush_now(struct members *members);

/* Closes a session once what is queued for it has been sent; the first call counts. */
void members_close(
    struct members *members, struct member *member, uint16_t code, struct span reason);

/* The client of MEMBER has to wait until members_resume(). */
void members_throttle(struct members *members, struct member *member);
void members_resume(struct members *members);

#endif
