/* SPDX-License-Identifier: BSD-2-Clause */
/* MCP sessions. */
#include "serve/mcp_session.h"

#include "serve/share.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MCP_FINISHES "the server accepts no more sessions"

void
mcp_init(
    struct mcp *mcp, const struct opening_context *context, const struct affinity *affinity)
{
	mcp->context = context;
	mcp->affinity = affinity;
	list_init(&mcp->programs);
	session_table_init(&mcp->table);
}

void
mcp_finish(struct mcp *mcp)
{
	struct list *next;

	mcp->finishes = true;
	for (struct list *node = mcp->programs.next; node != &mcp->programs; node = next) {
		next = node->next;
		mcp_peer_finish(LIST_ENTRY_OF(node, struct session_entry, node)->peer);
	}
	session_table_each(&mcp->table, mcp_peer_finish);
}

static void
mcp_session_on_over(void *owner)
{
	session_entry_free(owner);
}

static struct peer *
mcp_session_make_peer(struct mcp *mcp, struct session_entry *s, struct session *session,
    uint64_t log_id, struct peer_counts *sent)
{
	struct mcp_peer_spec spec = {
	    .loop = mcp->context->launcher.loop,
	    .sent = sent,
	    .room = &mcp->kept,
	    .log_id = log_id,
	    .idle_ms = s->endpoint->mcp.idle_ms,
	    .stateless = *s->id == '\0',
	    .on_over = mcp_session_on_over,
	    .owner = s,
	};

	snprintf(spec.session, sizeof(spec.session), "Mcp-Session-Id: %s\r\n", s->id);
	s->peer = mcp_peer_new(&spec, &session_peer_handlers, session);
	return s->peer;
}

/*
 * Sessions
 */

struct mcp_opening {
	struct opening opening; /* first: mcp_opening_of() casts it back */
	struct mcp *mcp;
	struct session_entry *session; /* owned until the peer exists */
	struct session_entry **result; /* borrowed, as the next one */
	struct reject *reject;
};

static struct mcp_opening *
mcp_opening_of(struct opening *o)
{
	return (struct mcp_opening *)(void *)o;
}

static struct peer *
mcp_opening_make_peer(struct opening *o, struct session *session, struct peer_counts *sent)
{
	struct mcp_opening *opening = mcp_opening_of(o);
	struct session_entry *s = opening->session;
	struct peer *peer;

	/* As secret as the program's UNIQUE_ID, but different. */
	if (!affinity_make_id(opening->mcp->affinity, s->id))
		return NULL;
	peer = mcp_session_make_peer(opening->mcp, s, session, o->launch.id, sent);
	if (peer) {
		session_table_add(&opening->mcp->table, s);
		opening->session = NULL;
		*opening->result = s;
	}
	return peer;
}

static void
mcp_opening_begin(struct opening *o, struct peer *peer)
{
	(void)o;
	(void)peer;
}

static void
mcp_opening_reject(struct opening *o, const struct reject *reject)
{
	struct mcp_opening *opening = mcp_opening_of(o);
	bool own = reject->reason == reject->text;

	*opening->result = NULL;
	*opening->reject = *reject;
	if (own)
		opening->reject->reason = opening->reject->text;
}

static void
mcp_opening_free(struct opening *o)
{
	struct mcp_opening *opening = mcp_opening_of(o);

	session_entry_free(opening->session);
	opening_clear(o);
	free(opening);
}

static const struct opening_ops mcp_opening_ops = {
    .make_peer = mcp_opening_make_peer,
    .begin = mcp_opening_begin,
    .reject = mcp_opening_reject,
    .free = mcp_opening_free,
};

struct session_entry *
mcp_session_open(struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange,
    struct reject *reject)
{
	struct session_entry *s =
	    session_entry_new(endpoint, exchange_identity(exchange)->user);
	struct mcp_opening *opening = s ? calloc(1, sizeof(*opening)) : NULL;
	char path[HEAD_MAX_LINE + 1];
	struct session_entry *result = NULL;

	if (mcp->finishes)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, MCP_FINISHES);
	else if (!opening)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	else if (!session_entry_admit(
		     s, mcp->context->launcher.limit, exchange_client(exchange)))
		(void)reject_with(reject, 429, "Retry-After: 5\r\n",
		    "too many connections and sessions from this address (--max-per-ip)");
	else
		reject->status = 0;
	if (reject->status != 0) {
		session_entry_free(s);
		free(opening);
		return NULL;
	}
	(void)uri_decode_path(exchange_request(exchange)->uri.path, path);
	opening->mcp = mcp;
	opening->session = s;
	opening->result = &result;
	opening->reject = reject;
	opening_init(
	    &opening->opening, &mcp_opening_ops, mcp->context, endpoint, exchange, path);
	/* A COMMAND is started at once. */
	opening_start(&opening->opening);
	return result;
}

/*
 * Shared programs
 */

static struct session_entry *
mcp_session_start(
    struct mcp *mcp, struct session_entry *s, const struct launcher *launcher, int *error)
{
	struct endpoint *endpoint = s->endpoint;
	struct session_log_spec spec = {
	    .rules = &endpoint->session.log,
	    .id = atomic_fetch_add(launcher->last_id, 1) + 1,
	    .remote = "-",
	    .program = endpoint->program,
	    .secure = launcher->secure,
	    .target = span_of(*endpoint->path ? endpoint->path : "/"),
	};
	struct session *session =
	    session_new(launcher->loop, mcp->context->sessions, &endpoint->session, &spec);
	struct backend *backend = NULL;

	*error = ENOMEM;
	if (!session) {
		session_entry_free(s);
		return NULL;
	}
	(void)endpoint_ref(endpoint); /* released by session_rules.release */
	if (mcp_session_make_peer(mcp, s, session, spec.id, session_sent(session))) {
		list_append(&mcp->programs, &s->node);
		backend = share_start_program(launcher, endpoint, &endpoint->framed,
		    &session_backend_handlers, session, error);
		if (!backend)
			peer_free(s->peer);
	} else {
		session_entry_free(s);
	}
	if (backend)
		session_start_take(session, s->peer, backend, &spec);
	else
		session_cancel(session);
	return backend ? s : NULL;
}

struct session_entry *
mcp_session_shared(struct mcp *mcp, struct endpoint *endpoint, struct reject *reject)
{
	const struct launcher *launcher = &mcp->context->launcher;
	struct session_entry *s;
	int error;

	for (struct list *node = mcp->programs.next; node != &mcp->programs;
	     node = node->next) {
		s = LIST_ENTRY_OF(node, struct session_entry, node);
		if (s->endpoint == endpoint)
			return s;
	}
	if (mcp->finishes) {
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, MCP_FINISHES);
		return NULL;
	}
	if (!launcher_may_fork(launcher, reject))
		return NULL;
	s = session_entry_new(endpoint, NULL);
	if (!s) {
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
		return NULL;
	}
	s = mcp_session_start(mcp, s, launcher, &error);
	if (!s)
		share_reject(endpoint, error, reject);
	return s;
}
