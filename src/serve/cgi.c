/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CGI scripts: joins an exchange and a child.
 *
 * The state is that of the response. The exchange is over before the child as a rule: what the
 * script still writes is dropped then, until it is reaped. But a response that depends on how
 * the script ends (none was written, or a local redirect) waits for that.
 */
#include "serve/cgi.h"

#include "base/log.h"
#include "http/cgi_head.h"
#include "net/limit.h"
#include "session/session_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cgi_state {
	CGI_HEADER, /* the script's header is incomplete */
	CGI_EMPTY, /* its output has ended without one */
	CGI_REDIRECT, /* another path is served once it is reaped */
	CGI_BODY,
	CGI_OVER, /* there is no exchange */
};

struct cgi {
	union {
		struct list node; /* in context->running */
		struct loop_deferred deferred; /* once it is freed */
	};
	const struct cgi_context *context; /* borrowed */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange; /* borrowed; NULL: the response is over */
	struct child *child; /* owned */
	char *program; /* owned: the file */
	uint64_t id;
	enum cgi_state state;
	bool reaped;
	bool output_paused; /* the client has a full queue */
	bool body_paused; /* the script has */
	bool body_done; /* the request's body is complete */
	uint64_t received; /* bytes of it */
	struct cgi_head head; /* until its response begins */
	struct timer timer; /* for the header */
	struct loop_task turn; /* reads what a dead script left, and frees */
	struct log_limit stderr_limit;
};

static struct loop *
cgi_loop(const struct cgi *c)
{
	return c->context->launcher->loop;
}

static void
cgi_release(struct loop_deferred *deferred)
{
	struct cgi *c = LIST_ENTRY_OF(deferred, struct cgi, deferred);

	timer_stop(&c->timer);
	cgi_head_clear(&c->head);
	endpoint_unref(c->endpoint);
	free(c->program);
	free(c);
}

static void
cgi_free(struct cgi *c)
{
	loop_cancel(&c->turn);
	child_free(c->child);
	list_remove(&c->node);
	loop_defer_free(cgi_loop(c), &c->deferred, cgi_release);
}

static void
cgi_log_line(struct cgi *c, enum log_level level, const char *category, struct span text)
{
	if (!log_begin(level, category, c->id, text))
		return;
	log_text(c->endpoint->compat ? "cgiscript" : "program", span_of(c->program));
	log_end();
}

/* The response is over: gives its exchange to the caller, who ends it. */
static struct exchange *
cgi_detach(struct cgi *c)
{
	struct exchange *exchange = c->exchange;

	c->exchange = NULL;
	c->state = CGI_OVER;
	timer_stop(&c->timer);
	c->output_paused = false;
	if (c->reaped)
		loop_defer(cgi_loop(c), &c->turn);
	else
		child_set_reading(c->child, true);
	return exchange;
}

/* The script ends; its input may be incomplete. */
static void
cgi_end(struct cgi *c)
{
	if (c->body_done)
		child_end(c->child);
	else
		child_interrupt(c->child);
}

/* There is an error in place of the response, or of the rest of it. */
static void
cgi_fail(struct cgi *c, int status, const char *reason)
{
	bool begun = c->state == CGI_BODY;
	struct exchange *exchange = cgi_detach(c);

	cgi_end(c);
	if (c->endpoint->files.compat_scheme) /* which has no line of the exchange */
		cgi_log_line(c, LOG_ERROR, "http", span_of(reason));
	if (begun)
		exchange_abort(exchange, reason);
	else
		exchange_reply_status(exchange, status, c->endpoint->files.headers, reason);
}

/* 502: how it ended without a header. */
static void
cgi_fail_empty(struct cgi *c)
{
	const struct child_facts *facts = child_facts(c->child);
	const char *what = c->head.len == 0 ? "wrote nothing" : "did not finish its header";
	char reason[128];

	if (facts->by_signal)
		snprintf(reason, sizeof(reason), "the CGI script %s (signal %s)", what,
		    util_signal_name(facts->value));
	else
		snprintf(
		    reason, sizeof(reason), "the CGI script %s (exit %d)", what, facts->value);
	cgi_fail(c, 502, reason);
}

/* Runs what the script has redirected to, as if that had been requested. */
static void
cgi_redirect(struct cgi *c)
{
	struct exchange *exchange = cgi_detach(c);
	const struct cgi_context *context = c->context;

	limit_move(stream_slot(exchange_stream(exchange)), LIMIT_RESPONSE);
	if (exchange_redirect(exchange, span_of(c->head.location)))
		context->serve(context->arg, exchange);
	else
		exchange_reply_status(exchange, 502, c->endpoint->files.headers,
		    "the CGI script's Location is not a path, or one in a loop of redirects");
}

/*
 * Output.
 */

/* It writes no more, so it ends, if it has not yet. */
static void
cgi_end_output(struct cgi *c)
{
	child_end(c->child);
	if (c->state == CGI_BODY)
		exchange_end(cgi_detach(c));
	else if (c->state == CGI_HEADER)
		c->state = CGI_EMPTY;
	timer_stop(&c->timer);
}

/* The header is complete; BODY is what followed it. */
static void
cgi_begin(struct cgi *c, struct span body)
{
	struct reply reply = {
	    .status = cgi_head_status(&c->head),
	    .phrase = c->head.phrase,
	    .type = c->head.type,
	    .length = c->head.length,
	};
	struct buffer fields = {0};
	const char *headers = c->endpoint->files.headers;
	const struct buffer *own = &c->head.fields;
	bool ok;

	timer_stop(&c->timer);
	/* websocketd sends such a redirect to the client. */
	if (cgi_head_is_local_redirect(&c->head) && !c->endpoint->compat) {
		c->state = CGI_REDIRECT;
		child_end(c->child);
		return;
	}
	ok = buffer_append(&fields, headers, strlen(headers)) &&
	     buffer_append(&fields, buffer_data(own), buffer_len(own));
	if (c->head.location)
		ok = ok && buffer_append(&fields, "Location: ", 10) &&
		     buffer_append(&fields, c->head.location, strlen(c->head.location)) &&
		     buffer_append(&fields, "\r\n", 2);
	ok = ok && buffer_append(&fields, "", 1);
	if (ok) {
		reply.fields = (const char *)buffer_data(&fields);
		c->state = CGI_BODY;
		exchange_begin(c->exchange, &reply, body);
		cgi_head_clear(&c->head);
		/* Nothing else that it writes is wanted: section 4.3.3. */
		if (exchange_request(c->exchange)->is_head)
			cgi_end_output(c);
	} else {
		cgi_fail(c, 503, "out of memory");
	}
	buffer_clear(&fields);
}

/* Takes output, which is not empty. */
static void
cgi_take(struct cgi *c, struct span bytes)
{
	size_t used;

	switch (c->state) {
	case CGI_HEADER:
		switch (cgi_head_parse(&c->head, bytes.data, bytes.len, &used)) {
		case CGI_HEAD_MORE:
			return;
		case CGI_HEAD_DONE:
			cgi_begin(c, (struct span){bytes.data + used, bytes.len - used});
			break;
		case CGI_HEAD_BAD:
			cgi_fail(c, 502, c->head.reason);
			return;
		}
		break;
	case CGI_BODY:
		exchange_write(c->exchange, bytes.data, bytes.len);
		break;
	case CGI_EMPTY:
	case CGI_REDIRECT:
	case CGI_OVER:
		return;
	}
	if (c->state == CGI_BODY && exchange_queued(c->exchange) > BUFFER_HIGH) {
		c->output_paused = true;
		child_set_reading(c->child, false);
	}
}

/* What comes after the script has been reaped. */
static void
cgi_settle(struct cgi *c)
{
	if (!c->reaped)
		return;
	if (c->state == CGI_EMPTY)
		cgi_fail_empty(c);
	else if (c->state == CGI_REDIRECT)
		cgi_redirect(c);
	else if (c->state == CGI_OVER)
		cgi_free(c);
	else if (!c->output_paused)
		loop_defer(cgi_loop(c), &c->turn);
}

static void
cgi_read(struct cgi *c)
{
	struct loop *loop = cgi_loop(c);
	size_t n;

	switch (child_read(c->child, loop->in, LOOP_BATCH, &n)) {
	case STREAM_OK:
		cgi_take(c, (struct span){(const char *)loop->in, n});
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
	case STREAM_FAILED:
		cgi_end_output(c);
		break;
	}
	cgi_settle(c);
}

static void
cgi_on_turn(struct loop_task *task)
{
	struct cgi *c = LIST_ENTRY_OF(task, struct cgi, turn);

	if (c->state == CGI_OVER)
		cgi_free(c);
	else if (!c->output_paused)
		cgi_read(c);
}

static void
cgi_on_stdout(void *arg)
{
	cgi_read(arg);
}

static void
cgi_on_timer(void *arg)
{
	struct cgi *c = arg;

	if (c->state == CGI_HEADER)
		cgi_fail(c, 504,
		    "the CGI script has not finished its header in time (--cgi-timeout)");
}

/*
 * Input.
 */

/* Reads the request's body while the script does. */
static void
cgi_on_written(void *arg)
{
	struct cgi *c = arg;

	if (c->exchange && c->body_paused && child_queued(c->child) <= BUFFER_LOW) {
		c->body_paused = false;
		exchange_set_reading(c->exchange, true);
	}
}

static void
cgi_on_body(void *arg, struct span bytes)
{
	struct cgi *c = arg;
	struct iovec part = {(char *)(uintptr_t)bytes.data, bytes.len};
	uint64_t max = c->endpoint->max_body;

	c->received += bytes.len;
	if (max != 0 && c->received > max) {
		cgi_fail(c, 413, "the request body is larger than --max-body");
		return;
	}
	child_write(c->child, &part, 1);
	if (child_queued(c->child) > BUFFER_HIGH) {
		c->body_paused = true;
		exchange_set_reading(c->exchange, false);
	}
}

static void
cgi_on_body_end(void *arg)
{
	struct cgi *c = arg;

	c->body_done = true;
	child_end_input(c->child);
}

/*
 * The ends.
 */

static void
cgi_on_drained(void *arg)
{
	struct cgi *c = arg;

	if (!c->output_paused || exchange_queued(c->exchange) > BUFFER_LOW)
		return;
	c->output_paused = false;
	child_set_reading(c->child, true);
	cgi_settle(c);
}

/* Most likely the client has closed the connection. If not, it gets what the script writes
 * within the termination sequence. */
static void
cgi_on_half_closed(void *arg)
{
	struct cgi *c = arg;

	if (c->body_done)
		child_end(c->child);
	else
		cgi_fail(c, 400, "the client disconnected within the request body");
}

static void
cgi_on_gone(void *arg)
{
	struct cgi *c = arg;

	(void)cgi_detach(c);
	cgi_end(c);
}

static const struct exchange_handlers cgi_exchange_handlers = {
    .on_body = cgi_on_body,
    .on_body_end = cgi_on_body_end,
    .on_drained = cgi_on_drained,
    .on_half_closed = cgi_on_half_closed,
    .on_gone = cgi_on_gone,
};

static void
cgi_on_stderr(void *arg, const char *line, size_t len)
{
	struct cgi *c = arg;
	char text[64];

	if (!log_shows(LOG_ERROR) || !log_limit_allows(&c->stderr_limit, util_clock_ms()))
		return;
	if (c->stderr_limit.suppressed > 0) {
		snprintf(text, sizeof(text), "%u line%s of stderr suppressed",
		    c->stderr_limit.suppressed, util_plural(c->stderr_limit.suppressed));
		c->stderr_limit.suppressed = 0;
		cgi_log_line(c, LOG_WARN, "cgi", span_of(text));
	}
	cgi_log_line(c, LOG_ERROR, "stderr", (struct span){line, len});
}

static void
cgi_on_nothing(void *arg)
{
	(void)arg;
}

static void
cgi_on_reaped(void *arg)
{
	struct cgi *c = arg;

	c->reaped = true;
	cgi_settle(c);
}

static const struct child_handlers cgi_child_handlers = {
    .on_stdout = cgi_on_stdout,
    .on_written = cgi_on_written,
    .on_stderr = cgi_on_stderr,
    .on_stderr_read = cgi_on_nothing,
    .on_exit = cgi_on_nothing,
    .on_stuck = cgi_on_nothing,
    .on_reaped = cgi_on_reaped,
};

void
cgi_end_all(struct list *running)
{
	for (struct list *node = running->next; node != running; node = node->next)
		cgi_end(LIST_ENTRY_OF(node, struct cgi, node));
}

/*
 * The start.
 */

static bool
cgi_start(const struct cgi_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const struct launch *launch, struct reject *reject)
{
	const struct request *request = exchange_request(exchange);
	struct cgi *c = calloc(1, sizeof(*c));

	if (c)
		c->program = strdup(launch->script.program);
	if (c && c->program)
		c->child = launch_start_script(launch, &cgi_child_handlers, c, reject);
	else
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	if (!c || !c->child) {
		free(c ? c->program : NULL);
		free(c);
		return false;
	}
	c->context = context;
	c->endpoint = endpoint_ref(endpoint);
	c->exchange = exchange;
	c->id = launch->id;
	c->body_done = request->body == BODY_NONE;
	cgi_head_init(&c->head);
	timer_init(&c->timer, &context->launcher->loop->timers, cgi_on_timer, c);
	loop_task_init(&c->turn, cgi_on_turn);
	list_append(context->running, &c->node);
	if (endpoint->cgi_timeout_ms > 0)
		timer_at(&c->timer, util_clock_ms() + endpoint->cgi_timeout_ms);
	/* The connection has a program now, as that of a session. */
	limit_move(stream_slot(exchange_stream(exchange)), LIMIT_PROGRAM);
	exchange_set_handlers(exchange, &cgi_exchange_handlers, c);
	if (c->body_done)
		child_end_input(c->child);
	else
		exchange_set_reading(exchange, true);
	child_set_reading(c->child, true);
	return true;
}

/* Starts the script, unless the request says already that it can't be served. */
static bool
cgi_launch(const struct cgi_context *context, struct endpoint *endpoint,
    struct exchange *exchange, struct launch *launch, enum endpoint_result found,
    struct reject *reject)
{
	const struct request *request = exchange_request(exchange);

	if (!reject_unless_found(reject, endpoint, found))
		return false;
	if (endpoint->max_body != 0 && request->body == BODY_LENGTH &&
	    (uint64_t)request->length > endpoint->max_body)
		return reject_with(
		    reject, 413, NULL, "the request body is larger than --max-body");
	return launch_prepare_script(launch, reject) &&
	       cgi_start(context, endpoint, exchange, launch, reject);
}

/* websocketd's line. */
static void
cgi_log_compat(const struct endpoint *endpoint, struct exchange *exchange, const char *program,
    const struct reject *reject)
{
	if (reject->status == 429)
		files_log_compat(&endpoint->files, exchange, LOG_ERROR,
		    SPAN("Fork not allowed since maxforks amount has been reached. CGI was not "
			 "run."),
		    program);
	else
		files_log_compat(&endpoint->files, exchange, LOG_ACCESS, SPAN("CGI"), program);
}

bool
cgi_serve(const struct cgi_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	const struct request *asked = exchange_request(exchange);
	const struct stream *stream = exchange_stream(exchange);
	struct stream_cert client = {0};
	struct sockaddr_storage peer;
	struct env_request request = {
	    .head = asked->head,
	    .uri = &asked->uri,
	    .host = asked->host,
	    .secure = stream_is_secure(stream),
	    .peer = &peer,
	    .peer_name = stream_peer_name(stream),
	    .path = path,
	    .cgi = asked,
	    .client = &client,
	};
	struct launch launch = {
	    .launcher = context->launcher, .endpoint = endpoint, .request = &request};
	enum endpoint_result found = endpoint_find_cgi(endpoint, path, &launch.script);
	struct reject reject = {.status = 0};
	bool started = false;

	if (found == ENDPOINT_MISSING)
		return false;
	stream_peer_address(stream, &peer);
	if (!stream_client_cert(stream, &client))
		(void)reject_with(&reject, 503, REJECT_RETRY_LATER, "out of memory");
	else
		started = cgi_launch(context, endpoint, exchange, &launch, found, &reject);
	if (endpoint->files.compat_scheme)
		cgi_log_compat(endpoint, exchange, launch.script.program, &reject);
	if (!started)
		exchange_reply_status(exchange,
		    endpoint->compat && reject.status == 403 ? 500 : reject.status,
		    reject.headers, reject.reason);
	launch_clear(&launch);
	stream_cert_clear(&client);
	return true;
}
