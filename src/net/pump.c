/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies between a descriptor that may block and a pipe, in a thread. */
#include "net/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { PUMP_STACK = 256 * 1024 };

/* Reports whether to repeat a failed call. Another process may have made FD non-blocking. */
static bool
pump_retries(int fd, short event)
{
	struct pollfd wait = {.fd = fd, .events = event};

	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return poll(&wait, 1, -1) >= 0 || errno == EINTR;
	return errno == EINTR;
}

static bool
pump_write(struct pump *pump, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(pump->to, bytes, len);

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (!pump_retries(pump->to, POLLOUT)) {
			atomic_store(&pump->write_error, errno);
			return false;
		}
	}
	return true;
}

static void
pump_copy(struct pump *pump, uint8_t *buffer)
{
	for (;;) {
		ssize_t n = read(pump->from, buffer, PUMP_BATCH);

		if (n == 0 || (n > 0 && !pump_write(pump, buffer, (size_t)n)))
			return;
		if (n == -1 && !pump_retries(pump->from, POLLIN)) {
			atomic_store(&pump->read_error, errno);
			return;
		}
	}
}

static void *
pump_run(void *arg)
{
	struct pump *pump = arg;
	uint8_t *buffer = malloc(PUMP_BATCH);

	if (buffer)
		pump_copy(pump, buffer);
	else
		atomic_store(&pump->read_error, ENOMEM);
	free(buffer);
	close(pump->owned);
	if (pump->done != -1)
		close(pump->done);
	return NULL;
}

/* Starts the thread with all signals blocked. */
static int
pump_start(struct pump *pump)
{
	pthread_attr_t attributes;
	sigset_t all, ours;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &ours);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, PUMP_STACK);
	error = pthread_create(&pump->thread, &attributes, pump_run, pump);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &ours, NULL);
	return error;
}

/* Creates a pipe; END is our end. */
static int
pump_pipe(int fds[2], int end)
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		return errno;
	return fcntl(fds[end], F_SETFL, O_NONBLOCK) == -1 ? errno : 0;
}

int
pump_start_reading(struct pump *pump, int fd, int *pipe)
{
	int fds[2] = {-1, -1};
	int error = pump_pipe(fds, 0);

	*pump = (struct pump){.from = fd, .to = fds[1], .owned = fds[1], .done = -1};
	if (error == 0)
		error = pump_start(pump);
	*pipe = fds[0];
	return error;
}

int
pump_start_writing(struct pump *pump, int fd, int *pipe, int *done)
{
	int fds[2] = {-1, -1}, dones[2] = {-1, -1};
	int error = pump_pipe(fds, 1);

	if (error == 0)
		error = pump_pipe(dones, 0);
	*pump = (struct pump){.from = fds[0], .to = fd, .owned = fds[0], .done = dones[1]};
	if (error == 0)
		error = pump_start(pump);
	*pipe = fds[1];
	*done = dones[0];
	return error;
}
