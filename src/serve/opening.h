/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session that is being opened: from a request that was accepted to both sides of a session,
 * or to a rejection. The backend may have to be connected first; the exchange waits for it. How
 * the client is talked to is its user's: a WebSocket, or an event stream.
 */
#ifndef SERVE_OPENING_H
#define SERVE_OPENING_H

#include "http/exchange.h"
#include "serve/launch.h"
#include "session/session.h"

/* What openings need from the server; all borrowed for longer than they live. */
struct opening_context {
	struct launcher launcher;
	struct list *sessions;
	struct list *openings; /* those whose backend is being connected */
};

struct opening;
struct opening_ops {
	/* The peer of SESSION, which counts what it sends in SENT. NULL without memory. */
	struct peer *(*make_peer)(
	    struct opening *o, struct session *session, struct peer_counts *sent);
	/* Both sides run: the exchange becomes the peer's. */
	void (*begin)(struct opening *o, struct peer *peer);
	/* There is no session: the exchange gets a response. */
	void (*reject)(struct opening *o, const struct reject *reject);
	/* The last call. */
	void (*free)(struct opening *o);
};

/* Embedded in what its user keeps. */
struct opening {
	struct list node; /* in context->openings */
	const struct opening_ops *ops;
	const struct opening_context *context; /* borrowed, as EXCHANGE */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange;
	struct sockaddr_storage local; /* for the PROXY protocol only */
	struct stream_cert client; /* owned */
	struct env_request request;
	struct launch launch;
	/* For the log; set by its user. */
	enum session_via via;
	struct span extensions; /* that were agreed on */
	struct span offered; /* the client's first subprotocol, if none was selected */
};

/* PATH is the decoded path, borrowed until the caller returns to the loop. */
void opening_init(struct opening *o, const struct opening_ops *ops,
    const struct opening_context *context, struct endpoint *endpoint, struct exchange *exchange,
    const char *path);

/* Opens the session, now or later: begin or reject is called, and free. */
void opening_start(struct opening *o);

/* Frees what it holds; for ops.free, and before opening_start(). */
void opening_clear(struct opening *o);

/* Rejects those whose backend is being connected: the server goes away. */
void opening_drain_all(const struct opening_context *context);

#endif
