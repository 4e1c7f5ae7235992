/* SPDX-License-Identifier: BSD-2-Clause */
/* The place of a topic in a file shared by all workers. */
#include "bus/place.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACE_SIZE = 64 * 1024 }; /* a multiple of any page size */

_Static_assert(sizeof(struct place_shared) <= PLACE_SIZE, "places do not overlap");

static off_t
place_offset(const struct place *p)
{
	return (off_t)p->number * PLACE_SIZE;
}

/* Writing grows the file, no matter which worker does it first. */
bool
place_map(struct place *p, int file, uint64_t number)
{
	void *shared = MAP_FAILED;

	p->file = file;
	p->number = number;
	if (pwrite(file, "", 1, place_offset(p) + PLACE_SIZE - 1) == 1)
		shared = mmap(NULL, sizeof(struct place_shared), PROT_READ | PROT_WRITE,
		    MAP_SHARED, file, place_offset(p));
	p->shared = shared == MAP_FAILED ? NULL : shared;
	return p->shared;
}

void
place_unmap(struct place *p)
{
	munmap(p->shared, sizeof(*p->shared));
}

static struct flock
place_lock_of(const struct place *p, short type)
{
	return (struct flock){
	    .l_type = type, .l_whence = SEEK_SET, .l_start = place_offset(p), .l_len = 1};
}

bool
place_lock(const struct place *p)
{
	struct flock lock = place_lock_of(p, F_WRLCK);

	return fcntl(p->file, F_SETLK, &lock) == 0;
}

void
place_unlock(const struct place *p)
{
	struct flock lock = place_lock_of(p, F_UNLCK);

	(void)fcntl(p->file, F_SETLK, &lock);
}

pid_t
place_holder(const struct place *p)
{
	struct flock lock = place_lock_of(p, F_WRLCK);

	if (fcntl(p->file, F_GETLK, &lock) == -1 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

/* Returns the number of clients of worker I; those of a dead worker don't count. */
static size_t
place_clients(const struct place *p, const struct place_workers *workers, size_t i)
{
	pid_t pid = atomic_load(&p->shared->workers[i].pid);

	return pid != 0 && pid == workers->pid(workers->arg, i)
		   ? atomic_load(&p->shared->workers[i].clients)
		   : 0;
}

size_t
place_count(const struct place *p, const struct place_workers *workers, size_t own)
{
	size_t sum = 0;

	atomic_store(&p->shared->workers[workers->own].pid, getpid());
	atomic_store(&p->shared->workers[workers->own].clients, own);
	for (size_t i = 0; i < PLACE_WORKERS_MAX; i++)
		sum += place_clients(p, workers, i);
	return sum;
}

size_t
place_others(const struct place *p, const struct place_workers *workers)
{
	size_t count = 0;

	for (size_t i = 0; i < PLACE_WORKERS_MAX; i++)
		count += i != workers->own && place_clients(p, workers, i) > 0;
	return count;
}

bool
place_is_worker(const struct place_workers *workers, pid_t pid)
{
	for (size_t i = 0; i < PLACE_WORKERS_MAX; i++) {
		if (pid != 0 && workers->pid(workers->arg, i) == pid)
			return true;
	}
	return false;
}
