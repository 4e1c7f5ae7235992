/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameters of requests for a terminal (--pty). */
#ifndef SERVE_TERMINAL_H
#define SERVE_TERMINAL_H

#include "base/util.h"
#include "process/pty.h"
#include "serve/reject.h"

/* Parses the size in a query ("cols=N&rows=N" among other parameters); missing values default
 * to PTY_SIZE_INITIAL. Returns false with the error response in *REJECT. */
bool terminal_size(struct span query, struct pty_size *size, struct reject *reject)
    __attribute__((warn_unused_result));

#endif
