/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a Redis server that is kept: connected, authenticated, checked, and connected
 * again after a failure, with a back-off. Commands are pipelined; replies come in their order.
 *
 * It is hiredis for the protocol (its reader and formatter) over a stream of ours, because its
 * own connection looks names up on the event loop, queues without a limit, and ends the process
 * (assert) when a server sends a reply that it does not expect.
 */
#ifndef BUS_REDIS_LINK_H
#define BUS_REDIS_LINK_H

#include "base/util.h"
#include "bus/redis_url.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct redisReply;

enum {
	REDIS_LINK_CONNECT_MS = 2 * 1000, /* for a connection to be made and authenticated */
	REDIS_LINK_PING_MS = 1000, /* between checks */
	REDIS_LINK_DEAD_MS = 3 * 1000, /* without a byte: it is given up */
	/* The first wait after a failure, doubled by each further one until a check passes. */
	REDIS_LINK_RETRY_MS = 50,
	REDIS_LINK_RETRY_MAX_MS = 1600,
};

enum redis_link_kind {
	REDIS_LINK_COMMANDS, /* each command has a reply */
	REDIS_LINK_MESSAGES, /* it subscribes: all replies are messages */
};

struct redis_link;

/* None is called from inside a function of this header. */
struct redis_link_handlers {
	/* Commands are accepted from now on. */
	void (*on_up)(void *arg);
	/* Replies to earlier commands will not come. */
	void (*on_down)(void *arg);
	/* Of REDIS_LINK_MESSAGES: an array. */
	void (*on_message)(void *arg, const struct redisReply *reply);
};

/* REPLY is valid during the call. */
typedef void redis_reply_handler(void *arg, const struct redisReply *reply);

/* What was logged of the connections to one server, so that they do not repeat each other. */
struct redis_link_log {
	char reason[256]; /* of the last failure; "": none since all were up */
	const char *remedy; /* for it, or NULL */
	int64_t logged_ms;
};

struct redis_link_spec {
	struct loop *loop; /* borrowed, as all of these */
	struct lookup *lookup; /* may be NULL if the host is an address */
	const struct redis_url *url;
	enum redis_link_kind kind;
	bool blocks; /* its commands wait at the server for less than REDIS_LINK_DEAD_MS: there
			is always one, and no other check */
	struct redis_link_log *log;
	const struct redis_link_handlers *handlers;
	void *arg;
};

/* Begins to connect. NULL without memory. */
struct redis_link *redis_link_new(const struct redis_link_spec *spec)
    __attribute__((warn_unused_result));

/* Accepts NULL. */
void redis_link_free(struct redis_link *link);

bool redis_link_is_up(const struct redis_link *link);

/* How often it was lost. */
uint64_t redis_link_losses(const struct redis_link *link);

/*
 * Sends a command while it is up; else, or without memory, nothing happens but, later,
 * on_down(). HANDLER gets the reply, an error as well. NULL, and with REDIS_LINK_MESSAGES: none
 * does, but an error is handled by redis_link_fail().
 */
enum { REDIS_LINK_ARGS_MAX = 16 };
void redis_link_send(struct redis_link *link, const struct span *args, int count,
    redis_reply_handler *handler, void *arg);

/* Gives the connection up because of a reply, which is logged with a remedy, and connects
 * again. WHAT is the subject of the log line. Call nothing of this link after it in a handler.
 */
void redis_link_fail(struct redis_link *link, const char *what, const struct redisReply *reply);

#endif
