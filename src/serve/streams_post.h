/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests with messages for a session of a client without a WebSocket. */
#ifndef SERVE_STREAMS_POST_H
#define SERVE_STREAMS_POST_H

#include "serve/session_table.h"

enum {
	STREAMS_POST_MAX = 1 << 20, /* bytes of a request */
	STREAMS_POST_ALL_MAX = 64 << 20, /* of all that are being read */
};

/* Reads a request for the session ID of TABLE, which exists, and responds. Its bytes are
 * counted in *POSTED meanwhile. Both are borrowed. */
void streams_post(struct session_table *table, size_t *posted, struct endpoint *endpoint,
    struct exchange *exchange, struct span id);

#endif
