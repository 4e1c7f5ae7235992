/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into the server by tests/it/test_tls.py: lets the allocator fail. The file that
 * MALLOC_FAIL names has two 64-bit numbers in the machine's order: how many allocations still
 * succeed, and how many fail after that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static volatile int64_t *wish; /* NULL at the start */

static int
fails(void)
{
	if (!wish || wish[1] == 0)
		return 0;
	if (wish[0] > 0) {
		wish[0]--;
		return 0;
	}
	wish[1]--;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	return fails() ? NULL : __libc_realloc(block, size);
}

static void __attribute__((constructor)) start(void)
{
	const char *path = getenv("MALLOC_FAIL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared = MAP_FAILED;

	if (fd != -1)
		shared =
		    mmap(NULL, 2 * sizeof(*wish), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		abort();
	close(fd);
	wish = shared;
}
