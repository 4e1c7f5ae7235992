/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running CGI script: connects an exchange and a child. The state is that of the response.
 * Usually the exchange ends before the child; output after that is dropped until the child is
 * reaped. But a response that depends on how the script exits (no output, or a local redirect)
 * waits for the exit.
 */
#include "serve/script.h"

#include "base/log.h"
#include "http/cgi_head.h"
#include "net/limit.h"
#include "session/session_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum script_state {
	SCRIPT_HEADER, /* the script's header is incomplete */
	SCRIPT_EMPTY, /* its output ended without a header */
	SCRIPT_REDIRECT, /* serve another path once the script is reaped */
	SCRIPT_BODY,
	SCRIPT_OVER, /* no exchange any more */
};

struct script {
	union {
		struct list node; /* in context->running */
		struct loop_deferred deferred; /* for the deferred free */
	};
	const struct script_context *context; /* borrowed */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange; /* borrowed; NULL: the response is over */
	struct child *child; /* owned */
	char *program; /* owned: path of the file */
	uint64_t id;
	enum script_state state;
	bool reaped;
	bool output_paused; /* the queue for the client is full */
	bool body_paused; /* the queue for the script is full */
	bool body_done; /* the request's body is complete */
	bool half_closed; /* the client sends nothing beyond what is in the socket */
	uint64_t received; /* bytes received of the request body */
	struct cgi_head head; /* the script's header, until the response begins */
	struct timer timer; /* time limit for the header */
	struct loop_task turn; /* reads the remaining output of a dead script, then frees */
	struct log_limit stderr_limit;
};

static struct loop *
script_loop(const struct script *s)
{
	return s->context->launcher->loop;
}

static void
script_release(struct loop_deferred *deferred)
{
	struct script *s = LIST_ENTRY_OF(deferred, struct script, deferred);

	timer_stop(&s->timer);
	cgi_head_clear(&s->head);
	endpoint_unref(s->endpoint);
	free(s->program);
	free(s);
}

static void
script_free(struct script *s)
{
	loop_cancel(&s->turn);
	child_free(s->child);
	list_remove(&s->node);
	loop_defer_free(script_loop(s), &s->deferred, script_release);
}

static void
script_log_line(struct script *s, enum log_level level, const char *category, struct span text)
{
	if (!log_begin(level, category, s->id, text))
		return;
	log_text(s->endpoint->compat ? "cgiscript" : "program", span_of(s->program));
	log_end();
}

/* Detaches the exchange, which the caller must end. */
static struct exchange *
script_detach(struct script *s)
{
	struct exchange *exchange = s->exchange;

	s->exchange = NULL;
	s->state = SCRIPT_OVER;
	timer_stop(&s->timer);
	s->output_paused = false;
	if (s->reaped)
		loop_defer(script_loop(s), &s->turn);
	else
		child_set_reading(s->child, true);
	return exchange;
}

/* Starts the termination sequence; the input may be incomplete. */
static void
script_end(struct script *s)
{
	if (s->body_done)
		child_end(s->child);
	else
		child_interrupt(s->child);
}

/* Sends an error response, or aborts a response that has begun. */
static void
script_fail(struct script *s, int status, const char *reason)
{
	bool begun = s->state == SCRIPT_BODY;
	struct exchange *exchange = script_detach(s);

	script_end(s);
	if (s->endpoint->files.compat_scheme) /* compat mode logs no line for the exchange */
		script_log_line(s, LOG_ERROR, "http", span_of(reason));
	if (begun)
		exchange_abort(exchange, reason);
	else
		exchange_reply_status(exchange, status, s->endpoint->files.headers, reason);
}

/* Responds with 502 and how the script exited without a header. */
static void
script_fail_empty(struct script *s)
{
	const struct child_facts *facts = child_facts(s->child);
	const char *what = s->head.len == 0 ? "wrote nothing" : "did not finish its header";
	char reason[128];

	if (facts->by_signal)
		snprintf(reason, sizeof(reason), "the CGI script %s (signal %s)", what,
		    util_signal_name(facts->value));
	else
		snprintf(
		    reason, sizeof(reason), "the CGI script %s (exit %d)", what, facts->value);
	script_fail(s, 502, reason);
}

/* Serves the target of a local redirect as if it had been requested. */
static void
script_redirect(struct script *s)
{
	struct exchange *exchange = script_detach(s);
	const struct script_context *context = s->context;

	limit_move(stream_slot(exchange_stream(exchange)), LIMIT_RESPONSE);
	if (exchange_redirect(exchange, span_of(s->head.location)))
		context->serve(context->arg, exchange);
	else
		exchange_reply_status(exchange, 502, s->endpoint->files.headers,
		    "the CGI script's Location is not a path, or one in a loop of redirects");
}

/*
 * Output
 */

/* The script's output has ended: terminates it if it is still running. */
static void
script_end_output(struct script *s)
{
	child_end(s->child);
	if (s->state == SCRIPT_BODY)
		exchange_end(script_detach(s));
	else if (s->state == SCRIPT_HEADER)
		s->state = SCRIPT_EMPTY;
	timer_stop(&s->timer);
}

/* Begins the response: the header is complete; BODY is the output after it. */
static void
script_begin(struct script *s, struct span body)
{
	struct reply reply = {
	    .status = cgi_head_status(&s->head),
	    .phrase = s->head.phrase,
	    .type = s->head.type,
	    .length = s->head.length,
	};
	struct buffer fields = {0};
	const char *headers = s->endpoint->files.headers;
	const struct buffer *own = &s->head.fields;
	bool ok;

	timer_stop(&s->timer);
	/* websocketd sends such a redirect to the client. */
	if (cgi_head_is_local_redirect(&s->head) && !s->endpoint->compat) {
		s->state = SCRIPT_REDIRECT;
		child_end(s->child);
		return;
	}
	ok = buffer_append(&fields, headers, strlen(headers)) &&
	     buffer_append(&fields, buffer_data(own), buffer_len(own));
	if (s->head.location)
		ok = ok && buffer_append(&fields, "Location: ", 10) &&
		     buffer_append(&fields, s->head.location, strlen(s->head.location)) &&
		     buffer_append(&fields, "\r\n", 2);
	ok = ok && buffer_append(&fields, "", 1);
	if (ok) {
		reply.fields = (const char *)buffer_data(&fields);
		s->state = SCRIPT_BODY;
		exchange_begin(s->exchange, &reply, body);
		cgi_head_clear(&s->head);
		/* The rest of the output is not wanted: section 4.3.3. */
		if (exchange_request(s->exchange)->is_head)
			script_end_output(s);
	} else {
		script_fail(s, 503, "out of memory");
	}
	buffer_clear(&fields);
}

/* Handles non-empty output. */
static void
script_take(struct script *s, struct span bytes)
{
	size_t used;

	switch (s->state) {
	case SCRIPT_HEADER:
		switch (cgi_head_parse(&s->head, bytes.data, bytes.len, &used)) {
		case CGI_HEAD_MORE:
			return;
		case CGI_HEAD_DONE:
			script_begin(s, (struct span){bytes.data + used, bytes.len - used});
			break;
		case CGI_HEAD_BAD:
			script_fail(s, 502, s->head.reason);
			return;
		}
		break;
	case SCRIPT_BODY:
		exchange_write(s->exchange, bytes.data, bytes.len);
		break;
	case SCRIPT_EMPTY:
	case SCRIPT_REDIRECT:
	case SCRIPT_OVER:
		return;
	}
	if (s->state == SCRIPT_BODY && exchange_queued(s->exchange) > BUFFER_HIGH) {
		s->output_paused = true;
		child_set_reading(s->child, false);
	}
}

/* Finishes the response once the script has been reaped. */
static void
script_settle(struct script *s)
{
	if (!s->reaped)
		return;
	if (s->state == SCRIPT_EMPTY)
		script_fail_empty(s);
	else if (s->state == SCRIPT_REDIRECT)
		script_redirect(s);
	else if (s->state == SCRIPT_OVER)
		script_free(s);
	else if (!s->output_paused)
		loop_defer(script_loop(s), &s->turn);
}

static void
script_read(struct script *s)
{
	struct loop *loop = script_loop(s);
	size_t n;

	switch (child_read(s->child, loop->in, LOOP_BATCH, &n)) {
	case STREAM_OK:
		script_take(s, (struct span){(const char *)loop->in, n});
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
	case STREAM_FAILED:
		script_end_output(s);
		break;
	}
	script_settle(s);
}

static void
script_on_turn(struct loop_task *task)
{
	struct script *s = LIST_ENTRY_OF(task, struct script, turn);

	if (s->state == SCRIPT_OVER)
		script_free(s);
	else if (!s->output_paused)
		script_read(s);
}

static void
script_on_stdout(void *arg)
{
	script_read(arg);
}

static void
script_on_timer(void *arg)
{
	struct script *s = arg;

	if (s->state == SCRIPT_HEADER)
		script_fail(s, 504,
		    "the CGI script has not finished its header in time (--cgi-timeout)");
}

/*
 * Input
 */

/* Resumes reading the request body when the script has read its input. */
static void
script_on_written(void *arg)
{
	struct script *s = arg;

	if (s->exchange && s->body_paused && child_queued(s->child) <= BUFFER_LOW) {
		s->body_paused = false;
		exchange_set_reading(s->exchange, true);
	}
}

static void
script_on_body(void *arg, struct span bytes)
{
	struct script *s = arg;
	struct iovec part = {(char *)(uintptr_t)bytes.data, bytes.len};
	uint64_t max = s->endpoint->max_body;

	s->received += bytes.len;
	if (max != 0 && s->received > max) {
		script_fail(s, 413, "the request body is larger than --max-body");
		return;
	}
	child_write(s->child, &part, 1);
	if (child_queued(s->child) > BUFFER_HIGH && !s->half_closed) {
		s->body_paused = true;
		exchange_set_reading(s->exchange, false);
	}
}

static void
script_on_body_end(void *arg)
{
	struct script *s = arg;

	s->body_done = true;
	child_end_input(s->child);
	if (s->half_closed)
		child_end(s->child);
}

/*
 * End
 */

static void
script_on_drained(void *arg)
{
	struct script *s = arg;

	if (!s->output_paused || exchange_queued(s->exchange) > BUFFER_LOW)
		return;
	s->output_paused = false;
	child_set_reading(s->child, true);
	script_settle(s);
}

/* Most likely the client has closed the connection. If not, it still gets the output within the
 * termination sequence. The rest of the body may precede the FIN: read it now, whether the
 * script reads or not; the socket limits its size. */
static void
script_on_half_closed(void *arg)
{
	struct script *s = arg;

	s->half_closed = true;
	if (s->body_done) {
		child_end(s->child);
	} else {
		s->body_paused = false;
		exchange_set_reading(s->exchange, true);
	}
}

static void
script_on_gone(void *arg)
{
	struct script *s = arg;

	(void)script_detach(s);
	script_end(s);
}

static const struct exchange_handlers script_exchange_handlers = {
    .on_body = script_on_body,
    .on_body_end = script_on_body_end,
    .on_drained = script_on_drained,
    .on_half_closed = script_on_half_closed,
    .on_gone = script_on_gone,
};

static void
script_on_stderr(void *arg, const char *line, size_t len)
{
	struct script *s = arg;
	char text[LOG_LIMIT_TEXT_MAX];

	if (!log_shows(LOG_ERROR) || !log_limit_allows(&s->stderr_limit, util_clock_ms()))
		return;
	if (log_limit_report(&s->stderr_limit, text))
		script_log_line(s, LOG_WARN, "cgi", span_of(text));
	script_log_line(s, LOG_ERROR, "stderr", (struct span){line, len});
}

static void
script_on_reaped(void *arg)
{
	struct script *s = arg;

	s->reaped = true;
	script_settle(s);
}

static const struct child_handlers script_child_handlers = {
    .on_stdout = script_on_stdout,
    .on_written = script_on_written,
    .on_stderr = script_on_stderr,
    .on_reaped = script_on_reaped,
};

void
script_end_all(struct list *running)
{
	for (struct list *node = running->next; node != running; node = node->next)
		script_end(LIST_ENTRY_OF(node, struct script, node));
}

/*
 * Start
 */

bool
script_start(const struct script_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const struct launch *launch, struct reject *reject)
{
	const struct request *request = exchange_request(exchange);
	struct script *s = calloc(1, sizeof(*s));

	if (s)
		s->program = strdup(launch->script.program);
	if (s && s->program)
		s->child = launch_start_script(launch, &script_child_handlers, s, reject);
	else
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	if (!s || !s->child) {
		free(s ? s->program : NULL);
		free(s);
		return false;
	}
	s->context = context;
	s->endpoint = endpoint_ref(endpoint);
	s->exchange = exchange;
	s->id = launch->id;
	s->body_done = request->body == BODY_NONE;
	cgi_head_init(&s->head);
	timer_init(&s->timer, &context->launcher->loop->timers, script_on_timer, s);
	loop_task_init(&s->turn, script_on_turn);
	list_append(context->running, &s->node);
	if (endpoint->cgi_timeout_ms > 0)
		timer_at(&s->timer, util_clock_ms() + endpoint->cgi_timeout_ms);
	/* The connection now has a program, like that of a session. */
	limit_move(stream_slot(exchange_stream(exchange)), LIMIT_PROGRAM);
	exchange_set_handlers(exchange, &script_exchange_handlers, s);
	if (s->body_done)
		child_end_input(s->child);
	else
		exchange_set_reading(exchange, true);
	child_set_reading(s->child, true);
	return true;
}
