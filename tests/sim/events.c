/* SPDX-License-Identifier: BSD-2-Clause */
/* libevent, replaced. */
#include "events.h"

#include "check.h"
#include "kernel.h"
#include "memory.h"
#include "random.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 64 };

/* One that is pending or active. */
struct entry {
	struct event *event;
	int64_t due_ms; /* 0: it has no timeout */
	int64_t wait_ms; /* EV_PERSIST: after each event it begins again */
	uint64_t edge; /* EV_ET: the last edge that was reported */
	short active; /* event_active() */
	bool pending;
};

static struct entry entries[EVENTS_MAX];
static size_t entry_count;

static struct entry *
events_find(const struct event *event)
{
	for (size_t i = 0; i < entry_count; i++) {
		if (entries[i].event == event)
			return &entries[i];
	}
	return NULL;
}

static struct entry *
events_enter(struct event *event)
{
	struct entry *entry = events_find(event);

	if (entry)
		return entry;
	check_that(entry_count < EVENTS_MAX, "at most %d events are pending", EVENTS_MAX);
	entry = &entries[entry_count++];
	*entry = (struct entry){.event = event};
	return entry;
}

static void
events_remove(struct entry *entry)
{
	*entry = entries[--entry_count];
}

/* What has happened of what it waits for; 0: nothing. */
static short
events_result(const struct entry *entry)
{
	short what = entry->active;

	if (!entry->pending)
		return what;
	if (entry->due_ms != 0 && entry->due_ms <= check.now_ms)
		what |= EV_TIMEOUT;
	if (entry->event->ev_fd != -1 && !((entry->event->ev_events & EV_ET) &&
					     entry->edge == kernel_edge(entry->event->ev_fd)))
		what |= kernel_poll(entry->event->ev_fd) & entry->event->ev_events;
	return what;
}

void
events_reset(void)
{
	entry_count = 0;
}

size_t
events_count(void)
{
	return entry_count;
}

size_t
events_ready(void)
{
	size_t n = 0;

	for (size_t i = 0; i < entry_count; i++)
		n += events_result(&entries[i]) != 0;
	return n;
}

void
events_run(void)
{
	size_t which = random_below(events_ready());
	struct entry *entry = NULL;
	struct event *event;
	short what = 0;

	for (size_t i = 0; i < entry_count; i++) {
		what = events_result(&entries[i]);
		if (what == 0)
			continue;
		entry = &entries[i];
		if (which-- == 0)
			break;
	}
	check_that(entry, "an event is ready");
	event = entry->event;
	check_trace("event: fd %d%s%s%s%s", event->ev_fd, what & EV_READ ? " read" : "",
	    what & EV_WRITE ? " write" : "", what & EV_CLOSED ? " closed" : "",
	    what & EV_TIMEOUT ? " timeout" : "");
	entry->active = 0;
	if (event->ev_fd != -1)
		entry->edge = kernel_edge(event->ev_fd);
	if (!entry->pending || !(event->ev_events & EV_PERSIST))
		events_remove(entry);
	else if (entry->due_ms != 0)
		entry->due_ms = check.now_ms + entry->wait_ms;
	event->ev_evcallback.evcb_cb_union.evcb_callback(
	    event->ev_fd, what, event->ev_evcallback.evcb_arg);
}

int64_t
events_next_due(void)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < entry_count; i++) {
		if (entries[i].pending && entries[i].due_ms != 0 && entries[i].due_ms < first)
			first = entries[i].due_ms;
	}
	return first;
}

/* The functions of libevent that are used. */

struct event_config *
event_config_new(void)
{
	return (struct event_config *)(uintptr_t)&entries;
}

void
event_config_free(struct event_config *config)
{
	(void)config;
}

int
event_config_set_flag(struct event_config *config, int flag)
{
	(void)config;
	(void)flag;
	return 0;
}

void
event_set_mem_functions(
    void *(*malloc_fn)(size_t), void *(*realloc_fn)(void *, size_t), void (*free_fn)(void *))
{
	(void)malloc_fn;
	(void)realloc_fn;
	(void)free_fn;
}

int
event_config_set_max_dispatch_interval(
    struct event_config *config, const struct timeval *interval, int callbacks, int priority)
{
	(void)config;
	(void)interval;
	(void)callbacks;
	(void)priority;
	return 0;
}

struct event_base *
event_base_new_with_config(const struct event_config *config)
{
	(void)config;
	return (struct event_base *)(uintptr_t)&entries;
}

void
event_base_free(struct event_base *base)
{
	(void)base;
}

int
event_base_loop(struct event_base *base, int flags)
{
	(void)base;
	(void)flags;
	check_fail("the simulator is the loop");
}

int
event_base_loopbreak(struct event_base *base)
{
	(void)base;
	return 0;
}

int
event_assign(struct event *event, struct event_base *base, evutil_socket_t fd, short what,
    event_callback_fn fn, void *arg)
{
	check_that(!events_find(event), "no pending event is assigned");
	memset(event, 0, sizeof(*event));
	event->ev_base = base;
	event->ev_fd = fd;
	event->ev_events = what;
	event->ev_evcallback.evcb_cb_union.evcb_callback = fn;
	event->ev_evcallback.evcb_arg = arg;
	return 0;
}

struct event *
event_new(
    struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg)
{
	struct event *event = malloc(sizeof(*event));

	if (event)
		event_assign(event, base, fd, what, fn, arg);
	return event;
}

void
event_free(struct event *event)
{
	event_del(event);
	free(event);
}

int
event_add(struct event *event, const struct timeval *timeout)
{
	struct entry *entry;

	/* A timer that is refused for ever runs all the time, and no time would pass. */
	if (memory_fails() && (event->ev_fd != -1 || random_one_in(4)))
		return -1;
	if (event->ev_fd != -1)
		check_that(kernel_is_open(event->ev_fd), "only open descriptors are watched");
	entry = events_enter(event);
	if (!entry->pending)
		entry->edge = UINT64_MAX;
	entry->pending = true;
	if (timeout) {
		entry->wait_ms = (int64_t)timeout->tv_sec * 1000 + timeout->tv_usec / 1000;
		entry->due_ms = check.now_ms + entry->wait_ms;
	}
	return 0;
}

int
event_remove_timer(struct event *event)
{
	struct entry *entry = events_find(event);

	if (entry)
		entry->due_ms = 0;
	return 0;
}

int
event_del(struct event *event)
{
	struct entry *entry = events_find(event);

	if (entry)
		events_remove(entry);
	return 0;
}

void
event_active(struct event *event, int what, short calls)
{
	(void)calls;
	events_enter(event)->active |= (short)what;
}

int
event_pending(const struct event *event, short what, struct timeval *when)
{
	const struct entry *entry = events_find(event);

	(void)when;
	if (!entry)
		return 0;
	return (entry->active | (entry->pending ? event->ev_events | EV_TIMEOUT : 0)) & what;
}
