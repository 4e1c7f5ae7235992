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
 *
 * A session belongs to the endpoint and the user that opened it. Its ID is 128 random bits, and
 * whoever has it can use it.
 */
#ifndef SERVE_STREAMS_H
#define SERVE_STREAMS_H

#include "peer/events.h"
#include "serve/opening.h"

enum {
	STREAMS_BUCKETS = 1024,
	STREAMS_POST_MAX = 1 << 20, /* bytes of a request */
};

/* The sessions of a process. */
struct streams {
	struct list buckets[STREAMS_BUCKETS]; /* of struct streams_session, by ID */
	struct events_room room;
	bool alone; /* there are no other processes that a client could reach */
};

void streams_init(struct streams *streams, bool alone);

/* Frees what waits for clients to come back after their sessions have ended. */
void streams_clear(struct streams *streams);

/* Responds to a request for the script of pages, /-/wspipe.js or .mjs (js/). False: it is not
 * such a request. */
bool streams_serve_script(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path);

/* Responds to a request for the decoded PATH, now or later. False: it is not such a request. */
bool streams_serve(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
