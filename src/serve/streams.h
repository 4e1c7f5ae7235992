/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of clients without a WebSocket, over HTTP requests (peer/events.h):
 *
 *	GET PATH			with Accept: text/event-stream: opens a session, or
 *					resumes the one in Last-Event-ID; the response is
 *					the event stream
 *	POST PATH?poll			opens a session: {"session":"..."}
 *	GET PATH?poll&session=S&after=N	the messages after number N, or 204 after a timeout
 *	POST PATH			with Wspipe-Session or ?session=: one or more
 *					messages (a repeated request with the same
 *					Wspipe-Post: N counts once)
 *	DELETE PATH			with Wspipe-Session or ?session=: closes the session
 */
#ifndef SERVE_STREAMS_H
#define SERVE_STREAMS_H

#include "peer/events.h"
#include "serve/affinity.h"
#include "serve/opening.h"
#include "serve/session_table.h"

struct streams {
	struct session_table table;
	struct events_room room;
	size_t posted; /* bytes of requests being read */
	const struct affinity *affinity; /* borrowed */
};

/* Initializes STREAMS; AFFINITY is borrowed. */
void streams_init(struct streams *streams, const struct affinity *affinity);

/* Closes all sessions with 1012, because no client can reach them any more. */
void streams_finish(struct streams *streams);

/* Frees the data kept for clients that may reconnect after their sessions have ended. */
void streams_clear(struct streams *streams);

/* Responds to a CORS preflight request (Fetch standard), which carries no credentials. Returns
 * false if it is not a preflight, or not for this endpoint. */
bool streams_preflight(struct endpoint *endpoint, struct exchange *exchange, const char *path);

/* Relays a request for the decoded PATH to the worker that owns its session. Returns false if
 * this process must serve it. */
bool streams_relay(const struct streams *streams, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

/* Responds to a request for the decoded PATH, now or later. Returns false for other
 * requests. */
bool streams_serve(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
