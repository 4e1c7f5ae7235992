/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: its buffers, tasks, deferred frees, and the return of memory. */
#include "net/loop.h"

#include "base/util.h"
#include "net/event_slots.h"

#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>

static void
loop_sweep(struct loop *loop)
{
	while (loop->deferred) {
		struct loop_deferred *deferred = loop->deferred;

		loop->deferred = deferred->next;
		deferred->release(deferred);
	}
}

static void
loop_on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_sweep(arg);
}

/* Reports whether enough streams were freed to make returning memory worthwhile. Half must be
 * freed each time, so the work is proportional to what was freed. */
static bool
loop_is_emptier(const struct loop *loop)
{
	return loop->streams <= loop->streams_most / 2 &&
	       loop->streams_most - loop->streams >= LOOP_TRIM_STREAMS;
}

static void
loop_on_clock(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	timers_run(&loop->timers);
}

static void
loop_on_trim(void *arg)
{
	struct loop *loop = arg;

	if (!loop_is_emptier(loop))
		return;
	malloc_trim(0);
	loop->streams_most = loop->streams;
}

void
loop_count_stream(struct loop *loop, bool begins)
{
	if (begins) {
		loop->streams++;
		if (loop->streams_most < loop->streams)
			loop->streams_most = loop->streams;
		return;
	}
	loop->streams--;
	if (loop_is_emptier(loop))
		timer_at(&loop->trim, util_clock_ms() + LOOP_TRIM_MS);
}

/* Runs the pending tasks; those added meanwhile run in the next round. */
static void
loop_on_round(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct list now;

	(void)fd;
	(void)what;
	list_move(&now, &loop->tasks);
	while (!list_empty(&now)) {
		struct loop_task *task = LIST_ENTRY_OF(now.next, struct loop_task, node);

		list_remove(&task->node);
		task->run(task);
	}
}

void
loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task))
{
	task->run = run;
	list_init(&task->node);
}

void
loop_defer(struct loop *loop, struct loop_task *task)
{
	static const struct timeval now;

	if (!list_empty(&task->node))
		return;
	if (list_empty(&loop->tasks) && evtimer_add(loop->round, &now) == -1)
		event_active(loop->round, EV_TIMEOUT, 0);
	list_append(&loop->tasks, &task->node);
}

void
loop_cancel(struct loop_task *task)
{
	list_remove(&task->node);
}

struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = NULL;

	event_slots_init();
	if (!loop)
		return NULL;
	list_init(&loop->lingering);
	list_init(&loop->tasks);
	timer_init(&loop->trim, &loop->timers, loop_on_trim, loop);
	loop->in_block = malloc(LOOP_HEAD + LOOP_BATCH + LOOP_SLACK);
	if (loop->in_block)
		loop->in = loop->in_block + LOOP_HEAD;
	loop->out = malloc(LOOP_OUT);
	config = event_config_new();
	if (!timers_init(&loop->timers) || !loop->in || !loop->out || !config)
		goto fail;
	/* Single-threaded: no locks. Without libevent timers, a cached time is useless. */
	if (event_config_set_flag(
		config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME) == -1 ||
	    event_config_set_max_dispatch_interval(config, NULL, LOOP_CALLBACKS_MAX, 0) == -1)
		goto fail;
	loop->base = event_base_new_with_config(config);
	if (!loop->base)
		goto fail;
	loop->sweep = event_new(loop->base, -1, 0, loop_on_sweep, loop);
	loop->clock =
	    event_new(loop->base, loop->timers.fd, EV_READ | EV_PERSIST, loop_on_clock, loop);
	loop->round = evtimer_new(loop->base, loop_on_round, loop);
	if (!loop->sweep || !loop->clock || !loop->round || event_add(loop->clock, NULL) == -1)
		goto fail;
	event_config_free(config);
	return loop;
fail:
	if (config)
		event_config_free(config);
	loop_free(loop);
	return NULL;
}

void
loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_sweep(loop);
	if (loop->round)
		event_free(loop->round);
	if (loop->sweep)
		event_free(loop->sweep);
	if (loop->clock)
		event_free(loop->clock);
	timers_clear(&loop->timers);
	if (loop->base)
		event_base_free(loop->base);
	free(loop->in_block);
	free(loop->out);
	free(loop);
}

bool
loop_run(struct loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) != -1;
}

void
loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

void
loop_defer_free(struct loop *loop, struct loop_deferred *deferred,
    void (*release)(struct loop_deferred *deferred))
{
	deferred->release = release;
	deferred->next = loop->deferred;
	loop->deferred = deferred;
	event_active(loop->sweep, EV_TIMEOUT, 0);
}
