/* SPDX-License-Identifier: BSD-2-Clause */
/* From the peer to the program: bytes become messages, and these what the program reads. */
#ifndef SERVE_SESSION_IN_H
#define SERVE_SESSION_IN_H

#include "serve/session_inner.h"

/* Takes what the peer has sent: all messages in it, and the end of them. BYTES are changed. */
void session_in_take(struct session *s, uint8_t *bytes, size_t len);

/*
 * Where the endpoint asks for events: the first record says who came, the last one how
 * the peer left; a second call of session_in_tell_close() does nothing.
 */
void session_in_tell_open(struct session *s, const struct session_spec *spec);
void session_in_tell_close(struct session *s, uint16_t code, struct span reason);

#endif
