/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listeners of a server: resolves addresses in text and opens a listener for each. With
 * port 0, the first one gets any port and the others the same.
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
	struct unix_socket unix_socket; /* file of the last listener */
	/* Borrowed while sockets are opened: listeners to reuse on equal addresses; NULL:
	 * none. */
	const struct listeners *old;
};

/* An address in text: "HOST:PORT", "[IPV6]:PORT" or "unix:PATH". */
struct listeners_target {
	bool is_unix;
	int port; /* 0: any */
	char host[LISTENERS_HOST_MAX]; /* host without brackets, or path; empty: none */
};

/* Parses TEXT. Returns NULL, or the error as text that follows a name. */
const char *listeners_parse(struct span text, struct listeners_target *out)
    __attribute__((warn_unused_result));

/* Why listening failed. */
struct listeners_error {
	const char *address; /* borrowed from the requested addresses; NULL: too many */
	int error; /* an errno; 0: see RESOLVE */
	const char *resolve; /* why ADDRESS could not be resolved, constant */
};

/*
 * Listens on PORT of all COUNT addresses; on an address given twice, only once. "*" is every
 * interface; no address at all is 127.0.0.1 and ::1, of which the system may lack one. Returns
 * false with no listeners open.
 */
bool listeners_open(struct listeners *listeners, char *const *addresses, size_t count, int port,
    struct listeners_error *error) __attribute__((warn_unused_result));

/* Adds a Unix socket; it must be the last one. Returns false with errno, as
 * unix_socket_listen(). */
bool listeners_add_unix(struct listeners *listeners,
    const struct unix_socket_settings *settings) __attribute__((warn_unused_result));

/* Starts all listeners: listener_start(). Returns false if memory runs out. */
bool listeners_start(struct listeners *listeners, struct loop *loop, size_t batch,
    listener_handler *handler, listener_yield_fn *yield, void *arg)
    __attribute__((warn_unused_result));

/* Calls listener_hold() for all listeners. */
void listeners_hold(struct listeners *listeners, bool held);

/* Adds the listening socket FD. Takes FD. Returns false if there are too many or memory runs
 * out. */
bool listeners_add_take(struct listeners *listeners, int fd)
    __attribute__((warn_unused_result));

/* Closes all listeners. May be called twice. */
void listeners_close(struct listeners *listeners);

/* Closes all listeners without losing anything: accepts the queued connections first, and keeps
 * the file of a Unix socket that KEPT listens on, too. */
void listeners_close_but(struct listeners *listeners, const struct listeners *kept);

#endif
