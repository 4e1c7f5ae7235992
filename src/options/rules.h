/* SPDX-License-Identifier: BSD-2-Clause */
/* Derives the rules of the layers that apply them from the options of an endpoint. */
#ifndef OPTIONS_RULES_H
#define OPTIONS_RULES_H

#include "backend/framed.h"
#include "options/options.h"
#include "peer/websocket.h"
#include "session/session.h"

struct websocket_rules options_websocket_rules(const struct options_endpoint *options);
/* The rules for messages that are assembled, where the endpoint itself passes them on in
 * parts. */
struct websocket_rules options_whole_websocket_rules(const struct options_endpoint *options);
struct framed_rules options_framed_rules(const struct options_endpoint *options, bool compat);
/* Does not set the log rules. */
struct session_rules options_session_rules(const struct options_endpoint *options);

#endif
