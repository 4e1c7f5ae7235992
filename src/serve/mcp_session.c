/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions of MCP. */
#include "serve/mcp_session.h"

#include "net/limit.h"
#include "serve/session_key.h"
#include "serve/share.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MCP_FINISHES "the server accepts no more sessions"

/*
 * The table.
 */

void
mcp_init(
    struct mcp *mcp, const struct opening_context *context, const struct affinity *affinity)
{
	mcp->context = context;
	mcp->affinity = affinity;
	list_init(&mcp->programs);
	for (size_t i = 0; i < MCP_BUCKETS; i++)
		list_init(&mcp->buckets[i]);
}

static void
mcp_finish_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		next = node->next;
		mcp_peer_finish(LIST_ENTRY_OF(node, struct mcp_session, node)->peer);
	}
}

void
mcp_finish(struct mcp *mcp)
{
	mcp->finishes = true;
	mcp_finish_all(&mcp->programs);
	for (size_t i = 0; i < MCP_BUCKETS; i++)
		mcp_finish_all(&mcp->buckets[i]);
}

static struct list *
mcp_session_bucket(struct mcp *mcp, const char *id)
{
	return &mcp->buckets[(util_hex_value((unsigned char)id[0]) * 16 +
				 util_hex_value((unsigned char)id[1])) &
			     (MCP_BUCKETS - 1)];
}

struct mcp_session *
mcp_session_find(struct mcp *mcp, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id)
{
	struct list *bucket;

	if (id.len != ENV_UNIQUE_ID_LEN)
		return NULL;
	bucket = mcp_session_bucket(mcp, id.data);
	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct mcp_session *s = LIST_ENTRY_OF(node, struct mcp_session, node);
		struct session_key key = {s->id, s->endpoint, s->user};

		if (session_key_opens(&key, endpoint, exchange, id))
			return s;
	}
	return NULL;
}

static void
mcp_session_free(struct mcp_session *s)
{
	if (!s)
		return;
	list_remove(&s->node);
	limit_leave(s->slot);
	endpoint_unref(s->endpoint);
	free(s->user);
	free(s);
}

static void
mcp_session_on_over(void *owner)
{
	mcp_session_free(owner);
}

static struct mcp_session *
mcp_session_new(struct endpoint *endpoint, const char *user)
{
	struct mcp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	list_init(&s->node);
	s->endpoint = endpoint_ref(endpoint);
	if (!user)
		return s;
	s->user = strdup(user);
	if (s->user)
		return s;
	mcp_session_free(s);
	return NULL;
}

static struct peer *
mcp_session_make_peer(struct mcp *mcp, struct mcp_session *s, struct session *session,
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
 * A session.
 */

struct mcp_opening {
	struct opening opening; /* first: mcp_opening_of() casts it back */
	struct mcp *mcp;
	struct mcp_session *session; /* owned until there is a peer */
	struct mcp_session **result; /* borrowed, as the next one */
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
	struct mcp_session *s = opening->session;
	struct peer *peer;

	/* It is as secret as that of the session's program, but another one. */
	if (!affinity_make_id(opening->mcp->affinity, s->id))
		return NULL;
	peer = mcp_session_make_peer(opening->mcp, s, session, o->launch.id, sent);
	if (peer) {
		list_append(mcp_session_bucket(opening->mcp, s->id), &s->node);
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

	mcp_session_free(opening->session);
	opening_clear(o);
	free(opening);
}

static const struct opening_ops mcp_opening_ops = {
    .make_peer = mcp_opening_make_peer,
    .begin = mcp_opening_begin,
    .reject = mcp_opening_reject,
    .free = mcp_opening_free,
};

/* Counts it as a connection of CLIENT. False: there is no room for one. */
static bool
mcp_session_enter(struct mcp_session *s, struct limit *limit, const struct client *client)
{
	s->slot = limit_enter(limit, &client->address);
	limit_move(s->slot, LIMIT_ABSENT);
	return s->slot && limit_admit(s->slot);
}

struct mcp_session *
mcp_session_open(struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange,
    struct reject *reject)
{
	struct mcp_session *s = mcp_session_new(endpoint, exchange_identity(exchange)->user);
	struct mcp_opening *opening = s ? calloc(1, sizeof(*opening)) : NULL;
	char path[HEAD_MAX_LINE + 1];
	struct mcp_session *result = NULL;

	if (mcp->finishes)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, MCP_FINISHES);
	else if (!opening)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	else if (!mcp_session_enter(s, mcp->context->launcher.limit, exchange_client(exchange)))
		(void)reject_with(reject, 429, "Retry-After: 5\r\n",
		    "too many connections and sessions from this address (--max-per-ip)");
	else
		reject->status = 0;
	if (reject->status != 0) {
		mcp_session_free(s);
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
 * The program for all clients.
 */

static struct mcp_session *
mcp_session_start(
    struct mcp *mcp, struct mcp_session *s, const struct launcher *launcher, int *error)
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
		mcp_session_free(s);
		return NULL;
	}
	(void)endpoint_ref(endpoint); /* until it ends: session_rules.release */
	if (mcp_session_make_peer(mcp, s, session, spec.id, session_sent(session))) {
		list_append(&mcp->programs, &s->node);
		backend = share_start_program(launcher, endpoint, &endpoint->framed,
		    &session_backend_handlers, session, error);
		if (!backend)
			peer_free(s->peer);
	} else {
		mcp_session_free(s);
	}
	if (backend)
		session_start_take(session, s->peer, backend, &spec);
	else
		session_cancel(session);
	return backend ? s : NULL;
}

struct mcp_session *
mcp_session_shared(struct mcp *mcp, struct endpoint *endpoint, struct reject *reject)
{
	const struct launcher *launcher = &mcp->context->launcher;
	struct mcp_session *s;
	int error;

	for (struct list *node = mcp->programs.next; node != &mcp->programs;
	     node = node->next) {
		s = LIST_ENTRY_OF(node, struct mcp_session, node);
		if (s->endpoint == endpoint)
			return s;
	}
	if (mcp->finishes) {
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, MCP_FINISHES);
		return NULL;
	}
	if (!launcher_may_fork(launcher, reject))
		return NULL;
	s = mcp_session_new(endpoint, NULL);
	if (!s) {
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
		return NULL;
	}
	s = mcp_session_start(mcp, s, launcher, &error);
	if (!s)
		share_reject(endpoint, error, reject);
	return s;
}
