/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a request may use its endpoint. */
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

/* RFC 9110, section 15.5.2: a 401 has a challenge. For credentials that no client can send by
 * means of HTTP its scheme is one that clients ignore. RFC 6750, section 3.1: an error is named
 * only if there was a token. */
static bool
admit_put_challenges(struct buffer *out, const struct access *access, bool had_token)
{
	bool ok = true;

	/* RFC 7617, section 2.1. */
	if (access->passwords)
		ok = admit_put_challenge(out, access, "Basic", ", charset=\"UTF-8\"");
	if (access->tokens)
		ok = ok && admit_put_challenge(out, access, "Bearer",
			       had_token ? ", error=\"invalid_token\"" : "");
	if (!access->passwords && !access->tokens)
		ok = admit_put_challenge(
		    out, access, access->header ? "Trusted-Header" : "Certificate", "");
	return ok && buffer_append(out, "Cache-Control: no-store\r\n",
			 sizeof("Cache-Control: no-store\r\n") - 1);
}

/* 401. */
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
 * Addresses.
 */

/* Why the client's address is rejected, or NULL. */
static const char *
admit_refuse_address(const struct access *access, const struct exchange *exchange)
{
	const struct sockaddr_storage *address = &exchange_client(exchange)->address;

	if (cidr_list_covers(&access->deny, address))
		return "the client's address is in --deny";
	if (access_has_list(&access->allow) && !cidr_list_covers(&access->allow, address))
		return "the client's address is not in --allow";
	return NULL;
}

/*
 * Credentials that need no waiting: each returns whether they are valid, and then sets
 * *IDENTITY.
 */

static bool
admit_by_certificate(const struct exchange *exchange, struct identity *identity)
{
	struct stream_cert cert = {0};

	if (!stream_client_cert(exchange_stream(exchange), &cert) || !cert.subject)
		return false;
	identity->type = "Certificate";
	identity->user = cert.subject;
	cert.subject = NULL;
	stream_cert_clear(&cert);
	return true;
}

/* Whether the fields of a request can be trusted: a proxy has sent it. Only one can connect to
 * a Unix socket. */
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
	identity->type = "Trusted-Header";
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
		identity->type = "Bearer";
		identity->user = strdup(name);
		return identity->user;
	}
	return false;
}

/*
 * Passwords, which take their time.
 */

/* A request that waits. */
struct admit {
	struct list node; /* in context->waiting */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange; /* borrowed */
	admit_handler *admitted;
	void *arg; /* borrowed: the handler's */
	char *user; /* owned */
	struct hasher_wait wait;
};

/* Frees it, and returns its exchange, which is the caller's to end. */
static struct exchange *
admit_free(struct admit *a)
{
	struct exchange *exchange = a->exchange;

	exchange_set_handlers(exchange, NULL, NULL);
	hasher_cancel(&a->wait);
	list_remove(&a->node);
	endpoint_unref(a->endpoint);
	free(a->user);
	free(a);
	return exchange;
}

static void
admit_on_drained(void *arg)
{
	(void)arg;
}

static void
admit_on_gone(void *arg)
{
	(void)admit_free(arg);
}

/* A client that half-closes may still read, and it does not wait for long. */
static const struct exchange_handlers admit_handlers = {
    .on_drained = admit_on_drained,
    .on_gone = admit_on_gone,
};

static void
admit_refuse_password(const struct access *access, struct exchange *exchange)
{
	admit_refuse(access, exchange, false, "wrong user name or password (--auth-basic)");
}

static void
admit_on_hashed(void *arg, bool matched)
{
	struct admit *a = arg;
	struct endpoint *endpoint = endpoint_ref(a->endpoint);
	struct identity identity = {.type = "Basic", .user = a->user};
	admit_handler *admitted = a->admitted;
	void *admitted_arg = a->arg;
	struct exchange *exchange;

	a->user = NULL;
	exchange = admit_free(a);
	if (matched) {
		exchange_set_identity_take(exchange, &identity);
		admitted(admitted_arg, endpoint, exchange);
	} else {
		admit_refuse_password(endpoint->access, exchange);
	}
	identity_clear(&identity);
	endpoint_unref(endpoint);
}

/* Has the password checked, and responds then. */
static void
admit_hash(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const struct credentials_basic *basic, admit_handler *admitted,
    void *arg)
{
	uint64_t address = limit_address(&exchange_client(exchange)->address);
	struct admit *a = calloc(1, sizeof(*a));
	enum hasher_result result = HASHER_FULL;

	if (a)
		a->user = strdup(basic->user);
	if (a && a->user) {
		list_init(&a->node);
		list_init(&a->wait.node);
		list_append(context->waiting, &a->node);
		a->endpoint = endpoint_ref(endpoint);
		a->exchange = exchange;
		a->admitted = admitted;
		a->arg = arg;
		a->wait.done = admit_on_hashed;
		a->wait.arg = a;
		exchange_set_handlers(exchange, &admit_handlers, a);
		result = hasher_check(context->hasher, endpoint->access->passwords, basic->user,
		    basic->password, address, &a->wait);
	}
	switch (result) {
	case HASHER_QUEUED:
		return;
	case HASHER_MATCHED:
		admit_on_hashed(a, true);
		return;
	case HASHER_FULL:
		break;
	}
	if (a && a->user)
		(void)admit_free(a);
	else
		free(a);
	exchange_reply_status(exchange, 503, REJECT_RETRY_LATER,
	    "too many passwords wait to be checked (--auth-basic)");
}

void
admit_drain_all(const struct admit_context *context)
{
	while (!list_empty(context->waiting))
		exchange_reply_status(
		    admit_free(LIST_ENTRY_OF(context->waiting->next, struct admit, node)), 503,
		    REJECT_RETRY_LATER, "the server is shutting down");
}

/* No credentials were valid but, perhaps, a password. */
static void
admit_by_password(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, bool had_token, admit_handler *admitted, void *arg)
{
	const struct access *access = endpoint->access;
	struct credentials_basic basic;
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
		admit_hash(context, endpoint, exchange, &basic, admitted, arg);
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
		admitted(arg, endpoint, exchange);
	} else if ((access->cert && admit_by_certificate(exchange, &identity)) ||
		   (access->header && admit_by_header(access, exchange, &identity)) ||
		   (access->tokens &&
		       admit_by_token(access, exchange, &identity, &had_token))) {
		exchange_set_identity_take(exchange, &identity);
		admitted(arg, endpoint, exchange);
	} else {
		admit_by_password(context, endpoint, exchange, had_token, admitted, arg);
	}
}
