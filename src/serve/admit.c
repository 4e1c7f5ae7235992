/* SPDX-License-Identifier: BSD-2-Clause */
/* Decides whether a request may use its endpoint. */
#include "serve/admit.h"

#include "http/credentials.h"
#include "net/limit.h"
#include "serve/access.h"
#include "serve/reject.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)CREDENTIALS_TOKEN_MAX >= TOKENS_TOKEN_MAX, "every token can be sent");
_Static_assert((int)CREDENTIALS_USER_MAX >= PASSWORDS_USER_MAX, "every user can be sent");

/*
 * Responses.
 */

static bool
admit_put_challenge(
    struct buffer *out, const struct access *access, const char *scheme, const char *rest)
{
	const char *parts[] = {
	    "WWW-Authenticate: ", scheme, " realm=\"", access->realm, "\"", rest, "\r\n"};

	for (size_t i = 0; i < UTIL_LEN(parts); i++) {
		if (!buffer_append(out, parts[i], strlen(parts[i])))
			return false;
	}
	return true;
}

/* Adds the challenges that a 401 must have (RFC 9110, section 15.5.2). For credentials that
 * HTTP clients can't send, the scheme is one that clients ignore. An error is only named if
 * there was a token (RFC 6750, section 3.1). */
static bool
admit_put_challenges(struct buffer *out, const struct access *access, bool had_token)
{
	bool ok = true;

	/* RFC 7617, section 2.1. A hook probably checks Authorization, too. */
	if (access->passwords || (access->hook && !access_authenticates(access)))
		ok = admit_put_challenge(out, access, "Basic", ", charset=\"UTF-8\"");
	if (access->tokens)
		ok = ok && admit_put_challenge(out, access, "Bearer",
			       had_token ? ", error=\"invalid_token\"" : "");
	if (buffer_len(out) == 0)
		ok = ok && admit_put_challenge(out, access,
			       access->header ? "Trusted-Header" : "Certificate", "");
	return ok && buffer_append(out, "Cache-Control: no-store\r\n",
			 sizeof("Cache-Control: no-store\r\n") - 1);
}

/* Responds with 401. */
static void
admit_refuse(
    const struct access *access, struct exchange *exchange, bool had_token, const char *reason)
{
	struct buffer fields = {0};
	bool ok =
	    admit_put_challenges(&fields, access, had_token) && buffer_append(&fields, "", 1);

	if (ok)
		exchange_reply_status(
		    exchange, 401, (const char *)buffer_data(&fields), reason);
	else
		exchange_reply_status(exchange, 503, REJECT_RETRY_LATER, "out of memory");
	buffer_clear(&fields);
}

/*
 * Addresses
 */

/* Returns why the client's address is rejected, or NULL. */
static const char *
admit_refuse_address(const struct access *access, const struct exchange *exchange)
{
	const struct client *client = exchange_client(exchange);

	if (cidr_list_covers(&access->deny, &client->address))
		return "the client's address is in --deny";
	if (!access_has_list(&access->allow))
		return NULL;
	if (client->anonymous)
		return "the proxy reports no client address, so --allow can't match";
	if (!cidr_list_covers(&access->allow, &client->address))
		return "the client's address is not in --allow";
	return NULL;
}

/*
 * Checks that need not wait: each returns whether the credentials are valid, and then sets
 * *IDENTITY.
 */

static bool
admit_by_certificate(const struct exchange *exchange, struct identity *identity)
{
	struct stream_cert cert = {0};

	if (!stream_client_cert(exchange_stream(exchange), &cert) || !cert.subject)
		return false;
	strcpy(identity->type, "Certificate");
	identity->user = cert.subject;
	cert.subject = NULL;
	stream_cert_clear(&cert);
	return true;
}

/* Reports whether the request was sent by a trusted proxy, so that its fields can be trusted.
 * Only a proxy can connect to a Unix socket. */
static bool
admit_trusts_peer(const struct exchange *exchange)
{
	const struct client *client = exchange_client(exchange);
	struct sockaddr_storage peer;

	stream_peer_address(exchange_stream(exchange), &peer);
	return client->trusted || (peer.ss_family == AF_UNIX && !client->anonymous);
}

static bool
admit_by_header(
    const struct access *access, const struct exchange *exchange, struct identity *identity)
{
	struct span user;

	if (!admit_trusts_peer(exchange) ||
	    head_find(exchange_request(exchange)->head, access->header, &user) != 1 ||
	    user.len == 0 || user.len > CREDENTIALS_USER_MAX)
		return false;
	strcpy(identity->type, "Trusted-Header");
	identity->user = span_dup(user);
	return identity->user;
}

static bool
admit_by_token(const struct access *access, const struct exchange *exchange,
    struct identity *identity, bool *had_token)
{
	const struct request *request = exchange_request(exchange);
	struct span tokens[CREDENTIALS_TOKENS_MAX];
	char room[CREDENTIALS_TOKEN_MAX];
	size_t count = credentials_tokens(request->head, request->uri.query, tokens, room);
	const char *name = NULL;

	*had_token = count > 0;
	for (size_t i = 0; i < count; i++) {
		if (!tokens_find(access->tokens, tokens[i], &name))
			continue;
		strcpy(identity->type, "Bearer");
		identity->user = strdup(name);
		return identity->user;
	}
	return false;
}

/*
 * Asynchronous checks: a password and then a hook.
 */

/* A waiting request. */
struct admit {
	struct list node; /* in context->waiting */
	const struct admit_context *context; /* borrowed */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange; /* borrowed */
	admit_handler *admitted;
	void *arg; /* borrowed: argument of the handler */
	char *user; /* owned: user name of the password */
	struct hasher_wait wait; /* in the hasher */
	struct hook *hook; /* NULL: it is not running */
};

/* Frees A and returns its exchange, which the caller must end. */
static struct exchange *
admit_free(struct admit *a)
{
	struct exchange *exchange = a->exchange;

	exchange_set_handlers(exchange, NULL, NULL);
	hasher_cancel(&a->wait);
	if (a->hook)
		hook_cancel(a->hook);
	list_remove(&a->node);
	endpoint_unref(a->endpoint);
	free(a->user);
	free(a);
	return exchange;
}

/* The client may still read the response. A password check is short; the hook gets a short
 * time. */
static void
admit_on_half_closed(void *arg)
{
	struct admit *a = arg;

	if (a->hook)
		hook_end(a->hook);
}

static void
admit_on_gone(void *arg)
{
	(void)admit_free(arg);
}

static const struct exchange_handlers admit_handlers = {
    .on_half_closed = admit_on_half_closed,
    .on_gone = admit_on_gone,
};

/* Returns NULL if memory runs out; the request has then been rejected. */
static struct admit *
admit_new(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, admit_handler *admitted, void *arg)
{
	struct admit *a = calloc(1, sizeof(*a));

	if (!a) {
		exchange_reply_status(exchange, 503, REJECT_RETRY_LATER, "out of memory");
		return NULL;
	}
	list_append(context->waiting, &a->node);
	list_init(&a->wait.node);
	a->context = context;
	a->endpoint = endpoint_ref(endpoint);
	a->exchange = exchange;
	a->admitted = admitted;
	a->arg = arg;
	exchange_set_handlers(exchange, &admit_handlers, a);
	return a;
}

/* Admits the request and frees A. */
static void
admit_finish(struct admit *a)
{
	struct endpoint *endpoint = endpoint_ref(a->endpoint);
	admit_handler *admitted = a->admitted;
	void *arg = a->arg;

	admitted(arg, endpoint, admit_free(a));
	endpoint_unref(endpoint);
}

static void
admit_on_decided(void *arg, const struct reject *reject, struct identity *identity)
{
	struct admit *a = arg;
	const struct identity *before = exchange_identity(a->exchange);

	a->hook = NULL;
	if (reject && reject->status == 401) {
		struct endpoint *endpoint = endpoint_ref(a->endpoint);

		admit_refuse(endpoint->access, admit_free(a), false, reject->reason);
		endpoint_unref(endpoint);
	} else if (reject) {
		exchange_reply_status(
		    admit_free(a), reject->status, reject->headers, reject->reason);
	} else {
		if (!identity->user && before->user)
			identity->user = strdup(before->user);
		if (*identity->type == '\0')
			strcpy(identity->type, *before->type ? before->type : "Hook");
		exchange_set_identity_take(a->exchange, identity);
		admit_finish(a);
	}
}

/* Starts the hook: the credentials are valid, or none are needed. */
static void
admit_ask(struct admit *a)
{
	const struct admit_context *context = a->context;
	const struct request *asked = exchange_request(a->exchange);
	char path[HEAD_MAX_LINE + 1];
	struct stream_cert cert = {0};
	struct env_request request = env_request_of(
	    asked, exchange_client(a->exchange), exchange_identity(a->exchange), path);
	struct reject reject = {.status = 503, .headers = REJECT_RETRY_LATER};

	request.hook = true;
	request.client = &cert;
	/* An invalid path belongs to the endpoint at the root, and is rejected later. */
	if (uri_decode_path(asked->uri.path, path) == URI_PATH_BAD)
		strcpy(path, "/");
	if (stream_client_cert(exchange_stream(a->exchange), &cert))
		a->hook = hook_start(context->hooks, context->launcher, a->endpoint, &request,
		    admit_on_decided, a, &reject);
	stream_cert_clear(&cert);
	if (!a->hook)
		exchange_reply_status(
		    admit_free(a), reject.status, reject.headers, reject.reason);
}

/* Continues with a request whose credentials are valid, or that needs none. */
static void
admit_accept(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, admit_handler *admitted, void *arg)
{
	struct admit *a;

	if (!endpoint->access->hook) {
		admitted(arg, endpoint, exchange);
		return;
	}
	a = admit_new(context, endpoint, exchange, admitted, arg);
	if (a)
		admit_ask(a);
}

static void
admit_on_hashed(void *arg, bool matched)
{
	struct admit *a = arg;
	struct identity identity = {.type = "Basic", .user = a->user};

	a->user = NULL;
	if (matched) {
		exchange_set_identity_take(a->exchange, &identity);
		if (a->endpoint->access->hook)
			admit_ask(a);
		else
			admit_finish(a);
	} else {
		struct endpoint *endpoint = endpoint_ref(a->endpoint);

		admit_refuse(endpoint->access, admit_free(a), false,
		    "wrong user name or password (--auth-basic)");
		endpoint_unref(endpoint);
	}
	identity_clear(&identity);
}

/* Queues the password for the hasher; the check continues in its callback. */
static void
admit_hash(struct admit *a, const struct credentials_basic *basic)
{
	uint64_t address = limit_address(&exchange_client(a->exchange)->address);
	enum hasher_result result = HASHER_FULL;

	a->user = strdup(basic->user);
	a->wait.done = admit_on_hashed;
	a->wait.arg = a;
	if (a->user)
		result = hasher_check(a->context->hasher, a->endpoint->access->passwords,
		    basic->user, basic->password, address, &a->wait);
	switch (result) {
	case HASHER_QUEUED:
		break;
	case HASHER_MATCHED:
		admit_on_hashed(a, true);
		break;
	case HASHER_FULL:
		exchange_reply_status(admit_free(a), 503, REJECT_RETRY_LATER,
		    "too many passwords wait to be checked (--auth-basic)");
		break;
	}
}

void
admit_drain_all(const struct admit_context *context)
{
	while (!list_empty(context->waiting))
		exchange_reply_status(
		    admit_free(LIST_ENTRY_OF(context->waiting->next, struct admit, node)), 503,
		    REJECT_RETRY_LATER, "the server is shutting down");
}

/* Checks the password, if any: no other credentials were valid. */
static void
admit_by_password(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, bool had_token, admit_handler *admitted, void *arg)
{
	const struct access *access = endpoint->access;
	struct credentials_basic basic;
	struct admit *a;
	enum credentials_result found = CREDENTIALS_NONE;

	if (access->passwords)
		found = credentials_basic(exchange_request(exchange)->head, &basic);
	switch (found) {
	case CREDENTIALS_NONE:
		admit_refuse(access, exchange, had_token,
		    had_token ? "the token is not valid (--auth-token)"
			      : "the request has no credentials");
		break;
	case CREDENTIALS_MALFORMED:
		admit_refuse(access, exchange, false,
		    "Authorization is malformed, too long or repeated");
		break;
	case CREDENTIALS_FOUND:
		a = admit_new(context, endpoint, exchange, admitted, arg);
		if (a)
			admit_hash(a, &basic);
		break;
	}
	explicit_bzero(&basic, sizeof(basic));
}

void
admit_check(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, admit_handler *admitted, void *arg)
{
	const struct access *access = endpoint->access;
	const char *refused = admit_refuse_address(access, exchange);
	struct identity identity = {0};
	bool had_token = false;

	if (refused) {
		exchange_reply_status(exchange, 403, NULL, refused);
	} else if (!access_authenticates(access)) {
		admit_accept(context, endpoint, exchange, admitted, arg);
	} else if ((access->cert && admit_by_certificate(exchange, &identity)) ||
		   (access->header && admit_by_header(access, exchange, &identity)) ||
		   (access->tokens &&
		       admit_by_token(access, exchange, &identity, &had_token))) {
		exchange_set_identity_take(exchange, &identity);
		admit_accept(context, endpoint, exchange, admitted, arg);
	} else {
		admit_by_password(context, endpoint, exchange, had_token, admitted, arg);
	}
}
