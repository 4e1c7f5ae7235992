/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface to one client: messages in, messages out, and a Close handshake. A session uses
 * only this interface; peer/websocket and peer/events implement it. */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "base/batch.h"
#include "base/util.h"

enum peer_state {
	PEER_OPEN,
	PEER_CLOSING, /* our Close is queued or sent; waiting for the peer's */
	/* Nothing more is received: the peer has sent its Close or FIN, or a deadline
	 * expired. */
	PEER_LEFT,
	PEER_GONE, /* the connection is lost or released */
};

/* A handler may call anything here, including peer_finish() and peer_free(). No handler is
 * called from inside a function of this header. */
struct peer_handlers {
	/* Returns false to stop delivery; the rest of the read is kept until reading is set
	 * again. */
	bool (*on_messages)(void *arg, struct batch *batch);
	/*
	 * The peer broke a rule (RFC 6455, section 7.1.7). Messages received before remain
	 * valid and may be answered until on_grace_over; nothing received after the violation
	 * is processed.
	 */
	void (*on_violation)(void *arg, uint16_t code, const char *reason);
	void (*on_grace_over)(void *arg);
	/* The peer must be closed: we are out of memory, or one of our time limits has
	 * expired. */
	void (*on_error)(void *arg, uint16_t code, const char *reason);
	/* The peer has sent a Close frame. */
	void (*on_close)(void *arg, uint16_t code, struct span reason);
	/* Called after each of the above, and when the state, ENDING or the length of the queue
	 * has changed. */
	void (*on_changed)(void *arg);
};

/* Counts whole messages, their bytes, and their bytes on the wire. */
struct peer_counts {
	uint64_t messages;
	uint64_t bytes;
	uint64_t wire; /* only counted with compression */
};

struct peer;
struct peer_ops {
	void (*send)(struct peer *peer, struct batch *batch);
	void (*flush)(struct peer *peer);
	void (*violation)(struct peer *peer);
	void (*close)(struct peer *peer, uint16_t code, struct span reason);
	void (*set_reading)(struct peer *peer, bool on);
	size_t (*queued)(const struct peer *peer);
	void (*finish)(struct peer *peer);
	void (*free)(struct peer *peer);
};

/* Embedded as the first member of an implementation, which sets what follows ARG. Read-only for
 * others. */
struct peer {
	const struct peer_ops *ops;
	const struct peer_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: argument of the handlers */
	const char *reason; /* why the peer is GONE; constant */
	struct peer_counts *sent; /* borrowed: counts of what was sent */
	enum peer_state state : 8;
	bool reading;
	/* The peer has sent a FIN while it was not being read. The data before the FIN is
	 * bounded and must still be read. */
	bool ending;
	bool compresses;
	/* The peer is a server, which may stop reading until we read its answers. */
	bool is_server;
};

/*
 * Sends BATCH, or one piece of a broadcast; what remains in BATCH is for further calls. The
 * caller must call peer_flush() before returning to the loop. A single message, or a part of
 * one, must be UTF-8 if it is text. In a batch with a separator, the first message that is not
 * UTF-8 stops sending; BATCH then begins with it.
 */
static inline void
peer_send(struct peer *peer, struct batch *batch)
{
	peer->ops->send(peer, batch);
}

static inline void
peer_flush(struct peer *peer)
{
	peer->ops->flush(peer);
}

/* Reports that the last message from the peer breaks one of our rules. Has the effect of a
 * violation, without calling on_violation. */
static inline void
peer_violation(struct peer *peer)
{
	peer->ops->violation(peer);
}

/* Sends a Close; call it only once. If the peer's Close has been received, ours is the answer,
 * and peer_finish() should follow; otherwise the state becomes CLOSING. */
static inline void
peer_close(struct peer *peer, uint16_t code, struct span reason)
{
	peer->ops->close(peer, code, reason);
}

/* Starts or stops reading, which is off at first. Messages are only delivered while it
 * is on. */
static inline void
peer_set_reading(struct peer *peer, bool on)
{
	if (peer->reading != on)
		peer->ops->set_reading(peer, on);
}

/* Returns the number of bytes queued for the peer. */
static inline size_t
peer_queued(const struct peer *peer)
{
	return peer->ops->queued(peer);
}

/* Closes the connection once queued data has arrived, and frees the peer. */
static inline void
peer_finish(struct peer *peer)
{
	peer->ops->finish(peer);
}

/* Drops the connection and frees the peer. Accepts NULL. */
static inline void
peer_free(struct peer *peer)
{
	if (peer)
		peer->ops->free(peer);
}

#endif
