/* SPDX-License-Identifier: BSD-2-Clause */
/* Serves the scripts that give pages the interface of a WebSocket: /-/wspipe.js and .mjs
 * (js/). */
#ifndef SERVE_STREAMS_SCRIPT_H
#define SERVE_STREAMS_SCRIPT_H

#include "http/exchange.h"
#include "serve/endpoint.h"

/* Responds to a request for one of the scripts. Returns false for other requests. */
bool streams_script_serve(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
