/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that can't use a WebSocket as a peer, over HTTP. Messages to it are numbered
 * records: events of a response that does not end (text/event-stream, HTML Living Standard,
 * section 9.2), or objects of JSON that it fetches in arrays. Messages from it come in requests
 * of their own. Its connections may break: it has a time to come back, and gets what it has
 * missed.
 *
 * A stream begins with "event: open" and "data: {"session":"SESSION"}", each time. Its records
 * have "id: SESSION-N", and for
 *	a text		"data: TEXT", for each line of it
 *	one with a CR	"event: text-base64" and "data: BASE64", as a CR would end a line
 *	a binary	"event: binary" and "data: BASE64"
 *	the end		"event: close" and "data: {"code":1000,"reason":""}"
 *
 * Those of a poll are {"id":N,"type":"text","data":"..."}, the same with "binary" and BASE64,
 * and {"id":N,"type":"close","code":1000,"reason":""}.
 */
#ifndef PEER_EVENTS_H
#define PEER_EVENTS_H

#include "http/exchange.h"
#include "peer/event_input.h"
#include "peer/event_records.h"
#include "peer/events_room.h"
#include "peer/peer.h"

struct events_spec {
	struct loop *loop; /* borrowed, as the next two, for longer than the peer */
	const struct batch_format *format; /* what messages from it are to be */
	struct peer_counts *sent; /* for struct peer */
	enum events_form form;
	struct events_room *room; /* borrowed likewise */
	uint64_t max_message; /* bytes of one from it; 0: no limit */
	size_t max_kept; /* bytes of records that a stream keeps; also of a message in parts */
	int64_t resume_ms; /* how long it may be without a connection */
	int64_t idle_ms; /* without a message in either direction; 0: no limit, as the next */
	int64_t lifetime_ms;
	char id[EVENTS_ID_LEN + 1]; /* SESSION */
	/* It is finished, but kept for a client that may have lost its end. */
	void (*on_ended)(void *owner);
	/* It is freed: nobody can come back to it. Called once. */
	void (*on_over)(void *owner);
	void *owner; /* borrowed */
};

/* A peer without a connection. HANDLERS and ARG are borrowed until it is finished or freed; it
 * may live on until its client has received the end, for RESUME_MS without a connection, or
 * until others need the room. NULL without memory. */
struct peer *events_new(const struct events_spec *spec, const struct peer_handlers *handlers,
    void *arg) __attribute__((warn_unused_result));

/* Its backend runs: handlers may be called from now on. events_attach() includes that. */
void events_start(struct peer *peer);

/* Frees a peer if its user has finished it. */
void events_abandon(struct peer *peer);

enum events_attached {
	EVENTS_ATTACHED, /* the exchange has its response, or will have it */
	EVENTS_DROPPED, /* records after AFTER are not kept any more */
	EVENTS_OVER, /* the client has got everything */
};

/*
 * Gives the peer an exchange whose response gets the records after number AFTER; another one
 * that it has ends. FIELDS are header lines of the response. Unless the result is ATTACHED, the
 * exchange is the caller's. Handlers may be called.
 */
enum events_attached events_attach(
    struct peer *peer, struct exchange *exchange, uint64_t after, const char *fields);

/* Messages from it. Handlers may be called. */
enum events_posted events_post(
    struct peer *peer, enum events_kind kind, struct buffer *body, const char **why);

/* It closes the session. Handlers may be called. */
void events_leave(struct peer *peer);

/* We close it, because its client can't reach it any more. Handlers may be called. */
void events_end(struct peer *peer, uint16_t code, const char *constant_reason);

#endif
