/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment of a program: CGI/1.1 (RFC 3875, section 4.1) with
 * websocketd's additions. It starts from nothing: what the server itself was
 * started with reaches a program only by name (--passenv).
 *
 * Of a request's header fields only names of letters, digits and '-' become
 * HTTP_ variables, so that no two names can become one; Proxy never does
 * (httpoxy), Authorization and Proxy-Authorization only when asked for.
 */
#ifndef SERVE_ENV_H
#define SERVE_ENV_H

#include "http/client.h"
#include "http/head.h"
#include "http/identity.h"
#include "http/request.h"
#include "http/trace.h"
#include "http/uri.h"
#include "net/stream.h"
#include "serve/endpoint.h"

#include <sys/socket.h>

enum { ENV_UNIQUE_ID_LEN = 32 };

/* The version of websocketd that compat mode emulates. */
#define ENV_WEBSOCKETD_VERSION "0.5.0"

/* The facts of a request. All borrowed. */
struct env_request {
	const struct head *head;
	const struct uri *uri;
	struct span host; /* Host, or the authority of an absolute target */
	bool secure; /* it came over TLS */
	const struct sockaddr_storage *peer;
	const struct sockaddr_storage *local; /* that PEER has connected to; NULL: not known */
	const char *traceparent; /* NULL: none */
	const char *peer_name; /* its host name; NULL: unknown */
	const struct identity *identity; /* of the client; NULL: it is not authenticated */
	const char *path; /* decoded, all of it */
	bool hook; /* the environment is that of --auth-hook, which sees Authorization */
	const struct request *cgi; /* of a CGI script; NULL: of a WebSocket */
	const struct stream_cert *client; /* its certificate */
	struct span subprotocol; /* that was agreed on; empty: none */
};

/* The facts of REQUEST, sent by CLIENT, for the decoded PATH; the others are the caller's. */
struct env_request env_request_of(const struct request *request, const struct client *client,
    const struct identity *identity, const char *path);

/* Makes a UNIQUE_ID: 128 random bits in hexadecimal, so nobody can guess another session's.
 * False when the system has none. */
bool env_make_unique_id(char out[ENV_UNIQUE_ID_LEN + 1]) __attribute__((warn_unused_result));

/* The Traceparent of a request, or a new one if it has no valid one. False without random bytes
 * for it. */
bool env_make_traceparent(const struct head *head, char out[TRACE_PARENT_LEN + 1])
    __attribute__((warn_unused_result));

/*
 * Builds the environment, NULL at the end, as one block that the caller frees with free(). NULL
 * without memory, or when a value holds a byte that none may hold.
 */
char **env_build(const struct endpoint *endpoint, const struct env_request *request,
    const struct endpoint_script *script, const char *unique_id);

/* The same for a program that clients share: nothing of it is of a client. LISTENER is where
 * they connect to, over TLS if it is SECURE. */
char **env_build_shared(
    const struct endpoint *endpoint, const struct sockaddr_storage *listener, bool secure);

/* The value of the header field NAME in such an environment; several are joined. False: it has
 * none. */
bool env_find_field(char *const *env, struct span name, struct span *value);

/* The same for a program that is started before there is a request: without all that depends on
 * one. */
char **env_build_parked(const struct endpoint *endpoint);

#endif
