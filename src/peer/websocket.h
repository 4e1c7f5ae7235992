/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Implements struct peer for a WebSocket over a stream (RFC 6455), as server or as client. It
 * answers pings, sends its own, enforces deadlines, and closes the connection so that the last
 * bytes arrive.
 */
#ifndef PEER_WEBSOCKET_H
#define PEER_WEBSOCKET_H

#include "net/loop.h"
#include "net/stream.h"
#include "peer/peer.h"
#include "websocket/deflate.h"

/* Bytes per read with compression: each may expand to 1032. */
enum { WEBSOCKET_DEFLATE_READ = 4 * 1024 };

struct websocket_rules {
	uint64_t max_message; /* in bytes; 0: no limit */
	uint32_t max_empty_fragments; /* per message; 0: no limit */
	uint16_t max_pings; /* received per second; 0: no limit */
	int64_t close_ms; /* timeout for the peer's Close; 0: DEADLINES_CLOSE_MS */
	int64_t ping_ms; /* silence after which a ping is sent; 0: no pings */
	int64_t stall_ms; /* write timeout; 0: none, as for the next two */
	int64_t idle_ms; /* no message in either direction */
	int64_t lifetime_ms;
	struct deflate_settings deflate;
	/* Close reasons for exceeded limits. */
	char reason_message[72];
	char reason_empty_fragments[72];
	char reason_pings[72];
};

struct websocket_spec {
	/* All pointers are borrowed; LOOP, RULES and FORMAT outlive the peer. */
	struct loop *loop;
	const struct websocket_rules *rules;
	const struct batch_format *format; /* format of messages from the peer */
	const struct deflate_agreed *deflate; /* NULL: no compression */
	struct peer_counts *sent; /* for struct peer */
	bool client; /* our role */
};

/* Creates a peer without a stream; websocket_start_take() must follow. HANDLERS and ARG are
 * borrowed. Returns NULL if out of memory. */
struct peer *websocket_new(const struct websocket_spec *spec,
    const struct peer_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Takes ownership of STREAM after the handshake, sends HEAD first (the response of a server),
 * and processes REST, bytes received together with the handshake. May call handlers. */
void websocket_start_take(
    struct peer *peer, struct stream *stream, struct span head, struct span rest);

#endif
