/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A token bucket for each address, over all workers: how many sessions it may start. It lies in
 * memory that they share, without a lock. A bucket is one time, that at which it will be full
 * again (the generic cell rate algorithm), so nothing has to refill it, and a row is free when
 * that time has passed.
 *
 * There are BUCKET_ROWS rows, and an address uses one of BUCKET_PROBES among them. If all of
 * these are in use, it gets that of the address whose bucket will be full first, which thereby
 * is.
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
	int64_t interval_us; /* until a token comes; 0: there is no limit */
	int64_t burst; /* tokens in a full bucket, at least 1 */
};

/* In zeroed memory, and nothing else is to be done. */
struct buckets {
	struct {
		_Atomic uint64_t name; /* the complement of an address; 0: never used */
		_Atomic int64_t full_us; /* when the bucket is full */
	} rows[BUCKET_ROWS];
};

/* Takes a token of ADDRESS (limit_address()) at a time of util_clock_ms(). False: it has none,
 * and gets one within RATE->interval_us. */
bool bucket_take(struct buckets *buckets, uint64_t address, const struct bucket_rate *rate,
    int64_t now_ms) __attribute__((warn_unused_result));

#endif
