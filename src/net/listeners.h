/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that a server listens on: addresses in text, resolved, each with its
 * listener. With port 0 the first gets any port and the others the same one.
 */
#ifndef NET_LISTENERS_H
#define NET_LISTENERS_H

#include "base/util.h"
#include "net/listener.h"
#include "net/unix_socket.h"

#include <stdbool.h>
#include <stddef.h>

enum { LISTENERS_MAX = 64, LISTENERS_HOST_MAX = 256 };

struct listeners {
	size_t count;
	struct listener *items[LISTENERS_MAX]; /* owned */
	struct unix_socket unix_socket; /* the file of the last one */
	/* Borrowed while sockets are opened: those that listen on the same address are used
	 * again; NULL: there are none. */
	const struct listeners *old;
};

/* An address in text: "HOST:PORT", "[IPV6]:PORT" or "unix:PATH". */
struct listeners_target {
	bool is_unix;
	int port; /* 0: any */
	char host[LISTENERS_HOST_MAX]; /* without brackets; or the path. Empty: none */
};

/* NULL, or what is wrong with TEXT in words that follow a name. */
const char *listeners_parse(struct span text, struct listeners_target *out)
    __attribute__((warn_unused_result));

/* What kept it from listening. */
struct listeners_error {
	const char
	    *address; /* borrowed from those that were asked for; NULL: there were too many */
	int error; /* an errno; 0: RESOLVE says it */
	const char *resolve; /* why ADDRESS names nothing, constant */
};

/*
 * Opens sockets that listen on PORT of all COUNT addresses ("*" is every interface; none at all
 * is 127.0.0.1 and ::1, of which the system may lack one); on one that is named twice only
 * once. False: nothing is listened on.
 */
bool listeners_open(struct listeners *listeners, char *const *addresses, size_t count, int port,
    struct listeners_error *error) __attribute__((warn_unused_result));

/* Adds a Unix socket, after all others. False with errno as of unix_socket_listen(). */
bool listeners_add_unix(struct listeners *listeners,
    const struct unix_socket_settings *settings) __attribute__((warn_unused_result));

/* Accepts from all of them: listener_start(). False without memory. */
bool listeners_start(struct listeners *listeners, struct loop *loop, size_t batch,
    listener_handler *handler, listener_yield_fn *yield, void *arg)
    __attribute__((warn_unused_result));

/* listener_hold() for all of them. */
void listeners_hold(struct listeners *listeners, bool held);

/* Adds a socket that listens, FD, which is taken. False: there are too many, or there is no
 * memory. */
bool listeners_add_take(struct listeners *listeners, int fd)
    __attribute__((warn_unused_result));

/* Listens no more. It may be called twice. */
void listeners_close(struct listeners *listeners);

/* The same, but nothing is lost: neither a connection that is queued, nor what KEPT listens on,
 * too. */
void listeners_close_but(struct listeners *listeners, const struct listeners *kept);

#endif
