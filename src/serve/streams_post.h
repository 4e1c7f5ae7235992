/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads POST requests with messages for a session of a client without a WebSocket. */
#ifndef SERVE_STREAMS_POST_H
#define SERVE_STREAMS_POST_H

#include "serve/session_table.h"

enum {
	STREAMS_POST_MAX = 1 << 20, /* bytes of one request */
	STREAMS_POST_ALL_MAX = 64 << 20, /* bytes of all requests being read */
};

/* Reads a request for the session ID, which exists in TABLE, and responds. Counts its bytes in
 * *POSTED meanwhile. TABLE and POSTED are borrowed. */
void streams_post(struct session_table *table, size_t *posted, struct endpoint *endpoint,
    struct exchange *exchange, struct span id);

#endif
