/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens a session: from an accepted request to both sides of a session, or to an error
 * response. While a backend is being connected, the exchange waits. The protocol spoken to the
 * client, a WebSocket or an event stream, is up to the user of this module.
 */
#ifndef SERVE_OPENING_H
#define SERVE_OPENING_H

#include "http/exchange.h"
#include "serve/launch.h"
#include "session/session.h"

/* The server state that openings need. All borrowed; outlives every opening. */
struct opening_context {
	struct launcher launcher;
	struct list *sessions;
	struct list *openings; /* openings whose backend is being connected */
};

struct opening;
struct opening_ops {
	/* Creates the peer of SESSION, which counts its output in SENT. Returns NULL if memory
	 * runs out. */
	struct peer *(*make_peer)(
	    struct opening *o, struct session *session, struct peer_counts *sent);
	/* Both sides are running: the peer takes the exchange. */
	void (*begin)(struct opening *o, struct peer *peer);
	/* The session was not opened: send the error response. */
	void (*reject)(struct opening *o, const struct reject *reject);
	/* Called last. */
	void (*free)(struct opening *o);
};

/* Embedded in the user's struct. */
struct opening {
	struct list node; /* in context->openings */
	const struct opening_ops *ops;
	const struct opening_context *context; /* borrowed, as EXCHANGE */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange;
	struct sockaddr_storage local; /* only for the PROXY protocol */
	struct stream_cert client; /* owned */
	struct env_request request;
	struct launch launch;
	/* For the log; set by the user. */
	enum session_via via;
	struct span extensions; /* the negotiated ones */
	struct span offered; /* the client's first offer, if no subprotocol was selected */
};

/* Initializes an opening. PATH is the decoded path, borrowed until the caller returns to the
 * loop. */
void opening_init(struct opening *o, const struct opening_ops *ops,
    const struct opening_context *context, struct endpoint *endpoint, struct exchange *exchange,
    const char *path);

/* Opens the session, now or later: calls begin or reject, then free. */
void opening_start(struct opening *o);

/* Frees the resources of O; for ops.free, or before opening_start(). */
void opening_clear(struct opening *o);

/* Rejects all openings whose backend is being connected: the server is shutting down. */
void opening_drain_all(const struct opening_context *context);

#endif
