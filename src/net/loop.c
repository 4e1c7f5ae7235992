/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop, its shared memory, its timers, its graves, and what they leave. */
#include "net/loop.h"

#include "net/watch.h"

#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>

static void
loop_sweep(struct loop *loop)
{
	while (loop->graves) {
		struct loop_grave *grave = loop->graves;

		loop->graves = grave->next;
		grave->release(grave);
	}
}

static void
loop_on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_sweep(arg);
}

/* Whether so many streams have gone that it pays to look for their memory. Each time there must
 * be half as many, so the work is in proportion to what was freed. */
static bool
loop_is_emptier(const struct loop *loop)
{
	return loop->streams <= loop->streams_most / 2 &&
	       loop->streams_most - loop->streams >= LOOP_TRIM_STREAMS;
}

static void
loop_on_trim(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	if (!loop_is_emptier(loop))
		return;
	malloc_trim(0);
	loop->streams_most = loop->streams;
}

void
loop_count_stream(struct loop *loop, bool begins)
{
	static const struct timeval wait = {.tv_sec = LOOP_TRIM_MS / 1000};

	if (begins) {
		loop->streams++;
		if (loop->streams_most < loop->streams)
			loop->streams_most = loop->streams;
		return;
	}
	loop->streams--;
	/* If it can't wait for the moment, the next stream that goes asks again. */
	if (loop_is_emptier(loop) && !event_pending(loop->trim, EV_TIMEOUT, NULL))
		event_add(loop->trim, &wait);
}

struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = NULL;

	if (!loop)
		return NULL;
	list_init(&loop->lingering);
	loop->in_block = malloc(LOOP_HEAD + LOOP_BATCH + LOOP_SLACK);
	if (loop->in_block)
		loop->in = loop->in_block + LOOP_HEAD;
	loop->out = malloc(LOOP_OUT);
	config = event_config_new();
	if (!loop->in || !loop->out || !config)
		goto fail;
	/* One thread: no locks. The time is asked for by those who need it: not at each
	 * wake-up, as most of the time there is no timeout of libevent's. */
	if (event_config_set_flag(
		config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME) == -1)
		goto fail;
	loop->base = event_base_new_with_config(config);
	if (!loop->base)
		goto fail;
	loop->sweep = event_new(loop->base, -1, 0, loop_on_sweep, loop);
	loop->trim = event_new(loop->base, -1, 0, loop_on_trim, loop);
	loop->timers = timers_new(loop->base);
	if (!loop->sweep || !loop->trim || !loop->timers)
		goto fail;
	loop->watches = watches_new(loop);
	if (!loop->watches)
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
	watches_free(loop->watches);
	timers_free(loop->timers);
	if (loop->sweep)
		event_free(loop->sweep);
	if (loop->trim)
		event_free(loop->trim);
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
loop_bury(
    struct loop *loop, struct loop_grave *grave, void (*release)(struct loop_grave *grave))
{
	grave->release = release;
	grave->next = loop->graves;
	loop->graves = grave;
	event_active(loop->sweep, EV_TIMEOUT, 0);
}
