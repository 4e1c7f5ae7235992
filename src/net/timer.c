/* SPDX-License-Identifier: BSD-2-Clause */
/* Lazy timers on top of libevent's. */
#include "net/timer.h"

#include "base/util.h"
#include "net/loop.h"

#include <event2/event.h>

static void
timer_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct timer *timer = arg;

	(void)fd;
	(void)what;
	timer->due_ms = 0;
	timer->fn(timer->arg);
}

void
timer_init(struct timer *timer, struct loop *loop, void (*fn)(void *arg), void *arg)
{
	*timer = (struct timer){.fn = fn, .arg = arg};
	(void)evtimer_assign(&timer->event, loop->base, timer_on_event, timer);
}

void
timer_at(struct timer *timer, int64_t due_ms)
{
	struct timeval wait = {0};
	int64_t left;

	if (timer->due_ms != 0 && timer->due_ms <= due_ms)
		return;
	timer->due_ms = due_ms > 0 ? due_ms : 1;
	left = due_ms - util_clock_ms();
	if (left > 0) {
		wait.tv_sec = (time_t)(left / 1000);
		wait.tv_usec = (suseconds_t)(left % 1000 * 1000);
	}
	/* Without memory for it FN is called early, and asks again: LOOP_CALLBACKS_MAX keeps
	 * that from blocking the loop. */
	if (evtimer_add(&timer->event, &wait) == -1)
		event_active(&timer->event, EV_TIMEOUT, 0);
}

void
timer_stop(struct timer *timer)
{
	if (timer->due_ms != 0)
		evtimer_del(&timer->event);
	timer->due_ms = 0;
}
