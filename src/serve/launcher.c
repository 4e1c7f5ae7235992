/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits on starting programs. */
#include "serve/launcher.h"

#include "net/limit.h"
#include "process/children.h"
#include "serve/pool.h"

#include <stdatomic.h>
#include <stdio.h>

bool
launcher_check_room(bool room, struct reject *reject)
{
	return room || reject_with(reject, 503, REJECT_RETRY_LATER,
			   "no descriptors for another session; raise the limit of open files "
			   "(ulimit -n)");
}

size_t
launcher_count(const struct launcher *launcher)
{
	return children_count(launcher->children) + atomic_load(launcher->sockets->count);
}

bool
launcher_has_room(const struct launcher *launcher, struct reject *reject)
{
	return launcher_check_room(
	    limit_has_room_for_program(launcher->limit, launcher_count(launcher)), reject);
}

static bool
launcher_check_slot(const struct launcher *launcher, struct reject *reject)
{
	return children_are_full(launcher->children) ? reject_busy(reject)
						     : launcher_has_room(launcher, reject);
}

bool
launcher_has_slot(void *launcher)
{
	struct reject ignored;

	return launcher_check_slot(launcher, &ignored);
}

bool
launcher_may_fork(const struct launcher *launcher, struct reject *reject)
{
	if (launcher_check_slot(launcher, reject))
		return true;
	if (pools_yield(launcher->pools))
		return launcher_check_slot(launcher, reject);
	pools_press(launcher->pools);
	return false;
}

void
launcher_set_rate(struct launcher *launcher, const struct bucket_rate *rate)
{
	int64_t seconds = (rate->interval_us + 999999) / 1000000;

	launcher->rate = *rate;
	snprintf(launcher->retry, sizeof(launcher->retry), "Retry-After: %d\r\n", (int)seconds);
}

bool
launcher_keeps_rate(
    const struct launcher *launcher, const struct sockaddr_storage *peer, struct reject *reject)
{
	if (launcher->rate.interval_us == 0 ||
	    bucket_take(
		launcher->buckets, limit_address(peer), &launcher->rate, util_clock_ms()))
		return true;
	return reject_with(
	    reject, 429, launcher->retry, "too many new sessions from this address (--rate)");
}
