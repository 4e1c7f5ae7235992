/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment of a program: CGI/1.1 (RFC 3875, section 4.1) with websocketd's additions. It
 * starts empty: variables of the server's own environment are passed only by name (--passenv).
 * Only header fields whose names consist of letters, digits and '-' become HTTP_ variables, so
 * that no two names map to the same variable. Proxy is never passed (httpoxy); Authorization
 * and Proxy-Authorization only on request.
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

/* The request data that variables are made of. All borrowed. */
struct env_request {
	const struct head *head;
	const struct uri *uri;
	struct span host; /* Host, or the authority of an absolute target */
	bool secure; /* received over TLS */
	const struct sockaddr_storage *peer;
	/* Local address of the connection; NULL: unknown. */
	const struct sockaddr_storage *local;
	const char *traceparent; /* NULL: none */
	const char *peer_name; /* host name of PEER; NULL: unknown */
	const struct identity *identity; /* NULL: the client is not authenticated */
	const char *path; /* the whole path, decoded */
	bool hook; /* for an --auth-hook, which receives Authorization */
	const struct request *cgi; /* for a CGI script; NULL: for a WebSocket */
	const struct stream_cert *client; /* the client's certificate */
	struct span subprotocol; /* the negotiated one; empty: none */
};

/* Returns the data of REQUEST, sent by CLIENT, for the decoded PATH. The caller fills in the
 * remaining fields. */
struct env_request env_request_of(const struct request *request, const struct client *client,
    const struct identity *identity, const char *path);

/* Generates a UNIQUE_ID: 128 random bits in hexadecimal, so that session IDs can't be guessed.
 * Returns false if no random bytes are available. */
bool env_make_unique_id(char out[ENV_UNIQUE_ID_LEN + 1]) __attribute__((warn_unused_result));

/* Copies the request's Traceparent, or generates one if it is missing or invalid. Returns false
 * if no random bytes are available. */
bool env_make_traceparent(const struct head *head, char out[TRACE_PARENT_LEN + 1])
    __attribute__((warn_unused_result));

/*
 * Builds the NULL-terminated environment as one block that the caller frees with free().
 * Returns NULL if memory runs out or a value contains a byte that is not allowed.
 */
char **env_build(const struct endpoint *endpoint, const struct env_request *request,
    const struct endpoint_script *script, const char *unique_id);

/* Builds the environment of a shared program, without any data of a client. LISTENER is the
 * address that clients connect to, over TLS if SECURE. */
char **env_build_shared(
    const struct endpoint *endpoint, const struct sockaddr_storage *listener, bool secure);

/* Finds the value of the header field NAME in such an environment; repeated fields are joined.
 * Returns false if it is missing. */
bool env_find_field(char *const *env, struct span name, struct span *value);

/* Builds the environment of a parked program, without the variables that depend on a
 * request. */
char **env_build_parked(const struct endpoint *endpoint);

#endif
