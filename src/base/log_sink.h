/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the log goes, without ever blocking the writer. Used by log alone. */
#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H

#include <stdbool.h>
#include <sys/types.h>

/* How a line is written so that a reader who does not read can't block us. */
enum log_sink_way {
	LOG_SINK_WRITE, /* a file, which does not block, or a descriptor of our own with
			 * O_NONBLOCK
			 */
	LOG_SINK_SEND, /* MSG_DONTWAIT: a socket */
	LOG_SINK_POLL, /* poll(), and a timer in case that others write at the same time */
};

struct log_sink {
	int fd; /* borrowed; that of log_sink_set(), */
	int own_fd; /* or the same file opened once more, or one of log_sink_open(); -1: none */
	enum log_sink_way way;
	bool journal; /* it is journald's: lines begin with their priority, sd-daemon(3) */
};

/* Standard error, before anything is known of it. */
#define LOG_SINK_STDERR                                                                        \
	{                                                                                      \
		.fd = 2, .own_fd = -1                                                          \
	}

/* Writes go to FD, which is borrowed. errno survives. */
void log_sink_set(struct log_sink *sink, int fd);

/* Writes are appended to the file PATH, which is created if it does not exist. False with
 * errno: nothing has changed. */
bool log_sink_open(struct log_sink *sink, const char *path) __attribute__((warn_unused_result));

/* Closes what is its own. */
void log_sink_close(struct log_sink *sink);

/* As write(2): -1 with EAGAIN if nobody reads what was written before, and less than LEN if
 * that is so from there on. */
ssize_t log_sink_write(const struct log_sink *sink, const char *bytes, size_t len);

#endif
