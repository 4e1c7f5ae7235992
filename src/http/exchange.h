/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its response, over HTTP/1.1.
 *
 * A handler gets an exchange and responds before it returns or later. It may read the body of
 * the request meanwhile, and write that of the response, piece by piece; backpressure is not
 * reading, and not writing while bytes are queued. The exchange belongs to its connection: its
 * user's pointer is valid until the user ends, aborts or upgrades it, or on_gone is called. The
 * request is valid until that callback has returned to the loop, or exchange_redirect() was
 * called.
 *
 * The exchange decides how the response is framed: by its length if that is known, else in
 * chunks, or by the end of the connection for HTTP/1.0. It decides as well whether the
 * connection persists: not if a body was not read before the response began. A response to
 * HEAD, a 204 and a 304 have no body; what is written then is dropped.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/buffer.h"
#include "http/client.h"
#include "http/identity.h"
#include "http/reply.h"
#include "http/request.h"
#include "net/loop.h"
#include "net/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

/* A handler may call anything below. None is called from inside a function of this header. */
struct exchange_handlers {
	/* Content of the request's body, at most LOOP_BATCH bytes; take all of it. */
	void (*on_body)(void *arg, struct span bytes);
	/* The body is complete; called once, also if there is none. */
	void (*on_body_end)(void *arg);
	/* Part of the queue, or all of it, has been sent. May be NULL. */
	void (*on_drained)(void *arg);
	/* The client sends no more. It may still read, but most likely it has closed the
	 * connection. NULL: ignore it. */
	void (*on_half_closed)(void *arg);
	/* The client has disconnected, its body is malformed, or the connection was closed for
	 * another reason, which has been logged. The exchange is over; detected while paused,
	 * too. */
	void (*on_gone)(void *arg);
};

/* For a user that does not end the exchange before its handler returns. HANDLERS and ARG are
 * borrowed until the exchange is over. */
void exchange_set_handlers(
    struct exchange *exchange, const struct exchange_handlers *handlers, void *arg);

const struct request *exchange_request(const struct exchange *exchange);

/* Who sent it. */
const struct client *exchange_client(const struct exchange *exchange);

/* For its facts that are not of the client: its certificate and the local address. */
const struct stream *exchange_stream(const struct exchange *exchange);

struct loop *exchange_loop(const struct exchange *exchange);

/* The client has authenticated. Takes what IDENTITY owns; a redirect ends it. */
void exchange_set_identity_take(struct exchange *exchange, struct identity *identity);

/* Borrowed until then, and until the exchange is over and its user has returned to the loop. */
const struct identity *exchange_identity(const struct exchange *exchange);

/* True when the client is on this machine, and no proxy forwarded its request. */
bool exchange_is_local(const struct exchange *exchange);

/* The line of the log is the caller's: the response writes none. */
void exchange_set_logged(struct exchange *exchange);

/* Whether on_body and on_body_end are to be called; off at first. The first time sends the 100
 * that a client may wait for. */
void exchange_set_reading(struct exchange *exchange, bool on);

/* Writes the line of the log for a response with STATUS now; REASON may be NULL. */
void exchange_log_reply(struct exchange *exchange, int status, const char *reason);

/*
 * A whole response. Each ends the exchange.
 */

/* A short text: the status, and REASON if exchange_is_local(). FIELDS as in struct reply.
 * REASON, which may be NULL, is logged. */
void exchange_reply_status(
    struct exchange *exchange, int status, const char *fields, const char *reason);

/* The same with TEXT in place of REASON in the body, whoever the client is, unless it is NULL.
 */
void exchange_reply_text(struct exchange *exchange, int status, const char *fields,
    const char *reason, const char *text);

/* REPLY with BODY, which gives the length unless the response has no body. */
void exchange_reply(struct exchange *exchange, const struct reply *reply, struct span body);

/*
 * A response in pieces.
 */

/* Sends the head of REPLY and FIRST, the first piece of the body, which may be empty. */
void exchange_begin(struct exchange *exchange, const struct reply *reply, struct span first);

/* Sends a piece, now or later. Bytes beyond the length of the reply are dropped, which is
 * logged once. */
void exchange_write(struct exchange *exchange, const void *bytes, size_t len);

/* Sends at most LEN bytes of a file without copying them, and returns how many. 0: that is not
 * possible now, or never for this response; use exchange_write(). */
size_t exchange_send_file(struct exchange *exchange, int fd, off_t offset, size_t len);

/* For a response that pauses, before a piece that follows a pause: it must arrive at the
 * minimum rate (net/rate.h) from now on. */
void exchange_resume_rate(struct exchange *exchange);

/* Bytes in the queue. Write while it is at most BUFFER_HIGH, then wait for on_drained. */
size_t exchange_queued(const struct exchange *exchange);

/* The body is complete. If it is shorter than the length of the reply, this is
 * exchange_abort(). */
void exchange_end(struct exchange *exchange);

/* Closes the connection at once, so that the client sees an incomplete response. REASON is
 * logged unless it is NULL. */
void exchange_abort(struct exchange *exchange, const char *reason);

/*
 * Replaces the request by one for the path and query TARGET on this host, of the same client,
 * without a body (request_redirect()): what the response should be. The caller has it handled
 * as if it had just come. False: TARGET is malformed, there is no memory, or there were
 * EXCHANGE_REDIRECTS_MAX of them; nothing changed.
 */
enum { EXCHANGE_REDIRECTS_MAX = 10 };
bool exchange_redirect(struct exchange *exchange, struct span target)
    __attribute__((warn_unused_result));

/*
 * Gives the stream away to another protocol: the caller owns it and sets its handlers at once.
 * The bytes that followed the request go to *REST; they are valid until the caller returns to
 * the loop.
 */
struct stream *exchange_upgrade(struct exchange *exchange, struct span *rest);

/*
 * For http/connection, which runs one exchange after the other over its stream.
 */

enum exchange_result {
	EXCHANGE_KEEP, /* the response has been sent; another request may follow */
	EXCHANGE_CLOSE, /* the response is queued; it is the last one */
	EXCHANGE_LOST, /* close the stream at once */
	EXCHANGE_UPGRADED, /* the stream belongs to another protocol */
};

enum { EXCHANGE_STATUSES = 600 };

struct exchange_spec {
	struct loop *loop; /* borrowed */
	struct stream *stream; /* borrowed until ON_END; its handlers are the exchange's */
	const struct request *request; /* borrowed */
	const struct client *client; /* borrowed */
	struct buffer *rest; /* borrowed: what was read beyond the head */
	/* Borrowed: how many responses of each status below EXCHANGE_STATUSES there were to
	 * requests for a WebSocket; NULL: not counted. */
	_Atomic uint64_t *handshakes;
	bool keep; /* false: this is the last response of the connection */
	/* The exchange is over; may be called from inside the functions above. */
	void (*on_end)(void *owner, enum exchange_result result);
	void *owner;
};

/* NULL without memory. */
struct exchange *exchange_new(const struct exchange_spec *spec)
    __attribute__((warn_unused_result));

/* The handler has returned, and the exchange is not over. */
void exchange_wait(struct exchange *exchange);

/* This is the last response of the connection. */
void exchange_close_after(struct exchange *exchange);

/* Ends it, by on_gone, with EXCHANGE_LOST. REASON is logged unless it is NULL. */
void exchange_kill(struct exchange *exchange, const char *reason);

#endif
