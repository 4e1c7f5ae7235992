/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that are started before a client needs them. */
#include "serve/pool.h"

#include "base/log.h"
#include "base/util.h"
#include "serve/endpoints.h"
#include "serve/env.h"
#include "serve/reject.h"

#include <errno.h>
#include <stdlib.h>

enum {
	/* Delay after a client got a program; that client is served first, because a start
	 * blocks the loop for a millisecond. */
	POOL_REFILL_MS = 10,
	POOL_RETRY_MS = 250, /* while no slot is free */
	POOL_BACK_OFF_MS = 1000, /* after a program has exited; doubled each time, */
	POOL_BACK_OFF_MAX_MS = 60 * 1000,
	POOL_KILL_MS = 100, /* how long a killed program may take to die */
	/* Interval of checks whether clients of other workers need a slot. */
	POOL_LOOK_MS = 100,
};

struct pool {
	struct list node; /* in pools->list */
	struct pools *pools; /* borrowed */
	struct endpoint *endpoint; /* a reference */
	struct list parked; /* struct parked, oldest first */
	size_t wanted;
	size_t alive; /* number of PARKED that are alive */
	int64_t start_ms; /* when the next program may be started */
	struct timer timer; /* for START_MS */
	int64_t back_off_ms; /* last back-off; 0: none */
	bool ending;
};

struct parked {
	struct list node; /* in pool->parked */
	struct pool *pool;
	struct child *child; /* owned */
	bool over; /* exited, or being killed */
};

/* Frees a pool that has ended. */
static void
pool_check_end(struct pool *pool)
{
	if (!pool->ending || !list_empty(&pool->parked))
		return;
	timer_stop(&pool->timer);
	list_remove(&pool->node);
	endpoint_unref(pool->endpoint);
	free(pool);
}

/* Starts the next program in MS milliseconds, if it is still needed. */
static void
pool_wait(struct pool *pool, int64_t ms)
{
	pool->start_ms = util_clock_ms() + ms;
	timer_at(&pool->timer, pool->start_ms);
}

static void
pool_back_off(struct pool *pool)
{
	/* Several exits at the same time count as one failure. */
	if (pool->start_ms <= util_clock_ms())
		pool->back_off_ms *= 2;
	if (pool->back_off_ms == 0)
		pool->back_off_ms = POOL_BACK_OFF_MS;
	if (pool->back_off_ms > POOL_BACK_OFF_MAX_MS)
		pool->back_off_ms = POOL_BACK_OFF_MAX_MS;
	pool_wait(pool, pool->back_off_ms);
}

/* Makes a parked program unavailable to clients. */
static void
parked_lose(struct parked *parked)
{
	if (parked->over)
		return;
	parked->over = true;
	parked->pool->alive--;
	atomic_fetch_sub(parked->pool->pools->parked, 1);
}

/* The program has exited or was killed. */
static void
parked_on_exit(void *arg)
{
	struct parked *parked = arg;
	struct pool *pool = parked->pool;
	const struct child_facts *facts = child_facts(parked->child);

	if (parked->over)
		return;
	parked_lose(parked);
	if (pool->ending)
		return;
	pool_back_off(pool);
	log_warnx("%s, started by --prespawn, exited before a client connected (%s %d); "
		  "starting another in %d s",
	    pool->endpoint->program, facts->by_signal ? "signal" : "status", facts->value,
	    (int)(pool->back_off_ms / 1000));
}

static void
parked_on_reaped(void *arg)
{
	struct parked *parked = arg;
	struct pool *pool = parked->pool;

	parked_on_exit(parked);
	list_remove(&parked->node);
	child_free(parked->child);
	free(parked);
	pool_check_end(pool);
}

static void
parked_on_stderr(void *arg, const char *line, size_t len)
{
	const struct parked *parked = arg;

	if (!log_begin(LOG_ERROR, "stderr", 0, (struct span){line, len}))
		return;
	log_text("program", span_of(parked->pool->endpoint->program));
	log_end();
}

/* Output stays in the pipe, for the client. */
static void
parked_on_stdout(void *arg)
{
	(void)arg;
}

static const struct child_handlers parked_handlers = {
    .on_stdout = parked_on_stdout,
    .on_stderr = parked_on_stderr,
    .on_exit = parked_on_exit,
    .on_reaped = parked_on_reaped,
};

/* Starts a program. Returns 0, or an errno with the option that caused it in *OPTION, or
 * NULL. */
static int
pool_spawn(struct pool *pool, const char **option)
{
	struct endpoint *endpoint = pool->endpoint;
	struct parked *parked = calloc(1, sizeof(*parked));
	char **env = env_build_parked(endpoint);
	struct spawn_command command = {
	    .path = endpoint->program,
	    .fd = -1,
	    .argv = endpoint->argv,
	    .envp = env,
	    .confine = &endpoint->confine,
	    .option = option,
	    .pty = endpoint->pty,
	};
	int error = ENOMEM;

	if (parked && env)
		error = child_start(
		    pool->pools->children, &command, &parked_handlers, parked, &parked->child);
	free(env);
	if (error != 0) {
		free(parked);
		return error;
	}
	parked->pool = pool;
	list_append(&pool->parked, &parked->node);
	pool->alive++;
	atomic_fetch_add(pool->pools->parked, 1);
	return 0;
}

/* Starts a program if a slot is free. Returns false if not; the timer then retries. */
static bool
pool_add(struct pool *pool)
{
	struct reject reject;
	const char *option = NULL;
	int error = EDQUOT;

	if (pool->pools->may_start(pool->pools->arg))
		error = pool_spawn(pool, &option);
	if (error == 0)
		return true;
	if (error == EDQUOT) {
		pool_wait(pool, POOL_RETRY_MS);
		return false;
	}
	(void)reject_start(&reject, pool->endpoint->program, error, option);
	pool_back_off(pool);
	log_errorx("--prespawn: %s; trying again in %d s", reject.reason,
	    (int)(pool->back_off_ms / 1000));
	return false;
}

static void
pool_on_timer(void *arg)
{
	struct pool *pool = arg;

	if (pool->ending || pool->alive >= pool->wanted)
		return;
	if (util_clock_ms() < pool->start_ms)
		timer_at(&pool->timer, pool->start_ms);
	else if (pool_add(pool) && pool->alive < pool->wanted)
		pool_wait(pool, POOL_REFILL_MS);
}

static void
pool_start(struct pools *pools, struct endpoint *endpoint, size_t wanted)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool) {
		log_errorx("out of memory for --prespawn");
		return;
	}
	list_init(&pool->parked);
	list_init(&pool->node);
	list_append(&pools->list, &pool->node);
	pool->pools = pools;
	pool->endpoint = endpoint_ref(endpoint);
	pool->wanted = wanted;
	timer_init(&pool->timer, &pools->children->loop->timers, pool_on_timer, pool);
	endpoint->pool = pool;
	while (pool->alive < pool->wanted && pool_add(pool))
		continue;
}

void
pools_start(
    struct pools *pools, const struct endpoints *endpoints, size_t worker, size_t workers)
{
	struct endpoint *endpoint;

	for (size_t i = 0; (endpoint = endpoints_get(endpoints, i)); i++) {
		size_t share =
		    endpoint->prespawn / workers + (worker < endpoint->prespawn % workers);

		if (share > 0)
			pool_start(pools, endpoint, share);
	}
	pools->active = pools->pressure && !list_empty(&pools->list);
	if (pools->active)
		timer_at(&pools->look, util_clock_ms() + POOL_LOOK_MS);
}

static void
pool_end(struct pool *pool)
{
	pool->ending = true;
	pool->endpoint->pool = NULL;
	for (struct list *node = pool->parked.next; node != &pool->parked; node = node->next) {
		struct parked *parked = LIST_ENTRY_OF(node, struct parked, node);

		parked_lose(parked);
		child_end(parked->child);
	}
	pool_check_end(pool);
}

void
pools_end(struct pools *pools)
{
	struct list *next;

	pools->active = false;
	for (struct list *node = pools->list.next; node != &pools->list; node = next) {
		struct pool *pool = LIST_ENTRY_OF(node, struct pool, node);

		next = node->next;
		if (!pool->ending)
			pool_end(pool);
	}
}

/* Returns the program parked last, which may not be ready yet; NULL: none. */
static struct parked *
pool_last(const struct pool *pool)
{
	for (struct list *node = pool->parked.prev; node != &pool->parked; node = node->prev) {
		struct parked *parked = LIST_ENTRY_OF(node, struct parked, node);

		if (!parked->over)
			return parked;
	}
	return NULL;
}

bool
pools_yield(struct pools *pools)
{
	for (struct list *node = pools->list.next; node != &pools->list; node = node->next) {
		struct pool *pool = LIST_ENTRY_OF(node, struct pool, node);
		struct parked *parked = pool_last(pool);

		if (!parked)
			continue;
		parked_lose(parked);
		pool_wait(pool, POOL_RETRY_MS);
		/* This frees PARKED. */
		if (child_kill(parked->child, POOL_KILL_MS))
			return true;
	}
	return false;
}

void
pools_press(struct pools *pools)
{
	if (pools->pressure)
		atomic_fetch_add(pools->pressure, 1);
}

static void
pools_on_look(void *arg)
{
	struct pools *pools = arg;
	uint32_t pressure;

	if (!pools->active)
		return;
	pressure = atomic_load(pools->pressure);
	if (pressure != pools->seen)
		pools_yield(pools);
	pools->seen = pressure;
	timer_at(&pools->look, util_clock_ms() + POOL_LOOK_MS);
}

void
pools_init(struct pools *pools)
{
	timer_init(&pools->look, &pools->children->loop->timers, pools_on_look, pools);
	if (pools->pressure)
		pools->seen = atomic_load(pools->pressure);
}

struct child *
pool_first(const struct pool *pool)
{
	if (!pool)
		return NULL;
	for (struct list *node = pool->parked.next; node != &pool->parked; node = node->next) {
		struct parked *parked = LIST_ENTRY_OF(node, struct parked, node);

		if (!parked->over && !child_has_exited(parked->child))
			return parked->child;
	}
	return NULL;
}

void
pool_remove(struct pool *pool, const struct child *child)
{
	struct list *node = pool->parked.next;
	struct parked *parked;

	while (LIST_ENTRY_OF(node, struct parked, node)->child != child)
		node = node->next;
	parked = LIST_ENTRY_OF(node, struct parked, node);
	parked_lose(parked);
	list_remove(&parked->node);
	free(parked);
	pool->back_off_ms = 0;
	pool_wait(pool, POOL_REFILL_MS);
}
