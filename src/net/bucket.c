/* SPDX-License-Identifier: BSD-2-Clause */
/* A token bucket per address, shared by all workers. */
#include "net/bucket.h"

#include <stdatomic.h>
#include <stddef.h>

/*
 * Returns the row of a name. Two workers may assign it two rows at the same time, or one row to
 * two names: an address then has a few tokens too many or too few, once.
 */
static size_t
bucket_find(struct buckets *buckets, uint64_t name)
{
	size_t start = (size_t)((name * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
	size_t first = start % BUCKET_ROWS;

	for (size_t i = 0; i < BUCKET_PROBES; i++) {
		size_t row = (start + i) % BUCKET_ROWS;

		if (atomic_load(&buckets->rows[row].name) == name)
			return row;
		if (atomic_load(&buckets->rows[row].full_us) <
		    atomic_load(&buckets->rows[first].full_us))
			first = row;
	}
	atomic_store(&buckets->rows[first].name, name);
	atomic_store(&buckets->rows[first].full_us, 0);
	return first;
}

bool
bucket_take(
    struct buckets *buckets, uint64_t address, const struct bucket_rate *rate, int64_t now_ms)
{
	int64_t now = now_ms * 1000, old, next;
	_Atomic int64_t *full;

	if (rate->interval_us == 0)
		return true;
	full = &buckets->rows[bucket_find(buckets, ~address)].full_us;
	old = atomic_load(full);
	do {
		next = (old > now ? old : now) + rate->interval_us;
		if (next - now > rate->interval_us * rate->burst)
			return false;
	} while (!atomic_compare_exchange_weak(full, &old, next));
	return true;
}
