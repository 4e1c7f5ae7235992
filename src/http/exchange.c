/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One HTTP request and its response. The state is that of the response; http/body_reader and
 * http/body_writer keep those of the bodies. Handlers must not be called from inside the public
 * functions, so that work is done in the exchange's task.
 */
#include "http/exchange.h"

#include "base/log.h"
#include "http/access_log.h"
#include "http/body_reader.h"
#include "http/body_writer.h"

#include <stdio.h>
#include <stdlib.h>

enum exchange_state {
	EXCHANGE_WAITING, /* waiting for the user's response */
	EXCHANGE_SENDING, /* the head has been written */
	EXCHANGE_FLUSHING, /* the response is complete, part of it is queued */
	EXCHANGE_OVER,
};

struct exchange {
	struct loop_deferred deferred; /* first: exchange_release() casts it back */
	struct exchange_spec spec;
	struct stream *stream; /* borrowed; NULL once the exchange is over */
	const struct exchange_handlers *handlers; /* borrowed; NULL: none */
	void *arg; /* borrowed: argument of the handlers */
	enum exchange_state state;
	struct loop_task turn;
	struct timer timer; /* for the rates */
	struct body_reader in;
	struct body_writer out; /* the task reports its failure */
	bool keep; /* whether the connection persists, as far as known */
	/* Owned: the request after a redirect; NULL: the client's. */
	struct request_redirect *redirect;
	unsigned int redirects;
	struct identity identity;
	bool logged; /* the user writes the log line */
};

static void
exchange_release(struct loop_deferred *deferred)
{
	struct exchange *x = (struct exchange *)(void *)deferred;

	timer_stop(&x->timer);
	request_redirect_free(x->redirect);
	identity_clear(&x->identity);
	free(x);
}

/* The only place where an exchange ends. */
static void
exchange_over(struct exchange *x, enum exchange_result result)
{
	x->state = EXCHANGE_OVER;
	x->stream = NULL;
	x->handlers = NULL;
	timer_stop(&x->timer);
	loop_cancel(&x->turn);
	loop_defer_free(x->spec.loop, &x->deferred, exchange_release);
	x->spec.on_end(x->spec.owner, result);
}

static void
exchange_log(const struct exchange *x, const char *event, int status, const char *reason)
{
	access_log_write(
	    event, x->spec.client, x->spec.request, x->identity.user, status, reason);
}

void
exchange_log_reply(struct exchange *x, int status, const char *reason)
{
	if (!x->logged)
		exchange_log(x, status < 400 ? "reply" : "rejected", status, reason);
	x->logged = true;
}

void
exchange_kill(struct exchange *x, const char *reason)
{
	const struct exchange_handlers *handlers = x->handlers;

	if (reason)
		exchange_log(x, "aborted", 0, reason);
	exchange_over(x, EXCHANGE_LOST);
	if (handlers)
		handlers->on_gone(x->arg);
}

/* Handles the loss of the client. */
static void
exchange_lose(struct exchange *x)
{
	exchange_kill(x, x->state == EXCHANGE_WAITING && !x->logged
			     ? "the client disconnected before the response"
			     : NULL);
}

/* Detaches the user, which has finished with the exchange. */
static void
exchange_finish(struct exchange *x)
{
	x->handlers = NULL;
	if (x->out.failed) {
		exchange_over(x, EXCHANGE_LOST);
	} else if (!x->keep) {
		exchange_over(x, EXCHANGE_CLOSE);
	} else if (stream_queued(x->stream) == 0) {
		exchange_over(x, EXCHANGE_KEEP);
	} else {
		x->state = EXCHANGE_FLUSHING;
		exchange_wait(x);
	}
}

static void
exchange_fail(struct exchange *x)
{
	x->out.failed = true;
	loop_defer(x->spec.loop, &x->turn);
}

/*
 * Request body
 */

static void
exchange_reject_body(struct exchange *x)
{
	const struct exchange_handlers *handlers = x->handlers;

	x->handlers = NULL;
	handlers->on_gone(x->arg);
	if (x->state == EXCHANGE_WAITING)
		exchange_reply_status(x, 400, NULL, x->in.reason);
	else
		exchange_kill(x, x->in.reason);
}

/* Reports the end of the body, unless the user has paused. */
static void
exchange_report_end(struct exchange *x)
{
	if (x->state != EXCHANGE_OVER && x->handlers && body_reader_take_end(&x->in))
		x->handlers->on_body_end(x->arg);
}

static void
exchange_on_readable(void *arg)
{
	struct exchange *x = arg;
	struct span content;

	switch (body_reader_read(&x->in, &content)) {
	case BODY_READER_CONTENT:
		if (content.len > 0)
			x->handlers->on_body(x->arg, content);
		exchange_report_end(x);
		if (x->state != EXCHANGE_OVER)
			body_reader_arm(&x->in);
		return;
	case BODY_READER_AGAIN:
		return;
	case BODY_READER_BAD:
		exchange_reject_body(x);
		return;
	case BODY_READER_FAILED:
		exchange_kill(x, x->in.reason);
		return;
	}
}

static void
exchange_on_turn(struct loop_task *task)
{
	struct exchange *x = LIST_ENTRY_OF(task, struct exchange, turn);

	if (x->out.failed)
		exchange_lose(x);
	else if (body_reader_is_pending(&x->in))
		exchange_on_readable(x);
	else
		exchange_report_end(x);
}

void
exchange_set_reading(struct exchange *x, bool on)
{
	static const char again[] = "HTTP/1.1 100 Continue\r\n\r\n";

	body_reader_set_wanted(&x->in, on);
	if (!on)
		return;
	if (!x->in.continued && x->state == EXCHANGE_WAITING && buffer_len(x->spec.rest) == 0 &&
	    !stream_write(x->stream, again, sizeof(again) - 1))
		exchange_fail(x);
	x->in.continued = true;
	timer_at(&x->timer, x->in.rate.due_ms);
	if (buffer_len(x->spec.rest) > 0 || x->in.done)
		loop_defer(x->spec.loop, &x->turn);
}

/*
 * Response
 */

/* Writes HEAD, a piece of the body, and its end if LAST. */
static void
exchange_send(struct exchange *x, struct span head, struct span piece, bool last)
{
	bool excess = x->out.excess;

	if (!body_writer_write(&x->out, head, piece, last))
		exchange_fail(x);
	if (x->out.excess && !excess)
		exchange_log(
		    x, "truncated", 0, "the response is longer than its Content-Length");
}

static void
exchange_count(const struct exchange *x, int status)
{
	const struct head *head = x->spec.request->head;

	if (x->spec.handshakes && head && head_has_token(head, "Upgrade", "websocket") &&
	    status < EXCHANGE_STATUSES)
		atomic_fetch_add(&x->spec.handshakes[status], 1);
}

/* Selects the framing of the response, and writes its head and the first piece. */
static void
exchange_start(struct exchange *x, const struct reply *reply, struct span first, bool whole)
{
	struct buffer head = {0};

	x->state = EXCHANGE_SENDING;
	body_writer_start(&x->out, x->spec.request, reply);
	/* RFC 9112, section 9.3: an unread body would be parsed as a request. */
	x->keep = x->keep && x->in.done && body_writer_is_delimited(&x->out);
	exchange_log_reply(x, reply->status, NULL);
	exchange_count(x, reply->status);
	if (reply_head(&head, reply, body_writer_connection(&x->out, x->keep)))
		exchange_send(x, (struct span){(char *)buffer_data(&head), buffer_len(&head)},
		    first, whole);
	else
		exchange_fail(x);
	buffer_clear(&head);
}

void
exchange_begin(struct exchange *x, const struct reply *reply, struct span first)
{
	exchange_start(x, reply, first, false);
	body_writer_start_rate(&x->out);
	timer_at(&x->timer, x->out.rate.due_ms);
}

void
exchange_write(struct exchange *x, const void *bytes, size_t len)
{
	exchange_send(x, (struct span){0}, (struct span){bytes, len}, false);
}

void
exchange_resume_rate(struct exchange *x)
{
	body_writer_resume_rate(&x->out);
}

size_t
exchange_send_file(struct exchange *x, int fd, off_t offset, size_t len)
{
	return body_writer_send_file(&x->out, fd, offset, len);
}

size_t
exchange_queued(const struct exchange *x)
{
	return stream_queued(x->stream);
}

void
exchange_end(struct exchange *x)
{
	if (body_writer_is_short(&x->out)) {
		exchange_abort(x, "the response is shorter than its Content-Length");
		return;
	}
	exchange_send(x, (struct span){0}, (struct span){0}, true);
	exchange_finish(x);
}

void
exchange_abort(struct exchange *x, const char *reason)
{
	x->handlers = NULL;
	exchange_kill(x, reason);
}

void
exchange_reply(struct exchange *x, const struct reply *reply, struct span body)
{
	exchange_start(x, reply, body, true);
	exchange_finish(x);
}

void
exchange_reply_text(
    struct exchange *x, int status, const char *fields, const char *reason, const char *text)
{
	struct reply reply = {
	    .status = status, .type = "text/plain; charset=utf-8", .fields = fields};
	char *body;
	int len;

	if (!text && exchange_is_local(x))
		text = reason;
	exchange_log_reply(x, status, reason);
	len = asprintf(&body, "%d %s\n%s%s%s", status, reply_reason(status), text ? "\n" : "",
	    text ? text : "", text ? "\n" : "");
	if (len == -1) {
		exchange_abort(x, "out of memory");
		return;
	}
	reply.length = len;
	exchange_reply(x, &reply, (struct span){body, (size_t)len});
	free(body);
}

void
exchange_reply_status(struct exchange *x, int status, const char *fields, const char *reason)
{
	exchange_reply_text(x, status, fields, reason, NULL);
}

bool
exchange_redirect(struct exchange *x, struct span target)
{
	struct request_redirect *to = calloc(1, sizeof(*to));

	if (!to || x->redirects == EXCHANGE_REDIRECTS_MAX ||
	    !request_redirect(to, x->spec.request, target)) {
		request_redirect_free(to);
		return false;
	}
	request_redirect_free(x->redirect);
	x->redirect = to;
	x->redirects++;
	x->spec.request = &to->request;
	x->handlers = NULL;
	identity_clear(&x->identity);
	exchange_set_reading(x, false);
	return true;
}

struct stream *
exchange_upgrade(struct exchange *x, struct span *rest)
{
	struct stream *stream = x->stream;

	rest->data = (const char *)buffer_data(x->spec.rest);
	rest->len = buffer_len(x->spec.rest);
	exchange_count(x, 101);
	exchange_over(x, EXCHANGE_UPGRADED);
	return stream;
}

/*
 * Events
 */

static void
exchange_on_drained(void *arg)
{
	struct exchange *x = arg;

	if (x->handlers && x->handlers->on_drained)
		x->handlers->on_drained(x->arg);
	else if (x->state == EXCHANGE_FLUSHING && stream_queued(x->stream) == 0)
		exchange_over(x, EXCHANGE_KEEP);
}

static void
exchange_on_gone(void *arg, enum stream_gone reason)
{
	struct exchange *x = arg;

	if (reason == STREAM_LOST)
		exchange_lose(x);
	else if (x->handlers && x->handlers->on_half_closed)
		x->handlers->on_half_closed(x->arg);
}

static void
exchange_on_timer(void *arg)
{
	struct exchange *x = arg;
	bool sends = x->state >= EXCHANGE_SENDING;
	const char *what = sends && body_writer_is_slow(&x->out) ? "reads"
			   : body_reader_is_slow(&x->in)	 ? "sends"
								 : NULL;
	char reason[80];

	if (what) {
		snprintf(reason, sizeof(reason), "the client %s less than %d bytes/s", what,
		    RATE_MIN);
		exchange_kill(x, reason);
		return;
	}
	if (sends)
		timer_at(&x->timer, x->out.rate.due_ms);
	if (body_reader_is_active(&x->in))
		timer_at(&x->timer, x->in.rate.due_ms);
}

static const struct stream_handlers exchange_stream_handlers = {
    .on_readable = exchange_on_readable,
    .on_drained = exchange_on_drained,
    .on_gone = exchange_on_gone,
};

struct exchange *
exchange_new(const struct exchange_spec *spec)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->spec = *spec;
	x->stream = spec->stream;
	x->keep = spec->keep && spec->request->keeps_alive;
	loop_task_init(&x->turn, exchange_on_turn);
	timer_init(&x->timer, &spec->loop->timers, exchange_on_timer, x);
	body_reader_init(&x->in, spec->request, spec->loop, spec->stream, spec->rest);
	body_writer_init(&x->out, spec->stream);
	stream_set_handlers(x->stream, &exchange_stream_handlers, x);
	return x;
}

void
exchange_wait(struct exchange *x)
{
	body_reader_arm(&x->in);
	if (x->state != EXCHANGE_FLUSHING)
		return;
	if (x->out.rate.due_ms == 0)
		body_writer_start_rate(&x->out);
	timer_at(&x->timer, x->out.rate.due_ms);
}

void
exchange_close_after(struct exchange *x)
{
	x->keep = false;
	if (x->state == EXCHANGE_FLUSHING)
		exchange_over(x, EXCHANGE_CLOSE);
}

void
exchange_set_handlers(struct exchange *x, const struct exchange_handlers *handlers, void *arg)
{
	x->handlers = handlers;
	x->arg = arg;
}

void
exchange_set_logged(struct exchange *x)
{
	x->logged = true;
}

const struct request *
exchange_request(const struct exchange *x)
{
	return x->spec.request;
}

const struct client *
exchange_client(const struct exchange *x)
{
	return x->spec.client;
}

const struct stream *
exchange_stream(const struct exchange *x)
{
	return x->stream;
}

struct loop *
exchange_loop(const struct exchange *x)
{
	return x->spec.loop;
}

void
exchange_set_identity_take(struct exchange *x, struct identity *identity)
{
	identity_clear(&x->identity);
	x->identity = *identity;
	*identity = (struct identity){0};
}

const struct identity *
exchange_identity(const struct exchange *x)
{
	return &x->identity;
}

bool
exchange_is_local(const struct exchange *x)
{
	return client_is_local(x->spec.client, x->spec.request->head);
}
