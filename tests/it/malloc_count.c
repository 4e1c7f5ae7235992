/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into the server by tests/it/test_memory.py: counts what it asks the allocator for,
 * in the file that MALLOC_COUNT names, as one 64-bit number in the machine's order.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static uint64_t before_start;
static volatile uint64_t *calls = &before_start;

void *
malloc(size_t size)
{
	++*calls;
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	++*calls;
	return __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	++*calls;
	return __libc_realloc(block, size);
}

static void __attribute__((constructor)) start(void)
{
	const char *path = getenv("MALLOC_COUNT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared = MAP_FAILED;

	if (fd != -1)
		shared = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		abort();
	close(fd);
	calls = shared;
}
