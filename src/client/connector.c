/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes one connection attempt and one session after another. */
#include "client/connector.h"

#include "backend/program.h"
#include "base/log.h"
#include "http/credentials.h"
#include "net/linger.h"
#include "net/listener.h"
#include "peer/websocket.h"
#include "websocket/frame.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	CONNECTOR_FAILED = 1, /* exit status */
	CONNECTOR_TICK_MS = 10,
};

static void connector_dial(struct connector *c);

int
connector_status_of_code(uint16_t code)
{
	if (code == CLOSE_NORMAL)
		return 0;
	if (code >= 4000 && code <= 4255)
		return code - 4000;
	if (code > 4256 && code < 4256 + NSIG)
		return 128 + code - 4256;
	return -1;
}

/* End */

static void
connector_check_end(struct connector *c)
{
	int64_t now = util_clock_ms();

	if ((c->written && list_empty(&c->loop->lingering)) ||
	    (c->signal != 0 && now >= c->due_ms))
		loop_stop(c->loop);
	else
		timer_at(&c->timer, now + CONNECTOR_TICK_MS);
}

static void
connector_on_written(void *arg)
{
	((struct connector *)arg)->written = true;
}

/* Ends the client: no session follows. */
static void
connector_end(struct connector *c)
{
	c->ends = true;
	c->due_ms = util_clock_ms() + CONNECTOR_STOP_MS;
	c->written = !c->stdio;
	if (c->stdio)
		stdio_end(c->stdio, connector_on_written, c);
	connector_check_end(c);
}

static void
connector_fail(struct connector *c, int status, const char *why)
{
	c->status = status;
	if (*why && c->signal == 0)
		fprintf(stderr, "wspipe: %s\n", why);
	connector_end(c);
}

/* Between sessions */

/* Returns the delay before the next attempt: twice the previous one, minus up to half of it at
 * random, so that the clients of a restarted server do not reconnect at once. */
static int64_t
connector_delay(const struct connector *c)
{
	int64_t delay = CONNECTOR_DELAY_MS;
	uint16_t random = 0;

	for (unsigned int i = 1; i < c->failures && delay < c->reconnect_ms; i++)
		delay *= 2;
	if (delay > c->reconnect_ms)
		delay = c->reconnect_ms;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return delay - delay / 2 * random / UINT16_MAX;
}

/* Reports whether another session makes sense. */
static bool
connector_may_retry(const struct connector *c)
{
	if (c->reconnect_ms == 0 || c->signal != 0)
		return false;
	return !c->stdio || (!stdio_has_ended(c->stdio) && stdio_read_error(c->stdio) == 0 &&
				stdio_write_error(c->stdio) == 0);
}

static void
connector_wait(struct connector *c, const char *why)
{
	int64_t delay;

	c->failures++;
	delay = connector_delay(c);
	log_warnx("%s; connecting again in %.1f s", why, (double)delay / 1000);
	c->due_ms = util_clock_ms() + delay;
	timer_at(&c->timer, c->due_ms);
}

static void
connector_on_timer(void *arg)
{
	struct connector *c = arg;

	if (c->ends)
		connector_check_end(c);
	else if (util_clock_ms() < c->due_ms)
		timer_at(&c->timer, c->due_ms);
	else
		connector_dial(c);
}

/* Continues after a session has ended and its backend is free again. */
static void
connector_on_next(struct loop_task *task)
{
	struct connector *c = LIST_ENTRY_OF(task, struct connector, next);

	if (util_clock_ms() - c->opened_ms >= CONNECTOR_STEADY_MS)
		c->failures = 0;
	if (c->retries && connector_may_retry(c))
		connector_wait(c, c->why);
	else
		connector_fail(c, c->status, c->why);
}

/* The result of a session */

/* Reports whether the server may accept another session: not after an error that would
 * repeat. */
static bool
connector_retries_after(uint16_t code)
{
	return code == CLOSE_GOING_AWAY || code == CLOSE_ABNORMAL || code == CLOSE_INTERNAL ||
	       code == 1012 || code == 1013 || code == 1014;
}

static void
connector_set_why(struct connector *c, uint16_t code, const struct ending *end)
{
	char reason[HANDSHAKE_WHY_MAX];
	const char *what = "closed the connection with";

	handshake_show(end->reason, reason, sizeof(reason));
	if (code == CLOSE_ABNORMAL) {
		what = end->sent != 0 ? "the server did not answer our Close"
				      : "the connection was lost";
		snprintf(c->why, sizeof(c->why), "%s%s%s", what, *reason ? ": " : "", reason);
		return;
	}
	if (code != end->sent || end->by_peer)
		what = "the server closed the connection with";
	snprintf(c->why, sizeof(c->why), "%s %d%s%s", what, code, *reason ? ": " : "", reason);
}

/* Returns the close code (RFC 6455, section 7.1.5), or that of our own Close if it reports an
 * error. An empty response to a normal Close is normal. */
static uint16_t
connector_code(const struct ending *end)
{
	if (!end->by_peer && end->sent > CLOSE_GOING_AWAY)
		return end->sent;
	if (end->received == 0)
		return CLOSE_ABNORMAL;
	if (end->received == CLOSE_NO_STATUS && end->sent == CLOSE_NORMAL)
		return CLOSE_NORMAL;
	return end->received;
}

/* Reports whether stdin or stdout was lost. */
static bool
connector_has_lost(struct connector *c)
{
	int in = stdio_read_error(c->stdio), out = stdio_write_error(c->stdio);

	if (in == 0 && out == 0)
		return false;
	c->retries = false;
	c->status = CONNECTOR_FAILED;
	*c->why = '\0';
	/* Exit like any filter whose reader has closed. */
	if (out == EPIPE)
		c->signal = SIGPIPE;
	else
		snprintf(c->why, sizeof(c->why), "can't %s: %s",
		    out != 0 ? "write to standard output" : "read standard input",
		    strerror(out != 0 ? out : in));
	return true;
}

static void
connector_on_end(
    const struct session_rules *rules, const struct backend *backend, const struct ending *end)
{
	struct connector *c = LIST_ENTRY_OF((uintptr_t)rules, struct connector, session);
	uint16_t code = connector_code(end);
	int status = connector_status_of_code(code);

	loop_defer(c->loop, &c->next);
	if (c->stdio && connector_has_lost(c))
		return;
	/* If our Close was not answered, do not retry. */
	c->retries = connector_retries_after(code) && (end->sent == 0 || end->received != 0);
	c->status = status == -1 ? CONNECTOR_FAILED : status;
	*c->why = '\0';
	if (status == -1)
		connector_set_why(c, code, end);
	/* The program's exit status is ours, whatever the server responds. */
	if (!c->stdio)
		c->status =
		    backend->end == BACKEND_SIGNAL ? 128 + backend->value : backend->value;
}

/* Sessions */

static struct backend *
connector_start_backend(struct connector *c, const struct framed_client *client,
    struct session *session, int *error)
{
	struct program_spec program = {
	    .loop = c->loop,
	    .children = c->children,
	    .rules = &c->framed,
	    .command = {.path = c->program,
		.fd = -1,
		.keeps_stderr = !c->session.output.sends_log,
		.pty = c->unbuffer ? PTY_STDOUT : PTY_NONE,
		.argv = c->argv,
		.envp = environ},
	    .client = *client,
	};

	*error = ENOMEM;
	if (c->stdio)
		return stdio_start(c->stdio, client, &session_backend_handlers, session);
	return program_start(&program, &session_backend_handlers, session, error);
}

static void
connector_open(struct connector *c, const struct dial_result *result)
{
	const struct url *url = &c->dial.offer.url;
	char remote[LISTENER_TEXT_MAX];
	char target[HEAD_MAX_LINE];
	struct websocket_spec websocket = {
	    .loop = c->loop,
	    .rules = &c->websocket,
	    .format = &c->format,
	    .deflate = result->agreed->deflates ? &result->agreed->deflate : NULL,
	    .client = true,
	};
	struct session_log_spec spec = {
	    .rules = &c->session.log,
	    .id = ++c->last_id,
	    .remote = remote,
	    .program = c->program ? c->program : "stdin and stdout",
	    .secure = url->secure,
	    .target = credentials_log_target(url->target, target, sizeof(target)),
	    .host = url->authority,
	    .subprotocol = result->agreed->subprotocol,
	    .extensions = result->agreed->extensions,
	};
	struct framed_client client = {
	    .id = spec.id,
	    .url_path = {url->target.data, strcspn(url->target.data, "?")},
	    .remote = {remote, 0},
	    .subprotocol = spec.subprotocol,
	};
	struct session *session;
	struct backend *backend = NULL;
	struct peer *peer = NULL;
	int error = ENOMEM;

	listener_text(&result->address, remote);
	client.remote.len = strlen(remote);
	session = session_new(c->loop, &c->sessions, &c->session, &spec);
	if (session) {
		websocket.sent = session_sent(session);
		peer = websocket_new(&websocket, &session_peer_handlers, session);
	}
	if (peer)
		backend = connector_start_backend(c, &client, session, &error);
	if (!backend) {
		peer_free(peer);
		session_cancel(session);
		stream_free(result->stream);
		snprintf(c->why, sizeof(c->why), "can't start %s: %s", spec.program,
		    strerror(error));
		connector_fail(c, CONNECTOR_FAILED, c->why);
		return;
	}
	c->opened_ms = util_clock_ms();
	session_start_take(session, peer, backend, &spec);
	websocket_start_take(peer, result->stream, (struct span){0}, result->rest);
}

static void
connector_on_dialed(void *arg, const struct dial_result *result)
{
	struct connector *c = arg;

	c->attempt = NULL;
	if (result->stream)
		connector_open(c, result);
	else if (result->retries && connector_may_retry(c))
		connector_wait(c, result->why);
	else
		connector_fail(c, CONNECTOR_FAILED, result->why);
}

static void
connector_dial(struct connector *c)
{
	c->attempt = dial_start(&c->dial, connector_on_dialed, c);
	if (!c->attempt)
		connector_fail(c, CONNECTOR_FAILED, "out of memory");
}

void
connector_start(struct connector *c)
{
	list_init(&c->sessions);
	timer_init(&c->timer, &c->loop->timers, connector_on_timer, c);
	loop_task_init(&c->next, connector_on_next);
	c->format = framed_format(&c->framed);
	c->session.on_end = connector_on_end;
	c->opened_ms = util_clock_ms();
	connector_dial(c);
}

void
connector_stop(struct connector *c, int number)
{
	bool again = c->signal != 0;

	c->signal = number;
	if (c->children)
		children_set_extra_wait(c->children, c->extra_wait_ms);
	if (again) {
		session_abort_all(&c->sessions);
		if (c->children)
			children_kill_all(c->children);
		loop_stop(c->loop);
	} else if (!list_empty(&c->sessions)) {
		if (c->websocket.close_ms > CONNECTOR_STOP_MS)
			c->websocket.close_ms = CONNECTOR_STOP_MS;
		session_drain_all(&c->sessions, "");
	} else {
		dial_cancel(c->attempt);
		c->attempt = NULL;
		connector_end(c);
	}
}
