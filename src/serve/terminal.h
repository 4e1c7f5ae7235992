/* SPDX-License-Identifier: BSD-2-Clause */
/* What requests for a terminal (--pty) can ask for. */
#ifndef SERVE_TERMINAL_H
#define SERVE_TERMINAL_H

#include "base/util.h"
#include "process/pty.h"
#include "serve/reject.h"

/* The size in a query, "cols=N&rows=N" among others; what is not given is that of
 * PTY_SIZE_INITIAL. False: *REJECT is the response. */
bool terminal_size(struct span query, struct pty_size *size, struct reject *reject)
    __attribute__((warn_unused_result));

#endif
