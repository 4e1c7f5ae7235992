/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel of an AsyncAPI document with its operations, for --describe. */
#ifndef SERVER_DESCRIBE_CHANNEL_H
#define SERVER_DESCRIBE_CHANNEL_H

#include "options/options.h"

#include <jansson.h>

/*
 * Adds the endpoint at the decoded PATH, or one of its programs, to DOCUMENT, which has the
 * members "channels", "operations" and "components" with "securitySchemes".
 */
void describe_channel(
    json_t *document, const struct options_endpoint *endpoint, const char *path);

#endif
