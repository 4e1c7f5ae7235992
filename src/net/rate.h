/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The minimum rate at which output must be received. Each RATE_MIN bytes that the client's
 * system acknowledges earn one second, up to a limit: a client that reads more slowly, or stops
 * reading, uses up the limit. This allows for systems that acknowledge late; on loopback that
 * may be 64 KiB at once.
 */
#ifndef NET_RATE_H
#define NET_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RATE_MIN = 1024, /* bytes per second */
	RATE_CREDIT_MS = 30 * 1000, /* limit for a response */
};

struct rate {
	int64_t credit_ms;
	/* When the client's time is used up (util_clock_ms()); 0: not started. */
	int64_t due_ms;
	uint64_t left; /* bytes not acknowledged at the last check */
};

/* Starts with LEFT unacknowledged bytes and the full credit. */
void rate_start(struct rate *rate, uint64_t left, int64_t credit_ms);

/* Updates the number of unacknowledged bytes to LEFT. Returns false if the client is too slow.
 * Check again at DUE_MS. */
bool rate_check(struct rate *rate, uint64_t left);

#endif
