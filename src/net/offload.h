/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs blocking functions in threads, and notifies the loop when they have returned. Threads
 * and the loop share no data: a job belongs either to a thread or to the loop, and pipes pass
 * it between them.
 */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { OFFLOAD_PENDING_MAX = 64 }; /* maximum number of pending jobs */

struct offload;

/* Embedded in the data of the job. */
struct offload_job {
	struct list node; /* private to offload.c while the job is pending */
	void (*run)(struct offload_job *job); /* called in a thread; may only use the job */
	/* Called in the loop afterwards; may free the job. */
	void (*done)(struct offload_job *job);
};

/* Starts COUNT threads; NICE is added to their nice value (setpriority(2)). Returns NULL with
 * errno. */
struct offload *offload_new(struct loop *loop, size_t count, int nice)
    __attribute__((warn_unused_result));

/* Stops the threads, each after its current function. Their jobs are not reported, and the
 * jobs' memory is not freed. Accepts NULL. */
void offload_free(struct offload *offload);

/* Passes a job to a thread. Returns false if OFFLOAD_PENDING_MAX jobs are pending. */
bool offload_submit(struct offload *offload, struct offload_job *job)
    __attribute__((warn_unused_result));

#endif
