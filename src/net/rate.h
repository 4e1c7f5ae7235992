/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The minimum rate at which output must arrive. Each RATE_MIN bytes that the client's system
 * confirms earn one second, up to a limit: a client that reads more slowly, or stops, uses the
 * limit up. It allows for systems that confirm late; on loopback that may be 64 KiB at once.
 */
#ifndef NET_RATE_H
#define NET_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RATE_MIN = 1024, /* bytes per second */
	RATE_CREDIT_MS = 30 * 1000, /* the limit for a response */
};

struct rate {
	int64_t credit_ms;
	int64_t
	    due_ms; /* when the client has used up its time (util_clock_ms()); 0: not started */
	uint64_t left; /* bytes that were not confirmed at the last look */
};

/* Starts with LEFT bytes that are not confirmed, and the whole credit. */
void rate_start(struct rate *rate, uint64_t left, int64_t credit_ms);

/* LEFT bytes are not confirmed now. False: the client is too slow. Look again at DUE_MS. */
bool rate_check(struct rate *rate, uint64_t left);

#endif
