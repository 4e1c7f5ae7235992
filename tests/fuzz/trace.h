/* SPDX-License-Identifier: BSD-2-Clause */
/* The events of one run as bytes, to compare runs that differ in how the input is cut. */
#ifndef FUZZ_TRACE_H
#define FUZZ_TRACE_H

#include "base/buffer.h"
#include "require.h"

#include <string.h>

static inline void
trace_add(struct buffer *trace, const void *bytes, size_t len)
{
	CHECK(buffer_append(trace, bytes, len));
}

static inline void
trace_event(struct buffer *trace, uint8_t kind, uint16_t code, const void *data, size_t len)
{
	trace_add(trace, &kind, sizeof(kind));
	trace_add(trace, &code, sizeof(code));
	trace_add(trace, &len, sizeof(len));
	if (len > 0)
		trace_add(trace, data, len);
}

/* Frees B. */
static inline void
check_same(const struct buffer *a, struct buffer b)
{
	size_t len = buffer_len(a);

	CHECK(len == buffer_len(&b));
	CHECK(len == 0 || memcmp(buffer_data(a), buffer_data(&b), len) == 0);
	buffer_clear(&b);
}

/* A random number that depends on the input alone: xorshift. */
static inline uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif
