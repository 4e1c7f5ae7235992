/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A persistent connection to a Redis server: connects, authenticates, checks the connection,
 * and reconnects after a failure, with a back-off. Commands are pipelined; replies arrive in
 * order.
 *
 * Uses hiredis for the protocol (its reader and formatter) over our own stream, because its own
 * connections look up names on the event loop, queue without limit, and abort the process
 * (assert) when a server sends an unexpected reply.
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
	REDIS_LINK_CONNECT_MS = 2 * 1000, /* timeout for connecting and authenticating */
	REDIS_LINK_PING_MS = 1000, /* interval of checks */
	REDIS_LINK_DEAD_MS = 3 * 1000, /* silence after which the connection is dropped */
	/* Delay after a failure; doubled for each further one until a check succeeds. */
	REDIS_LINK_RETRY_MS = 50,
	REDIS_LINK_RETRY_MAX_MS = 1600,
};

enum redis_link_kind {
	REDIS_LINK_COMMANDS, /* each command has a reply */
	REDIS_LINK_MESSAGES, /* for subscriptions: all replies are messages */
};

struct redis_link;

/* No handler is called from inside a function of this header. */
struct redis_link_handlers {
	/* Commands are accepted from now on. */
	void (*on_up)(void *arg);
	/* The connection is lost, with all pending replies. */
	void (*on_down)(void *arg);
	/* REDIS_LINK_MESSAGES: a message, which is an array. */
	void (*on_message)(void *arg, const struct redisReply *reply);
};

/* REPLY is valid during the call. */
typedef void redis_reply_handler(void *arg, const struct redisReply *reply);

/* Suppresses repeated log lines of the connections to one server. */
struct redis_link_log {
	char reason[256]; /* of the last failure; "": none since all links were up */
	const char *remedy; /* for REASON; or NULL */
	int64_t logged_ms;
};

struct redis_link_spec {
	struct loop *loop; /* all pointers are borrowed */
	struct lookup *lookup; /* may be NULL if the host is an address */
	const struct redis_url *url;
	enum redis_link_kind kind;
	/* There is always a blocking command, which blocks for less than REDIS_LINK_DEAD_MS, so
	 * no pings are sent. */
	bool blocks;
	struct redis_link_log *log;
	const struct redis_link_handlers *handlers;
	void *arg;
};

/* Begins to connect. Returns NULL if out of memory. */
struct redis_link *redis_link_new(const struct redis_link_spec *spec)
    __attribute__((warn_unused_result));

/* Closes and frees the link. Accepts NULL. */
void redis_link_free(struct redis_link *link);

bool redis_link_is_up(const struct redis_link *link);

/* Returns how often the connection was lost. */
uint64_t redis_link_losses(const struct redis_link *link);

/*
 * Sends a command if the link is up; else does nothing. If out of memory, on_down() follows.
 * HANDLER gets the reply, which may be an error. If HANDLER is NULL, or with
 * REDIS_LINK_MESSAGES, an error is passed to redis_link_fail() instead.
 */
enum { REDIS_LINK_ARGS_MAX = 16 };
void redis_link_send(struct redis_link *link, const struct span *args, int count,
    redis_reply_handler *handler, void *arg);

/* Drops the connection because of REPLY, logs that with a remedy, and reconnects. WHAT is the
 * subject of the log line. A handler must not use the link afterwards. */
void redis_link_fail(struct redis_link *link, const char *what, const struct redisReply *reply);

#endif
