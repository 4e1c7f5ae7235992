/* SPDX-License-Identifier: BSD-2-Clause */
/* The destination of the log; never blocks the writer. */
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* Limits how long a write may block although poll() reported that it would not. */
enum { LOG_SINK_GUARD_MS = 20 };

enum { LOG_SINK_MODE = 0640 }; /* mode of a new file */

/* Reports whether FD is the stream that JOURNAL_STREAM names as DEVICE:INODE,
 * systemd.exec(5). */
static bool
log_sink_is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char text[64];

	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	return stream && strcmp(stream, text) == 0;
}

void
log_sink_close(struct log_sink *sink)
{
	if (sink->own_fd != -1)
		close(sink->own_fd);
	sink->own_fd = -1;
}

void
log_sink_set(struct log_sink *sink, int fd)
{
	char path[32];
	struct stat st = {0};
	int saved = errno;

	log_sink_close(sink);
	sink->fd = fd;
	sink->way = LOG_SINK_WRITE;
	(void)fstat(fd, &st);
	sink->journal = log_sink_is_journal(&st);
	if (S_ISSOCK(st.st_mode))
		sink->way = LOG_SINK_SEND;
	/*
	 * O_NONBLOCK on FD itself would affect everyone who shares it (the user's shell), so
	 * the file is opened again. That fails for a pipe or terminal of another user, after
	 * su(1), and without /proc. A regular file keeps its position in FD.
	 */
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		sink->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (sink->own_fd == -1)
			sink->way = LOG_SINK_POLL;
	}
	errno = saved;
}

bool
log_sink_open(struct log_sink *sink, const char *path)
{
	/* O_NONBLOCK: it may be a FIFO without a reader. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
	    LOG_SINK_MODE);

	if (fd == -1)
		return false;
	log_sink_close(sink);
	*sink = (struct log_sink){.fd = fd, .own_fd = fd, .way = LOG_SINK_WRITE};
	return true;
}

static void
log_sink_on_alarm(int number)
{
	(void)number;
}

/* Starts a timer whose signal interrupts blocking calls repeatedly; WAIT_MS 0 stops it. */
static void
log_sink_guard(int wait_ms)
{
	struct itimerval timer = {
	    .it_value.tv_usec = 1000 * wait_ms, .it_interval.tv_usec = 1000 * wait_ms};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Prepares LOG_SINK_POLL. An existing timer, for example from alarm() before exec, is left
 * unchanged. */
static bool
log_sink_can_guard(void)
{
	struct sigaction action = {.sa_handler = log_sink_on_alarm}; /* without SA_RESTART */
	struct sigaction now;
	struct itimerval timer;

	if (getitimer(ITIMER_REAL, &timer) == -1 || timerisset(&timer.it_value) ||
	    sigaction(SIGALRM, NULL, &now) == -1)
		return false;
	return now.sa_handler == log_sink_on_alarm || sigaction(SIGALRM, &action, NULL) == 0;
}

/*
 * Writes as much as poll() guarantees. A pipe then has room for PIPE_BUF bytes, unless another
 * process writes at the same time; a terminal may have room for less.
 */
static ssize_t
log_sink_write_polled(int fd, const char *bytes, size_t len)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	bool guards = log_sink_can_guard();
	size_t done = 0;

	if (guards)
		log_sink_guard(LOG_SINK_GUARD_MS);
	while (done < len && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)) {
		size_t part = len - done < PIPE_BUF ? len - done : PIPE_BUF;
		ssize_t n = write(fd, bytes + done, part);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (guards)
		log_sink_guard(0);
	if (done > 0)
		return (ssize_t)done;
	errno = EAGAIN;
	return -1;
}

static ssize_t
log_sink_try(const struct log_sink *sink, const char *bytes, size_t len)
{
	switch (sink->way) {
	case LOG_SINK_WRITE:
		return write(sink->own_fd != -1 ? sink->own_fd : sink->fd, bytes, len);
	case LOG_SINK_SEND:
		return send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case LOG_SINK_POLL:
		return log_sink_write_polled(sink->fd, bytes, len);
	}
	return -1;
}

ssize_t
log_sink_write(const struct log_sink *sink, const char *bytes, size_t len)
{
	ssize_t written;

	do {
		written = log_sink_try(sink, bytes, len);
	} while (written == -1 && errno == EINTR && sink->way != LOG_SINK_POLL);
	return written;
}
