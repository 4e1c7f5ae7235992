/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes messages of an MCP program to streams, by the number assigned to a request
 * (mcp_message_put()): it comes back as the ID of a response, a progress token or a
 * subscription ID. A message without such a number may go to any client of the session: it goes
 * to the stream of the only pending request, or to stream 0, or to the newest request.
 */
#ifndef SERVE_MCP_ROUTES_H
#define SERVE_MCP_ROUTES_H

#include "base/log.h"
#include "serve/mcp_ask.h"
#include "serve/mcp_message.h"
#include "serve/mcp_stream.h"

enum {
	MCP_FINISHED_MAX = 16, /* streams kept after their responses */
	MCP_FINISHED_MS = 60 * 1000, /* how long they are kept */
};

/* The protocol of the program, as far as it is known. */
enum mcp_era {
	MCP_ERA_SESSION, /* a version with sessions */
	MCP_ERA_ASKED, /* being queried (serve/mcp_ask.h) */
	MCP_ERA_STATELESS,
	MCP_ERA_LEGACY, /* not the stateless version */
};

/* The fields after OWNER are internal state; initialize them with zero bytes and
 * mcp_routes_init(). */
struct mcp_routes {
	struct loop *loop; /* borrowed, as ROOM and OWNER */
	size_t *room; /* shared with the streams */
	uint64_t log_id;
	int64_t idle_ms; /* timeout between two messages about a request; 0: none */
	bool stateless;
	const char *session; /* borrowed: header line for the response to initialize */
	/* Called when LINES, LEAVES or ERA changed, also from inside functions. */
	void (*wake)(void *owner);
	void *owner;
	struct list streams; /* oldest first */
	size_t pending; /* requests without a response */
	size_t finished; /* streams kept after their responses */
	uint64_t last; /* last number assigned to a request */
	struct mcp_ask ask; /* stateless programs only */
	enum mcp_era era;
	struct buffer lines; /* owned: messages for the program */
	bool leaves; /* the session must end */
	bool primes; /* the client understands an event without data */
	int64_t since_ms; /* time of the last event */
	int64_t begun_ms;
	struct log_limit limit;
};

/* Completes the initialization. Returns false if memory runs out. */
bool mcp_routes_init(struct mcp_routes *r) __attribute__((warn_unused_result));

/* Drops all connections and frees all streams. */
void mcp_routes_clear(struct mcp_routes *r);

/* Adds a stream for a request, not yet connected. Returns NULL if memory runs out. */
struct mcp_stream *mcp_routes_add(struct mcp_routes *r, const struct mcp_message *request)
    __attribute__((warn_unused_result));
void mcp_routes_remove(struct mcp_routes *r, struct mcp_stream *stream);

/* Find a stream by its number, or the newest pending one by the client's ID; NULL: not
 * found. */
struct mcp_stream *mcp_routes_find(const struct mcp_routes *r, uint64_t number);
struct mcp_stream *mcp_routes_find_id(const struct mcp_routes *r, struct span id);

/* Reports whether any stream has a connection. */
bool mcp_routes_are_connected(const struct mcp_routes *r);

/* Routes a message of the program; a malformed one is dropped. */
void mcp_routes_take(struct mcp_routes *r, struct span line);
void mcp_routes_drop(struct mcp_routes *r, const char *why, struct span line);

/* Sends an error to all pending requests, with STATUS where the response has not begun, and
 * ends all streams. */
void mcp_routes_fail(struct mcp_routes *r, int code, const char *text, int status);

/* Sets the era according to the responses of the program so far. */
void mcp_routes_decide(struct mcp_routes *r);

/* Sends an error to the request of STREAM and ends the stream. */
void mcp_routes_reject(
    struct mcp_routes *r, struct mcp_stream *stream, int code, const char *text, int status);

#endif
