/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of clients without a WebSocket, over requests (peer/events.h):
 *
 *	GET PATH			with Accept: text/event-stream: opens a session, or
 *					resumes that in Last-Event-ID; the response is the
 *					stream
 *	POST PATH?poll			opens a session: {"session":"..."}
 *	GET PATH?poll&session=S&after=N	the messages after number N, or 204 after a while
 *	POST PATH			with Wspipe-Session or ?session=: a message, or many
 *					(one with Wspipe-Post: N that is sent
 *					again counts once)
 *	DELETE PATH			likewise: closes the session
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
	size_t posted; /* bytes of requests that are being read */
	const struct affinity *affinity; /* borrowed */
};

/* AFFINITY is borrowed. */
void streams_init(struct streams *streams, const struct affinity *affinity);

/* Closes all sessions with 1012: no client can reach them any more. */
void streams_finish(struct streams *streams);

/* Frees what waits for clients to come back after their sessions have ended. */
void streams_clear(struct streams *streams);

/* Responds to a CORS preflight request (Fetch standard), which carries no credentials. False:
 * it is not one, or not for this endpoint. */
bool streams_preflight(struct endpoint *endpoint, struct exchange *exchange, const char *path);

/* Sees that the worker that has the session of a request for the decoded PATH serves it. False:
 * it is this one, or there is no session. */
bool streams_relay(const struct streams *streams, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

/* Responds to a request for the decoded PATH, now or later. False: it is not such a request. */
bool streams_serve(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
