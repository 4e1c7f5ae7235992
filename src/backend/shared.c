/* SPDX-License-Identifier: BSD-2-Clause */
/* One program for many clients. */
#include "backend/shared.h"

#include "backend/shared_bus.h"
#include "backend/shared_input.h"
#include "backend/shared_log.h"
#include "websocket/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct shared {
	struct list node; /* in the list of all */
	struct loop *loop; /* borrowed, as the next four */
	const struct shared_rules *rules;
	const char *name;
	const struct shared_handlers *handlers;
	void *arg;
	void *old_arg; /* the user that started PROGRAM, which is held as well; NULL: ARG */
	struct members members;
	struct shared_output output;
	struct list waiting; /* struct shared_wait */
	size_t waiting_count;
	struct backend *program; /* owned; NULL: none runs */
	struct shared_input input; /* for the program, or for the next one */
	struct shared_bus bus;
	struct timer timer;
	int64_t due_ms; /* when a start or the end is due; 0: neither is */
	int64_t started_ms;
	int64_t next_start_ms; /* none before; 0: at any time */
	int64_t backoff_ms;
	struct log_limit stderr_limit;
	bool ending; /* we have ended it */
	bool passes; /* what clients send from here on is for the next program */
	bool retired;
	bool stopped; /* none is started any more */
	bool kept; /* its clients wait for the next one, though it did not end by itself */
	bool blocked; /* by a client that reads too slowly */
	bool had_client; /* in the life of this program */
	bool held;
	bool is_down; /* counted in DOWN */
	atomic_size_t *clients; /* borrowed, as the next one */
	atomic_size_t *down;
};

/* What it needs */

static bool
shared_is_always(const struct shared *s)
{
	return s->rules->settings.begin == SHARED_ALWAYS && !s->retired;
}

/* Whether there is somebody to run for. */
static bool
shared_is_needed(const struct shared *s)
{
	return shared_is_always(s) || s->members.count > 0 || !list_empty(&s->waiting) ||
	       s->bus.nodes.clients > 0 || s->bus.nodes.needing > 0;
}

/* Whether one has to be started, if none runs. Clients that are about to be closed need none.
 */
static bool
shared_is_due(const struct shared *s)
{
	bool keeps = s->kept || s->rules->settings.on_exit == SHARED_KEEP;

	return !s->stopped &&
	       (shared_is_always(s) || !list_empty(&s->waiting) || shared_bus_is_due(&s->bus) ||
		   (keeps && s->members.count > 0));
}

static void
shared_set_due(struct shared *s, int64_t due_ms)
{
	s->due_ms = due_ms;
	if (due_ms != 0)
		timer_at(&s->timer, due_ms);
	else
		timer_stop(&s->timer);
}

/* Counts it if it should run and does not. */
static void
shared_count_down(struct shared *s)
{
	bool is_down = !s->program && shared_is_needed(s);

	if (is_down == s->is_down || !s->down)
		return;
	s->is_down = is_down;
	if (is_down)
		atomic_fetch_add(s->down, 1);
	else
		atomic_fetch_sub(s->down, 1);
}

/* What this node alone knows while no program runs: what clients sent meanwhile; as the leader,
 * history and a back-off. */
static bool
shared_has_past(const struct shared *s)
{
	return !s->retired && (shared_input_len(&s->input) > 0 ||
				  (s->bus.role == BUS_LEADS &&
				      (s->members.history.messages > 0 || s->backoff_ms > 0)));
}

/* What the other nodes have to know. */
static void
shared_update_bus(struct shared *s)
{
	struct shared_bus_needs needs = {
	    .clients = s->members.count + s->waiting_count,
	    .waits = !list_empty(&s->waiting) || (!s->program && shared_is_due(s)),
	    .blocked = s->blocked,
	};

	if (!s->bus.topic)
		return;
	/* What its last clients sent before they left is the leader's to keep. */
	if (!s->program && s->bus.role == BUS_FOLLOWS && needs.clients == 0)
		bus_send_take(s->bus.topic, shared_input_bytes(&s->input));
	needs.wants = s->program || shared_is_due(s) ||
		      (!s->stopped && (shared_is_needed(s) || shared_has_past(s) ||
					  shared_nodes_exist(&s->bus.nodes)));
	shared_bus_update(&s->bus, &needs);
}

/* Other nodes may need another program of it. */
static bool
shared_holds(const struct shared *s)
{
	return s->program || s->due_ms != 0 || s->members.count > 0 ||
	       (!s->stopped && shared_nodes_exist(&s->bus.nodes));
}

/* Ends each call from the loop: S may be freed by it. */
static void
shared_settle(struct shared *s)
{
	bool holds;

	shared_count_down(s);
	shared_update_bus(s);
	holds = shared_holds(s);
	if (holds == s->held)
		return;
	s->held = holds;
	if (holds)
		s->handlers->hold(s->arg);
	else
		s->handlers->release(s->arg);
}

/* After a change within any other call: holds at once; only a release has to be last. */
static void
shared_hold(struct shared *s)
{
	shared_count_down(s);
	if (shared_holds(s))
		shared_settle(s);
	else if (s->held)
		shared_set_due(s, util_clock_ms());
	else
		shared_update_bus(s);
}

/* Reading */

static void
shared_set_reading(struct shared *s)
{
	if (!s->program)
		return;
	backend_set_reading(s->program, s->ending ? BACKEND_DROPS
					: s->blocked || s->bus.nodes.blocked > 0 ||
						s->bus.congested ||
						(!s->had_client && !shared_is_always(s))
					    ? BACKEND_PAUSES
					    : BACKEND_READS);
}

/* To the program */

static size_t
shared_queued(void *arg)
{
	const struct shared *s = arg;

	return s->program ? shared_input_len(&s->input) + backend_queued(s->program) : 0;
}

static void
shared_flush(void *arg)
{
	struct shared *s = arg;

	if (s->program && !s->passes && shared_input_len(&s->input) > 0)
		framed_write_take(s->program, shared_input_bytes(&s->input));
}

/* Whether the program, or the next one, knows a member: one that was ended for an earlier
 * program may still be there. */
static bool
shared_knows(const struct shared *s, struct member *member)
{
	return s->rules->settings.on_exit == SHARED_KEEP || s->kept ||
	       (s->program && s->program->pid == member_backend(member)->pid);
}

static enum backend_result
shared_on_write(void *arg, struct member *member, struct batch *batch)
{
	struct shared *s = arg;
	size_t before = shared_input_len(&s->input);
	enum backend_result result;

	if (!shared_knows(s, member))
		return BACKEND_DROPPED;
	result = shared_input_write(&s->input, batch,
	    s->rules->settings.mode == SHARED_ADDRESSED ? member_id(member) : 0,
	    &member_backend(member)->why);

	if (result != BACKEND_OK)
		return result;
	if (!s->program &&
	    shared_input_len(&s->input) > (size_t)s->rules->settings.members.queue_max) {
		shared_input_cut(&s->input, before);
		s->input.unread += batch->messages;
		return BACKEND_DROPPED;
	}
	if (s->program && shared_input_len(&s->input) >= LOOP_BATCH)
		shared_flush(s);
	if (shared_queued(s) > BUFFER_HIGH)
		members_throttle(&s->members, member);
	return BACKEND_OK;
}

/* All nodes get what the program of this one is now. */
static void
shared_report(struct shared *s, enum bus_program_state state)
{
	struct bus_program program = {.state = state,
	    .pid = s->program->state == BACKEND_GONE ? 0 : s->program->pid,
	    .end = s->program->end,
	    .value = s->program->value};

	if (!s->bus.remote)
		shared_bus_report(&s->bus, &program);
}

/* Whether it knows any client. */
static bool
shared_is_known(const struct shared *s)
{
	return s->bus.remote || s->members.count > 0 || s->bus.nodes.clients > 0;
}

/* What clients send from here on is for the next one: the program is about to end, and knows
 * none of them. Those of other nodes may have joined it meanwhile. */
static void
shared_pass(struct shared *s)
{
	if (s->passes)
		return;
	if (s->program->state == BACKEND_GONE)
		shared_input_clear(&s->input);
	shared_flush(s);
	s->passes = true;
	if (s->bus.topic)
		shared_input_use_entries(&s->input);
	shared_report(s, BUS_PROGRAM_NONE);
}

/* A program that ran is ended, once; it may have ended by itself. */
static void
shared_end(struct shared *s)
{
	if (!s->program || s->ending)
		return;
	shared_pass(s);
	s->ending = true;
	shared_set_reading(s);
	backend_finish(s->program, 0, (struct span){0});
}

/* There must be no members left. */
static void
shared_look_for_clients(struct shared *s)
{
	/* That of another node lingers there. */
	int64_t linger = s->retired || s->bus.remote ? 0 : s->rules->settings.linger_ms;

	if (!s->program || s->ending)
		return;
	if (shared_is_needed(s) || linger == SHARED_FOREVER)
		shared_set_due(s, 0);
	else if (linger == 0)
		shared_end(s);
	else
		shared_set_due(s, util_clock_ms() + linger);
}

static void
shared_on_left(void *arg, struct member *member, uint16_t code, struct span reason)
{
	struct shared *s = arg;

	if (s->clients)
		atomic_fetch_sub(s->clients, 1);
	if (shared_knows(s, member))
		shared_input_close(&s->input, member_id(member), code, reason);
	shared_flush(s);
	shared_look_for_clients(s);
	shared_hold(s);
}

static void
shared_on_block(void *arg, bool blocked)
{
	struct shared *s = arg;

	s->blocked = blocked;
	shared_set_reading(s);
}

static void
shared_on_dropped(void *arg, struct member *member, uint64_t messages)
{
	const struct shared *s = arg;

	if (!shared_log_begin(
		s->name, LOG_WARN, "messages dropped for a client that reads too slowly"))
		return;
	log_number("client", (int64_t)member_id(member));
	log_number("messages", (int64_t)messages);
	log_end();
}

static const struct member_handlers shared_members_handlers = {
    .on_write = shared_on_write,
    .on_flush = shared_flush,
    .queued = shared_queued,
    .on_left = shared_on_left,
    .on_block = shared_on_block,
    .on_dropped = shared_on_dropped,
};

/* From the program */

static void
shared_on_log_line(void *arg, const char *line, size_t len)
{
	struct shared *s = arg;

	shared_log_stderr(s->name, &s->stderr_limit, (struct span){line, len});
}

static void
shared_on_messages(void *arg, struct batch *batch)
{
	struct shared *s = arg;

	shared_output_send(&s->output, batch);
}

static void
shared_on_event(void *arg, const struct backend_event *event)
{
	const struct shared *s = arg;

	shared_log_event(s->name, event);
}

static void shared_run(struct shared *s);

/* Its clients are kept for the next one, which does not know them. What it did not read is
 * lost; what they send from here on is not. */
static void
shared_keep(struct shared *s)
{
	for (struct member *m = members_first(&s->members); m;
	     m = members_next(&s->members, m)) {
		if (!shared_input_open(&s->input, member_id(m), member_open(m)))
			s->input.unread++;
		member_backend(m)->pid = 0;
	}
}

static void
shared_close_all(struct shared *s, uint16_t code, struct span reason)
{
	for (struct member *m = members_first(&s->members); m; m = members_next(&s->members, m))
		members_close(&s->members, m, code, reason);
}

/* What is done with the clients of a program that has ended. */
static void
shared_close_or_keep(struct shared *s, const struct backend *program, const char *end)
{
	bool restarts = program->end != BACKEND_EXIT || program->value != 0;

	if (s->kept || s->rules->settings.on_exit == SHARED_KEEP)
		shared_keep(s);
	else
		shared_close_all(
		    s, restarts ? CLOSE_SERVICE_RESTART : CLOSE_NORMAL, span_of(end));
}

static void
shared_back_off(struct shared *s)
{
	if (s->backoff_ms == 0)
		s->backoff_ms = SHARED_BACKOFF_MS;
	else if (s->backoff_ms < SHARED_BACKOFF_MAX_MS / 2)
		s->backoff_ms *= 2;
	else
		s->backoff_ms = SHARED_BACKOFF_MAX_MS;
	s->next_start_ms = util_clock_ms() + s->backoff_ms;
}

static void
shared_log_exit(const struct shared *s, const char *end)
{
	if (!shared_log_begin(
		s->name, s->ending ? LOG_INFO : LOG_WARN, "shared program exited"))
		return;
	log_number("pid", s->program->pid);
	log_text("end", span_of(end));
	if (s->output.dropped > 0)
		log_number("dropped", (int64_t)s->output.dropped);
	log_end();
}

/* Nothing is left of it. */
static void
shared_on_gone(struct shared *s)
{
	struct backend *program = s->program;
	bool ended = s->ending, passed = s->passes, remote = s->bus.remote;
	char end[SHARED_END_MAX];

	shared_describe_end(program, end);
	if (!passed)
		shared_bus_forget(&s->bus);
	s->kept = s->kept || program->end == BACKEND_LOST;
	if (!remote)
		shared_log_exit(s, end);
	shared_report(s, passed ? BUS_PROGRAM_NONE : BUS_PROGRAM_ENDED);
	shared_output_end(&s->output);
	if (!passed)
		shared_input_clear(&s->input);
	if (!passed && s->bus.topic)
		shared_input_use_entries(&s->input);
	shared_bus_pause(&s->bus, shared_input_len(&s->input) > BUFFER_HIGH);
	s->program = NULL;
	if (remote)
		shared_bus_unfollow(&s->bus);
	if (s->old_arg)
		s->handlers->release(s->old_arg);
	s->old_arg = NULL;
	s->ending = s->passes = false;
	if (ended || remote) {
		s->backoff_ms = 0;
		s->next_start_ms = util_clock_ms();
	} else {
		if (util_clock_ms() - s->started_ms >= SHARED_STEADY_MS)
			s->backoff_ms = 0;
		shared_back_off(s);
	}
	if (!passed)
		shared_close_or_keep(s, program, end);
	backend_free(program);
	members_resume(&s->members);
	shared_run(s);
}

static void
shared_on_changed(void *arg)
{
	struct shared *s = arg;

	members_flush(&s->members);
	if (s->program->state != BACKEND_RUNNING && !shared_is_known(s))
		shared_pass(s);
	if (s->program->state == BACKEND_GONE) {
		shared_on_gone(s);
		shared_settle(s);
		return;
	}
	/* Nothing more comes from it, as from a program of one client. */
	if (s->program->state == BACKEND_OUTPUT_ENDED)
		backend_finish(s->program, 0, (struct span){0});
	if (shared_queued(s) == BUFFER_LOW) {
		members_resume(&s->members);
		shared_bus_pause(&s->bus, false);
	}
}

static const struct backend_handlers shared_program_handlers = {
    .on_messages = shared_on_messages,
    .on_log_line = shared_on_log_line,
    .on_event = shared_on_event,
    .on_changed = shared_on_changed,
};

/* Its start */

/* Whether it can be started here, or runs on another node. */
static bool
shared_can_start(const struct shared *s)
{
	return shared_bus_has_program(&s->bus) ||
	       (shared_bus_leads(&s->bus) && util_clock_ms() >= s->next_start_ms);
}

/* NULL: *ERROR is the errno. */
static struct backend *
shared_make_program(struct shared *s, int *error)
{
	struct backend *program;

	*error = ENOMEM;
	if (shared_bus_has_program(&s->bus))
		return shared_bus_follow(
		    &s->bus, s->loop, &s->rules->program, &shared_program_handlers, s);
	*error = EAGAIN;
	if (!shared_bus_leads(&s->bus))
		return NULL;
	program = s->handlers->start(s->arg, &shared_program_handlers, s, error);
	s->started_ms = util_clock_ms();
	if (!program) {
		struct bus_program failed = {.state = BUS_PROGRAM_FAILED, .error = *error};

		shared_back_off(s);
		shared_bus_report(&s->bus, &failed);
		shared_bus_report(&s->bus, &(struct bus_program){.state = BUS_PROGRAM_NONE});
	}
	return program;
}

/* 0, or an errno. */
static int
shared_start_program(struct shared *s)
{
	int error;

	s->program = shared_make_program(s, &error);
	if (!s->program)
		return error;
	s->had_client = s->members.count > 0 || s->bus.nodes.clients > 0;
	shared_output_set_quiet(&s->output, s->bus.remote);
	if (!s->bus.remote) {
		shared_input_use_bytes(&s->input);
		shared_report(s, BUS_PROGRAM_RUNS);
		if (shared_log_begin(s->name, LOG_INFO, "shared program started")) {
			log_number("pid", s->program->pid);
			log_end();
		}
	}
	members_set_pid(&s->members, 0, s->program->pid);
	s->kept = false;
	/* Before the other nodes are to know that nobody waits any more. */
	shared_flush(s);
	shared_set_due(s, 0);
	shared_hold(s);
	shared_log_count(s->name,
	    "messages of clients were lost while the shared program was not running",
	    s->input.unread);
	s->input.unread = 0;
	shared_set_reading(s);
	if (shared_queued(s) == BUFFER_LOW)
		shared_bus_pause(&s->bus, false);
	return 0;
}

static void
shared_forget(struct shared *s, struct shared_wait *wait)
{
	list_remove(&wait->node);
	wait->shared = NULL;
	s->waiting_count--;
	shared_count_down(s);
}

/* Those that wait join, or not. */
static void
shared_wake(struct shared *s, int error)
{
	while (!list_empty(&s->waiting)) {
		struct shared_wait *wait =
		    LIST_ENTRY_OF(s->waiting.next, struct shared_wait, node);

		shared_forget(s, wait);
		wait->done(wait->arg, error);
	}
}

/* No program runs: starts one if somebody needs it, as soon as that may be. */
static void
shared_run(struct shared *s)
{
	int error;

	if (s->program)
		return;
	if (!shared_is_due(s) ||
	    !(shared_bus_leads(&s->bus) || shared_bus_has_program(&s->bus))) {
		/* The bus reports when it can. */
		shared_set_due(s, 0);
		return;
	}
	if (!shared_can_start(s)) {
		shared_set_due(s, s->next_start_ms);
		return;
	}
	error = shared_start_program(s);
	/* An idle one is kept until those that waited have joined, or not. */
	shared_wake(s, error);
	if (error == 0)
		shared_look_for_clients(s);
	else
		shared_run(s);
}

/* From other nodes */

/* Another node leads: the program ends, and the clients of this node are kept for the next one,
 * which gets all that they send from here on. */
static void
shared_depose(struct shared *s)
{
	if (s->ending)
		return;
	shared_end(s);
	s->kept = true;
	shared_keep(s);
}

/* To its clients the next process may be the same program. */
static void
shared_follow_process(struct shared *s)
{
	pid_t pid = s->bus.program.pid;

	if (!shared_bus_has_program(&s->bus) || s->program->pid == pid)
		return;
	members_set_pid(&s->members, s->program->pid, pid);
	s->program->pid = pid;
}

static void
shared_on_bus_changed(void *arg)
{
	struct shared *s = arg;

	/* The clients of others are opened again by their own nodes. */
	if (s->bus.role != BUS_LEADS && s->bus.late)
		shared_input_clear(&s->input);
	if (s->bus.role != BUS_LEADS)
		s->bus.late = false;
	if (s->program && s->program->state == BACKEND_GONE) {
		shared_on_gone(s);
	} else if (s->program && !s->bus.remote && !shared_bus_leads(&s->bus)) {
		shared_depose(s);
	} else if (s->program) {
		shared_follow_process(s);
		if (!shared_must_wait(s))
			shared_wake(s, 0);
		shared_look_for_clients(s);
		shared_set_reading(s);
	} else {
		shared_run(s);
	}
	s->output.publishes =
	    s->bus.topic && (s->bus.topic->is_open || shared_nodes_exist(&s->bus.nodes));
	shared_settle(s);
}

static void
shared_on_bus_output(void *arg, struct batch *batch)
{
	struct shared *s = arg;

	shared_output_receive(&s->output, batch);
	members_flush(&s->members);
}

static void
shared_on_bus_entry(void *arg, const struct entry *entry)
{
	struct shared *s = arg;

	shared_input_entry(&s->input, entry);
	if (entry->kind == ENTRY_OPEN)
		s->had_client = true;
}

static void
shared_on_bus_flush(void *arg)
{
	struct shared *s = arg;

	shared_flush(s);
	if ((s->program ? shared_queued(s) : shared_input_len(&s->input)) > BUFFER_HIGH)
		shared_bus_pause(&s->bus, true);
}

static void
shared_on_bus_failed(void *arg, int error)
{
	shared_wake(arg, error);
}

static void
shared_on_bus_cut_off(void *arg)
{
	struct shared *s = arg;

	s->kept = false;
	shared_input_clear(&s->input);
	shared_close_all(s, CLOSE_TRY_LATER, SPAN("the server was overloaded"));
}

static void
shared_on_bus_drained(void *arg)
{
	struct shared *s = arg;

	shared_set_reading(s);
	if (s->bus.remote && shared_queued(s) == BUFFER_LOW)
		members_resume(&s->members);
}

static const struct shared_bus_handlers shared_bus_handlers = {
    .on_changed = shared_on_bus_changed,
    .on_output = shared_on_bus_output,
    .on_entry = shared_on_bus_entry,
    .on_flush = shared_on_bus_flush,
    .on_failed = shared_on_bus_failed,
    .on_cut_off = shared_on_bus_cut_off,
    .on_drained = shared_on_bus_drained,
};

static bool
shared_publish(void *arg, const struct batch *batch)
{
	struct shared *s = arg;
	bool leads = shared_bus_publish(&s->bus, batch);

	if (s->bus.congested)
		shared_set_reading(s);
	return leads;
}

static bool
shared_is_elsewhere(void *arg, uint64_t id)
{
	const struct shared *s = arg;

	return shared_nodes_have(&s->bus.nodes, id) || bus_may_have(s->bus.topic, id);
}

static void
shared_on_timer(void *arg)
{
	struct shared *s = arg;

	if (s->due_ms == 0)
		return;
	if (util_clock_ms() < s->due_ms) {
		timer_at(&s->timer, s->due_ms);
		return;
	}
	s->due_ms = 0;
	if (!s->program)
		shared_run(s);
	else if (!shared_is_needed(s))
		shared_end(s);
	shared_settle(s);
}

/* For its user */

/* Whether there may be MORE clients than those that are here. */
static bool
shared_has_room_for(const struct shared *s, size_t more)
{
	int64_t max = s->rules->settings.max_clients;

	return max == 0 || shared_bus_count(&s->bus,
			       s->members.count + s->waiting_count + more) <= (size_t)max;
}

bool
shared_has_room(const struct shared *s)
{
	bool room = shared_has_room_for(s, 1);

	/* It has not come yet. */
	(void)shared_has_room_for(s, 0);
	return room;
}

bool
shared_must_wait(const struct shared *s)
{
	return s->program ? s->ending || s->program->state != BACKEND_RUNNING ||
				(s->bus.remote && !shared_bus_has_program(&s->bus))
			  : !shared_can_start(s);
}

void
shared_wait(struct shared *s, struct shared_wait *wait)
{
	wait->shared = s;
	list_append(&s->waiting, &wait->node);
	s->waiting_count++;
	/* Even if it could be by now: the caller is not called before it returns. */
	if (!s->program) {
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
	size_t before;

	*error = EUSERS;
	if (!shared_has_room_for(s, 1))
		return NULL;
	*error = s->program ? 0 : shared_start_program(s);
	if (*error != 0)
		return NULL;
	*error = ENOMEM;
	before = shared_input_len(&s->input);
	if (!shared_input_open(
		&s->input, id, (struct span){(char *)buffer_data(open), buffer_len(open)}))
		return NULL;
	/* It is needed again for the next program. */
	if (s->rules->settings.on_exit != SHARED_KEEP && !s->bus.topic)
		buffer_clear(open);
	backend = members_add(&s->members, id, s->program->pid, open, handlers, arg);
	if (!backend) {
		shared_input_cut(&s->input, before);
		shared_look_for_clients(s);
		shared_hold(s);
		return NULL;
	}
	if (s->clients)
		atomic_fetch_add(s->clients, 1);
	s->had_client = true;
	shared_flush(s);
	shared_set_due(s, 0);
	shared_hold(s);
	shared_set_reading(s);
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
	s->retired = true;
	if (s->program)
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
shared_stop_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct shared *s = LIST_ENTRY_OF(node, struct shared, node);

		next = node->next;
		s->retired = s->stopped = true;
		shared_set_due(s, 0);
		shared_bus_forget(&s->bus);
		shared_end(s);
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
	if (!shared_bus_init(&s->bus, spec->bus, &spec->topic, &s->members.history,
		&shared_bus_handlers, s)) {
		free(s);
		return NULL;
	}
	s->loop = spec->loop;
	s->rules = spec->rules;
	s->name = spec->name;
	s->handlers = spec->handlers;
	s->arg = spec->arg;
	s->clients = spec->clients;
	s->down = spec->down;
	list_init(&s->node);
	list_append(spec->list, &s->node);
	list_init(&s->waiting);
	timer_init(&s->timer, &spec->loop->timers, shared_on_timer, s);
	members_init(&s->members, spec->loop, &spec->rules->settings.members,
	    &shared_members_handlers, s);
	s->output.rules = &spec->rules->output;
	s->output.name = spec->name;
	s->output.members = &s->members;
	s->output.scratch = spec->loop->out;
	s->output.publish = shared_publish;
	s->output.is_elsewhere = shared_is_elsewhere;
	s->output.arg = s;
	s->input.rules = &spec->rules->framed;
	if (s->bus.topic)
		shared_input_use_entries(&s->input);
	return s;
}

void
shared_adopt(struct shared *s, const struct shared_spec *spec)
{
	void *old = s->arg;

	s->rules = spec->rules;
	s->name = spec->name;
	s->arg = spec->arg;
	s->members.group.rules = &spec->rules->settings.members;
	s->output.rules = &spec->rules->output;
	s->output.name = spec->name;
	s->input.rules = &spec->rules->framed;
	if (!s->held)
		return;
	s->handlers->hold(s->arg);
	if (s->program && !s->old_arg)
		s->old_arg = old;
	else
		s->handlers->release(old);
}

void
shared_free(struct shared *s)
{
	if (!s)
		return;
	assert(!s->program && !s->held && list_empty(&s->waiting));
	list_remove(&s->node);
	members_clear(&s->members);
	shared_output_end(&s->output);
	shared_input_clear(&s->input);
	shared_bus_clear(&s->bus);
	free(s);
}
