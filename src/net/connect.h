/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connects to a TCP or Unix socket without blocking and within a time limit. The addresses of a
 * host name are tried in order, each for an equal share of the remaining time.
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
	char host[LOOKUP_NAME_MAX]; /* host name, address without brackets, or path */
};

struct connect_result {
	int fd; /* non-blocking; the handler takes it; -1 on failure */
	int error; /* errno; ETIMEDOUT after the time limit */
	const char *why; /* on failure: error text, valid during the call */
	struct sockaddr_storage address; /* peer address */
};

struct connect;
typedef void connect_handler(void *arg, const struct connect_result *result);

/* Reports whether TEXT names a socket: it begins with "tcp:" or "unix:". */
bool connect_is_target(const char *text);

/* Parses "tcp:HOST:PORT", "tcp:[IPV6]:PORT" or "unix:PATH". Returns NULL, or why TEXT is
 * invalid: a constant sentence without a subject. */
const char *connect_parse(const char *text, struct connect_target *out)
    __attribute__((warn_unused_result));

/* Reports whether TARGET needs a lookup: it has a host name, not an address. */
bool connect_needs_lookup(const struct connect_target *target);

/*
 * Starts connecting. Calls HANDLER once, later, unless the attempt is cancelled. LOOKUP and
 * TARGET must outlive the attempt; if LOOKUP is NULL, a host name is an error. Returns NULL if
 * memory runs out.
 */
struct connect *connect_start(struct loop *loop, struct lookup *lookup,
    const struct connect_target *target, int64_t timeout_ms, connect_handler *handler,
    void *arg) __attribute__((warn_unused_result));

/* Cancels the attempt and frees it; the handler is not called. Accepts NULL. */
void connect_cancel(struct connect *connect);

#endif
