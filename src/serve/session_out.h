/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the program to the peer. Frames are put together in loop->out, so that what one
 * read gave leaves in one write: who puts something flushes before it returns to the loop.
 */
#ifndef SERVE_SESSION_OUT_H
#define SERVE_SESSION_OUT_H

#include "serve/session_inner.h"
#include "websocket/frame.h"

/* Takes one read of the program's output. False when there is nothing more for now. */
bool session_out_take(struct session *s);

/* Nothing more goes to the peer: frees what is kept of begun messages. It may be called again.
 */
void session_out_drop(struct session *s);

/* A line of the program's stderr: goes to the peer too where the endpoint asks for it.
 * session_out_end() follows. */
void session_out_stderr(struct session *s, const char *line, size_t len);

/* Puts a control frame. */
void session_out_control(
    struct session *s, enum frame_opcode opcode, const uint8_t *payload, size_t len);

/* Behind the messages of one read: writes them, and frees what is not needed until the next. */
void session_out_end(struct session *s);

/* Writes what was put. */
void session_out_flush(struct session *s);

#endif
