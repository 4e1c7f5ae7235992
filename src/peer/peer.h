/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client: messages in, messages out, and a Close handshake. A session uses this interface
 * alone; peer/websocket is an implementation.
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "base/batch.h"
#include "base/util.h"

enum peer_state {
	PEER_OPEN,
	PEER_CLOSING, /* our Close is queued or sent, theirs is awaited */
	PEER_LEFT, /* nothing more comes from it: its Close, its end, or the deadline for it */
	PEER_GONE, /* the connection is lost, or closed by others */
};

/* A handler may call anything here, including peer_finish() and peer_free(). None is called
 * from inside a function of this header. */
struct peer_handlers {
	/* False: no more for now. What is left of a read is kept until reading is set again. */
	bool (*on_messages)(void *arg, struct batch *batch);
	/*
	 * It broke a rule (RFC 6455, section 7.1.7). What it sent before stays valid, and may
	 * be answered until on_grace_over; nothing after it is read.
	 */
	void (*on_violation)(void *arg, uint16_t code, const char *reason);
	void (*on_grace_over)(void *arg);
	/* It is to be closed: we are out of memory, or one of our time limits is over. */
	void (*on_error)(void *arg, uint16_t code, const char *reason);
	/* Its Close frame. */
	void (*on_close)(void *arg, uint16_t code, struct span reason);
	/* After each of these, and whenever the state, ENDING or the length of the queue has
	 * changed. */
	void (*on_changed)(void *arg);
};

/* Whole messages, the bytes in them, and those as they are sent. */
struct peer_counts {
	uint64_t messages;
	uint64_t bytes;
	uint64_t wire; /* counted with compression only */
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

/* Embedded in an implementation, first. What follows ARG is set by it and read by all. */
struct peer {
	const struct peer_ops *ops;
	const struct peer_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: the handlers' */
	const char *reason; /* why it is GONE; constant */
	struct peer_counts *sent; /* borrowed: what is sent is added to it */
	enum peer_state state : 8;
	bool reading;
	/* It has sent its end while nothing was read: what precedes that is bounded, and is
	 * still to be read. */
	bool ending;
	bool compresses;
	/* It may read nothing until it is read: a server that queues its answers. */
	bool is_server;
};

/*
 * Sends a batch, or one piece of a broadcast, with what is left in BATCH to be sent by further
 * calls; what is put together leaves with peer_flush(), which must follow before the return to
 * the loop. A single message, or a part of one, is UTF-8 if it is text. A batch with
 * a separator need not be: what is left in BATCH begins with a message that is not, and is not
 * sent.
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

/* The message that it sent last breaks a rule of ours: as on_violation, which is not called. */
static inline void
peer_violation(struct peer *peer)
{
	peer->ops->violation(peer);
}

/* Sends a Close, once. If theirs has come it is the answer, and peer_finish() should follow;
 * else the state becomes CLOSING. */
static inline void
peer_close(struct peer *peer, uint16_t code, struct span reason)
{
	peer->ops->close(peer, code, reason);
}

/* Messages come only while reading is on, at first off. */
static inline void
peer_set_reading(struct peer *peer, bool on)
{
	if (peer->reading != on)
		peer->ops->set_reading(peer, on);
}

/* Bytes that wait to be sent. */
static inline size_t
peer_queued(const struct peer *peer)
{
	return peer->ops->queued(peer);
}

/* Closes the connection once what is queued has arrived, and frees. */
static inline void
peer_finish(struct peer *peer)
{
	peer->ops->finish(peer);
}

/* Drops the connection, and frees. Accepts NULL. */
static inline void
peer_free(struct peer *peer)
{
	if (peer)
		peer->ops->free(peer);
}

#endif
