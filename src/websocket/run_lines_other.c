/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop of a run, in steps that any machine has. */
#include "websocket/run_loop.h"

size_t
run_lines(struct run_lines *r, const uint8_t *bytes, size_t len)
{
	return run_loop(r, bytes, len);
}
