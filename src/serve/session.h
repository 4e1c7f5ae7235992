/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session: the bridge between one peer and one program. It owns both from
 * the start of the program to the closing line of the log, and is the only
 * module that knows both.
 *
 * Every event is recorded as a fact, and then one idempotent step asks
 * serve/decide what to do.
 */
#ifndef SERVE_SESSION_H
#define SERVE_SESSION_H

#include "base/list.h"
#include "base/util.h"
#include "child/child.h"
#include "net/stream.h"
#include "serve/endpoint.h"

#include <stdint.h>

enum {
	SESSION_CLOSE_MS = 2 * 1000, /* how long their CLOSE may take once ours has left */
	SESSION_FAULT_MS = 100, /* how long what came before a fault may be answered */
	SESSION_STALL_MS = 60 * 1000, /* how long a peer may take none of what is sent to it */
	/* How long a message may take to come: so long, and a millisecond for each of its
	   bytes. */
	SESSION_BEGUN_MS = 60 * 1000,
	SESSION_DEFLATE_BATCH =
	    4 * 1024, /* bytes of a read: compressed, each may become 1032 */
	SESSION_PINGS = 2, /* so many unanswered, and the peer is taken for dead */
};

struct session;

/* What a session is made of; all borrowed during the call but for loop, children, list and
 * endpoint, which outlive it. */
struct session_spec {
	struct loop *loop;
	struct children *children;
	struct list *list; /* it is in here until it is freed */
	const struct endpoint *endpoint;
	uint64_t id;
	const char *program;
	int program_fd; /* of struct spawn_command */
	char *const *argv;
	char *const *envp;
	const char *remote; /* the peer's address in text */
	struct span path; /* of the request, decoded, for the event that opens; the next
			     likewise, but raw */
	struct span query;
	struct span target; /* of the request, for the log, likewise the next two */
	struct span host;
	struct span origin;
	bool secure; /* the request came over TLS */
	struct span subprotocol; /* empty: none was agreed on, as the next one */
	/* The first subprotocol that the client offers if none was selected, for a hint. */
	struct span offered;
	struct span extensions;
	const struct deflate_agreed *deflate; /* NULL: no compression */
};

/*
 * Starts the program. NULL when that fails, *ERROR is the errno then. The
 * session has no peer yet: session_accept_take() follows before the return to the loop.
 */
struct session *session_open(const struct session_spec *spec, int *error)
    __attribute__((warn_unused_result));

/*
 * Takes the peer's stream, sends HEAD (the 101) and relays from now on, beginning with
 * the LEN bytes at REST, which came behind the request.
 */
void session_accept_take(
    struct session *session, struct stream *stream, struct span head, struct span rest);

/* Ends all sessions of a list with CLOSE 1001: the server goes away. */
void session_drain_all(struct list *list);

/* Drops the peers of all of a list, without a word; each is freed once its program is reaped.
 */
void session_abort_all(struct list *list);

/* True if all sessions of a list only wait for their programs to exit. */
bool session_all_have_no_peer(const struct list *list);

#endif
