/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A token bucket per address, which limits how many sessions it may start. Shared by all
 * workers, without a lock. A bucket consists of one time, at which it will be full again (the
 * generic cell rate algorithm): nothing has to refill it, and a row is free once that time has
 * passed. There are BUCKET_ROWS rows, and an address uses one of BUCKET_PROBES among them. If
 * all of these are in use, it takes over the row whose bucket will be full first, with a full
 * bucket.
 */
#ifndef NET_BUCKET_H
#define NET_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BUCKET_ROWS = 1 << 13,
	BUCKET_PROBES = 16,
};

struct bucket_rate {
	int64_t interval_us; /* microseconds per token; 0: no limit */
	int64_t burst; /* tokens in a full bucket, at least 1 */
};

/* Lives in zeroed memory; needs no other initialization. */
struct buckets {
	struct {
		_Atomic uint64_t name; /* the complement of an address; 0: never used */
		_Atomic int64_t full_us; /* when the bucket is full */
	} rows[BUCKET_ROWS];
};

/* Takes a token of ADDRESS (limit_address()) at NOW_MS (util_clock_ms()). Returns false if none
 * is left; the next one comes within RATE->interval_us. */
bool bucket_take(struct buckets *buckets, uint64_t address, const struct bucket_rate *rate,
    int64_t now_ms) __attribute__((warn_unused_result));

#endif
