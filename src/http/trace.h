/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace that a request belongs to: W3C Trace Context, section 3.2. Pure. */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include "http/head.h"

#include <stdbool.h>

enum {
	TRACE_PARENT_LEN = 55, /* "00-", 32 digits, "-", 16 digits, "-", 2 digits */
	TRACE_RANDOM = 24, /* bytes: the IDs of the trace and of its parent */
};

/*
 * Copies the Traceparent of a request. False unless there is exactly one and it is valid. A
 * version above 00 becomes 00, with what that version defines.
 */
bool trace_parent(const struct head *head, char out[TRACE_PARENT_LEN + 1]);

/* Makes one of random bytes, with the flag "sampled": as of a program that gets none. */
void trace_make_parent(
    const unsigned char random[TRACE_RANDOM], char out[TRACE_PARENT_LEN + 1]);

#endif
