/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connects to a TCP or Unix socket, without blocking and within a time limit. The addresses of
 * a name are tried in order, each for an equal share of the time that is left.
 */
#ifndef NET_CONNECT_H
#define NET_CONNECT_H

#include "net/lookup.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum connect_kind {
	CONNECT_NOTHING,
	CONNECT_TCP,
	CONNECT_UNIX,
};

struct connect_target {
	enum connect_kind kind;
	uint16_t port;
	char host[LOOKUP_NAME_MAX]; /* a name or an address without brackets; or the path */
};

struct connect_result {
	int fd; /* non-blocking, given to the handler; -1 on failure */
	int error; /* errno; ETIMEDOUT when the time is over */
	const char *why; /* on failure: a text, valid during the call */
	struct sockaddr_storage address; /* of the other side */
};

struct connect;
typedef void connect_handler(void *arg, const struct connect_result *result);

/* Whether TEXT names a socket: it begins with "tcp:" or "unix:". */
bool connect_is_target(const char *text);

/* Parses "tcp:HOST:PORT", "tcp:[IPV6]:PORT" or "unix:PATH". NULL, or why TEXT is invalid: a
 * constant sentence without a subject. */
const char *connect_parse(const char *text, struct connect_target *out)
    __attribute__((warn_unused_result));

/* Whether lookups are needed for a target: it has a name, not an address. */
bool connect_needs_lookup(const struct connect_target *target);

/*
 * Calls HANDLER once, later, unless it is cancelled. LOOKUP and TARGET outlive the attempt.
 * Without LOOKUP, which may be NULL, a name is an error. NULL without memory.
 */
struct connect *connect_start(struct loop *loop, struct lookup *lookup,
    const struct connect_target *target, int64_t timeout_ms, connect_handler *handler,
    void *arg) __attribute__((warn_unused_result));

/* Closes what is open and frees; the handler is not called. Accepts NULL. */
void connect_cancel(struct connect *connect);

#endif
