/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The response to one request of an MCP client: a single JSON object if it is the first message
 * and comes soon, otherwise an event stream with one message per event. A stream of a session
 * is numbered, survives its connection, and can be resumed with Last-Event-ID.
 *
 * Stream 0 of a session is not a response: it carries all messages that belong to no request.
 */
#ifndef SERVE_MCP_STREAM_H
#define SERVE_MCP_STREAM_H

#include "http/exchange.h"
#include "peer/replay.h"

enum {
	MCP_STREAM_BEGIN_MS = 1000, /* delay after which a stream begins without a response */
	MCP_STREAM_COMMENT_MS = 15 * 1000, /* idle time after which a comment is sent */
	MCP_STREAM_KEPT_MAX = 1 << 20, /* bytes of messages kept per stream */
	MCP_STREAM_ROOM = 64 << 20, /* bytes kept by all streams of a process */
	/* Maximum bytes of queued output when a message is sent; beyond that, disconnect. */
	MCP_STREAM_QUEUE_MAX = 1 << 20,
};

struct mcp_stream;
/* Never called from inside a function of this header. */
struct mcp_stream_handlers {
	/* The connection of STREAM is lost. */
	void (*on_gone)(struct mcp_stream *stream);
	/* The deadline of STREAM has passed; called once for each deadline. */
	void (*on_deadline)(struct mcp_stream *stream);
};

struct mcp_stream_spec {
	struct loop *loop; /* borrowed, as the fields up to ROOM */
	const struct mcp_stream_handlers *handlers;
	void *owner;
	size_t *room; /* bytes kept by all streams of the process */
	uint64_t number; /* number of the request to the program; 0: stream 0 */
	struct span id; /* the client's ID of the request and its token, as JSON; empty: none */
	struct span token;
	bool resumable;
};

struct mcp_stream {
	struct list node; /* in a list of its owner */
	struct mcp_stream_spec spec; /* ID and TOKEN are owned */
	struct exchange *exchange; /* borrowed; NULL: not connected */
	char *fields; /* owned: header lines of the response to EXCHANGE */
	struct replay replay; /* resumable streams only */
	size_t counted; /* bytes of REPLAY counted in *spec.room */
	struct timer timer;
	int64_t since_ms; /* when the connection was attached or last written to */
	int64_t deadline_ms; /* 0: none */
	bool begun; /* a client has seen it as an event stream */
	bool primes; /* the client understands an event without data (2025-11-25) */
	bool over; /* set by the owner: no message follows the kept ones */
	bool lists; /* the request is tools/list */
	bool logs; /* the request asked for notifications/message */
	/* Borrowed: header line with the session ID, for the response to initialize. That
	 * stream begins with the header, as the result comes later. NULL: another request. */
	const char *session;
};

/* Returns a stream without a connection, or NULL if memory runs out. */
struct mcp_stream *mcp_stream_new(const struct mcp_stream_spec *spec)
    __attribute__((warn_unused_result));

/* Attaches EXCHANGE, whose response gets FIELDS (whole header lines), and ends a previously
 * attached one. A stream that has begun resumes after event AFTER, or with the oldest one kept;
 * with MCP_STREAM_CONTINUE, it resumes with the messages not sent yet. */
#define MCP_STREAM_CONTINUE UINT64_MAX
void mcp_stream_attach(
    struct mcp_stream *stream, struct exchange *exchange, const char *fields, uint64_t after);

/* Adds header lines to a response that has not begun. */
void mcp_stream_add_fields(struct mcp_stream *stream, const char *fields);

/* Sends a message, which is one line. Returns false if the client does not read and was
 * disconnected. */
bool mcp_stream_send(struct mcp_stream *stream, struct span message);

/* Aborts the response because a message was lost, so that the client sees an incomplete
 * response. */
void mcp_stream_abort(struct mcp_stream *stream, const char *reason);

/* Sends the last message. STATUS applies if the response has not begun. Returns as
 * mcp_stream_send(). */
bool mcp_stream_respond(struct mcp_stream *stream, struct span message, int status);

void mcp_stream_set_deadline(struct mcp_stream *stream, int64_t deadline_ms);

/* Ends a response that has begun, or else drops the connection, and frees STREAM. */
void mcp_stream_free(struct mcp_stream *stream);

#endif
