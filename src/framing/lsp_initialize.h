/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request that begins a session of the Language Server Protocol. Its "processId" is that of
 * the editor, and many servers exit when no such process runs on their machine. Pure.
 */
#ifndef FRAMING_LSP_INITIALIZE_H
#define FRAMING_LSP_INITIALIZE_H

#include "base/util.h"

#include <stdbool.h>

/*
 * True when MESSAGE is a JSON object whose "method" is "initialize". *PROCESS_ID is then the
 * number that its "params" have as "processId", within MESSAGE; empty when there is none. A
 * message that is not valid JSON is no request. Looks at each byte once.
 */
bool lsp_initialize_find(struct span message, struct span *process_id);

#endif
