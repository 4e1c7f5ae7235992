/* SPDX-License-Identifier: BSD-2-Clause */
/* What the options of an endpoint come to, as the rules of the layers that keep to them. */
#ifndef OPTIONS_RULES_H
#define OPTIONS_RULES_H

#include "backend/framed.h"
#include "options/options.h"
#include "peer/websocket.h"
#include "session/session.h"

struct websocket_rules options_websocket_rules(const struct options_endpoint *options);
/* The same for messages that are assembled, where those of the endpoint are passed on in parts.
 */
struct websocket_rules options_whole_websocket_rules(const struct options_endpoint *options);
struct framed_rules options_framed_rules(const struct options_endpoint *options, bool compat);
/* Without those of the log. */
struct session_rules options_session_rules(const struct options_endpoint *options);

#endif
