/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between a descriptor that may block and a pipe, in a thread. So the loop can use
 * descriptors that it shares with other processes, whose flags must not change, and files and
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
	int owned; /* the end of the pipe that is the thread's, and that it closes at its end */
	int done; /* likewise; -1: none */
	atomic_int read_error; /* an errno, once the pipe is closed; 0: none */
	atomic_int write_error;
};

/*
 * Copies from FD to a pipe until the end of FD, or the reverse. *PIPE is our end of the pipe,
 * non-blocking and close-on-exec. FD is borrowed until the process ends, as a thread can't be
 * stopped while it blocks. The pump outlives its thread. 0, or an errno.
 */
int pump_start_reading(struct pump *pump, int fd, int *pipe)
    __attribute__((warn_unused_result));

/* *DONE is a pipe that ends once the thread has: all is written, or an error occurred. */
int pump_start_writing(struct pump *pump, int fd, int *pipe, int *done)
    __attribute__((warn_unused_result));

#endif
