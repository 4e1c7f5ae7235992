/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns an accepted request into both sides of a session. */
#include "serve/opening.h"

#include "http/credentials.h"

void
opening_init(struct opening *o, const struct opening_ops *ops,
    const struct opening_context *context, struct endpoint *endpoint, struct exchange *exchange,
    const char *path)
{
	list_init(&o->node);
	list_append(context->openings, &o->node);
	o->ops = ops;
	o->context = context;
	o->endpoint = endpoint_ref(endpoint);
	o->exchange = exchange;
	o->launch = (struct launch){
	    .launcher = &context->launcher, .endpoint = endpoint, .script = ENDPOINT_NO_SCRIPT};
	o->request = env_request_of(exchange_request(exchange), exchange_client(exchange),
	    exchange_identity(exchange), path);
	o->request.local = &o->local;
	o->request.traceparent = o->launch.traceparent;
	if (endpoint->proxy_protocol)
		stream_local_address(exchange_stream(exchange), &o->local);
}

void
opening_clear(struct opening *o)
{
	list_remove(&o->node);
	launch_clear(&o->launch);
	stream_cert_clear(&o->client);
	endpoint_unref(o->endpoint);
}

/* Ends an opening that has not become a session. */
static void
opening_reject(struct opening *o, const struct reject *reject)
{
	o->ops->reject(o, reject);
	o->ops->free(o);
}

/* Starts both sides, the backend first. */
static bool
opening_open(struct opening *o, struct reject *reject)
{
	const struct env_request *request = &o->request;
	struct endpoint *endpoint = o->endpoint;
	struct launch *launch = &o->launch;
	char target[HEAD_MAX_LINE];
	struct session_log_spec spec = {
	    .rules = &endpoint->session.log,
	    .id = launch->id,
	    .remote = launch->remote,
	    .program = launch_name(launch),
	    .via = o->via,
	    .secure = request->secure,
	    .user = exchange_identity(o->exchange)->user,
	    .target =
		credentials_log_target(head_target(request->head), target, sizeof(target)),
	    .host = request->host,
	    .subprotocol = request->subprotocol,
	    .extensions = o->extensions,
	    .offered = o->offered,
	    .traceparent = launch->traceparent,
	};
	struct backend *backend = NULL;
	struct peer *peer = NULL;
	struct session *session;

	(void)head_find(request->head, "Origin", &spec.origin);
	session = session_new(
	    launch->launcher->loop, o->context->sessions, &endpoint->session, &spec);
	if (session) {
		(void)endpoint_ref(endpoint); /* released by session_rules.release */
		peer = o->ops->make_peer(o, session, session_sent(session));
	}
	if (peer)
		backend = launch_start(launch, &session_backend_handlers, session, reject);
	else
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	if (backend) {
		session_start_take(session, peer, backend, &spec);
		o->ops->begin(o, peer);
		o->ops->free(o);
	} else {
		peer_free(peer);
		session_cancel(session);
	}
	return backend != NULL;
}

/* While the backend is being connected */

static void
opening_on_connected(void *arg, const struct reject *rejected)
{
	struct opening *o = arg;
	struct reject reject;

	if (rejected)
		opening_reject(o, rejected);
	else if (!opening_open(o, &reject))
		opening_reject(o, &reject);
}

/* Clients send nothing more before the response (for WebSocket: RFC 6455, section 4.1), so this
 * one has disconnected. */
static void
opening_on_half_closed(void *arg)
{
	struct opening *o = arg;

	exchange_abort(o->exchange, "the client disconnected before the response");
	o->ops->free(o);
}

static void
opening_on_gone(void *arg)
{
	struct opening *o = arg;

	o->ops->free(o);
}

static const struct exchange_handlers opening_handlers = {
    .on_half_closed = opening_on_half_closed,
    .on_gone = opening_on_gone,
};

/* Starts the backend. Returns false with the error response in *REJECT. */
static bool
opening_launch(struct opening *o, struct reject *reject)
{
	o->launch.request = &o->request;
	o->request.client = &o->client;
	if (!stream_client_cert(exchange_stream(o->exchange), &o->client))
		return reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	if (!launch_prepare(&o->launch, reject))
		return false;
	if (!launch_must_connect(&o->launch))
		return opening_open(o, reject);
	if (!launch_connect(&o->launch, opening_on_connected, o, reject))
		return false;
	exchange_set_handlers(o->exchange, &opening_handlers, o);
	o->request.path = NULL;
	return true;
}

void
opening_start(struct opening *o)
{
	struct reject reject;

	if (!opening_launch(o, &reject))
		opening_reject(o, &reject);
}

void
opening_drain_all(const struct opening_context *context)
{
	static const struct reject reject = {.status = 503,
	    .headers = REJECT_RETRY_LATER,
	    .reason = "the server is shutting down"};

	while (!list_empty(context->openings))
		opening_reject(
		    LIST_ENTRY_OF(context->openings->next, struct opening, node), &reject);
}
