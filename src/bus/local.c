/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus between the workers of a server. */
#include "bus/local.h"

#include "base/log.h"
#include "bus/local_nodes.h"
#include "bus/local_socket.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOCAL_RETRY_MS = 10,
	/* A leader whose loop does not run for this time is killed. */
	LOCAL_DEAD_MS = 2 * LOCAL_STALL_MS,
	LOCAL_GATHER_MS = 500, /* how long a new leader waits for other workers with clients */
};

struct local {
	struct bus bus; /* first */
	struct local_settings settings;
	struct local_door *door; /* owned */
	struct list topics;
};

enum local_state {
	LOCAL_IDLE, /* not wanted */
	LOCAL_SEEKS, /* looking for the lock or the leader */
	/* About to lead: waiting for a dead leader's program to end, and for others to
	 * connect. */
	LOCAL_LOCKED,
	LOCAL_LEADS,
	LOCAL_JOINS, /* connected to the leader, which has not answered */
	LOCAL_FOLLOWS,
};

struct local_topic {
	struct bus_topic topic; /* first */
	struct local *local; /* borrowed */
	struct list node; /* in local->topics */
	struct place place;
	enum local_state state;
	struct timer timer;
	struct link *leader; /* owned; JOINS and FOLLOWS */
	pid_t leader_pid;
	int64_t since_ms; /* when STATE was entered */
	struct local_nodes nodes; /* LOCKED and LEADS */
	struct bus_program program; /* LEADS */
	bool reads; /* LEADS: reads input of nodes */
	struct loop_deferred deferred;
};

static struct local_topic *
local_topic_of(const struct bus_topic *topic)
{
	return (struct local_topic *)(uintptr_t)topic;
}

/* The state of a topic */

static void
local_enter(struct local_topic *t, enum local_state state)
{
	t->state = state;
	t->since_ms = util_clock_ms();
}

static void
local_role(struct local_topic *t, enum bus_role role)
{
	t->topic.handlers->on_role(t->topic.arg, role);
}

static void
local_retry(struct local_topic *t)
{
	timer_at(&t->timer, util_clock_ms() + LOCAL_RETRY_MS);
}

/* Resigns, or disconnects from the leader. */
static void
local_stop(struct local_topic *t)
{
	if (t->state == LOCAL_LEADS || t->state == LOCAL_LOCKED) {
		atomic_store(&t->place.shared->address, 0);
		place_unlock(&t->place);
	}
	local_nodes_clear(&t->nodes);
	link_finish(t->leader);
	t->leader = NULL;
	timer_stop(&t->timer);
	local_enter(t, LOCAL_IDLE);
}

static const struct link_handlers local_leader_handlers;

static void
local_seek(struct local_topic *t)
{
	struct link_head hello = {.kind = LOCAL_HELLO};
	uint64_t address;
	int fd = -1;

	if (place_lock(&t->place)) {
		local_enter(t, LOCAL_LOCKED);
		atomic_store(&t->place.shared->address, local_door_address(t->local->door));
		timer_at(&t->timer, util_clock_ms());
		return;
	}
	t->leader_pid = place_holder(&t->place);
	address = atomic_load(&t->place.shared->address);
	if (t->leader_pid != 0 && address != 0)
		fd = local_socket_connect(address, t->leader_pid);
	if (fd != -1)
		t->leader =
		    link_new_take(t->local->settings.loop, fd, &local_leader_handlers, t);
	if (!t->leader) {
		local_retry(t);
		return;
	}
	local_enter(t, LOCAL_JOINS);
	link_send(t->leader, hello, &t->place.number, sizeof(t->place.number));
	timer_at(&t->timer, util_clock_ms() + LOCAL_STALL_MS);
}

/* Leader */

/* Admits the workers that have connected, if this worker leads. */
static void
local_admit(void *arg)
{
	struct local_topic *t = arg;
	uint64_t id;

	while (t->state == LOCAL_LEADS && (id = local_nodes_admit(&t->nodes, t->reads)) != 0) {
		atomic_store(&t->place.shared->alive_ms, util_clock_ms());
		timer_at(&t->timer, util_clock_ms());
		t->topic.handlers->on_node(t->topic.arg, id, true);
		local_nodes_send_to(
		    &t->nodes, id, LOCAL_PROGRAM, &t->program, sizeof(t->program));
	}
}

/*
 * Becomes the leader once it is safe: there must be only one program at a time, even if one
 * outlives its worker for a moment, and the clients of other workers must get all output of the
 * next one.
 */
static void
local_lead(struct local_topic *t)
{
	pid_t before = atomic_load(&t->place.shared->program);
	int64_t waited_ms = util_clock_ms() - t->since_ms;

	if ((before != 0 && waited_ms < LOCAL_STALL_MS &&
		t->local->settings.program_runs(t->local->settings.arg, before)) ||
	    (t->nodes.waiting_count < place_others(&t->place, &t->local->settings.workers) &&
		waited_ms < LOCAL_GATHER_MS)) {
		local_retry(t);
		return;
	}
	atomic_store(&t->place.shared->program, 0);
	t->program = (struct bus_program){.state = BUS_PROGRAM_NONE};
	t->reads = true;
	local_enter(t, LOCAL_LEADS);
	local_role(t, BUS_LEADS);
	local_admit(t);
}

static void
local_on_input(void *arg, uint64_t id, struct span entries)
{
	const struct local_topic *t = arg;

	t->topic.handlers->on_input(t->topic.arg, id, entries);
}

static void
local_on_drained(void *arg)
{
	const struct local_topic *t = arg;

	t->topic.handlers->on_drained(t->topic.arg);
}

static void
local_on_gone(void *arg, uint64_t id)
{
	const struct local_topic *t = arg;

	t->topic.handlers->on_node(t->topic.arg, id, false);
}

static const struct local_nodes_handlers local_nodes_handlers = {
    .on_waiting = local_admit,
    .on_input = local_on_input,
    .on_drained = local_on_drained,
    .on_gone = local_on_gone,
};

static void
local_check_nodes(struct local_topic *t)
{
	int64_t now = util_clock_ms();

	atomic_store(&t->place.shared->alive_ms, now);
	timer_at(&t->timer, now + LOCAL_STALL_MS / 5);
	local_nodes_check(&t->nodes, now);
}

/* Follower */

static void
local_lose_leader(void *arg)
{
	struct local_topic *t = arg;
	bool joins = t->state == LOCAL_JOINS;

	link_free(t->leader);
	t->leader = NULL;
	timer_stop(&t->timer);
	local_enter(t, LOCAL_SEEKS);
	if (joins) {
		local_retry(t);
	} else {
		timer_at(&t->timer, util_clock_ms());
		local_role(t, BUS_NOBODY);
	}
}

/* Kills a leader that neither reads nor answers: a hanging worker would keep all clients
 * waiting. */
static void
local_check_leader(struct local_topic *t)
{
	int64_t now = util_clock_ms(), since = t->since_ms;
	int64_t alive_ms = atomic_load(&t->place.shared->alive_ms);

	if (t->state == LOCAL_FOLLOWS)
		since = link_queued(t->leader) > 0 ? link_progress_ms(t->leader) : now;
	timer_at(&t->timer, now + LOCAL_STALL_MS / 5);
	if (now - since < LOCAL_DEAD_MS || now - alive_ms < LOCAL_DEAD_MS ||
	    place_holder(&t->place) != t->leader_pid)
		return;
	log_errorx("killing worker process %d, which runs a shared program and has not "
		   "responded for %d s",
	    (int)t->leader_pid, LOCAL_DEAD_MS / 1000);
	kill(t->leader_pid, SIGKILL);
}

static void
local_leader_on_frame(void *arg, const struct link_head *head, uint8_t *bytes, size_t len)
{
	struct local_topic *t = arg;
	const struct bus_handlers *handlers = t->topic.handlers;
	struct bus_program program;
	struct batch batch = {.type = (enum message_type)head->type,
	    .data = bytes,
	    .len = len,
	    .separator = head->separator,
	    .cr = head->cr,
	    .first = true,
	    .last = true};

	switch ((enum local_frame)head->kind) {
	case LOCAL_WELCOME:
		local_enter(t, LOCAL_FOLLOWS);
		local_role(t, BUS_FOLLOWS);
		break;
	case LOCAL_CATCH_UP:
		handlers->on_catch_up(t->topic.arg, (struct span){(char *)bytes, len});
		break;
	case LOCAL_PROGRAM:
		if (len != sizeof(program))
			break;
		memcpy(&program, bytes, sizeof(program));
		handlers->on_program(t->topic.arg, &program);
		break;
	case LOCAL_OUTPUT:
		handlers->on_output(t->topic.arg, &batch);
		break;
	case LOCAL_HELLO:
	case LOCAL_INPUT:
		break;
	}
}

static const struct link_handlers local_leader_handlers = {
    .on_frame = local_leader_on_frame,
    .on_drained = local_on_drained,
    .on_gone = local_lose_leader,
};

static void
local_on_timer(void *arg)
{
	struct local_topic *t = arg;

	switch (t->state) {
	case LOCAL_IDLE:
		break;
	case LOCAL_SEEKS:
		local_seek(t);
		break;
	case LOCAL_LOCKED:
		local_lead(t);
		break;
	case LOCAL_LEADS:
		if (!list_empty(&t->nodes.admitted))
			local_check_nodes(t);
		break;
	case LOCAL_JOINS:
	case LOCAL_FOLLOWS:
		local_check_leader(t);
		break;
	}
}

/* Implementation of bus/bus.h */

static void
local_want(struct bus_topic *topic, bool wants)
{
	struct local_topic *t = local_topic_of(topic);

	if (!wants) {
		local_stop(t);
	} else if (t->state == LOCAL_IDLE) {
		local_enter(t, LOCAL_SEEKS);
		timer_at(&t->timer, util_clock_ms());
	}
}

static void
local_report(struct bus_topic *topic, const struct bus_program *program)
{
	struct local_topic *t = local_topic_of(topic);

	if (t->state != LOCAL_LEADS)
		return;
	t->program = *program;
	atomic_store(&t->place.shared->program, program->pid);
	local_nodes_send(
	    &t->nodes, (struct link_head){.kind = LOCAL_PROGRAM}, program, sizeof(*program));
}

static bool
local_publish(struct bus_topic *topic, const struct batch *batch)
{
	const struct local_topic *t = local_topic_of(topic);
	struct link_head head = {.kind = LOCAL_OUTPUT,
	    .type = (uint8_t)batch->type,
	    .separator = (int16_t)batch->separator,
	    .cr = batch->cr};

	local_nodes_send(&t->nodes, head, batch->data, batch->len);
	return true;
}

static void
local_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	local_nodes_send_to(
	    &local_topic_of(topic)->nodes, node, LOCAL_CATCH_UP, bytes.data, bytes.len);
}

static void
local_send_take(struct bus_topic *topic, struct buffer *entries)
{
	struct local_topic *t = local_topic_of(topic);

	if (t->state == LOCAL_FOLLOWS)
		link_send(t->leader, (struct link_head){.kind = LOCAL_INPUT},
		    buffer_data(entries), buffer_len(entries));
	buffer_clear(entries);
}

static size_t
local_queued(const struct bus_topic *topic)
{
	const struct local_topic *t = local_topic_of(topic);
	size_t leader = t->leader ? link_queued(t->leader) : 0;
	size_t nodes = local_nodes_queued(&t->nodes);

	return leader > nodes ? leader : nodes;
}

static void
local_set_reading(struct bus_topic *topic, bool on)
{
	struct local_topic *t = local_topic_of(topic);

	t->reads = on;
	local_nodes_set_reading(&t->nodes, on);
}

static size_t
local_count(struct bus_topic *topic, size_t own)
{
	const struct local_topic *t = local_topic_of(topic);

	return place_count(&t->place, &t->local->settings.workers, own);
}

static void
local_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct local_topic, deferred));
}

static void
local_leave(struct bus_topic *topic)
{
	struct local_topic *t = local_topic_of(topic);

	local_stop(t);
	(void)local_count(topic, 0);
	list_remove(&t->node);
	place_unmap(&t->place);
	loop_defer_free(t->local->settings.loop, &t->deferred, local_release);
}

static const struct bus_topic_ops local_topic_ops = {
    .want = local_want,
    .report = local_report,
    .publish = local_publish,
    .catch_up = local_catch_up,
    .send_take = local_send_take,
    .queued = local_queued,
    .set_reading = local_set_reading,
    .count = local_count,
    .leave = local_leave,
};

static struct bus_topic *
local_join(struct bus *bus, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	struct local *l = (struct local *)(void *)bus;
	struct local_topic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->topic =
	    (struct bus_topic){.ops = &local_topic_ops, .handlers = handlers, .arg = arg};
	t->local = l;
	local_nodes_init(&t->nodes, &local_nodes_handlers, t);
	timer_init(&t->timer, &l->settings.loop->timers, local_on_timer, t);
	if (!place_map(&t->place, l->settings.file, spec->number)) {
		free(t);
		return NULL;
	}
	list_append(&l->topics, &t->node);
	return &t->topic;
}

static const struct bus_ops local_ops = {.join = local_join};

/* Callback of the door */
static struct local_nodes *
local_find(void *arg, uint64_t number)
{
	const struct local *l = arg;

	for (struct list *at = l->topics.next; at != &l->topics; at = at->next) {
		struct local_topic *t = LIST_ENTRY_OF(at, struct local_topic, node);

		if (t->place.number == number &&
		    (t->state == LOCAL_LEADS || t->state == LOCAL_LOCKED))
			return &t->nodes;
	}
	return NULL;
}

struct bus *
local_new(const struct local_settings *settings)
{
	struct local *l = calloc(1, sizeof(*l));
	struct local_door_spec door = {.loop = settings->loop, .find = local_find, .arg = l};

	if (!l)
		return NULL;
	l->bus.ops = &local_ops;
	l->settings = *settings;
	list_init(&l->topics);
	door.workers = &l->settings.workers;
	l->door = local_door_new(&door);
	if (l->door)
		return &l->bus;
	free(l);
	return NULL;
}

void
local_free(struct bus *bus)
{
	struct local *l = (struct local *)(void *)bus;

	if (!l)
		return;
	local_door_free(l->door);
	free(l);
}
