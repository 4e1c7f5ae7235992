/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel of an AsyncAPI document with its operations, for --describe. */
#ifndef SERVER_DESCRIBE_CHANNEL_H
#define SERVER_DESCRIBE_CHANNEL_H

#include "options/options.h"

#include <jansson.h>

/* Reports whether the endpoint also serves clients without a WebSocket. */
bool describe_has_streams(
    const struct options_server *server, const struct options_endpoint *endpoint);

/*
 * Adds the endpoint at the decoded PATH, or one of its programs, to DOCUMENT, which must have
 * the members "servers", "channels", "operations" and "components" with "securitySchemes".
 * STREAMS is the result of describe_has_streams(); if false, the channel is not assigned to
 * HTTP servers.
 */
void describe_channel(
    json_t *document, const struct options_endpoint *endpoint, const char *path, bool streams);

#endif
