/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between a descriptor that may block and a pipe, in a thread. This lets the loop use
 * descriptors shared with other processes, whose flags must not change, as well as files and
 * terminals, which epoll does not support.
 */
#ifndef NET_PUMP_H
#define NET_PUMP_H

#include <pthread.h>
#include <stdatomic.h>

enum { PUMP_BATCH = 64 * 1024 };

struct pump {
	pthread_t thread;
	int from;
	int to;
	int owned; /* pipe end owned by the thread, which closes it when it ends */
	int done; /* owned by the thread, too; -1: none */
	atomic_int read_error; /* an errno, once the pipe is closed; 0: none */
	atomic_int write_error;
};

/*
 * Copies from FD to a pipe until the end of FD, or the reverse. *PIPE is our end of the pipe,
 * non-blocking and close-on-exec. FD is borrowed until the process exits, because a thread
 * can't be stopped while it blocks. The pump must outlive its thread. Returns 0 or an errno.
 */
int pump_start_reading(struct pump *pump, int fd, int *pipe)
    __attribute__((warn_unused_result));

/* *DONE is a pipe that reaches its end when the thread has ended: everything was written, or an
 * error occurred. */
int pump_start_writing(struct pump *pump, int fd, int *pipe, int *done)
    __attribute__((warn_unused_result));

#endif
