/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls functions that block in threads of their own, and reports to the loop when they have
 * returned. Threads and loop share no data: a job belongs either to a thread or to the loop,
 * and pipes pass it from one to the other.
 */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { OFFLOAD_PENDING_MAX = 64 }; /* jobs */

struct offload;

/* Embedded in what the functions work on. */
struct offload_job {
	struct list node; /* of offload.c, while a thread has it, or will have it */
	void (*run)(struct offload_job *job); /* called in a thread; uses the job alone */
	void (*done)(struct offload_job *job); /* called in the loop after that; may free it */
};

/* Starts COUNT threads; NICE is added to their priority, see setpriority(2). NULL with errno.
 */
struct offload *offload_new(struct loop *loop, size_t count, int nice)
    __attribute__((warn_unused_result));

/* Stops the threads, each as soon as its function returns. Their jobs are not reported, and
 * their memory is not freed. Accepts NULL. */
void offload_free(struct offload *offload);

/* Passes a job to a thread. False: OFFLOAD_PENDING_MAX of them have not returned. */
bool offload_submit(struct offload *offload, struct offload_job *job)
    __attribute__((warn_unused_result));

#endif
