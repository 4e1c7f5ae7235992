/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client of a program that clients share: the backend of its session, with a queue of what
 * it has still to get, by reference. Of those of one program it is a member
 * (backend/members.h).
 *
 * A member is RUNNING until its session finishes it, and then GONE.
 */
#ifndef BACKEND_MEMBER_H
#define BACKEND_MEMBER_H

#include "backend/backend.h"
#include "base/list.h"
#include "net/loop.h"
#include "websocket/broadcast.h"

/* What is done with a client whose queue exceeds its limit. */
enum member_slow {
	MEMBER_CLOSE, /* it is closed with 1013 */
	MEMBER_DROP, /* messages for it are dropped until its queue is empty */
	MEMBER_BLOCK, /* on_block() */
};

struct member_rules {
	int64_t queue_max; /* bytes of a queue */
	enum member_slow slow;
	int64_t history; /* messages to all that a new member gets first */
	bool reports_dropped; /* it gets a message with their number */
};

struct member;

/* The program's side. None is called from inside a function of backend/members.h. */
struct member_handlers {
	/* As backend_write(), of a member. */
	enum backend_result (*on_write)(void *arg, struct member *member, struct batch *batch);
	void (*on_flush)(void *arg);
	/* Bytes that wait for the program. */
	size_t (*queued)(void *arg);
	/* Its client has disconnected, with this code and reason. It is no member any more. */
	void (*on_left)(void *arg, struct member *member, uint16_t code, struct span reason);
	/* Whether a queue exceeds its limit, with MEMBER_BLOCK. */
	void (*on_block)(void *arg, bool blocked);
	void (*on_dropped)(void *arg, struct member *member, uint64_t messages);
};

/* What all members of a program have in common. */
struct member_group {
	struct loop *loop; /* borrowed, as the next three */
	const struct member_rules *rules;
	const struct member_handlers *handlers;
	void *arg;
	void (*remove)(struct member_group *group, struct member *member); /* it is finished */
	struct list dirty; /* those that have something to deliver */
	size_t blocking; /* those whose queue exceeds its limit */
};

/* Of member.c and members.c alone. */
struct member {
	struct backend backend; /* first: member_of() casts it back */
	struct member_group *group; /* borrowed; NULL once it is finished */
	struct member *next_in_table;
	uint64_t id;
	struct list node; /* in members->list; in no list at first, as the next two */
	struct list dirty; /* in group->dirty */
	struct list throttled; /* in members->throttled */
	struct buffer queue; /* owned: references */
	uint64_t queued; /* bytes of these */
	size_t left; /* of the first one, of which a part was sent; else SIZE_MAX */
	uint64_t dropped; /* messages since its queue was empty */
	struct buffer open; /* owned */
	char *reason; /* owned: of a close that follows the queue; NULL: none does */
	size_t reason_len;
	uint16_t code;
	bool drops; /* until its queue is empty */
	bool blocks;
	bool freed;
	struct loop *loop; /* borrowed */
	union {
		struct loop_task turn; /* what can't be done inside a function of the backend */
		struct loop_deferred deferred; /* once it is freed */
	};
};

/* OPEN is kept with it and empty afterwards. NULL without memory. */
struct member *member_new(struct member_group *group, uint64_t id, pid_t pid,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

uint64_t member_id(const struct member *m);
struct backend *member_backend(struct member *m);

/* What member_new() was given as OPEN. */
struct span member_open(const struct member *m);

/* Queues messages, which get another reference, as far as its queue and the rules allow. */
void member_send(struct member *m, struct broadcast *b);

/* The same of messages that are older than the member, whatever they are. */
void member_push(struct member *m, struct broadcast *b);

/* Delivers what its client accepts. The session may finish the member, and free it. */
void member_deliver(struct member *m);

/* Closes its session once its queue is empty; the first call counts. */
void member_close(struct member *m, uint16_t code, struct span reason);

#endif
