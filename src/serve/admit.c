/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a request may use its endpoint. */
#include "serve/admit.h"

#include "http/credentials.h"
#include "net/listener.h"
#include "serve/access.h"
#include "serve/reject.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)CREDENTIALS_TOKEN_MAX >= TOKENS_TOKEN_MAX, "every token can be sent");

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

	if (access->tokens)
		ok = admit_put_challenge(
		    out, access, "Bearer", had_token ? ", error=\"invalid_token\"" : "");
	else
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

void
admit_check(
    struct endpoint *endpoint, struct exchange *exchange, admit_handler *admitted, void *arg)
{
	const struct access *access = endpoint->access;
	const char *refused = admit_refuse_address(access, exchange);
	struct identity identity = {0};
	bool had_token = false;

	if (refused)
		exchange_reply_status(exchange, 403, NULL, refused);
	else if (!access_authenticates(access))
		admitted(arg, endpoint, exchange);
	else if ((access->cert && admit_by_certificate(exchange, &identity)) ||
		 (access->header && admit_by_header(access, exchange, &identity)) ||
		 (access->tokens && admit_by_token(access, exchange, &identity, &had_token))) {
		exchange_set_identity_take(exchange, &identity);
		admitted(arg, endpoint, exchange);
	} else {
		admit_refuse(access, exchange, had_token,
		    had_token ? "the token is not valid (--auth-token)"
			      : "the request has no credentials");
	}
}
