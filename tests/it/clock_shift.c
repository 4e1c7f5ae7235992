/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a server, it lets a test put its clock forward: the monotonic clocks are as
 * many milliseconds later as the file CLOCK_SHIFT says, which holds an int64_t. The server's
 * timerfd becomes readable soon after. The system's clock stays as it is; its TCP_USER_TIMEOUT
 * is CLOCK_USER_TIMEOUT milliseconds if that is set.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_MS = 20 };

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

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	const char *timeout = getenv("CLOCK_USER_TIMEOUT");
	int ms = timeout ? atoi(timeout) : 0;

	if (ms > 0 && level == IPPROTO_TCP && name == TCP_USER_TIMEOUT) {
		value = &ms;
		len = sizeof(ms);
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

static int timer = -1; /* the one that was set last */

int
timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	timer = fd;
	return (int)syscall(SYS_timerfd_settime, fd, flags, when, old);
}

/* Waits in slices, to see the file change. */
int
epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	static const struct itimerspec now = {.it_value.tv_nsec = 1};
	static int64_t seen;
	int left = timeout;
	int n;

	do {
		int slice = left >= 0 && left < SLICE_MS ? left : SLICE_MS;

		n = (int)syscall(SYS_epoll_pwait, fd, events, max, slice, NULL, _NSIG / 8);
		if (left > 0)
			left -= slice;
		if (shift && *shift != seen && timer != -1) {
			seen = *shift;
			(void)timerfd_settime(timer, 0, &now, NULL);
		}
	} while (n == 0 && left != 0);
	return n;
}
