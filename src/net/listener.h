/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening TCP or Unix socket. Connections are accepted non-blocking and close-on-exec, with
 * TCP_NODELAY and the kernel's own dead-peer detection. Without free descriptors, accepting
 * pauses for LISTENER_PAUSE_MS instead of spinning. Several processes may listen on one socket:
 * it is opened before the fork, and started in each. A connection then wakes them all, and each
 * asks whether to yield it to another one.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

enum {
	LISTENER_PAUSE_MS = 500,
	LISTENER_YIELD_MS = 1, /* how long a connection is yielded at a time */
	LISTENER_YIELDS_MAX = 8, /* how often it is yielded */
	LISTENER_LOG_MS = 10 * 1000, /* a failing accept is logged at most this often */
	LISTENER_TEXT_MAX = 64, /* bytes of an address in text, including the NUL */
};

struct listener;

/* Called for each connection. Takes FD. PEER is valid during the call. */
typedef void listener_handler(void *arg, int fd, const struct sockaddr_storage *peer);

/*
 * Called before a connection is accepted. Returns by how many connections this process exceeds
 * another one that listens on the socket. The connection is yielded that many times for
 * LISTENER_YIELD_MS, at most LISTENER_YIELDS_MAX times, and accepted if it is still pending. 0
 * or less: accept at once.
 */
typedef int64_t listener_yield_fn(void *arg);

/*
 * Opens a socket that listens on ADDRESS; connections are queued and not yet accepted. Returns
 * NULL with errno (EADDRINUSE, EADDRNOTAVAIL, EACCES...).
 */
struct listener *listener_new(const struct sockaddr *address, socklen_t len)
    __attribute__((warn_unused_result));

/* Sets the same socket options as listener_new() on a socket opened by another program, as far
 * as possible. */
void listener_tune(int fd);

/* Creates a listener for FD, which is already listening. Takes FD. Returns NULL if memory runs
 * out. */
struct listener *listener_new_take(int fd) __attribute__((warn_unused_result));

/* Creates another listener, not started, on the same socket, which stays open until both are
 * freed. Returns NULL with errno. */
struct listener *listener_dup(const struct listener *listener)
    __attribute__((warn_unused_result));

/* Returns the socket, borrowed. */
int listener_fd(const struct listener *listener);

/*
 * Starts accepting, at most BATCH connections per event; one at a time with YIELD, which may be
 * NULL. ARG is borrowed. Returns false if memory runs out.
 */
bool listener_start(struct listener *listener, struct loop *loop, size_t batch,
    listener_handler *handler, listener_yield_fn *yield, void *arg)
    __attribute__((warn_unused_result));

/* While HELD, leaves connections in the queue. */
void listener_hold(struct listener *listener, bool held);

/* Accepts the queued connections, if the listener was started: closing the socket would reset
 * them. */
void listener_drain(struct listener *listener);

/* Stops listening and frees the listener. Accepts NULL. */
void listener_free(struct listener *listener);

/* Returns the bound address, with the actual port. */
void listener_address(const struct listener *listener, struct sockaddr_storage *out);

/* Formats ADDRESS: "127.0.0.1:80", "[::1]:80" or "unix-socket"; without a port "127.0.0.1" or
 * "::1". */
void listener_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX]);
/* Formats the host only, without brackets. */
void listener_host_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX]);
/* Returns the port; 0 for a Unix socket. */
int listener_port(const struct sockaddr_storage *address);
/* Reports whether ADDRESS is a loopback address. A Unix socket is not: it serves a proxy's
 * clients, which may be anywhere. */
bool listener_is_loopback(const struct sockaddr_storage *address);

#endif
