/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of a shared program (backend/member.h) by ID, and the schedule for delivering
 * broadcasts to them. */
#ifndef BACKEND_MEMBERS_H
#define BACKEND_MEMBERS_H

#include "backend/history.h"
#include "backend/member.h"

/* Embedded in its user. */
struct members {
	struct member_group group;
	struct list list; /* all members, in the order of their arrival */
	struct list throttled; /* members whose clients are paused until the program reads */
	struct member **table; /* owned: hash table by ID */
	size_t table_size; /* power of 2, or 0 */
	size_t count;
	struct history history; /* owned */
	/* Owned: broadcast to all members that is in no queue yet; or NULL. */
	struct broadcast *pending;
	int64_t rest_until_ms; /* when PENDING may be delivered; 0: at any time */
	struct timer timer; /* runs while a delivery is postponed */
};

void members_init(struct members *members, struct loop *loop, const struct member_rules *rules,
    const struct member_handlers *handlers, void *arg);

/* Frees the table, which must have no members. */
void members_clear(struct members *members);

/* Adds a member with an unused ID and queues the history for it. Takes the contents of OPEN.
 * HANDLERS and ARG are borrowed. Returns NULL if out of memory. */
struct backend *members_add(struct members *members, uint64_t id, pid_t pid,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

struct member *members_first(const struct members *members);
struct member *members_next(const struct members *members, const struct member *member);

/* Replaces the process ID FROM of members by TO. */
void members_set_pid(struct members *members, pid_t from, pid_t to);

/* Returns NULL if there is no such member. */
struct member *members_find(const struct members *members, uint64_t id);

/* Queues messages for one member, taking another reference. members_flush() delivers them. */
void members_send(struct members *members, struct member *member, struct broadcast *b);

/* Queues messages for all members, and for later members as far as the history goes. */
void members_send_all(struct members *members, struct broadcast *b);

/* Queues messages for all members except the COUNT members in EXCEPT. */
void members_send_but(
    struct members *members, struct broadcast *b, struct member *const *except, size_t count);

/*
 * Deliver what is queued. If the previous delivery to all took long, members_flush() may
 * postpone the next one by some milliseconds to combine messages; members_flush_now() does not.
 */
void members_flush(struct members *members);
void members_flush_now(struct members *members);

/* Closes a session once its queue has been sent. Only the first call counts. */
void members_close(
    struct members *members, struct member *member, uint16_t code, struct span reason);

/* Pauses the client of MEMBER until members_resume(). */
void members_throttle(struct members *members, struct member *member);
void members_resume(struct members *members);

#endif
