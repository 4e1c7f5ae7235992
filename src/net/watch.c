/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a descriptor: idle ones in an epoll of our own, busy ones by events. */
#include "net/watch.h"

#include "base/list.h"
#include "base/util.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	WATCHES_BATCH = 64,
	/* Events that are kept at hand. One that is allocated in the midst of traffic lies
	 * behind large buffers, and the heap can't shrink below it. */
	WATCHES_SPARE = 16,
};

struct watches {
	int idle; /* the epoll; owned */
	struct event *event; /* owned: tells that there is something in it */
	struct list busy; /* struct watch_event; each is owned by its watch */
	struct list spare; /* struct watch_event; owned */
	unsigned int spares;
	struct timer timer; /* for looking which of them still are */
};

struct watch_event {
	struct event event;
	struct list node; /* in watches->busy, or spare */
	struct watch *watch; /* borrowed: its owner */
	bool used; /* since the last look */
};

/* As libevent reads them: what went wrong wakes readers and writers. */
static short
watches_what(uint32_t events)
{
	short what = 0;

	if ((events & EPOLLERR) || ((events & EPOLLHUP) && !(events & EPOLLRDHUP)))
		return EV_READ | EV_WRITE;
	if (events & EPOLLIN)
		what |= EV_READ;
	if (events & EPOLLOUT)
		what |= EV_WRITE;
	if (events & EPOLLRDHUP)
		what |= EV_CLOSED;
	return what;
}

static uint32_t
watches_events(short what)
{
	return (what & EV_READ ? (uint32_t)EPOLLIN : 0) |
	       (what & EV_WRITE ? (uint32_t)EPOLLOUT : 0) |
	       (what & EV_CLOSED ? (uint32_t)EPOLLRDHUP : 0) |
	       (what & EV_ET ? (uint32_t)EPOLLET : 0);
}

static int
watch_ctl(struct watch *watch, int operation, short what)
{
	struct epoll_event event = {.events = watches_events(what), .data.ptr = watch};

	return epoll_ctl(watch->loop->watches->idle, operation, watch->fd, &event);
}

static void
watch_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct watch_event *event = arg;

	(void)fd;
	event->used = true;
	io_on_watch(event->watch, what);
}

/* NULL when there is none. */
static struct watch_event *
watches_take_spare(struct watches *watches)
{
	struct watch_event *event;

	if (list_empty(&watches->spare))
		return NULL;
	event = LIST_ENTRY_OF(watches->spare.next, struct watch_event, node);
	list_remove(&event->node);
	watches->spares--;
	return event;
}

static void
watches_give_spare(struct watches *watches, struct watch_event *event)
{
	if (watches->spares == WATCHES_SPARE) {
		free(event);
		return;
	}
	list_append(&watches->spare, &event->node);
	watches->spares++;
}

static bool
watches_fill_spare(struct watches *watches)
{
	while (watches->spares < WATCHES_SPARE) {
		struct watch_event *event = malloc(sizeof(*event));

		if (!event)
			return false;
		watches_give_spare(watches, event);
	}
	return true;
}

static void
watch_event_free(struct watches *watches, struct watch_event *event)
{
	event_del(&event->event);
	list_remove(&event->node);
	watches_give_spare(watches, event);
}

/* An event that is in no base yet. NULL without memory. */
static struct watch_event *
watch_event_new(struct watch *watch)
{
	struct watches *watches = watch->loop->watches;
	struct watch_event *event = watches_take_spare(watches);

	if (!event)
		event = malloc(sizeof(*event));
	if (!event)
		return NULL;
	*event = (struct watch_event){.watch = watch, .used = true};
	list_append(&watches->busy, &event->node);
	return event;
}

/* Gives it an event of its own. False, and nothing changed, when that is refused. */
static bool
watch_make_busy(struct watch *watch)
{
	struct watches *watches = watch->loop->watches;
	struct watch_event *event = watch_event_new(watch);

	if (!event)
		return false;
	if (event_assign(&event->event, watch->loop->base, watch->fd, watch->what | EV_PERSIST,
		watch_on_event, event) == -1 ||
	    event_add(&event->event, NULL) == -1) {
		watch_event_free(watches, event);
		return false;
	}
	timer_at(&watches->timer, util_clock_ms() + WATCH_BUSY_MS);
	watch->event = event;
	(void)watch_ctl(watch, EPOLL_CTL_DEL, 0);
	return true;
}

/* Takes its event away. False when that is not possible now. */
static bool
watch_make_idle(struct watch *watch)
{
	if (watch->failed || watch_ctl(watch, EPOLL_CTL_ADD, watch->what) == -1)
		return false;
	watch_event_free(watch->loop->watches, watch->event);
	watch->event = NULL;
	watch->seen = 0;
	return true;
}

/* Looks which of the busy are so no more. Those that are had an event since the last look, so
 * the price of a look is theirs. */
static void
watches_on_timer(void *arg)
{
	struct watches *watches = arg;
	struct list *next;

	for (struct list *node = watches->busy.next; node != &watches->busy; node = next) {
		struct watch_event *event = LIST_ENTRY_OF(node, struct watch_event, node);

		next = node->next;
		if (event->used || !watch_make_idle(event->watch))
			event->used = false;
	}
	if (!list_empty(&watches->busy))
		timer_at(&watches->timer, util_clock_ms() + WATCH_BUSY_MS);
}

/*
 * A handler may free others of the batch: they wait for nothing then, and their memory lasts
 * until the stack is clear.
 */
static void
watches_on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct epoll_event events[WATCHES_BATCH];
	int count = epoll_wait(fd, events, WATCHES_BATCH, 0);
	uint32_t now_ms = (uint32_t)util_clock_ms();

	(void)what;
	(void)arg;
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;
		short came = watches_what(events[i].events) & watch->what;

		if (watch->event || came == 0)
			continue;
		if (now_ms - watch->seen_ms >= WATCH_BUSY_MS)
			watch->seen = 0;
		watch->seen_ms = now_ms;
		if (watch->seen < WATCH_BUSY_EVENTS)
			watch->seen++;
		else
			(void)watch_make_busy(watch);
		io_on_watch(watch, came);
	}
}

struct watches *
watches_new(struct loop *loop)
{
	struct watches *watches = calloc(1, sizeof(*watches));

	if (!watches)
		return NULL;
	list_init(&watches->busy);
	list_init(&watches->spare);
	timer_init(&watches->timer, loop, watches_on_timer, watches);
	watches->idle = epoll_create1(EPOLL_CLOEXEC);
	if (watches->idle != -1)
		watches->event = event_new(
		    loop->base, watches->idle, EV_READ | EV_PERSIST, watches_on_idle, watches);
	if (!watches->event || event_add(watches->event, NULL) == -1 ||
	    !watches_fill_spare(watches)) {
		watches_free(watches);
		return NULL;
	}
	return watches;
}

void
watches_free(struct watches *watches)
{
	if (!watches)
		return;
	assert(list_empty(&watches->busy));
	timer_stop(&watches->timer);
	while (!list_empty(&watches->spare))
		free(watches_take_spare(watches));
	if (watches->event)
		event_free(watches->event);
	if (watches->idle != -1)
		close(watches->idle);
	free(watches);
}

/* Has the loop say that it can't be waited for. What has no memory even for that is told of
 * nothing. */
static void
watch_fail(struct watch *watch)
{
	struct watch_event *event = watch->event;

	if (event) {
		event_del(&event->event);
	} else {
		event = watch_event_new(watch);
		if (!event)
			return;
	}
	watch->event = event;
	watch->what = 0;
	watch->failed = true;
	if (event_assign(&event->event, watch->loop->base, -1, 0, watch_on_event, event) == 0)
		event_active(&event->event, EV_TIMEOUT, 0);
}

/* From what is waited for now to WHAT, within the epoll; behind it, by its event. */
static bool
watch_set_idle(struct watch *watch, short what)
{
	int operation =
	    what == 0 ? EPOLL_CTL_DEL : (watch->what == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);

	return watch_ctl(watch, operation, what) == 0;
}

static bool
watch_set_busy(struct watch *watch, short what)
{
	struct event *event = &watch->event->event;

	event_del(event);
	if (what == 0)
		return true;
	return event_assign(event, watch->loop->base, watch->fd, what | EV_PERSIST,
		   watch_on_event, watch->event) == 0 &&
	       event_add(event, NULL) == 0;
}

bool
watch_set(struct watch *watch, int fd, short what)
{
	bool ok;

	watch->fd = fd;
	if (what == 0 && watch->event) {
		watch_event_free(watch->loop->watches, watch->event);
		watch->event = NULL;
		watch->failed = false;
		watch->what = 0;
		return true;
	}
	if (watch->failed)
		return false;
	if (what == watch->what)
		return true;
	ok = watch->event ? watch_set_busy(watch, what) : watch_set_idle(watch, what);
	watch->what = what;
	if (!ok && what != 0)
		watch_fail(watch);
	return ok;
}

void
watch_wake(struct watch *watch)
{
	if (watch->what == 0)
		return;
	if (watch->event || watch_make_busy(watch)) {
		/* Else the look for those that are idle could come first, and take it back. */
		watch->event->used = true;
		event_active(&watch->event->event, EV_READ, 0);
	} else {
		watch_fail(watch);
	}
}
