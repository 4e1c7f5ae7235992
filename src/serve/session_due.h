/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The deadlines of a session (session.h has their lengths): of the answers to what came before
 * a fault, of a peer that takes nothing, of its CLOSE, of a begun message, and of a sign of
 * life. One timer is for all of them, and is only put forward: so a step that sets it costs
 * nothing.
 */
#ifndef SERVE_SESSION_DUE_H
#define SERVE_SESSION_DUE_H

#include "serve/session_inner.h"

/* When something is due if nothing happens; 0: never. */
int64_t session_due_ms(const struct session *s);

/*
 * True when their CLOSE is overdue at NOW: ours has left, and the time is over. Notes when it
 * left. After a fault theirs is not waited for, as nothing that comes behind a fault is heard
 * (RFC 6455, section 7.1.7).
 */
bool session_due_close(struct session *s, int64_t now);

/* Does what is due now. The step comes behind it, as behind each fact. */
void session_due_act(struct session *s);

#endif
