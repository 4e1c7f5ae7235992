/* SPDX-License-Identifier: BSD-2-Clause */
/* The life cycle of one program for many clients. */
#include "backend/shared.h"

#include "backend/shared_needs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct shared {
	struct list node; /* in the list of all shared programs */
	const struct shared_handlers *handlers; /* borrowed, as the next two */
	void *arg;
	void *old_arg; /* the user that started PROGRAM, which is held as well; NULL: ARG */
	struct shared_program program;
	struct list waiting; /* struct shared_wait */
	struct shared_facts facts;
	struct timer timer;
	int64_t started_ms;
	int64_t next_start_ms; /* earliest time of the next start; 0: at any time */
	bool held;
	bool is_down; /* counted in DOWN */
	atomic_size_t *clients; /* borrowed, as the next one */
	atomic_size_t *down;
};

/* Needs */

static void
shared_set_due(struct shared *s, int64_t due_ms)
{
	s->facts.due_ms = due_ms;
	if (due_ms != 0)
		timer_at(&s->timer, due_ms);
	else
		timer_stop(&s->timer);
}

/* Updates DOWN, the count of programs that should run but don't. */
static void
shared_count_down(struct shared *s)
{
	bool is_down = !s->program.backend && shared_is_needed(&s->facts);

	if (is_down == s->is_down || !s->down)
		return;
	s->is_down = is_down;
	atomic_fetch_add(s->down, is_down ? 1 : -(size_t)1);
}

/* Reports the needs of this node to the bus. If it follows without a program and clients, first
 * passes to the leader what its last clients sent before they left. */
static void
shared_update_bus(struct shared *s)
{
	struct shared_program *p = &s->program;
	struct shared_bus_needs needs;

	if (!p->backend && p->bus.role == BUS_FOLLOWS &&
	    p->members.count + s->facts.waiting == 0)
		bus_send_take(p->bus.topic, shared_input_bytes(&p->input));
	needs = shared_bus_needs(&s->facts);
	shared_bus_update(&p->bus, &needs);
}

/* Must end each call from the loop. S may be freed. */
static void
shared_settle(struct shared *s)
{
	bool holds;

	shared_count_down(s);
	shared_update_bus(s);
	holds = shared_holds(&s->facts);
	if (holds == s->held)
		return;
	s->held = holds;
	if (holds)
		s->handlers->hold(s->arg);
	else
		s->handlers->release(s->arg);
}

/* Called after a change within any other call: holds the user at once, but leaves a release to
 * the timer, because that must come last. */
static void
shared_hold(struct shared *s)
{
	shared_count_down(s);
	if (shared_holds(&s->facts))
		shared_settle(s);
	else if (s->held)
		shared_set_due(s, util_clock_ms());
	else
		shared_update_bus(s);
}

/* End */

/* Ends the program, or schedules its end, if it is no longer needed. */
static void
shared_look_for_clients(struct shared *s)
{
	struct shared_program *p = &s->program;
	/* The leader's program lingers on its own node. */
	int64_t linger = p->retired || p->bus.remote ? 0 : p->rules->settings.linger_ms;

	if (!p->backend || p->ending)
		return;
	if (shared_is_needed(&s->facts) || linger == SHARED_FOREVER)
		shared_set_due(s, 0);
	else if (linger == 0)
		shared_program_end(p);
	else
		shared_set_due(s, util_clock_ms() + linger);
}

static void
shared_on_left(void *arg)
{
	struct shared *s = arg;

	if (s->clients)
		atomic_fetch_sub(s->clients, 1);
	shared_look_for_clients(s);
	shared_hold(s);
}

static void shared_run(struct shared *s);

static void
shared_back_off(struct shared *s)
{
	int64_t last = s->facts.backoff_ms;

	s->facts.backoff_ms = last == 0				 ? SHARED_BACKOFF_MS
			      : last < SHARED_BACKOFF_MAX_MS / 2 ? 2 * last
								 : SHARED_BACKOFF_MAX_MS;
	s->next_start_ms = util_clock_ms() + s->facts.backoff_ms;
}

static void
shared_on_gone(struct shared *s)
{
	bool by_us = s->program.ending || s->program.bus.remote;

	if (by_us || util_clock_ms() - s->started_ms >= SHARED_STEADY_MS)
		s->facts.backoff_ms = 0;
	if (by_us)
		s->next_start_ms = util_clock_ms();
	else
		shared_back_off(s);
	shared_program_gone(&s->program);
	if (s->old_arg)
		s->handlers->release(s->old_arg);
	s->old_arg = NULL;
	shared_run(s);
}

static void
shared_on_changed(void *arg)
{
	struct shared *s = arg;

	if (s->program.backend->state != BACKEND_GONE)
		return;
	shared_on_gone(s);
	shared_settle(s);
}

/* Start */

/* Returns true if the program may be started here now, or runs on another node. */
static bool
shared_can_start(const struct shared *s)
{
	return shared_bus_has_program(&s->program.bus) ||
	       (shared_bus_leads(&s->program.bus) && util_clock_ms() >= s->next_start_ms);
}

static struct backend *
shared_start_for(void *arg, const struct backend_handlers *handlers, void *program, int *error)
{
	struct shared *s = arg;

	s->started_ms = util_clock_ms();
	return s->handlers->start(s->arg, handlers, program, error);
}

/* Returns 0 or an errno. */
static int
shared_start_program(struct shared *s)
{
	int error = shared_program_start(&s->program);

	if (error == 0) {
		shared_set_due(s, 0);
		shared_hold(s);
	} else if (shared_bus_leads(&s->program.bus)) {
		shared_back_off(s);
	}
	return error;
}

static void
shared_forget(struct shared *s, struct shared_wait *wait)
{
	list_remove(&wait->node);
	wait->shared = NULL;
	s->facts.waiting--;
	shared_count_down(s);
}

/* Lets all waiting clients join, or fail with ERROR. */
static void
shared_wake(void *arg, int error)
{
	struct shared *s = arg;

	while (!list_empty(&s->waiting)) {
		struct shared_wait *wait =
		    LIST_ENTRY_OF(s->waiting.next, struct shared_wait, node);

		shared_forget(s, wait);
		wait->done(wait->arg, error);
	}
}

/* Starts a program if none runs and one is due, or schedules the start. */
static void
shared_run(struct shared *s)
{
	const struct shared_bus *b = &s->program.bus;
	int error;

	if (s->program.backend)
		return;
	if (!shared_is_due(&s->facts) || !(shared_bus_leads(b) || shared_bus_has_program(b))) {
		/* The bus reports when a start is possible. */
		shared_set_due(s, 0);
		return;
	}
	if (!shared_can_start(s)) {
		shared_set_due(s, s->next_start_ms);
		return;
	}
	error = shared_start_program(s);
	/* Wake the clients first: an idle program is kept until they have joined or failed. */
	shared_wake(s, error);
	if (error == 0)
		shared_look_for_clients(s);
	else
		shared_run(s);
}

/* Other nodes */

static void
shared_on_bus_changed(void *arg)
{
	struct shared *s = arg;
	struct shared_program *p = &s->program;

	if (!p->backend) {
		shared_run(s);
	} else if (p->backend->state == BACKEND_GONE) {
		shared_on_gone(s);
	} else if (!p->bus.remote && !shared_bus_leads(&p->bus)) {
		shared_program_depose(p);
	} else {
		if (!shared_program_must_wait(p))
			shared_wake(s, 0);
		shared_look_for_clients(s);
		shared_program_set_reading(p);
	}
	shared_settle(s);
}

static const struct shared_program_handlers shared_program_handlers = {
    .start = shared_start_for,
    .on_changed = shared_on_changed,
    .on_left = shared_on_left,
    .on_bus_changed = shared_on_bus_changed,
    .on_failed = shared_wake,
};

static void
shared_on_timer(void *arg)
{
	struct shared *s = arg;

	if (s->facts.due_ms == 0)
		return;
	if (util_clock_ms() < s->facts.due_ms) {
		timer_at(&s->timer, s->facts.due_ms);
		return;
	}
	s->facts.due_ms = 0;
	if (!s->program.backend)
		shared_run(s);
	else if (!shared_is_needed(&s->facts))
		shared_program_end(&s->program);
	shared_settle(s);
}

/* Public functions */

/* Returns true if there may be MORE clients in addition to the present ones. */
static bool
shared_has_room_for(const struct shared *s, size_t more)
{
	const struct shared_program *p = &s->program;
	int64_t max = p->rules->settings.max_clients;
	size_t own = p->members.count + s->facts.waiting + more;

	return max == 0 || shared_bus_count(&p->bus, own) <= (size_t)max;
}

bool
shared_has_room(const struct shared *s)
{
	bool room = shared_has_room_for(s, 1);

	/* The client has not joined yet: restore the count on the bus. */
	(void)shared_has_room_for(s, 0);
	return room;
}

bool
shared_must_wait(const struct shared *s)
{
	return s->program.backend ? shared_program_must_wait(&s->program)
				  : !shared_can_start(s);
}

void
shared_wait(struct shared *s, struct shared_wait *wait)
{
	wait->shared = s;
	list_append(&s->waiting, &wait->node);
	s->facts.waiting++;
	/* Use the timer even if the program can be started now: DONE must not be called before
	 * shared_wait() returns. */
	if (!s->program.backend) {
		int64_t now = util_clock_ms();

		shared_set_due(s, s->next_start_ms > now ? s->next_start_ms : now);
	}
	shared_hold(s);
}

void
shared_cancel(struct shared_wait *wait)
{
	if (wait->shared)
		shared_forget(wait->shared, wait);
}

struct backend *
shared_join(struct shared *s, uint64_t id, struct buffer *open,
    const struct backend_handlers *handlers, void *arg, int *error)
{
	struct backend *backend;

	*error = EUSERS;
	if (!shared_has_room_for(s, 1))
		return NULL;
	*error = s->program.backend ? 0 : shared_start_program(s);
	if (*error != 0)
		return NULL;
	backend = shared_program_join(&s->program, id, open, handlers, arg);
	if (!backend) {
		*error = ENOMEM;
		shared_look_for_clients(s);
		shared_hold(s);
		return NULL;
	}
	if (s->clients)
		atomic_fetch_add(s->clients, 1);
	shared_set_due(s, 0);
	shared_hold(s);
	shared_program_set_reading(&s->program);
	return backend;
}

void
shared_start(struct shared *s)
{
	shared_run(s);
	shared_hold(s);
}

void
shared_retire(struct shared *s)
{
	s->program.retired = true;
	if (s->program.backend)
		shared_look_for_clients(s);
	else
		shared_run(s);
	shared_settle(s);
}

void
shared_retire_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		next = node->next;
		shared_retire(LIST_ENTRY_OF(node, struct shared, node));
	}
}

void
shared_flush_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		next = node->next;
		members_flush_now(&LIST_ENTRY_OF(node, struct shared, node)->program.members);
	}
}

void
shared_stop_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct shared *s = LIST_ENTRY_OF(node, struct shared, node);

		next = node->next;
		s->program.retired = s->facts.stopped = true;
		shared_set_due(s, 0);
		shared_bus_forget(&s->program.bus);
		shared_program_end(&s->program);
		shared_settle(s);
	}
}

bool
shared_in_use(const struct list *list)
{
	for (const struct list *node = list->next; node != list; node = node->next) {
		if (LIST_ENTRY_OF((uintptr_t)node, struct shared, node)->held)
			return true;
	}
	return false;
}

struct shared *
shared_new(const struct shared_spec *spec)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->facts.program = &s->program;
	s->program.rules = spec->rules;
	s->program.name = spec->name;
	s->program.handlers = &shared_program_handlers;
	s->program.arg = s;
	if (!shared_program_init(&s->program, spec->loop, spec->bus, &spec->topic)) {
		free(s);
		return NULL;
	}
	s->handlers = spec->handlers;
	s->arg = spec->arg;
	s->clients = spec->clients;
	s->down = spec->down;
	list_init(&s->node);
	list_append(spec->list, &s->node);
	list_init(&s->waiting);
	timer_init(&s->timer, &spec->loop->timers, shared_on_timer, s);
	return s;
}

void
shared_adopt(struct shared *s, const struct shared_spec *spec)
{
	void *old = s->arg;

	s->arg = spec->arg;
	shared_program_set_rules(&s->program, spec->rules, spec->name);
	if (!s->held)
		return;
	s->handlers->hold(s->arg);
	if (s->program.backend && !s->old_arg)
		s->old_arg = old;
	else
		s->handlers->release(old);
}

void
shared_free(struct shared *s)
{
	if (!s)
		return;
	assert(!s->program.backend && !s->held && list_empty(&s->waiting));
	list_remove(&s->node);
	shared_program_clear(&s->program);
	free(s);
}
