/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client of a shared program: the backend of its session, with a queue of references to
 * what it has still to receive. The members of one program are in backend/members.h.
 *
 * A member is RUNNING until its session finishes it, and then GONE.
 */
#ifndef BACKEND_MEMBER_H
#define BACKEND_MEMBER_H

#include "backend/backend.h"
#include "base/list.h"
#include "net/loop.h"
#include "websocket/broadcast.h"

/* How to handle a client whose queue exceeds its limit. */
enum member_slow {
	MEMBER_CLOSE, /* close it with 1013 */
	MEMBER_DROP, /* drop messages for it until its queue is empty */
	MEMBER_BLOCK, /* pause the program: on_block() */
};

struct member_rules {
	int64_t queue_max; /* limit of a queue in bytes */
	enum member_slow slow;
	int64_t history; /* number of broadcast messages that a new member gets first */
	bool reports_dropped; /* tell the client how many messages were dropped */
};

struct member;

/* The program's side. No handler is called from inside a function of backend/members.h. */
struct member_handlers {
	/* As backend_write(), for MEMBER. */
	enum backend_result (*on_write)(void *arg, struct member *member, struct batch *batch);
	void (*on_flush)(void *arg);
	/* Returns the number of bytes queued for the program. */
	size_t (*queued)(void *arg);
	/* The client has disconnected with this code and reason. MEMBER was removed. */
	void (*on_left)(void *arg, struct member *member, uint16_t code, struct span reason);
	/* With MEMBER_BLOCK: the first queue exceeds its limit, or the last one no
	 * longer does. */
	void (*on_block)(void *arg, bool blocked);
	void (*on_dropped)(void *arg, struct member *member, uint64_t messages);
};

/* What the members of one program share. */
struct member_group {
	struct loop *loop; /* borrowed, as the next three */
	const struct member_rules *rules;
	const struct member_handlers *handlers;
	void *arg;
	/* Removes a member that is finished. */
	void (*remove)(struct member_group *group, struct member *member);
	struct list dirty; /* members with something to deliver */
	size_t blocking; /* number of members whose queue exceeds its limit */
};

/* Private to member.c and members.c. */
struct member {
	struct backend backend; /* first: member_of() casts to the container */
	struct member_group *group; /* borrowed; NULL once finished */
	struct member *next_in_table;
	uint64_t id;
	struct list node; /* in members->list; in no list at first, as the next two */
	struct list dirty; /* in group->dirty */
	struct list throttled; /* in members->throttled */
	struct buffer queue; /* owned: references to broadcasts */
	uint64_t queued; /* bytes of these */
	/* Bytes left of the first broadcast if a part of it was sent; else SIZE_MAX. */
	size_t left;
	uint64_t dropped; /* messages dropped since the queue was last empty */
	struct buffer open; /* owned: the open event */
	/* Owned: reason of the pending close, which follows the queue; NULL: none is
	 * pending. */
	char *reason;
	size_t reason_len;
	uint16_t code;
	bool drops; /* dropping messages until the queue is empty */
	bool blocks;
	bool freed;
	struct loop *loop; /* borrowed */
	union {
		/* For work that backend functions may not do themselves. */
		struct loop_task turn;
		struct loop_deferred deferred; /* once freed */
	};
};

/* Creates a member. Takes the contents of OPEN. Returns NULL if out of memory. */
struct member *member_new(struct member_group *group, uint64_t id, pid_t pid,
    struct buffer *open, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

uint64_t member_id(const struct member *m);
struct backend *member_backend(struct member *m);

/* Returns the OPEN of member_new(). */
struct span member_open(const struct member *m);

/* Queues messages, taking another reference, as far as the limit and the rules allow. */
void member_send(struct member *m, struct broadcast *b);

/* Queues messages, ignoring the limit and the rules: for messages older than the member. */
void member_push(struct member *m, struct broadcast *b);

/* Delivers what the client accepts. The session may finish and free the member. */
void member_deliver(struct member *m);

/* Closes the session of the member once its queue is empty. Only the first call counts. */
void member_close(struct member *m, uint16_t code, struct span reason);

#endif
