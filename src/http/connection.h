/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP connection: reads one request head within a deadline, hands it to
 * its user, and carries the answer, or gives its stream away to another
 * protocol. One request a connection: every answer closes it.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/head.h"
#include "net/loop.h"
#include "net/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	CONNECTION_HEAD_MS = 10 * 1000, /* from the accept to a complete head, the handshake of
					   TLS within; absolute */
};

struct connection;

/* All connections of a server. */
struct connections {
	struct list list;
	atomic_size_t *count; /* borrowed: how many there are, for whoever looks */
};

/*
 * HEAD is complete and valid. The handler answers by connection_reply(),
 * connection_reply_file() or connection_give(), once and before it returns.
 */
typedef void connection_handler(
    void *arg, struct connection *connection, const struct head *head);

/* A connection over STREAM, which is taken even on failure. It is one of CONNECTIONS until it
 * ends. False without memory. */
bool connection_open_take(struct loop *loop, struct connections *connections,
    struct stream *stream, connection_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* For its facts: whether it is secure, and the client's address and certificate. */
struct stream *connection_stream(const struct connection *connection);

/* The line of the log is the caller's: the answer writes none. */
void connection_set_logged(struct connection *connection);

/*
 * Sends a short text: the status, and REASON when the client is on this machine and did not
 * come through a proxy. EXTRA as in reply_head(). REASON, which may be NULL, is logged.
 */
void connection_reply(
    struct connection *connection, int status, const char *extra, const char *reason);

/* The same with TEXT in place of REASON in the body, whoever the client is, unless it is NULL.
 */
void connection_reply_text(struct connection *connection, int status, const char *extra,
    const char *reason, const char *text);

/* BODY, which is copied, with its TYPE; for a HEAD request only its length. */
void connection_reply_body(struct connection *connection, int status, const char *type,
    const char *extra, struct span body);

/* SIZE bytes of the regular file FD, which is taken, or without them when HEAD_ONLY. */
void connection_reply_file(struct connection *connection, int fd, int64_t size,
    const char *type, const char *extra, bool head_only);

/*
 * Gives the stream away and ends the connection: the caller owns it and sets its handlers
 * at once. The bytes that followed the head go to *REST; they live until the caller returns to
 * the loop.
 */
struct stream *connection_give(struct connection *connection, struct span *rest);

/* Closes those that still wait for a request; answers on their way go on. */
void connection_drain_all(struct connections *connections);

/* Closes all at once, without a response. */
void connection_abort_all(struct connections *connections);

#endif
