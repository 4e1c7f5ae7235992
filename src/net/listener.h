/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening TCP or Unix socket. Connections come accepted, non-blocking, close-on-exec,
 * with TCP_NODELAY and with the system's own checks of the other side. When the system has no
 * descriptors left, listening pauses for LISTENER_PAUSE_MS instead of spinning.
 *
 * Several processes may listen on one socket: it is opened before they part,
 * and started in each. Then a connection wakes them all, and each asks whether it
 * should yield it to another one.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

enum {
	LISTENER_PAUSE_MS = 500,
	LISTENER_YIELD_MS = 1, /* how long a connection is left to others at a time */
	LISTENER_YIELDS_MAX = 8, /* and how often */
	LISTENER_LOG_MS = 10 * 1000, /* a failing accept is logged at most this often */
	LISTENER_TEXT_MAX =
	    64, /* bytes of an address in text, with its end: "[v6%scope]:port" */
};

struct listener;

/* FD is given to the handler. PEER lives during the call. */
typedef void listener_handler(void *arg, int fd, const struct sockaddr_storage *peer);

/*
 * Asked before a connection is accepted: how many more this process has than another one that
 * listens on the socket. It is left to others so many times LISTENER_YIELD_MS, at most
 * LISTENER_YIELDS_MAX times, and taken when it is still there then. 0 or less: it is taken at
 * once.
 */
typedef int64_t listener_yield_fn(void *arg);

/*
 * A socket that listens on ADDRESS: connections queue up, nobody accepts them yet. NULL with
 * errno when the system fails (EADDRINUSE, EADDRNOTAVAIL, EACCES...).
 */
struct listener *listener_new(const struct sockaddr *address, socklen_t len)
    __attribute__((warn_unused_result));

/* Sets the options that listener_new() sets, as far as possible, of a socket that another
 * program opened. */
void listener_tune(int fd);

/* For FD, which listens already and is taken. NULL without memory. */
struct listener *listener_new_take(int fd) __attribute__((warn_unused_result));

/* Another one on the same socket, which stays open until both are freed; it is not started.
 * NULL with errno. */
struct listener *listener_dup(const struct listener *listener)
    __attribute__((warn_unused_result));

/* The socket, borrowed. */
int listener_fd(const struct listener *listener);

/*
 * Accepts connections from now on, at most BATCH of them before everything else in the loop has
 * its turn. With YIELD, which may be NULL, one at a time. ARG is borrowed. False without
 * memory.
 */
bool listener_start(struct listener *listener, struct loop *loop, size_t batch,
    listener_handler *handler, listener_yield_fn *yield, void *arg)
    __attribute__((warn_unused_result));

/* Leaves connections in the queue while HELD. */
void listener_hold(struct listener *listener, bool held);

/* Accepts the connections that are queued, if it was started: they would be reset with the
 * socket. */
void listener_drain(struct listener *listener);

/* Stops listening and frees. Accepts NULL. */
void listener_free(struct listener *listener);

/* The address that was bound, with its real port. */
void listener_address(const struct listener *listener, struct sockaddr_storage *out);

/* "127.0.0.1:80", "[::1]:80" or "unix-socket"; without a port "127.0.0.1" or "::1". */
void listener_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX]);
/* The host part alone, without brackets. */
void listener_host_text(const struct sockaddr_storage *address, char text[LISTENER_TEXT_MAX]);
/* 0 for a Unix socket. */
int listener_port(const struct sockaddr_storage *address);
/* Not a Unix socket: through it come a proxy's clients, from wherever. */
bool listener_is_loopback(const struct sockaddr_storage *address);

#endif
