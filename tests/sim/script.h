/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client sends: messages in any size and in any number of fragments, compressed or not;
 * pings; its Close; and everything that the RFCs forbid. */
#ifndef TESTS_SIM_SCRIPT_H
#define TESTS_SIM_SCRIPT_H

#include "bytes.h"

#include <stdint.h>

void script_start(void);
void script_clear(void);

/* A message, a PING or a PONG, from offset FROM on. 0, or the code that it has to be closed
 * with.
 */
uint16_t script_message(struct bytes *out, size_t *used, uint64_t from);

/* The code of the Close that answers it. */
uint16_t script_close(struct bytes *out);
uint16_t script_violation(struct bytes *out);

/* What nobody may look at. */
void script_garbage(struct bytes *out);

/* What was sent ends at OFFSET: messages beyond it are not whole. */
void script_cut(uint64_t offset);

/* Bytes of records for the program in whole messages that end up to this offset. */
size_t script_delivered_at(uint64_t offset);

#endif
