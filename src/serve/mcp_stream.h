/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an MCP client gets in response to one request: one JSON object, if nothing precedes it
 * and it comes soon; else a stream of events, each of which is one message. That of a session
 * is numbered, outlives its connection, and is then resumed by Last-Event-ID.
 *
 * Stream 0 of a session responds to no message: it is for all that belongs to no request.
 */
#ifndef SERVE_MCP_STREAM_H
#define SERVE_MCP_STREAM_H

#include "http/exchange.h"
#include "peer/replay.h"

enum {
	MCP_STREAM_BEGIN_MS = 1000, /* how long a response may take until a stream begins */
	MCP_STREAM_COMMENT_MS = 15 * 1000, /* silence until a stream gets a comment */
	MCP_STREAM_KEPT_MAX = 1 << 20, /* bytes of messages that are kept */
	MCP_STREAM_ROOM = 64 << 20, /* likewise, of all streams of a process */
	MCP_STREAM_QUEUE_MAX = 1 << 20, /* bytes that wait to be sent before a message */
};

struct mcp_stream;
/* None is called from inside a function of this header. */
struct mcp_stream_handlers {
	/* Its connection is lost. */
	void (*on_gone)(struct mcp_stream *stream);
	/* Its deadline is over; called once for each. */
	void (*on_deadline)(struct mcp_stream *stream);
};

struct mcp_stream_spec {
	struct loop *loop; /* borrowed, as all to ROOM */
	const struct mcp_stream_handlers *handlers;
	void *owner;
	size_t *room; /* bytes that all streams of the process keep */
	uint64_t number; /* of the request to the program; 0: stream 0 */
	struct span id; /* the client's ID of the request and its token, as JSON; empty: none */
	struct span token;
	bool resumable;
};

struct mcp_stream {
	struct list node; /* its owner's */
	struct mcp_stream_spec spec; /* ID and TOKEN are owned */
	struct exchange *exchange; /* borrowed; NULL: there is no connection */
	char *fields; /* owned: header lines of the response of EXCHANGE */
	struct replay replay; /* if it is resumable */
	size_t counted; /* bytes of it in the room */
	struct timer timer;
	int64_t since_ms; /* when the connection came, or was last written to */
	int64_t deadline_ms; /* 0: none */
	bool begun; /* a client knows it as a stream of events */
	bool primes; /* a client understands an event without data (2025-11-25) */
	bool over; /* set by its owner: nothing follows what is kept */
	bool lists; /* the request is tools/list */
	bool logs; /* the request asked for notifications/message */
	/* Borrowed: a header line for the response to initialize, which names the session; a
	 * stream begins with it, as the result comes later. NULL: it is another request. */
	const char *session;
};

/* A stream without a connection. NULL without memory. */
struct mcp_stream *mcp_stream_new(const struct mcp_stream_spec *spec)
    __attribute__((warn_unused_result));

/* Gives it EXCHANGE, whose response gets FIELDS, whole header lines; another one that it has
 * ends. A stream that has begun continues after event AFTER, or with the oldest one kept;
 * MCP_STREAM_CONTINUE: with what has not been sent. */
#define MCP_STREAM_CONTINUE UINT64_MAX
void mcp_stream_attach(
    struct mcp_stream *stream, struct exchange *exchange, const char *fields, uint64_t after);

/* Adds header lines to a response that has not begun. */
void mcp_stream_add_fields(struct mcp_stream *stream, const char *fields);

/* Sends a message, which is one line. False: the client does not read, and was disconnected. */
bool mcp_stream_send(struct mcp_stream *stream, struct span message);

/* A message is lost: the client sees that its response is incomplete. */
void mcp_stream_abort(struct mcp_stream *stream, const char *reason);

/* Sends the last one. STATUS is that of a response which has not begun. */
bool mcp_stream_respond(struct mcp_stream *stream, struct span message, int status);

void mcp_stream_set_deadline(struct mcp_stream *stream, int64_t deadline_ms);

/* Ends the response that has begun, or drops the connection, and frees. */
void mcp_stream_free(struct mcp_stream *stream);

#endif
