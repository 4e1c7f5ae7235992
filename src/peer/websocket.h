/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A WebSocket over a stream as a peer (RFC 6455), in the role of the server or of the client.
 * It answers pings, sends its own, keeps deadlines, and closes the connection so that
 * the last bytes arrive.
 */
#ifndef PEER_WEBSOCKET_H
#define PEER_WEBSOCKET_H

#include "net/loop.h"
#include "net/stream.h"
#include "peer/peer.h"
#include "websocket/deflate.h"

/* Bytes that are read at once with compression: each may become 1032. */
enum { WEBSOCKET_DEFLATE_READ = 4 * 1024 };

struct websocket_rules {
	uint64_t max_message; /* bytes; 0: no limit */
	uint32_t max_empty_fragments; /* of a message; 0: no limit */
	uint16_t max_pings; /* of a peer in a second; 0: no limit */
	int64_t close_ms; /* for the answer to our Close; 0: DEADLINES_CLOSE_MS */
	int64_t ping_ms; /* interval without a sign of life until a ping; 0: no pings */
	int64_t stall_ms; /* for anything to leave the queue; 0: no limit, as of the next two */
	int64_t idle_ms; /* without a message in either direction */
	int64_t lifetime_ms;
	struct deflate_settings deflate;
	/* Why a peer that exceeds a limit is closed. */
	char reason_message[72];
	char reason_empty_fragments[72];
	char reason_pings[72];
};

struct websocket_spec {
	struct loop
	    *loop; /* borrowed, as all of these; LOOP, RULES and FORMAT outlive the peer */
	const struct websocket_rules *rules;
	const struct batch_format *format; /* what messages from it are to be */
	const struct deflate_agreed *deflate; /* NULL: no compression */
	struct peer_counts *sent; /* for struct peer */
	bool client; /* our role */
};

/* A peer without a stream yet: websocket_start_take() follows. HANDLERS and ARG are borrowed.
 * NULL without memory. */
struct peer *websocket_new(const struct websocket_spec *spec,
    const struct peer_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/*
 * Takes the stream after the handshake, sends HEAD first (the response of a server) and
 * processes what came early, REST. Handlers may be called.
 */
void websocket_start_take(
    struct peer *peer, struct stream *stream, struct span head, struct span rest);

#endif
