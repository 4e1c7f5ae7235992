/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which stream a message of an MCP program belongs to. It follows from the number that its
 * request has (mcp_message_put()): the ID of a response, a progress token, or a subscription
 * ID. A message without one is for any client of the session: it goes to the stream of the only
 * request that is pending, or to stream 0, or to the newest request.
 */
#ifndef SERVE_MCP_ROUTES_H
#define SERVE_MCP_ROUTES_H

#include "base/log.h"
#include "serve/mcp_ask.h"
#include "serve/mcp_message.h"
#include "serve/mcp_stream.h"

enum {
	MCP_FINISHED_MAX = 16, /* streams that are kept after their responses */
	MCP_FINISHED_MS = 60 * 1000, /* for so long */
};

/* What the program speaks, as far as that is known. */
enum mcp_era {
	MCP_ERA_SESSION, /* a version with sessions */
	MCP_ERA_ASKED, /* it is being asked (serve/mcp_ask.h) */
	MCP_ERA_STATELESS,
	MCP_ERA_LEGACY, /* not the stateless version */
};

/* Those after OWNER are its state: zero bytes and mcp_routes_init() are its beginning. */
struct mcp_routes {
	struct loop *loop; /* borrowed, as ROOM and OWNER */
	size_t *room; /* for the streams */
	uint64_t log_id;
	int64_t idle_ms; /* for the next message about a request; 0: no limit */
	bool stateless;
	const char *session; /* borrowed: a header line for the response to initialize */
	/* LINES, LEAVES or ERA have changed. Called from inside functions, too. */
	void (*wake)(void *owner);
	void *owner;
	struct list streams; /* the oldest first */
	size_t pending; /* requests without a response */
	size_t finished; /* streams that are kept all the same */
	uint64_t last; /* number of a request */
	struct mcp_ask ask; /* of a stateless program */
	enum mcp_era era;
	struct buffer lines; /* owned: messages for the program */
	bool leaves; /* the session can't go on */
	bool primes; /* a client understands an event without data */
	int64_t since_ms; /* the last event */
	int64_t begun_ms;
	struct log_limit limit;
};

/* False without memory. */
bool mcp_routes_init(struct mcp_routes *r) __attribute__((warn_unused_result));

/* Drops all connections. */
void mcp_routes_clear(struct mcp_routes *r);

/* Adds the stream of a request, without a connection. NULL without memory. */
struct mcp_stream *mcp_routes_add(struct mcp_routes *r, const struct mcp_message *request)
    __attribute__((warn_unused_result));
void mcp_routes_remove(struct mcp_routes *r, struct mcp_stream *stream);

/* By its number, or the pending one by the client's ID, the newest first; NULL: none. */
struct mcp_stream *mcp_routes_find(const struct mcp_routes *r, uint64_t number);
struct mcp_stream *mcp_routes_find_id(const struct mcp_routes *r, struct span id);

/* Whether any client waits for a message. */
bool mcp_routes_are_connected(const struct mcp_routes *r);

/* A message of the program. One that is malformed is dropped. */
void mcp_routes_take(struct mcp_routes *r, struct span line);
void mcp_routes_drop(struct mcp_routes *r, const char *why, struct span line);

/* All pending requests get an error, with STATUS unless a stream has begun; all streams end. */
void mcp_routes_fail(struct mcp_routes *r, int code, const char *text, int status);

/* Sets the era by what the program has responded so far. */
void mcp_routes_decide(struct mcp_routes *r);

/* A request gets an error, and its stream ends. */
void mcp_routes_reject(
    struct mcp_routes *r, struct mcp_stream *stream, int code, const char *text, int status);

#endif
