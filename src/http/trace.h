/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace of a request: W3C Trace Context, section 3.2. Pure. */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include "http/head.h"

#include <stdbool.h>

enum {
	TRACE_PARENT_LEN = 55, /* "00-", 32 digits, "-", 16 digits, "-", 2 digits */
	TRACE_RANDOM = 24, /* bytes of the trace ID and the parent ID */
};

/*
 * Copies the Traceparent of a request. Returns false unless there is exactly one valid field. A
 * version above 00 is reduced to 00 and the fields defined by that version.
 */
bool trace_parent(const struct head *head, char out[TRACE_PARENT_LEN + 1]);

/* Generates a Traceparent from random bytes, with the flag "sampled", for a request without
 * one. */
void trace_make_parent(
    const unsigned char random[TRACE_RANDOM], char out[TRACE_PARENT_LEN + 1]);

#endif
