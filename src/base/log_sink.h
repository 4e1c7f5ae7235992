/* SPDX-License-Identifier: BSD-2-Clause */
/* The destination of the log; never blocks the writer. Only used by log. */
#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H

#include <stdbool.h>
#include <sys/types.h>

/* How a line is written so that a stalled reader can't block us. */
enum log_sink_way {
	/* write(): a file, which does not block, or our own descriptor with O_NONBLOCK */
	LOG_SINK_WRITE,
	LOG_SINK_SEND, /* MSG_DONTWAIT: a socket */
	LOG_SINK_POLL, /* poll(), and a timer in case others write at the same time */
};

struct log_sink {
	int fd; /* borrowed: from log_sink_set(), */
	int own_fd; /* or the same file opened again, or from log_sink_open(); -1: none */
	enum log_sink_way way;
	bool journal; /* journald's stream: lines begin with their priority, sd-daemon(3) */
};

/* Standard error, before it has been examined. */
#define LOG_SINK_STDERR                                                                        \
	{                                                                                      \
		.fd = 2, .own_fd = -1                                                          \
	}

/* Sets the destination to FD, which is borrowed. Preserves errno. */
void log_sink_set(struct log_sink *sink, int fd);

/* Sets the destination to the file PATH, opened for appending and created if missing. Returns
 * false with errno, without a change. */
bool log_sink_open(struct log_sink *sink, const char *path) __attribute__((warn_unused_result));

/* Closes the descriptor that the sink owns. */
void log_sink_close(struct log_sink *sink);

/* Like write(2). Returns -1 with EAGAIN if nobody reads earlier output, and less than LEN if
 * only a part could be written. */
ssize_t log_sink_write(const struct log_sink *sink, const char *bytes, size_t len);

#endif
