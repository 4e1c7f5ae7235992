/* SPDX-License-Identifier: BSD-2-Clause */
/* The minimum rate at which output must be received. */
#include "net/rate.h"

#include "base/util.h"

void
rate_start(struct rate *rate, uint64_t left, int64_t credit_ms)
{
	rate->credit_ms = credit_ms;
	rate->due_ms = util_clock_ms() + credit_ms;
	rate->left = left;
}

bool
rate_check(struct rate *rate, uint64_t left)
{
	uint64_t confirmed = left < rate->left ? rate->left - left : 0;
	int64_t now = util_clock_ms();
	int64_t most_ms = now + rate->credit_ms;

	rate->left = left;
	if (left == 0 || confirmed >= (uint64_t)(most_ms - rate->due_ms) * RATE_MIN / 1000)
		rate->due_ms = most_ms;
	else
		rate->due_ms += (int64_t)(confirmed * 1000 / RATE_MIN);
	return rate->due_ms > now;
}
