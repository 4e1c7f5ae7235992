/* SPDX-License-Identifier: BSD-2-Clause */
/* The bridge between one peer and one program. */
#include "serve/session.h"

#include "net/linger.h"
#include "serve/session_close.h"
#include "serve/session_due.h"
#include "serve/session_in.h"
#include "serve/session_inner.h"
#include "serve/session_log.h"
#include "serve/session_out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void session_step(struct session *s);

static const char *const session_peer_names[] = {[PEER_OPEN] = "open",
    [PEER_CLOSING] = "closing",
    [PEER_LEFT] = "left",
    [PEER_GONE] = "gone"};
static const char *const session_child_names[] = {
    [CHILD_RUN] = "run", [CHILD_EOF] = "eof", [CHILD_DEAD] = "dead", [CHILD_GONE] = "gone"};

/* Facts */

void
session_set_peer(struct session *s, enum peer_state state)
{
	if (s->peer_state == state)
		return;
	session_log_change(
	    s, "peer", session_peer_names[s->peer_state], session_peer_names[state]);
	s->peer_state = state;
}

void
session_set_child(struct session *s)
{
	enum child_state state = CHILD_RUN;

	if (child_stdout_has_ended(s->child))
		state = child_is_reaped(s->child) ? CHILD_GONE : CHILD_EOF;
	else if (child_is_dead(s->child))
		state = CHILD_DEAD;
	if (s->child_state == state)
		return;
	session_log_change(
	    s, "child", session_child_names[s->child_state], session_child_names[state]);
	s->child_state = state;
}

void
session_want_close(struct session *s, uint16_t code, const char *reason)
{
	if (s->close_wanted != 0)
		return;
	s->close_wanted = code;
	s->reason = span_of(reason);
}

void
session_fault(struct session *s, uint16_t code, const char *reason)
{
	if (s->close_wanted != 0)
		return;
	session_want_close(s, code, reason);
	/* Nothing behind the fault is heard, wherever reads cut it. */
	decoder_end(&s->decoder);
	s->fault_ms = util_clock_ms();
}

bool
session_in_fault(const struct session *s)
{
	return s->fault_ms != 0 && s->peer_state == PEER_OPEN;
}

bool
session_wants_output(const struct session *s)
{
	return s->peer_state == PEER_OPEN && (s->close_wanted == 0 || session_in_fault(s));
}

void
session_lose_peer(struct session *s, const char *reason)
{
	if (s->peer_state == PEER_GONE)
		return;
	if (!s->reason.data)
		s->reason = span_of(reason);
	stream_free(s->peer);
	s->peer = NULL;
	session_set_peer(s, PEER_GONE);
}

/* The peer */

static void
session_on_peer_readable(void *arg)
{
	struct session *s = arg;
	const char *error;
	size_t n;

	assert(buffer_len(&s->undecoded) == 0);
	switch (stream_read(s->peer, s->loop->in, session_in_capacity(s), &n)) {
	case STREAM_OK:
		session_in_take(s, s->loop->in, n);
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
		session_set_peer(s, PEER_LEFT);
		break;
	case STREAM_FAILED:
		error = stream_error(s->peer);
		session_lose_peer(s, error ? error : "connection reset");
		break;
	}
	session_step(s);
}

static void
session_on_peer_written(void *arg)
{
	struct session *s = arg;

	if (stream_queued(s->peer) == 0)
		session_in_put_pong(s);
	session_step(s);
}

static void
session_on_peer_gone(void *arg, enum stream_gone reason)
{
	struct session *s = arg;

	if (reason == STREAM_LOST)
		session_lose_peer(s, "connection lost");
	else if (session_in_fault(s))
		; /* its FIN stands behind the fault, and is not heard */
	else if (s->inflater)
		session_set_peer(s, PEER_LEFT); /* its rest is not bounded once decompressed */
	else
		s->fin_seen = true; /* its messages and its CLOSE may stand before the FIN */
	session_step(s);
}

static const struct stream_handlers session_peer_handlers = {
    .on_readable = session_on_peer_readable,
    .on_drained = session_on_peer_written,
    .on_gone = session_on_peer_gone,
};

/* The program */

/* Rule 2 of backpressure for stderr, where it goes to the peer. Output that nobody wants is
 * read all the same. */
static void
session_set_stderr_reading(struct session *s)
{
	bool wanted =
	    s->endpoint->pass_stderr && s->peer_state == PEER_OPEN && s->close_wanted == 0;

	child_set_reading_stderr(s->child,
	    !wanted ||
		decide_reading(child_is_reading_stderr(s->child), stream_queued(s->peer)));
}

static void
session_on_stdout(void *arg)
{
	struct session *s = arg;

	session_out_take(s);
	session_step(s);
}

static void
session_on_stdin_written(void *arg)
{
	session_step(arg);
}

static void
session_on_stderr(void *arg, const char *line, size_t len)
{
	struct session *s = arg;

	session_log_stderr(s, (struct span){line, len});
	session_out_stderr(s, line, len);
}

static void
session_on_stderr_read(void *arg)
{
	struct session *s = arg;

	session_out_end(s);
	session_set_stderr_reading(s);
	/* The step may free the session, which the child is not prepared for here: so it comes
	 * soon. */
	if (!s->peer || s->close_wanted != 0)
		timer_at(&s->timer, util_clock_ms());
}

static void
session_on_child_changed(void *arg)
{
	struct session *s = arg;

	session_set_child(s);
	session_step(s);
}

/* Its exit status will not be known, so the client need not wait for it. */
static void
session_on_stuck(void *arg)
{
	struct session *s = arg;

	session_want_close(s, CLOSE_INTERNAL, "the program can't be terminated");
	session_step(s);
}

static const struct child_handlers session_child_handlers = {
    .on_stdout = session_on_stdout,
    .on_written = session_on_stdin_written,
    .on_stderr = session_on_stderr,
    .on_stderr_read = session_on_stderr_read,
    .on_exit = session_on_child_changed,
    .on_stuck = session_on_stuck,
    .on_reaped = session_on_child_changed,
};

/* The step */

static void
session_release(struct loop_grave *grave)
{
	struct session *s = (struct session *)(void *)grave;

	timer_stop(&s->timer);
	inflater_free(s->inflater);
	deflater_free(s->deflater);
	free(s->close_words);
	session_log_compat_free(s->compat);
	free(s);
}

/* The one end of a session. */
static void
session_free(struct session *s)
{
	stream_free(s->peer);
	s->peer = NULL;
	child_free(s->child);
	s->child = NULL;
	decoder_clear(&s->decoder);
	framing_clear(&s->framing);
	buffer_clear(&s->undecoded);
	buffer_clear(&s->waiting);
	buffer_clear(&s->pong);
	timer_stop(&s->timer);
	list_remove(&s->node);
	loop_bury(s->loop, &s->grave, session_release);
}

static struct decide_facts
session_facts(struct session *s)
{
	return (struct decide_facts){
	    .peer = s->peer_state,
	    .child = s->child_state,
	    .close_wanted = s->close_wanted,
	    .close_sent = s->close_sent,
	    .close_received = s->close_received,
	    .peer_queued = s->peer ? stream_queued(s->peer) : 0,
	    .child_queued = child_queued(s->child),
	    .reading_peer = s->peer && stream_is_reading(s->peer),
	    .reading_child = child_is_reading(s->child),
	    .close_overdue =
		session_due_close(s, s->peer_state == PEER_CLOSING ? util_clock_ms() : 0),
	    .fin_seen = s->fin_seen,
	    .fault_waits =
		session_in_fault(s) && util_clock_ms() < s->fault_ms + SESSION_FAULT_MS,
	};
}

static void
session_set_peer_reading(struct session *s, bool on)
{
	if (!s->peer || stream_is_reading(s->peer) == on)
		return;
	stream_set_reading(s->peer, on);
	/* While we did not read we could not hear: the peer is not to blame for that silence.
	 */
	if (on) {
		s->heard_ms = util_clock_ms();
		s->pings = 0;
		if (s->begun_ms != 0)
			s->begun_ms = s->heard_ms;
	}
}

/* Tells the program, which may ask for it, why its stdin ends. Of a program that ended its
 * output nobody says more. */
static void
session_tell_end(struct session *s)
{
	if (s->child_state != CHILD_RUN)
		return;
	if (s->close_wanted != 0)
		session_in_tell_close(s, s->close_wanted, s->reason);
	else
		session_in_tell_close(s, CLOSE_ABNORMAL, s->reason);
}

/*
 * Both ways are open, and nothing waits: what decide() would ask for is as it is. Behind nearly
 * every message that is so, and seen with less work than by asking.
 */
static bool
session_is_flowing(const struct session *s)
{
	return s->peer_state == PEER_OPEN && s->child_state == CHILD_RUN &&
	       s->close_wanted == 0 && !s->fin_seen && !s->endpoint->pass_stderr &&
	       stream_is_reading(s->peer) && stream_queued(s->peer) == 0 &&
	       child_is_reading(s->child) && child_queued(s->child) == 0;
}

/*
 * Does what the state and the figures ask for, until they ask for nothing new.
 * The session may be freed by it: callers return right after it.
 */
static void
session_step(struct session *s)
{
	int64_t due;

	if (session_is_flowing(s)) {
		due = session_due_ms(s);
		if (due != 0)
			timer_at(&s->timer, due);
		return;
	}
	for (;;) {
		struct decide_facts facts = session_facts(s);
		struct decide_actions todo = decide(&facts);

		if (!session_wants_output(s))
			session_out_drop(s);
		if (s->peer_state == PEER_GONE) {
			/* It waits for the exit status with no memory but its own. */
			decoder_clear(&s->decoder);
			buffer_clear(&s->undecoded);
			buffer_clear(&s->pong);
			inflater_drop(s->inflater);
		}
		if (todo.end_child) {
			session_tell_end(s);
			child_end(s->child);
		}
		if (todo.send_close) {
			session_close_send(s);
			continue;
		}
		if (todo.finish_peer) {
			linger_take(s->peer, s->loop, LINGER_CREDIT_MS);
			s->peer = NULL;
			decoder_clear(&s->decoder);
			session_set_peer(s, PEER_GONE);
			continue;
		}
		if (todo.free) {
			session_log_close(s);
			session_free(s);
			return;
		}
		if (todo.read_peer && buffer_len(&s->undecoded) > 0) {
			session_in_resume(s);
			continue;
		}
		session_set_peer_reading(s, todo.read_peer);
		child_set_reading(s->child, todo.read_child);
		session_set_stderr_reading(s);
		if (todo.read_child && child_is_reaped(s->child) &&
		    s->child_state != CHILD_GONE) {
			/* Nobody is left to write, so no event comes when the pipe is empty. */
			session_out_take(s);
			continue;
		}
		due = session_due_ms(s);
		if (due != 0)
			timer_at(&s->timer, due);
		return;
	}
}

/* A deadline may have passed. */
static void
session_on_timer(void *arg)
{
	struct session *s = arg;

	session_due_act(s);
	session_step(s);
}

struct session *
session_open(const struct session_spec *spec, int *error)
{
	const struct spawn_command command = {
	    .path = spec->program,
	    .fd = spec->program_fd,
	    .argv = spec->argv,
	    .envp = spec->envp,
	};
	size_t remote_size = strlen(spec->remote) + 1;
	const char *program = spec->endpoint->program ? "" : spec->program;
	size_t program_size = strlen(program) + 1;
	struct session *s =
	    calloc(1, sizeof(*s) + remote_size + spec->offered.len + 1 + program_size);

	*error = ENOMEM;
	if (!s)
		return NULL;
	s->loop = spec->loop;
	s->endpoint = spec->endpoint;
	s->id = spec->id;
	list_init(&s->node);
	timer_init(&s->timer, s->loop, session_on_timer, s);
	memcpy(s->remote, spec->remote, remote_size);
	if (spec->offered.len > 0)
		memcpy(s->remote + remote_size, spec->offered.data, spec->offered.len);
	memcpy(s->remote + remote_size + spec->offered.len + 1, program, program_size);
	if (s->endpoint->compat) {
		s->compat = session_log_compat_new(spec);
		if (!s->compat)
			goto fail;
	}
	if (spec->deflate) {
		s->inflater = inflater_new(spec->deflate);
		s->deflater = deflater_new(spec->deflate, (int)s->endpoint->deflate.level);
		if (!s->inflater || !s->deflater)
			goto fail;
	}
	*error = child_start(spec->children, &command, &session_child_handlers, s, &s->child);
	if (*error != 0)
		goto fail;
	decoder_init(&s->decoder, s->endpoint->max_message);
	decoder_set_max_empty_fragments(&s->decoder, s->endpoint->max_empty_fragments);
	decoder_set_inflater(&s->decoder, s->inflater);
	if (s->endpoint->input_in_parts)
		decoder_set_parts(&s->decoder);
	framing_init(&s->framing, &s->endpoint->from_program);
	s->opened_ms = s->heard_ms = util_clock_ms();
	list_append(spec->list, &s->node);
	session_log_open(s, spec);
	session_in_tell_open(s, spec);
	return s;
fail:
	session_release(&s->grave);
	return NULL;
}

void
session_accept_take(
    struct session *s, struct stream *stream, struct span head, struct span rest)
{
	s->peer = stream;
	stream_set_handlers(stream, &session_peer_handlers, s);
	if (!stream_write(stream, head.data, head.len)) {
		session_lose_peer(s, "connection lost");
	} else if (rest.len > 0) {
		/* The decoder works in place, so what came early is copied to where reads go.
		 */
		assert(rest.len <= LOOP_BATCH);
		memcpy(s->loop->in, rest.data, rest.len);
		session_in_take(s, s->loop->in, rest.len);
	}
	session_step(s);
}

void
session_drain_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct session *s = LIST_ENTRY_OF(node, struct session, node);

		next = node->next;
		session_want_close(s, CLOSE_GOING_AWAY, "the server is shutting down");
		session_step(s);
	}
}

void
session_abort_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct session *s = LIST_ENTRY_OF(node, struct session, node);

		next = node->next;
		session_lose_peer(s, "server stopped");
		session_step(s);
	}
}

bool
session_all_have_no_peer(const struct list *list)
{
	for (struct list *node = list->next; node != list; node = node->next) {
		if (LIST_ENTRY_OF(node, struct session, node)->peer_state != PEER_GONE)
			return false;
	}
	return true;
}
