/* SPDX-License-Identifier: BSD-2-Clause */
/* The CLOSE of a session: which code it has, and which reason. */
#ifndef SERVE_SESSION_CLOSE_H
#define SERVE_SESSION_CLOSE_H

#include "serve/session_inner.h"

/*
 * Sends the one CLOSE that the session has for its peer, and notes it. It answers theirs; else
 * it says why the session was to end, or how its program has: 1000 for exit 0, 4000 and the
 * status, 4256 and the number of the signal. All three are known by then (decide.h).
 */
void session_close_send(struct session *s);

#endif
