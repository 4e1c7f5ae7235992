/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages of an endpoint, by its framing, for --describe. */
#ifndef SERVER_DESCRIBE_MESSAGES_H
#define SERVER_DESCRIBE_MESSAGES_H

#include "options/options.h"

#include <jansson.h>

/* Objects whose members are the messages that a client may send, or gets, by their names.
 * The caller owns the result. */
json_t *describe_messages_in(const struct options_endpoint *endpoint);
json_t *describe_messages_out(const struct options_endpoint *endpoint);

/* What the program reads and writes: {"stdin": {"framing": ..., "records": [SCHEMA...]},
 * "stdout": ...}. The schemas are of framings that wrap messages. The caller owns the
 * result. */
json_t *describe_program(const struct options_endpoint *endpoint);

#endif
