/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a server, it lets a test put its clock forward: the monotonic clocks, also
 * that of libevent, are as many milliseconds later as the file CLOCK_SHIFT says, which holds an
 * int64_t. The server's timers follow with its next wake-up.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("CLOCK_SHIFT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page;

	if (fd == -1)
		return;
	page = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (page != MAP_FAILED)
		shift = page;
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, id, out);

	if (result == 0 && shift && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
		int64_t nsec = out->tv_nsec + *shift % 1000 * 1000000;

		out->tv_sec += *shift / 1000 + nsec / 1000000000;
		out->tv_nsec = nsec % 1000000000;
	}
	return result;
}
