/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts the connections of each address over all workers. */
#include "net/tally.h"

#include <stdatomic.h>
#include <sys/mman.h>

struct tally {
	size_t workers;
	size_t size; /* size of the mapping in bytes */
	_Atomic uint64_t names[TALLY_ROWS]; /* the complement of an address; 0: never used */
	_Atomic uint32_t counts[]; /* WORKERS counts per row */
};

struct tally *
tally_new(size_t workers)
{
	size_t size = sizeof(struct tally) + TALLY_ROWS * workers * sizeof(uint32_t);
	struct tally *tally = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (tally == MAP_FAILED)
		return NULL;
	tally->workers = workers;
	tally->size = size;
	return tally;
}

void
tally_free(struct tally *tally)
{
	if (tally)
		munmap(tally, tally->size);
}

static size_t
tally_sum(const struct tally *tally, size_t row)
{
	size_t sum = 0;

	for (size_t i = 0; i < tally->workers; i++)
		sum += atomic_load(&tally->counts[row * tally->workers + i]);
	return sum;
}

/* Returns the row of a name, near START, or TALLY_NONE. */
static int
tally_find(const struct tally *tally, uint64_t name, size_t start)
{
	for (size_t i = 0; i < TALLY_PROBES; i++) {
		size_t row = (start + i) % TALLY_ROWS;

		if (atomic_load(&tally->names[row]) == name)
			return (int)row;
	}
	return TALLY_NONE;
}

/*
 * Assigns a free row to a name. If two workers do so for one address at the same time, both use
 * the first of the two rows. Another worker may start counting in the row while it changes
 * owner: the new address then has one connection too many until that one is closed.
 */
static int
tally_claim(struct tally *tally, uint64_t name, size_t start)
{
	for (size_t i = 0; i < TALLY_PROBES; i++) {
		size_t row = (start + i) % TALLY_ROWS;
		uint64_t old = atomic_load(&tally->names[row]);

		if (tally_sum(tally, row) == 0 &&
		    atomic_compare_exchange_strong(&tally->names[row], &old, name))
			return tally_find(tally, name, start);
	}
	return TALLY_NONE;
}

int
tally_add(struct tally *tally, uint64_t address, size_t worker, size_t *sum)
{
	uint64_t name = ~address;
	size_t start = (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % TALLY_ROWS;
	int row = tally_find(tally, name, start);

	*sum = 0;
	if (row == TALLY_NONE)
		row = tally_claim(tally, name, start);
	if (row == TALLY_NONE)
		return row;
	atomic_fetch_add(&tally->counts[(size_t)row * tally->workers + worker], 1);
	*sum = tally_sum(tally, (size_t)row);
	return row;
}

void
tally_remove(struct tally *tally, int row, size_t worker)
{
	if (row != TALLY_NONE)
		atomic_fetch_sub(&tally->counts[(size_t)row * tally->workers + worker], 1);
}

void
tally_clear(struct tally *tally, size_t worker)
{
	for (size_t row = 0; tally && row < TALLY_ROWS; row++) {
		if (atomic_load(&tally->counts[row * tally->workers + worker]) != 0)
			atomic_store(&tally->counts[row * tally->workers + worker], 0);
	}
}
