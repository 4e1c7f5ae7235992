/* SPDX-License-Identifier: BSD-2-Clause */
/* The limit of running programs. The sum is not stored: a process that dies between changing
 * its own count and the sum would leave the two inconsistent forever. */
#include "process/quota.h"

void
quota_init(struct quota *quota, size_t limit, size_t holders)
{
	quota->limit = limit;
	quota->holders = holders;
}

void
quota_set_limit(struct quota *quota, size_t limit)
{
	atomic_store(&quota->limit, limit);
}

static size_t
quota_sum(const struct quota *quota)
{
	size_t sum = 0;

	/* In ascending order: see quota_move(). */
	for (size_t i = 0; i < quota->holders; i++)
		sum += atomic_load(&quota->held[i]);
	return sum;
}

bool
quota_take(struct quota *quota, size_t holder)
{
	/* Of several holders that increment at once, the last one sees all others in its sum,
	 * so the limit never stays exceeded. */
	atomic_fetch_add(&quota->held[holder], 1);
	if (quota->limit == 0 || quota_sum(quota) <= quota->limit)
		return true;
	atomic_fetch_sub(&quota->held[holder], 1);
	return false;
}

void
quota_give(struct quota *quota, size_t holder)
{
	atomic_fetch_sub(&quota->held[holder], 1);
}

bool
quota_is_full(const struct quota *quota)
{
	return quota->limit != 0 && quota_sum(quota) >= quota->limit;
}

size_t
quota_held(const struct quota *quota, size_t holder)
{
	return atomic_load(&quota->held[holder]);
}

void
quota_move(struct quota *quota, size_t from, size_t to)
{
	/* In this order, and with TO above FROM, a sum may be too high, but never too low. */
	atomic_fetch_add(&quota->held[to], atomic_load(&quota->held[from]));
	atomic_store(&quota->held[from], 0);
}

void
quota_clear(struct quota *quota, size_t holder)
{
	atomic_store(&quota->held[holder], 0);
}
