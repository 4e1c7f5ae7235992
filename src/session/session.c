/* SPDX-License-Identifier: BSD-2-Clause */
/* A session joins one peer and one backend. */
#include "session/session.h"

#include "net/loop.h"
#include "session/policy.h"
#include "websocket/frame.h"

#include <stdlib.h>

struct session {
	union {
		struct list node; /* in the server's list */
		struct loop_deferred deferred; /* once freed */
	};
	struct loop *loop; /* borrowed, as the next one */
	const struct session_rules *rules;
	struct peer *peer; /* owned; NULL once GONE */
	struct backend *backend; /* owned */
	struct policy policy; /* the last result */
	struct output output;
	struct session_log log;
	struct ending ending;
	enum peer_state peer_state : 8; /* as last logged, like BACKEND_STATE */
	enum backend_state backend_state : 8;
	char texts[]; /* strings of the log */
};

/* Facts */

/* Asks the policy what may flow and what must be done. */
static void
session_ask(struct session *s)
{
	struct policy_facts facts = {
	    .peer = s->peer_state,
	    .backend = s->backend_state,
	    .closing = s->ending.closing,
	    .peer_queued = s->peer ? peer_queued(s->peer) : 0,
	    .backend_queued = backend_queued(s->backend),
	    .peer_ending = s->peer && s->peer->ending,
	    .peer_is_server = s->peer && s->peer->is_server,
	    .backend_listens = s->backend->listens,
	    .sends_log = s->rules->output.sends_log,
	};

	s->policy = policy_decide(&facts, &s->policy);
}

static void
session_request_close(struct session *s, uint16_t code, const char *reason)
{
	if (ending_request(&s->ending, code, reason))
		session_ask(s);
}

/* The peer broke a rule. */
static void
session_begin_grace(struct session *s, uint16_t code, const char *reason)
{
	if (ending_begin(&s->ending, CLOSING_GRACE, code, reason))
		session_ask(s);
}

/* The peer sent a message that can't be accepted. */
static void
session_violation(struct session *s, uint16_t code, const char *reason)
{
	session_begin_grace(s, code, reason);
	peer_violation(s->peer);
}

static void
session_note_peer(struct session *s, enum peer_state state)
{
	if (s->peer_state == state)
		return;
	session_log_peer(&s->log, s->peer_state, state);
	s->peer_state = state;
}

/* Detaches the peer and passes it to RELEASE, which frees or finishes it. */
static void
session_release_peer(struct session *s, void (*release)(struct peer *peer))
{
	struct peer *peer = s->peer;

	s->peer = NULL;
	s->ending.cause_is_final = true;
	release(peer);
	session_note_peer(s, PEER_GONE);
}

static void
session_note_states(struct session *s)
{
	enum backend_state state = s->backend->state;

	if (s->backend_state != state)
		session_log_backend(&s->log, s->backend_state, state);
	s->backend_state = state;
	if (s->peer && s->peer->state != PEER_GONE) {
		session_note_peer(s, s->peer->state);
	} else if (s->peer) {
		ending_note_reason(&s->ending, s->peer->reason);
		session_release_peer(s, peer_free);
	}
}

/* The step */

static void
session_release(struct loop_deferred *deferred)
{
	struct session *s = LIST_ENTRY_OF(deferred, struct session, deferred);

	ending_clear(&s->ending);
	if (s->rules->release)
		s->rules->release(s->rules);
	free(s);
}

/* The only destructor of a session that has started. */
static void
session_free(struct session *s)
{
	session_log_close(&s->log, s->backend, &s->ending);
	if (s->rules->on_end)
		s->rules->on_end(s->rules, s->backend, &s->ending);
	backend_free(s->backend);
	output_clear(&s->output);
	list_remove(&s->node);
	loop_defer_free(s->loop, &s->deferred, session_release);
}

static void
session_finish_backend(struct session *s)
{
	const struct ending *e = &s->ending;

	backend_finish(
	    s->backend, e->closing != CLOSING_NONE ? e->code : CLOSE_ABNORMAL, e->reason);
}

static void
session_send_close(struct session *s)
{
	char text[FRAME_CONTROL_MAX];
	struct span reason =
	    ending_send(&s->ending, s->backend, s->peer_state == PEER_LEFT, text);

	peer_close(s->peer, s->ending.sent, reason);
	session_note_states(s);
}

/* Does what the policy requires, until it requires nothing new. May free the session: callers
 * must return right after it. */
static void
session_step(struct session *s)
{
	session_note_states(s);
	for (;;) {
		session_ask(s);
		if (!s->policy.relay_output)
			output_clear(&s->output);
		if (s->policy.finish_backend)
			session_finish_backend(s);
		if (s->policy.send_close) {
			session_send_close(s);
		} else if (s->policy.finish_peer) {
			session_release_peer(s, peer_finish);
		} else if (s->policy.free) {
			session_free(s);
			return;
		} else {
			break;
		}
	}
	if (s->peer)
		peer_set_reading(s->peer, s->policy.read_peer);
	backend_set_reading(s->backend, !s->policy.relay_output	 ? BACKEND_DROPS
					: s->policy.read_backend ? BACKEND_READS
								 : BACKEND_PAUSES);
	backend_set_reading_log(s->backend, s->policy.read_log);
}

/* From the peer */

static bool
session_on_peer_messages(void *arg, struct batch *batch)
{
	struct session *s = arg;

	if (!s->policy.relay_input)
		return true;
	switch (backend_write(s->backend, batch)) {
	case BACKEND_OK:
		s->log.counts->in.messages += batch->messages;
		s->log.counts->in.bytes += batch->bytes;
		s->log.counts->in.wire += batch->wire;
		break;
	case BACKEND_DROPPED:
		break;
	case BACKEND_WRONG_TYPE:
		/* RFC 6455, section 7.4.1: "it has received a type of data it cannot accept".
		 */
		session_violation(s, CLOSE_TYPE,
		    "binary messages are not accepted: the program reads text (see --binary, "
		    "--framing)");
		break;
	case BACKEND_REJECTED:
		session_violation(s, CLOSE_POLICY, s->backend->why);
		break;
	case BACKEND_WRITE_NO_MEMORY:
		session_request_close(s, CLOSE_INTERNAL, "out of memory");
		break;
	}
	session_ask(s);
	return s->policy.read_peer;
}

static void
session_on_peer_violation(void *arg, uint16_t code, const char *reason)
{
	struct session *s = arg;

	session_begin_grace(s, code, reason);
	ending_note_reason(&s->ending, reason); /* after our Close: only for the log */
}

static void
session_on_peer_grace_over(void *arg)
{
	struct session *s = arg;

	(void)ending_end_grace(&s->ending);
}

static void
session_on_peer_error(void *arg, uint16_t code, const char *reason)
{
	session_request_close(arg, code, reason);
}

static void
session_on_peer_close(void *arg, uint16_t code, struct span reason)
{
	struct session *s = arg;

	ending_receive(&s->ending, code, reason);
	backend_finish(s->backend, code, reason);
}

static void
session_on_peer_changed(void *arg)
{
	struct session *s = arg;

	backend_flush(s->backend);
	session_step(s);
}

const struct peer_handlers session_peer_handlers = {
    .on_messages = session_on_peer_messages,
    .on_violation = session_on_peer_violation,
    .on_grace_over = session_on_peer_grace_over,
    .on_error = session_on_peer_error,
    .on_close = session_on_peer_close,
    .on_changed = session_on_peer_changed,
};

/* From the backend */

static void
session_note_output(struct session *s, enum output_result result)
{
	session_log_output(&s->log, result);
	if (result == OUTPUT_INVALID)
		session_request_close(s, CLOSE_INTERNAL, "the program's output is not UTF-8");
	else if (result == OUTPUT_NO_MEMORY)
		session_request_close(s, CLOSE_INTERNAL, "out of memory");
}

static void
session_on_backend_messages(void *arg, struct batch *batch)
{
	struct session *s = arg;
	uint64_t before;

	if (!s->policy.relay_output)
		return;
	before = s->log.counts->out.messages;
	session_note_output(s, output_send(&s->output, s->peer, batch));
	batch->messages = (size_t)(s->log.counts->out.messages - before);
}

static void
session_on_backend_log_line(void *arg, const char *line, size_t len)
{
	struct session *s = arg;

	session_log_stderr(&s->log, (struct span){line, len});
	if (s->policy.relay_log)
		session_note_output(s, output_send_log(&s->output, s->peer, line, len));
}

/* The rest of the backend's output can't be sent. */
static void
session_note_malformed(struct session *s, const char *why, struct span bytes)
{
	session_log_malformed(&s->log, why, bytes);
	session_request_close(s, CLOSE_INTERNAL, "the program's output is malformed");
}

static void
session_on_backend_close(struct session *s, const struct backend_event *event)
{
	if (!frame_close_code_valid(event->code)) {
		session_note_malformed(s, "close with a code that can't be sent", event->shown);
		return;
	}
	/* A shared program closes its clients with 1012 and 1013. */
	ending_note_cause(&s->ending, event->code == CLOSE_SERVICE_RESTART
					  ? SESSION_CAUSE_FAILURE
				      : event->code == CLOSE_TRY_LATER ? SESSION_CAUSE_SERVER
								       : SESSION_CAUSE_EXIT);
	session_request_close(s, event->code, "");
	ending_copy_reason(&s->ending, event->text);
}

static void
session_on_backend_event(void *arg, const struct backend_event *event)
{
	struct session *s = arg;

	/* The output of a backend that is being ended may well end within a record. */
	if (event->kind <= BACKEND_NO_MEMORY &&
	    (!s->policy.relay_output || s->ending.closing != CLOSING_NONE))
		return;
	switch (event->kind) {
	case BACKEND_CLOSE:
		session_on_backend_close(s, event);
		break;
	case BACKEND_MALFORMED:
		session_note_malformed(s, event->why, event->shown);
		break;
	case BACKEND_TOO_BIG:
		session_log_line(&s->log, LOG_ERROR, span_of(s->rules->reason_output));
		session_request_close(s, CLOSE_INTERNAL, s->rules->reason_output);
		break;
	case BACKEND_NO_MEMORY:
		session_request_close(s, CLOSE_INTERNAL, "out of memory");
		break;
	case BACKEND_STUCK:
		session_request_close(s, CLOSE_INTERNAL, "the program can't be terminated");
		break;
	}
}

static void
session_on_backend_changed(void *arg)
{
	struct session *s = arg;

	if (s->peer)
		peer_flush(s->peer);
	session_step(s);
}

const struct backend_handlers session_backend_handlers = {
    .on_messages = session_on_backend_messages,
    .on_log_line = session_on_backend_log_line,
    .on_event = session_on_backend_event,
    .on_changed = session_on_backend_changed,
};

/* Lifecycle */

struct session *
session_new(struct loop *loop, struct list *list, const struct session_rules *rules,
    const struct session_log_spec *spec)
{
	char texts[SESSION_LOG_TEXTS_MAX];
	size_t len = session_log_texts(spec, texts);
	struct session *s = calloc(1, sizeof(*s) + len);

	if (!s)
		return NULL;
	s->loop = loop;
	s->rules = rules;
	memcpy(s->texts, texts, len);
	session_log_init(&s->log, spec, s->texts);
	s->output.rules = &rules->output;
	list_init(&s->node);
	list_append(list, &s->node);
	return s;
}

struct peer_counts *
session_sent(struct session *s)
{
	return &s->log.counts->out;
}

void
session_cancel(struct session *s)
{
	if (!s)
		return;
	list_remove(&s->node);
	session_log_cancel(&s->log);
	session_release(&s->deferred);
}

void
session_start_take(struct session *s, struct peer *peer, struct backend *backend,
    const struct session_log_spec *spec)
{
	s->peer = peer;
	s->backend = backend;
	s->log.pid = backend->pid;
	s->log.compresses = peer->compresses;
	session_log_open(&s->log, spec);
	session_ask(s);
}

void
session_drain_all(struct list *list, const char *reason)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct session *s = LIST_ENTRY_OF(node, struct session, node);

		next = node->next;
		session_request_close(s, CLOSE_GOING_AWAY, reason);
		session_step(s);
	}
}

void
session_close_asked(struct list *list)
{
	const struct registry_entry *entry;
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct session *s = LIST_ENTRY_OF(node, struct session, node);

		next = node->next;
		entry = session_log_entry(&s->log);
		if (!entry || atomic_load(&entry->close_id) != s->log.id)
			continue;
		session_request_close(s, CLOSE_GOING_AWAY, "closed by the administrator");
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
		ending_note_reason(&s->ending, "server stopped");
		ending_note_cause(&s->ending, SESSION_CAUSE_SERVER);
		if (s->peer)
			session_release_peer(s, peer_free);
		session_step(s);
	}
}

bool
session_all_have_no_peer(const struct list *list)
{
	for (struct list *node = list->next; node != list; node = node->next) {
		if (LIST_ENTRY_OF(node, struct session, node)->peer)
			return false;
	}
	return true;
}
