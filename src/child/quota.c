/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many programs may run. There is no count of the sum: one that died
 * between counting here and there would leave the two at odds for ever.
 */
#include "child/quota.h"

bool
quota_init(struct quota *quota, size_t limit, size_t holders)
{
	quota->limit = limit;
	quota->holders = holders;
	return lock_init(&quota->lock);
}

bool
quota_take(struct quota *quota, size_t holder)
{
	bool taken;

	if (quota->limit == 0) {
		atomic_fetch_add(&quota->held[holder], 1);
		return true;
	}
	if (!lock_take(&quota->lock))
		return false;
	taken = !quota_is_full(quota);
	if (taken)
		atomic_fetch_add(&quota->held[holder], 1);
	lock_give(&quota->lock);
	return taken;
}

void
quota_give(struct quota *quota, size_t holder)
{
	atomic_fetch_sub(&quota->held[holder], 1);
}

bool
quota_is_full(const struct quota *quota)
{
	size_t sum = 0;

	for (size_t i = 0; i < quota->holders; i++)
		sum += atomic_load(&quota->held[i]);
	return quota->limit != 0 && sum >= quota->limit;
}

size_t
quota_held(const struct quota *quota, size_t holder)
{
	return atomic_load(&quota->held[holder]);
}

void
quota_move(struct quota *quota, size_t from, size_t to)
{
	/* In this order the sum is too high for a moment, never too low. */
	atomic_fetch_add(&quota->held[to], atomic_load(&quota->held[from]));
	atomic_store(&quota->held[from], 0);
}

void
quota_clear(struct quota *quota, size_t holder)
{
	atomic_store(&quota->held[holder], 0);
}
