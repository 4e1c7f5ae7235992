/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a server, it lets a test put its clock forward: CLOCK_MONOTONIC is as many
 * milliseconds later as the file CLOCK_SHIFT says, which holds an int64_t. From its next look
 * at the clock on its timer rings at the moment that is meant.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
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

/* Moves TIME by MS milliseconds. */
static void
move(struct timespec *time, int64_t ms)
{
	int64_t nsec = time->tv_nsec + ms % 1000 * 1000000;

	time->tv_sec += ms / 1000 + nsec / 1000000000;
	time->tv_nsec = nsec % 1000000000;
	if (time->tv_nsec < 0) {
		time->tv_nsec += 1000000000;
		time->tv_sec--;
	}
}

/* The one timer of the server, as it was set last, and by how much it was moved. */
static int timer = -1;
static struct itimerspec timer_value;
static int64_t timer_shift;

static int
set_timer(struct itimerspec *old)
{
	struct itimerspec moved = timer_value;

	timer_shift = shift ? *shift : 0;
	if (moved.it_value.tv_sec != 0 || moved.it_value.tv_nsec != 0) {
		move(&moved.it_value, -timer_shift);
		if (moved.it_value.tv_sec < 0)
			moved.it_value = (struct timespec){.tv_nsec = 1};
	}
	return (int)syscall(SYS_timerfd_settime, timer, TFD_TIMER_ABSTIME, &moved, old);
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old)
{
	if (flags != TFD_TIMER_ABSTIME)
		return (int)syscall(SYS_timerfd_settime, fd, flags, value, old);
	timer = fd;
	timer_value = *value;
	return set_timer(old);
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, id, out);

	if (result == 0 && id == CLOCK_MONOTONIC && shift) {
		move(out, *shift);
		if (timer != -1 && timer_shift != *shift)
			set_timer(NULL);
	}
	return result;
}
