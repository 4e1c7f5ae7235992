/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One HTTP/1.1 request and its response.
 *
 * A handler gets an exchange and responds before it returns or later. Meanwhile it may read the
 * request body, and write the response body piece by piece; backpressure means not reading, and
 * not writing while bytes are queued. The connection owns the exchange: the user's pointer is
 * valid until the user ends, aborts or upgrades the exchange, or on_gone is called. The request
 * is valid until that callback has returned to the loop, or exchange_redirect() was called.
 *
 * The exchange selects the framing of the response: its length if known, else chunks, or for
 * HTTP/1.0 the end of the connection. It also decides whether the connection persists: not if a
 * request body was not read before the response began. A response to HEAD, a 204 and a 304 have
 * no body; body bytes are then dropped.
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

/* Handlers may call any function below. They are never called from inside a function of this
 * header. */
struct exchange_handlers {
	/* Content of the request body, at most LOOP_BATCH bytes; consume all of it. */
	void (*on_body)(void *arg, struct span bytes);
	/* The body is complete; called once, even if there is none. */
	void (*on_body_end)(void *arg);
	/* Part or all of the queue was sent. May be NULL. */
	void (*on_drained)(void *arg);
	/* The client sends no more. It may still read, but most likely it has closed the
	 * connection. NULL: ignored. */
	void (*on_half_closed)(void *arg);
	/* The exchange is over: the client has disconnected, its body is malformed, or the
	 * connection was closed for another reason, which has been logged. Also detected while
	 * reading is paused. */
	void (*on_gone)(void *arg);
};

/* Sets the handlers; required if the user does not end the exchange before returning. HANDLERS
 * and ARG are borrowed until the exchange is over. */
void exchange_set_handlers(
    struct exchange *exchange, const struct exchange_handlers *handlers, void *arg);

const struct request *exchange_request(const struct exchange *exchange);

/* Returns the client that sent the request. */
const struct client *exchange_client(const struct exchange *exchange);

/* Returns the stream, to query its certificate and local address. */
const struct stream *exchange_stream(const struct exchange *exchange);

struct loop *exchange_loop(const struct exchange *exchange);

/* Sets the authenticated client. Takes the contents of IDENTITY; a redirect clears it. */
void exchange_set_identity_take(struct exchange *exchange, struct identity *identity);

/* Returns the identity, borrowed until a redirect, or until the exchange is over and its user
 * has returned to the loop. */
const struct identity *exchange_identity(const struct exchange *exchange);

/* Returns true if the client is on this machine and no proxy forwarded its request. */
bool exchange_is_local(const struct exchange *exchange);

/* Suppresses the log line of the response: the caller writes one. */
void exchange_set_logged(struct exchange *exchange);

/* Enables or disables on_body and on_body_end; disabled at first. The first enabling sends the
 * 100 that the client may be waiting for. */
void exchange_set_reading(struct exchange *exchange, bool on);

/* Logs a response with STATUS now; REASON may be NULL. */
void exchange_log_reply(struct exchange *exchange, int status, const char *reason);

/*
 * Whole responses. Each function ends the exchange.
 */

/* Sends a short text: the status, and REASON if exchange_is_local(). FIELDS as in struct reply.
 * Logs REASON, which may be NULL. */
void exchange_reply_status(
    struct exchange *exchange, int status, const char *fields, const char *reason);

/* Like exchange_reply_status(), but with TEXT in place of REASON in the body for any client,
 * unless TEXT is NULL. */
void exchange_reply_text(struct exchange *exchange, int status, const char *fields,
    const char *reason, const char *text);

/* Sends REPLY with BODY, whose length is used unless the response has no body. */
void exchange_reply(struct exchange *exchange, const struct reply *reply, struct span body);

/*
 * Responses in pieces.
 */

/* Sends the head of REPLY, and FIRST, the first piece of the body, which may be empty. */
void exchange_begin(struct exchange *exchange, const struct reply *reply, struct span first);

/* Sends a piece, now or later. Bytes beyond the length of the reply are dropped, which is
 * logged once. */
void exchange_write(struct exchange *exchange, const void *bytes, size_t len);

/* Sends at most LEN bytes of a file without copying them, and returns the number sent. 0: not
 * possible now, or never for this response; use exchange_write(). */
size_t exchange_send_file(struct exchange *exchange, int fd, off_t offset, size_t len);

/* Restarts the minimum rate (net/rate.h) of a response that pauses; call before a piece that
 * follows a pause. */
void exchange_resume_rate(struct exchange *exchange);

/* Returns the bytes in the queue. Write while they are at most BUFFER_HIGH, then wait for
 * on_drained. */
size_t exchange_queued(const struct exchange *exchange);

/* Ends the body. If it is shorter than the length of the reply, this is exchange_abort(). */
void exchange_end(struct exchange *exchange);

/* Closes the connection at once, so that the client sees an incomplete response. Logs REASON
 * unless it is NULL. */
void exchange_abort(struct exchange *exchange, const char *reason);

/*
 * Replaces the request by one from the same client for the path and query TARGET on this host,
 * without a body (request_redirect()). The caller must dispatch it like a new request. Returns
 * false, without a change, if TARGET is malformed, memory runs out, or there were already
 * EXCHANGE_REDIRECTS_MAX redirects.
 */
enum { EXCHANGE_REDIRECTS_MAX = 10 };
bool exchange_redirect(struct exchange *exchange, struct span target)
    __attribute__((warn_unused_result));

/*
 * Transfers the stream to another protocol: the caller owns it and must set its handlers at
 * once. *REST is the bytes after the request, valid until the caller returns to the loop.
 */
struct stream *exchange_upgrade(struct exchange *exchange, struct span *rest);

/*
 * For http/connection, which runs one exchange after another over its stream.
 */

enum exchange_result {
	EXCHANGE_KEEP, /* the response has been sent; another request may follow */
	EXCHANGE_CLOSE, /* the response is queued, and the last one */
	EXCHANGE_LOST, /* close the stream at once */
	EXCHANGE_UPGRADED, /* the stream belongs to another protocol */
};

enum { EXCHANGE_STATUSES = 600 };

struct exchange_spec {
	struct loop *loop; /* borrowed */
	struct stream *stream; /* borrowed until ON_END; the exchange sets its handlers */
	const struct request *request; /* borrowed */
	const struct client *client; /* borrowed */
	struct buffer *rest; /* borrowed: bytes read after the head */
	/* Borrowed: number of responses to WebSocket requests, per status below
	 * EXCHANGE_STATUSES; NULL: not counted. */
	_Atomic uint64_t *handshakes;
	bool keep; /* false: the connection ends after this response */
	/* The exchange is over; may be called from inside the functions above. */
	void (*on_end)(void *owner, enum exchange_result result);
	void *owner;
};

/* Returns NULL if memory runs out. */
struct exchange *exchange_new(const struct exchange_spec *spec)
    __attribute__((warn_unused_result));

/* Starts waiting: the handler has returned, and the exchange is not over. */
void exchange_wait(struct exchange *exchange);

/* Closes the connection after this response. */
void exchange_close_after(struct exchange *exchange);

/* Ends the exchange with on_gone and EXCHANGE_LOST. Logs REASON unless it is NULL. */
void exchange_kill(struct exchange *exchange, const char *reason);

#endif
