/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large blocks from the program to the peer that the system moves by itself, from the pipe to
 * the socket (io_splice()), where a message is what comes at once, whatever it is. A block that
 * was read costs two copies; one that is spliced costs two system calls more, so small ones are
 * left to session_out.
 */
#ifndef SERVE_SESSION_SPLICE_H
#define SERVE_SESSION_SPLICE_H

#include "serve/session_inner.h"

enum {
	SESSION_SPLICE_FROM = 32 * 1024, /* bytes of one read behind which it is tried */
	SESSION_SPLICE_MIN = 16 * 1024, /* bytes that are worth it */
};

/* Takes what the program has written, as session_out_take(). False: nothing was done, it is to
 * be read. */
bool session_splice_take(struct session *s);

#endif
