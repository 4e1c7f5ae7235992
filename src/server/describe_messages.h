/* SPDX-License-Identifier: BSD-2-Clause */
/* Describes the messages of an endpoint, according to its framing, for --describe. */
#ifndef SERVER_DESCRIBE_MESSAGES_H
#define SERVER_DESCRIBE_MESSAGES_H

#include "options/options.h"

#include <jansson.h>

/* Return an object of the messages that a client may send, or receive, by name. The caller owns
 * the result. */
json_t *describe_messages_in(const struct options_endpoint *endpoint);
json_t *describe_messages_out(const struct options_endpoint *endpoint);

/* Returns what the program reads and writes: {"stdin": {"framing": ..., "records":
 * [SCHEMA...]}, "stdout": ...}. Only framings with an envelope have schemas. The caller owns
 * the result. */
json_t *describe_program(const struct options_endpoint *endpoint);

#endif
