/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer over plain HTTP, for clients that can't use a WebSocket. Messages to the client are
 * numbered records: events of an unbounded response (text/event-stream, HTML Living Standard,
 * section 9.2), or JSON objects that the client polls for, in arrays. Messages from the client
 * come in separate requests. After a lost connection the client has a time limit to reconnect,
 * and gets the records that it missed.
 *
 * Each stream begins with "event: open" and "data: {"session":"SESSION"}". Records have "id:
 * SESSION-N", followed by:
 *	text		"data: TEXT", once for each line
 *	text with a CR	"event: text-base64" and "data: BASE64", as a CR would end a line
 *	binary		"event: binary" and "data: BASE64"
 *	end		"event: close" and "data: {"code":1000,"reason":""}"
 *
 * The records of a poll are {"id":N,"type":"text","data":"..."}, the same with "binary" and
 * BASE64, and {"id":N,"type":"close","code":1000,"reason":""}.
 */
#ifndef PEER_EVENTS_H
#define PEER_EVENTS_H

#include "http/exchange.h"
#include "peer/event_input.h"
#include "peer/event_records.h"
#include "peer/events_room.h"
#include "peer/peer.h"

struct events_spec {
	struct loop *loop; /* borrowed, like FORMAT and SENT; outlives the peer */
	const struct batch_format *format; /* format of messages from the client */
	struct peer_counts *sent; /* for struct peer */
	enum events_form form;
	struct events_room *room; /* borrowed; outlives the peer */
	uint64_t max_message; /* limit of a message from the client in bytes; 0: none */
	/* Limit in bytes of the records that a stream keeps, and of a message in parts. */
	size_t max_kept;
	int64_t resume_ms; /* how long the client may be disconnected */
	int64_t idle_ms; /* idle timeout; 0: none, as for the next one */
	int64_t lifetime_ms;
	char id[EVENTS_ID_LEN + 1]; /* SESSION, as in the records */
	/* The user has finished the peer, which is kept for a client that may have missed the
	 * end. */
	void (*on_ended)(void *owner);
	/* Called once, when the peer is freed: the client can't reconnect any more. */
	void (*on_over)(void *owner);
	void *owner; /* borrowed */
};

/*
 * Creates a peer without a connection. HANDLERS and ARG are borrowed until it is finished or
 * freed. A finished peer lives on until its client has fetched the end, was disconnected for
 * RESUME_MS, or its memory is needed for others. Returns NULL if out of memory.
 */
struct peer *events_new(const struct events_spec *spec, const struct peer_handlers *handlers,
    void *arg) __attribute__((warn_unused_result));

/* Reports that the backend runs: handlers may be called from now on. Implied by
 * events_attach(). */
void events_start(struct peer *peer);

/* Frees the peer if its user has finished it. */
void events_abandon(struct peer *peer);

enum events_attached {
	/* The exchange is taken; its response has begun, or waits for records. */
	EVENTS_ATTACHED,
	EVENTS_DROPPED, /* records after AFTER are no longer kept */
	EVENTS_OVER, /* the client has fetched everything */
};

/*
 * Attaches an exchange, whose response gets the records after number AFTER and the header lines
 * FIELDS. Replaces and ends a previous exchange. The exchange remains the caller's unless
 * EVENTS_ATTACHED is returned. May call handlers.
 */
enum events_attached events_attach(
    struct peer *peer, struct exchange *exchange, uint64_t after, const char *fields);

/* Accepts messages from the client. May call handlers. */
enum events_posted events_post(
    struct peer *peer, enum events_kind kind, struct buffer *body, const char **why);

/* Closes the session on behalf of the client. May call handlers. */
void events_leave(struct peer *peer);

/* Closes the session because the client can no longer reach it. May call handlers. */
void events_end(struct peer *peer, uint16_t code, const char *constant_reason);

#endif
