/* SPDX-License-Identifier: BSD-2-Clause */
/* From the peer to the program: bytes become messages, and these what the program reads. */
#ifndef SERVE_SESSION_IN_H
#define SERVE_SESSION_IN_H

#include "serve/session_inner.h"

/* Takes what the peer has sent: all messages in it, and the end of them. BYTES are changed. */
void session_in_take(struct session *s, uint8_t *bytes, size_t len);

#endif
