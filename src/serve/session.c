/* SPDX-License-Identifier: BSD-2-Clause */
/* The bridge between one peer and one program. */
#include "serve/session.h"

#include "base/log.h"
#include "base/utf8.h"
#include "child/framing.h"
#include "net/linger.h"
#include "net/listener.h"
#include "serve/decide.h"
#include "websocket/decoder.h"
#include "websocket/encoder.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What goes one way: whole messages and the bytes in them. */
struct session_count {
	uint64_t messages;
	uint64_t bytes;
};

struct session {
	struct loop_grave grave; /* first: session_release() casts it back */
	struct list node;	 /* in the server's list */
	struct loop *loop;	 /* borrowed, as the next one */
	const struct endpoint *endpoint;
	uint64_t id;
	enum peer_state peer_state;
	enum child_state child_state;
	struct io *peer;     /* owned; NULL when PEER_GONE */
	struct child *child; /* owned */
	struct decoder decoder;
	struct encoder encoder;
	struct framing_reader framing;
	struct utf8_repair repair; /* of the child's text */
	size_t repaired;	   /* characters; the first is said in the log */
	size_t out_len;		   /* bytes in loop->out, within a callback */
	uint16_t close_wanted;	   /* see struct decide_facts */
	uint16_t close_sent;
	uint16_t close_received;
	const char *reason; /* why it ends, in words, constant; NULL: the program or the peer ended it */
	struct timer timer;
	int64_t opened_ms;
	int64_t heard_ms;  /* when the peer last sent something, or was last pinged */
	int64_t closed_ms; /* when our CLOSE was found to have left; 0: not yet */
	unsigned int pings; /* unanswered */
	struct session_count in;
	struct session_count out;
	char remote[LISTENER_TEXT_MAX];
	char *compat_url; /* owned; only in compat mode, whose every line names them */
	char *compat_origin;
};

static void session_step(struct session *s);

static const char *const session_peer_names[] = {
	[PEER_OPEN] = "open", [PEER_CLOSING] = "closing", [PEER_LEFT] = "left", [PEER_GONE] = "gone"};
static const char *const session_child_names[] = {
	[CHILD_RUN] = "run", [CHILD_EOF] = "eof", [CHILD_DEAD] = "dead", [CHILD_GONE] = "gone"};

/* The log */

/* Begins a line with what websocketd puts on each of its lines; ours begin with the session's id alone. */
static bool
session_log_begin(struct session *s, enum log_level level, const char *category, struct span message)
{
	if (!log_begin(level, category, s->id, message))
		return false;
	if (s->endpoint->compat) {
		log_text("url", span_of(s->compat_url));
		log_number("id", (int64_t)s->id);
		log_text("remote", span_of(s->remote));
		log_text("command", span_of(s->endpoint->program ? s->endpoint->program : s->endpoint->dir_path));
		log_text("origin", span_of(s->compat_origin));
		log_number("pid", child_pid(s->child));
	}
	return true;
}

static void
session_log_change(struct session *s, const char *what, const char *from, const char *to)
{
	char message[64];

	if (!log_shows(LOG_DEBUG))
		return;
	snprintf(message, sizeof(message), "%s %s -> %s", what, from, to);
	if (session_log_begin(s, LOG_DEBUG, "session", span_of(message)))
		log_end();
}

static void
session_log_open(struct session *s, const struct session_spec *spec)
{
	if (!session_log_begin(s, LOG_ACCESS, "session", s->endpoint->compat ? SPAN("CONNECT") : SPAN("open")))
		return;
	if (!s->endpoint->compat) {
		log_text("remote", span_of(s->remote));
		log_text("target", spec->target);
		if (spec->origin.len > 0)
			log_text("origin", spec->origin);
		log_text("program", span_of(spec->program));
		log_number("pid", child_pid(s->child));
	}
	log_end();
}

static void
session_log_close(struct session *s)
{
	struct child_exit end = child_exit(s->child);

	if (!session_log_begin(s, LOG_ACCESS, "session", s->endpoint->compat ? SPAN("DISCONNECT") : SPAN("close")))
		return;
	if (!s->endpoint->compat) {
		log_text("remote", span_of(s->remote));
		log_number("duration_ms", util_clock_ms() - s->opened_ms);
		log_number("in_messages", (int64_t)s->in.messages);
		log_number("in_bytes", (int64_t)s->in.bytes);
		log_number("out_messages", (int64_t)s->out.messages);
		log_number("out_bytes", (int64_t)s->out.bytes);
		if (end.by_signal)
			log_text("signal", span_of(sigabbrev_np(end.value) ? sigabbrev_np(end.value) : "?"));
		else
			log_number("exit", end.value);
		/* 1006 (RFC 6455, section 7.1.5): there was no CLOSE. */
		log_number("sent", s->close_sent != 0 ? s->close_sent : CLOSE_ABNORMAL);
		log_number("received", s->close_received != 0 ? s->close_received : CLOSE_ABNORMAL);
		if (s->reason)
			log_text("reason", span_of(s->reason));
	}
	log_end();
}

/* Facts */

static void
session_set_peer(struct session *s, enum peer_state state)
{
	if (s->peer_state == state)
		return;
	session_log_change(s, "peer", session_peer_names[s->peer_state], session_peer_names[state]);
	s->peer_state = state;
}

/* The child's state follows from its three facts. */
static void
session_set_child(struct session *s)
{
	enum child_state state = CHILD_RUN;

	if (child_stdout_has_ended(s->child))
		state = child_is_reaped(s->child) ? CHILD_GONE : CHILD_EOF;
	else if (child_is_dead(s->child))
		state = CHILD_DEAD;
	if (s->child_state == state)
		return;
	session_log_change(s, "child", session_child_names[s->child_state], session_child_names[state]);
	s->child_state = state;
}

/* The session must end with CODE; the first reason counts. */
static void
session_want_close(struct session *s, uint16_t code, const char *reason)
{
	if (s->close_wanted != 0)
		return;
	s->close_wanted = code;
	s->reason = reason;
}

/* The connection is of no use any more: no CLOSE, no flush. */
static void
session_lose_peer(struct session *s, const char *reason)
{
	if (s->peer_state == PEER_GONE)
		return;
	if (!s->reason)
		s->reason = reason;
	io_free(s->peer);
	s->peer = NULL;
	session_set_peer(s, PEER_GONE);
}

/* Peer to child */

/* A row of messages that lie in the read buffer, pushed together so that they leave in one write. */
struct session_batch {
	uint8_t *start;	   /* NULL: empty */
	uint8_t *end;
	bool wants_suffix; /* the last message's suffix is not written yet: its place may be the next header's */
};

static void
session_batch_finish_message(struct session_batch *batch, struct span suffix)
{
	if (batch->wants_suffix) {
		memcpy(batch->end, suffix.data, suffix.len);
		batch->end += suffix.len;
	}
	batch->wants_suffix = false;
}

static void
session_batch_flush(struct session *s, struct session_batch *batch, struct span suffix)
{
	struct iovec part;

	session_batch_finish_message(batch, suffix);
	if (!batch->start)
		return;
	part.iov_base = batch->start;
	part.iov_len = (size_t)(batch->end - batch->start);
	child_write(s->child, &part, 1);
	batch->start = NULL;
}

/* Whether the child takes messages of this type; ends the session when it does not. */
static bool
session_takes(struct session *s, enum message_type type)
{
	bool lines = s->endpoint->framing == FRAMING_LINES;

	if (lines ? type == MESSAGE_TEXT : (type == MESSAGE_BINARY || !s->endpoint->compat))
		return true;
	/* RFC 6455, section 7.4.1: "it has received a type of data it cannot accept". */
	if (!s->endpoint->compat)
		session_want_close(s, CLOSE_TYPE, "a binary message, and the program reads lines");
	return false;
}

static void
session_take_message(struct session *s, struct decoder_item *item, struct session_batch *batch)
{
	struct message *m = &item->message;
	struct span suffix = framing_suffix(s->endpoint->framing);
	struct buffer gathered = {0};

	if (s->close_wanted != 0 || !session_takes(s, m->type))
		return;
	s->in.messages++;
	s->in.bytes += m->len;
	if (item->in_place) {
		/* A frame's header is longer than a suffix, so END never passes the place of what comes next. */
		session_batch_finish_message(batch, suffix);
		if (!batch->start)
			batch->start = batch->end = m->data;
		if (batch->end != m->data)
			memmove(batch->end, m->data, m->len);
		batch->end += m->len;
		batch->wants_suffix = true;
		return;
	}
	session_batch_flush(s, batch, suffix);
	decoder_take(&s->decoder, &gathered);
	if (buffer_append(&gathered, suffix.data, suffix.len)) {
		child_write_take(s->child, &gathered);
	} else {
		buffer_clear(&gathered);
		session_want_close(s, CLOSE_INTERNAL, "no memory for a message");
	}
}

/* Writes what was put into loop->out. */
static void
session_flush_out(struct session *s)
{
	size_t len = s->out_len;

	s->out_len = 0;
	if (len > 0 && s->peer && !io_write(s->peer, s->loop->out, len))
		session_lose_peer(s, "the connection was lost");
}

static void
session_put_control(struct session *s, enum frame_opcode opcode, const uint8_t *payload, size_t len)
{
	if (s->close_sent != 0)
		return; /* RFC 6455, section 5.5.1: nothing follows a CLOSE */
	if (LOOP_OUT - s->out_len < FRAME_SERVER_HEADER_MAX + FRAME_CONTROL_MAX)
		session_flush_out(s);
	s->out_len += encoder_control(s->loop->out + s->out_len, opcode, payload, len);
}

/* Takes what the peer has sent: all messages in it, and the end of them. */
static void
session_take_input(struct session *s, uint8_t *bytes, size_t len)
{
	struct decoder_item item;
	struct session_batch batch = {0};
	bool relay = s->peer_state == PEER_OPEN && s->child_state == CHILD_RUN;
	enum decoder_event event;

	s->heard_ms = util_clock_ms();
	s->pings = 0;
	decoder_feed(&s->decoder, bytes, len);
	while ((event = decoder_next(&s->decoder, &item)) != DECODER_MORE) {
		switch (event) {
		case DECODER_MORE:
		case DECODER_PONG:
			break;
		case DECODER_MESSAGE:
			if (relay)
				session_take_message(s, &item, &batch);
			break;
		case DECODER_PING:
			session_put_control(s, FRAME_PONG, item.payload.data, item.payload.len);
			break;
		case DECODER_CLOSE:
			s->close_received = item.code;
			session_set_peer(s, PEER_LEFT);
			break;
		case DECODER_FAIL:
			session_want_close(s, item.code, item.reason);
			break;
		}
	}
	session_batch_flush(s, &batch, framing_suffix(s->endpoint->framing));
	session_flush_out(s);
}

static void
session_on_peer_readable(void *arg)
{
	struct session *s = arg;
	size_t n;

	switch (io_read(s->peer, s->loop->in, LOOP_BATCH, &n)) {
	case IO_OK:
		session_take_input(s, s->loop->in, n);
		break;
	case IO_AGAIN:
		return;
	case IO_EOF:
		session_set_peer(s, PEER_LEFT);
		break;
	case IO_FAILED:
		session_lose_peer(s, "the connection was reset");
		break;
	}
	session_step(s);
}

static void
session_on_peer_written(void *arg)
{
	session_step(arg);
}

static void
session_on_peer_gone(void *arg, bool failed)
{
	struct session *s = arg;

	if (failed)
		session_lose_peer(s, "the connection was lost");
	else
		session_set_peer(s, PEER_LEFT);
	session_step(s);
}

static const struct io_handlers session_peer_handlers = {
	.on_readable = session_on_peer_readable,
	.on_written = session_on_peer_written,
	.on_gone = session_on_peer_gone,
};

/* Child to peer */

enum { SESSION_COPY_MAX = 4096 }; /* bytes of a payload that is cheaper to copy than to point to */

static void
session_put_frame(struct session *s, enum message_type type, bool last, uint8_t *data, size_t len)
{
	struct iovec parts[2];
	bool copy = len <= SESSION_COPY_MAX;

	if (LOOP_OUT - s->out_len < FRAME_SERVER_HEADER_MAX + (copy ? len : 0))
		session_flush_out(s);
	s->out_len += encoder_header(&s->encoder, s->loop->out + s->out_len, type, last, len);
	s->out.bytes += len;
	s->out.messages += last;
	if (copy) {
		if (len > 0)
			memcpy(s->loop->out + s->out_len, data, len);
		s->out_len += len;
		return;
	}
	parts[0] = (struct iovec){s->loop->out, s->out_len};
	parts[1] = (struct iovec){data, len};
	s->out_len = 0;
	if (s->peer && !io_writev(s->peer, parts, 2))
		session_lose_peer(s, "the connection was lost");
}

/* RFC 6455, section 8.1: what is called text must be UTF-8. The child's is repaired where it is not. */
static void
session_put_repaired(struct session *s, const struct message *m, bool last)
{
	uint8_t *fixed = malloc(UTF8_REPAIR_MAX(m->len));
	size_t before = s->repaired;
	size_t len;

	if (!fixed) {
		session_want_close(s, CLOSE_INTERNAL, "no memory for a message");
		return;
	}
	len = utf8_repair(&s->repair, m->data, m->len, last, fixed, &s->repaired);
	session_put_frame(s, m->type, last, fixed, len);
	free(fixed);
	if (before == 0 && s->repaired > 0 &&
	    session_log_begin(s, LOG_ERROR, "session",
		SPAN("the program's output is not UTF-8: repaired with U+FFFD; --binary passes bytes on")))
		log_end();
}

static void
session_put_message(struct session *s, const struct message *m, bool last)
{
	bool clean = m->type == MESSAGE_BINARY ||
	    (s->repair.state.need == 0 && utf8_valid(m->data, m->len));

	if (s->peer_state != PEER_OPEN || s->close_wanted != 0)
		return;
	if (clean)
		session_put_frame(s, m->type, last, m->data, m->len);
	else
		session_put_repaired(s, m, last);
}

/* Takes one read of the child's output. False when there is nothing more for now. */
static bool
session_take_output(struct session *s)
{
	struct message m;
	enum framing_event event;
	size_t n;

	switch (child_read(s->child, s->loop->in, LOOP_BATCH, &n)) {
	case IO_OK:
		framing_feed(&s->framing, s->loop->in, n);
		while ((event = framing_next(&s->framing, &m)) != FRAMING_MORE && event != FRAMING_NOMEM)
			session_put_message(s, &m, event == FRAMING_MESSAGE);
		if (event == FRAMING_NOMEM)
			session_want_close(s, CLOSE_INTERNAL, "no memory for a line");
		session_flush_out(s);
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
	case IO_FAILED:
		break;
	}
	/* The last line counts also without its end. */
	if (framing_end(&s->framing, &m) == FRAMING_MESSAGE)
		session_put_message(s, &m, true);
	framing_clear(&s->framing);
	session_flush_out(s);
	session_set_child(s);
	return false;
}

static void
session_on_stdout(void *arg)
{
	struct session *s = arg;

	session_take_output(s);
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

	if (session_log_begin(s, LOG_ERROR, "stderr", (struct span){line, len}))
		log_end();
}

static void
session_on_child_changed(void *arg)
{
	struct session *s = arg;

	session_set_child(s);
	session_step(s);
}

static const struct child_handlers session_child_handlers = {
	.on_stdout = session_on_stdout,
	.on_written = session_on_stdin_written,
	.on_stderr = session_on_stderr,
	.on_exit = session_on_child_changed,
	.on_reaped = session_on_child_changed,
};

/* The step */

/* The close code and the reason that tell how the program ended. */
static uint16_t
session_exit_code(struct session *s, char *reason, size_t size)
{
	struct child_exit end = child_exit(s->child);
	const char *name;

	if (end.by_signal) {
		name = sigabbrev_np(end.value);
		snprintf(reason, size, "signal %s", name ? name : "?");
		return (uint16_t)(4256 + end.value);
	}
	snprintf(reason, size, "exit %d", end.value);
	return end.value == 0 ? CLOSE_NORMAL : (uint16_t)(4000 + end.value);
}

static void
session_send_close(struct session *s)
{
	char reason[FRAME_CONTROL_MAX] = "";
	uint8_t frame[FRAME_SERVER_HEADER_MAX + FRAME_CONTROL_MAX];
	uint16_t code;

	if (s->peer_state == PEER_LEFT) {
		code = s->close_received; /* section 5.5.1: "typically echos the status code" */
	} else if (s->close_wanted != 0) {
		code = s->close_wanted;
		snprintf(reason, sizeof(reason), "%s", s->reason);
	} else {
		code = session_exit_code(s, reason, sizeof(reason));
	}
	s->close_sent = code;
	if (!io_write(s->peer, frame, encoder_close(frame, code, reason)))
		session_lose_peer(s, "the connection was lost");
	else if (s->peer_state == PEER_OPEN)
		session_set_peer(s, PEER_CLOSING);
}

static void
session_release(struct loop_grave *grave)
{
	struct session *s = (struct session *)(void *)grave;

	timer_clear(&s->timer);
	free(s->compat_url);
	free(s->compat_origin);
	free(s);
}

/* The one end of a session. */
static void
session_free(struct session *s)
{
	io_free(s->peer);
	s->peer = NULL;
	child_free(s->child);
	s->child = NULL;
	decoder_clear(&s->decoder);
	framing_clear(&s->framing);
	timer_stop(&s->timer);
	list_remove(&s->node);
	loop_bury(s->loop, &s->grave, session_release);
}

/*
 * Their CLOSE is overdue: ours has left, and the time is over. Notes when it left. After a fault theirs is not
 * waited for, as nothing that comes behind a fault is heard (RFC 6455, section 7.1.7).
 */
static bool
session_close_overdue(struct session *s, int64_t now)
{
	if (s->peer_state != PEER_CLOSING || io_queued(s->peer) > 0)
		return false;
	if (s->decoder.over)
		return true;
	if (s->closed_ms == 0)
		s->closed_ms = now;
	return now >= s->closed_ms + SESSION_CLOSE_MS;
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
		.peer_queued = s->peer ? io_queued(s->peer) : 0,
		.child_queued = child_queued(s->child),
		.reading_peer = s->peer && io_is_reading(s->peer),
		.reading_child = child_is_reading(s->child),
		.close_overdue = session_close_overdue(s, s->peer_state == PEER_CLOSING ? util_clock_ms() : 0),
	};
}

static void
session_set_peer_reading(struct session *s, bool on)
{
	if (!s->peer || io_is_reading(s->peer) == on)
		return;
	io_set_reading(s->peer, on);
	/* While we did not read we could not hear: the peer is not to blame for that silence. */
	if (on)
		s->heard_ms = util_clock_ms();
}

/* When something is due if nothing happens; 0: never. */
static int64_t
session_due(const struct session *s)
{
	int64_t due = 0;

	if (!s->peer)
		return 0;
	if (io_queued(s->peer) > 0)
		return io_progress_ms(s->peer) + SESSION_STALL_MS;
	if (s->peer_state == PEER_CLOSING)
		due = s->closed_ms + SESSION_CLOSE_MS;
	else if (s->endpoint->ping_ms > 0)
		due = s->heard_ms + s->endpoint->ping_ms;
	return due;
}

/*
 * Does what the state and the figures ask for, until they ask for nothing new.
 * The session may be freed by it: callers return right after it.
 */
static void
session_step(struct session *s)
{
	for (;;) {
		struct decide_facts facts = session_facts(s);
		struct decide_actions todo = decide(&facts);
		int64_t due;

		if (todo.end_child)
			child_end(s->child);
		if (todo.send_close) {
			session_send_close(s);
			continue;
		}
		if (todo.finish_peer) {
			linger_take(s->peer, s->loop);
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
		session_set_peer_reading(s, todo.read_peer);
		child_set_reading(s->child, todo.read_child);
		if (todo.read_child && child_is_reaped(s->child) && s->child_state != CHILD_GONE) {
			/* Nobody is left to write, so no event comes when the pipe is empty. */
			session_take_output(s);
			continue;
		}
		due = session_due(s);
		if (due != 0 && !timer_at(&s->timer, due)) {
			session_lose_peer(s, "no memory for a timer");
			continue;
		}
		return;
	}
}

/* A deadline may have passed. */
static void
session_on_timer(void *arg)
{
	struct session *s = arg;
	int64_t now = util_clock_ms();

	if (s->peer && io_queued(s->peer) > 0) {
		if (now >= io_progress_ms(s->peer) + SESSION_STALL_MS)
			session_lose_peer(s, "the peer took no data for too long");
	} else if (s->peer_state == PEER_OPEN && s->endpoint->ping_ms > 0 &&
	    now >= s->heard_ms + s->endpoint->ping_ms) {
		if (!io_is_reading(s->peer)) {
			s->heard_ms = now;
		} else if (s->pings >= SESSION_PINGS) {
			session_lose_peer(s, "the peer did not answer pings");
		} else {
			s->pings++;
			s->heard_ms = now;
			session_put_control(s, FRAME_PING, NULL, 0);
			session_flush_out(s);
		}
	}
	session_step(s);
}

struct session *
session_open(const struct session_spec *spec, int *error)
{
	struct session *s = calloc(1, sizeof(*s));

	*error = ENOMEM;
	if (!s)
		return NULL;
	s->loop = spec->loop;
	s->endpoint = spec->endpoint;
	s->id = spec->id;
	list_init(&s->node);
	timer_init(&s->timer, s->loop, session_on_timer, s);
	snprintf(s->remote, sizeof(s->remote), "%s", spec->remote);
	if (s->endpoint->compat) {
		if (asprintf(&s->compat_url, "http://%.*s%.*s", (int)spec->host.len, spec->host.data,
			(int)spec->target.len, spec->target.data) == -1)
			s->compat_url = NULL;
		s->compat_origin = span_dup(spec->origin.len > 0 ? spec->origin : SPAN("file:"));
		if (!s->compat_url || !s->compat_origin)
			goto fail;
	}
	*error = child_start(spec->children, spec->program, spec->argv, spec->envp, &session_child_handlers, s,
	    &s->child);
	if (*error != 0)
		goto fail;
	decoder_init(&s->decoder, s->endpoint->max_message);
	framing_init(&s->framing, s->endpoint->framing);
	s->opened_ms = s->heard_ms = util_clock_ms();
	list_append(spec->list, &s->node);
	session_log_open(s, spec);
	return s;
fail:
	session_release(&s->grave);
	return NULL;
}

void
session_accept_take(struct session *s, struct io *io, struct span head, struct span rest)
{
	s->peer = io;
	io_set_handlers(io, &session_peer_handlers, s);
	if (!io_write(io, head.data, head.len)) {
		session_lose_peer(s, "the connection was lost");
	} else if (rest.len > 0) {
		/* The decoder works in place, so what came early is copied to where reads go. */
		assert(rest.len <= LOOP_BATCH);
		memcpy(s->loop->in, rest.data, rest.len);
		session_take_input(s, s->loop->in, rest.len);
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
		session_lose_peer(s, "the server was stopped");
		session_step(s);
	}
}
