/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs blocking functions in threads. */
#include "net/offload.h"

#include "base/list.h"
#include "base/util.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OFFLOAD_STACK = 256 * 1024 }; /* stack size of a thread in bytes */

/* The pipe ends that the threads use as long as they run. */
struct offload_ends {
	struct list node; /* in offload_all */
	int jobs;
	int results;
	int nice;
};

struct offload {
	struct loop *loop; /* borrowed */
	struct event *event; /* owned: fires when results can be read */
	int jobs; /* owned: write end of the pipe to the threads */
	int results; /* owned: read end of the pipe from them */
	size_t pending; /* jobs passed to threads and not returned */
};

/* What threads may still use, even after offload_free(). */
static struct list offload_all = {&offload_all, &offload_all};
static struct list offload_jobs = {&offload_jobs, &offload_jobs};

/* Thread function. Pointers are read and written atomically, as they are shorter than
 * PIPE_BUF. */
static void *
offload_run(void *arg)
{
	const struct offload_ends *ends = arg;
	struct offload_job *job;

	/* On Linux, each thread has its own priority. */
	if (ends->nice != 0)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), ends->nice);
	while (read(ends->jobs, &job, sizeof(job)) == sizeof(job)) {
		job->run(job);
		if (write(ends->results, &job, sizeof(job)) != sizeof(job))
			break;
	}
	return NULL;
}

static void
offload_on_result(evutil_socket_t fd, short what, void *arg)
{
	struct offload *offload = arg;
	struct offload_job *job;

	(void)what;
	while (read(fd, &job, sizeof(job)) == sizeof(job)) {
		offload->pending--;
		list_remove(&job->node);
		job->done(job);
	}
}

/* Starts the threads with all signals blocked; the loop handles them. Returns 0 or an errno;
 * threads already started exit at the end of the job pipe. */
static int
offload_start(struct offload_ends *ends, size_t count)
{
	pthread_attr_t attributes;
	sigset_t all, old;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return error;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, OFFLOAD_STACK);
	for (size_t i = 0; i < count && error == 0; i++) {
		pthread_t thread;

		error = pthread_create(&thread, &attributes, offload_run, ends);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

struct offload *
offload_new(struct loop *loop, size_t count, int nice)
{
	struct offload *offload = calloc(1, sizeof(*offload));
	struct offload_ends *ends = calloc(1, sizeof(*ends));
	int jobs[2], results[2];

	if (!offload || !ends || pipe2(jobs, O_CLOEXEC) == -1)
		goto fail;
	if (pipe2(results, O_CLOEXEC) == -1)
		goto fail_jobs;
	*ends = (struct offload_ends){.jobs = jobs[0], .results = results[1], .nice = nice};
	offload->loop = loop;
	offload->jobs = jobs[1];
	offload->results = results[0];
	fcntl(offload->results, F_SETFL, O_NONBLOCK);
	offload->event = event_new(
	    loop->base, offload->results, EV_READ | EV_PERSIST, offload_on_result, offload);
	if (!offload->event || event_add(offload->event, NULL) == -1)
		goto fail_results;
	list_append(&offload_all, &ends->node);
	errno = offload_start(ends, count);
	if (errno == 0)
		return offload;
	/* Threads already started exit at the end of the job pipe. */
	offload_free(offload);
	return NULL;
fail_results:
	if (offload->event)
		event_free(offload->event);
	close(results[0]);
	close(results[1]);
fail_jobs:
	close(jobs[0]);
	close(jobs[1]);
fail:
	free(ends);
	free(offload);
	return NULL;
}

void
offload_free(struct offload *offload)
{
	if (!offload)
		return;
	event_free(offload->event);
	close(offload->jobs);
	close(offload->results);
	free(offload);
}

bool
offload_submit(struct offload *offload, struct offload_job *job)
{
	/* The write can't block: the pipe holds more than the maximum of pending jobs. */
	if (offload->pending == OFFLOAD_PENDING_MAX ||
	    write(offload->jobs, &job, sizeof(job)) != sizeof(job))
		return false;
	list_append(&offload_jobs, &job->node);
	offload->pending++;
	return true;
}
