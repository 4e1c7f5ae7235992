/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus between the workers of a server. */
#include "bus/local.h"

#include "base/list.h"
#include "base/log.h"
#include "bus/link.h"
#include "bus/local_socket.h"

#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LOCAL_RETRY_MS = 10,
	LOCAL_GATHER_MS = 500, /* how long a new leader waits for the others with clients */
};

enum local_kind {
	LOCAL_HELLO, /* to the leader: the number of the topic */
	LOCAL_WELCOME, /* from here on these come from it */
	LOCAL_CATCH_UP,
	LOCAL_PROGRAM, /* struct bus_program */
	LOCAL_OUTPUT,
	LOCAL_INPUT, /* to the leader: entries */
};

struct local {
	struct bus bus; /* first */
	struct local_settings settings;
	int listener; /* owned */
	uint64_t address; /* of LISTENER */
	struct event *event; /* owned: of LISTENER */
	struct list topics;
	struct list nodes; /* struct local_node: those that no leader has accepted yet */
	uint64_t last_node;
};

/* Another worker that follows a topic, which this one leads. */
struct local_node {
	struct list node; /* in topic->nodes, or local->nodes */
	struct local *local; /* borrowed */
	struct local_topic *topic; /* borrowed; NULL: not named yet */
	struct link *link; /* owned */
	uint64_t id; /* 0: it is not accepted yet */
};

enum local_state {
	LOCAL_IDLE, /* it is not wanted */
	LOCAL_SEEKS, /* the lock, or the leader */
	LOCAL_LOCKED, /* it will lead: the program of a dead leader ends, others connect */
	LOCAL_LEADS,
	LOCAL_JOINS, /* it is connected to the leader, which has not answered */
	LOCAL_FOLLOWS,
};

struct local_topic {
	struct bus_topic topic; /* first */
	struct local *local; /* borrowed */
	struct list node; /* in local->topics */
	struct place place;
	enum local_state state;
	struct timer timer;
	struct loop_task turn; /* seeks */
	struct link *leader; /* owned; of JOINS and FOLLOWS */
	pid_t leader_pid;
	int64_t since_ms; /* the state */
	struct list nodes; /* of LEADS */
	struct bus_program program; /* of LEADS */
	bool reads; /* of LEADS: input of nodes */
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

static void
local_node_free(struct local_node *n)
{
	list_remove(&n->node);
	link_free(n->link);
	free(n);
}

/* One of those that wait for T to lead, and how many there are. */
static struct local_node *
local_next_waiting(const struct local_topic *t, size_t *count)
{
	struct local_node *found = NULL;

	*count = 0;
	for (struct list *at = t->local->nodes.next; at != &t->local->nodes; at = at->next) {
		struct local_node *n = LIST_ENTRY_OF(at, struct local_node, node);

		if (n->topic == t && (*count)++ == 0)
			found = n;
	}
	return found;
}

/* It resigns, or disconnects from the leader. */
static void
local_stop(struct local_topic *t)
{
	struct local_node *n;
	size_t count;

	if (t->state == LOCAL_LEADS || t->state == LOCAL_LOCKED) {
		atomic_store(&t->place.shared->address, 0);
		place_unlock(&t->place);
	}
	while (!list_empty(&t->nodes))
		local_node_free(LIST_ENTRY_OF(t->nodes.next, struct local_node, node));
	while ((n = local_next_waiting(t, &count)))
		local_node_free(n);
	link_finish(t->leader);
	t->leader = NULL;
	timer_stop(&t->timer);
	loop_cancel(&t->turn);
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
		atomic_store(&t->place.shared->address, t->local->address);
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

static void
local_on_turn(struct loop_task *task)
{
	struct local_topic *t = LIST_ENTRY_OF(task, struct local_topic, turn);

	if (t->state == LOCAL_SEEKS)
		local_seek(t);
}

/* Leader: its nodes */

static void
local_node_gone(struct local_node *n)
{
	struct local_topic *t = n->topic;
	uint64_t id = n->id;

	local_node_free(n);
	if (id != 0)
		t->topic.handlers->on_node(t->topic.arg, id, false);
}

static void
local_node_send(struct local_node *n, enum local_kind kind, const void *bytes, size_t len)
{
	link_send(n->link, (struct link_head){.kind = (uint8_t)kind}, bytes, len);
}

/* NULL: it is gone. */
static struct local_node *
local_find_node(const struct local_topic *t, uint64_t id)
{
	for (struct list *at = t->nodes.next; at != &t->nodes; at = at->next) {
		struct local_node *n = LIST_ENTRY_OF(at, struct local_node, node);

		if (n->id == id)
			return n;
	}
	return NULL;
}

/* The leader has a place for it from here on. */
static void
local_node_enter(struct local_topic *t, struct local_node *n)
{
	uint64_t id = n->id = ++t->local->last_node;

	list_remove(&n->node);
	list_append(&t->nodes, &n->node);
	local_node_send(n, LOCAL_WELCOME, NULL, 0);
	if (!t->reads)
		link_set_reading(n->link, false);
	atomic_store(&t->place.shared->alive_ms, util_clock_ms());
	timer_at(&t->timer, util_clock_ms());
	t->topic.handlers->on_node(t->topic.arg, id, true);
	n = local_find_node(t, id);
	if (n)
		local_node_send(n, LOCAL_PROGRAM, &t->program, sizeof(t->program));
}

/* It has named its topic, which this worker leads, or is about to, or not. */
static void
local_node_hello(struct local_node *n, const uint8_t *bytes, size_t len)
{
	struct local *l = n->local;
	uint64_t number = UINT64_MAX;

	if (len == sizeof(number))
		memcpy(&number, bytes, sizeof(number));
	for (struct list *at = l->topics.next; at != &l->topics; at = at->next) {
		struct local_topic *t = LIST_ENTRY_OF(at, struct local_topic, node);

		if (t->place.number == number &&
		    (t->state == LOCAL_LEADS || t->state == LOCAL_LOCKED))
			n->topic = t;
	}
	if (!n->topic)
		local_node_free(n);
	else if (n->topic->state == LOCAL_LEADS)
		local_node_enter(n->topic, n);
}

/* It has the lock. There is one program at a time, even where it outlives its worker for a
 * moment; and the clients of other workers get all that the next one writes. */
static void
local_lead(struct local_topic *t)
{
	pid_t before = atomic_load(&t->place.shared->program);
	int64_t waited_ms = util_clock_ms() - t->since_ms;
	struct local_node *n;
	size_t count;

	(void)local_next_waiting(t, &count);
	if ((before != 0 && waited_ms < LOCAL_STALL_MS &&
		t->local->settings.program_runs(t->local->settings.arg, before)) ||
	    (count < place_others(&t->place, &t->local->settings.workers) &&
		waited_ms < LOCAL_GATHER_MS)) {
		local_retry(t);
		return;
	}
	atomic_store(&t->place.shared->program, 0);
	t->program = (struct bus_program){.state = BUS_PROGRAM_NONE};
	t->reads = true;
	local_enter(t, LOCAL_LEADS);
	local_role(t, BUS_LEADS);
	while (t->state == LOCAL_LEADS && (n = local_next_waiting(t, &count)))
		local_node_enter(t, n);
}

static void
local_node_on_frame(void *arg, const struct link_head *head, uint8_t *bytes, size_t len)
{
	struct local_node *n = arg;

	if (!n->topic && head->kind == LOCAL_HELLO)
		local_node_hello(n, bytes, len);
	else if (n->id != 0 && head->kind == LOCAL_INPUT)
		n->topic->topic.handlers->on_input(
		    n->topic->topic.arg, n->id, (struct span){(char *)bytes, len});
}

static void
local_node_on_drained(void *arg)
{
	struct local_node *n = arg;

	if (n->id != 0)
		n->topic->topic.handlers->on_drained(n->topic->topic.arg);
}

static void
local_node_on_gone(void *arg)
{
	local_node_gone(arg);
}

static const struct link_handlers local_node_handlers = {
    .on_frame = local_node_on_frame,
    .on_drained = local_node_on_drained,
    .on_gone = local_node_on_gone,
};

static void
local_on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct local *l = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct local_node *n;

	(void)what;
	if (fd == -1)
		return;
	n = place_is_worker(&l->settings.workers, local_socket_peer(fd)) ? calloc(1, sizeof(*n))
									 : NULL;
	if (!n) {
		close(fd);
		return;
	}
	n->local = l;
	list_init(&n->node);
	n->link = link_new_take(l->settings.loop, fd, &local_node_handlers, n);
	if (!n->link) {
		free(n);
		return;
	}
	list_append(&l->nodes, &n->node);
}

/* Cuts off nodes that accept nothing. */
static void
local_check_nodes(struct local_topic *t)
{
	int64_t now = util_clock_ms(), due = now + LOCAL_STALL_MS / 5;
	struct list *next;

	atomic_store(&t->place.shared->alive_ms, now);
	timer_at(&t->timer, due);
	for (struct list *at = t->nodes.next; at != &t->nodes; at = next) {
		struct local_node *n = LIST_ENTRY_OF(at, struct local_node, node);

		next = at->next;
		if (link_queued(n->link) == 0 ||
		    now - link_progress_ms(n->link) < LOCAL_STALL_MS)
			continue;
		log_errorx("a worker does not read the output of a shared program: its "
			   "clients are disconnected");
		local_node_gone(n);
		/* The handler may have changed anything. */
		return;
	}
}

/* Follower */

static void
local_lose_leader(struct local_topic *t)
{
	link_free(t->leader);
	t->leader = NULL;
	timer_stop(&t->timer);
	if (t->state == LOCAL_JOINS) {
		local_enter(t, LOCAL_SEEKS);
		local_retry(t);
		return;
	}
	local_enter(t, LOCAL_SEEKS);
	loop_defer(t->local->settings.loop, &t->turn);
	local_role(t, BUS_NOBODY);
}

/* The leader has to read or to answer: a worker that hangs would keep all clients waiting. */
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

	switch ((enum local_kind)head->kind) {
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

static void
local_leader_on_drained(void *arg)
{
	struct local_topic *t = arg;

	t->topic.handlers->on_drained(t->topic.arg);
}

static void
local_leader_on_gone(void *arg)
{
	local_lose_leader(arg);
}

static const struct link_handlers local_leader_handlers = {
    .on_frame = local_leader_on_frame,
    .on_drained = local_leader_on_drained,
    .on_gone = local_leader_on_gone,
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
		if (!list_empty(&t->nodes))
			local_check_nodes(t);
		break;
	case LOCAL_JOINS:
	case LOCAL_FOLLOWS:
		local_check_leader(t);
		break;
	}
}

/* The functions of bus/bus.h */

static void
local_want(struct bus_topic *topic, bool wants)
{
	struct local_topic *t = local_topic_of(topic);

	if (!wants) {
		local_stop(t);
	} else if (t->state == LOCAL_IDLE) {
		local_enter(t, LOCAL_SEEKS);
		loop_defer(t->local->settings.loop, &t->turn);
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
	for (struct list *at = t->nodes.next; at != &t->nodes; at = at->next)
		local_node_send(LIST_ENTRY_OF(at, struct local_node, node), LOCAL_PROGRAM,
		    program, sizeof(*program));
}

static bool
local_publish(struct bus_topic *topic, const struct batch *batch)
{
	struct local_topic *t = local_topic_of(topic);
	struct link_head head = {.kind = LOCAL_OUTPUT,
	    .type = (uint8_t)batch->type,
	    .separator = (int16_t)batch->separator,
	    .cr = batch->cr};

	for (struct list *at = t->nodes.next; at != &t->nodes; at = at->next)
		link_send(LIST_ENTRY_OF(at, struct local_node, node)->link, head, batch->data,
		    batch->len);
	return true;
}

static void
local_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	struct local_topic *t = local_topic_of(topic);

	struct local_node *n = local_find_node(t, node);

	if (n)
		local_node_send(n, LOCAL_CATCH_UP, bytes.data, bytes.len);
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
	size_t most = t->leader ? link_queued(t->leader) : 0;

	for (struct list *at = t->nodes.next; at != &t->nodes; at = at->next) {
		size_t queued = link_queued(LIST_ENTRY_OF(at, struct local_node, node)->link);

		most = queued > most ? queued : most;
	}
	return most;
}

static void
local_set_reading(struct bus_topic *topic, bool on)
{
	struct local_topic *t = local_topic_of(topic);

	t->reads = on;
	for (struct list *at = t->nodes.next; at != &t->nodes; at = at->next)
		link_set_reading(LIST_ENTRY_OF(at, struct local_node, node)->link, on);
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
	list_init(&t->nodes);
	timer_init(&t->timer, &l->settings.loop->timers, local_on_timer, t);
	loop_task_init(&t->turn, local_on_turn);
	if (!place_map(&t->place, l->settings.file, spec->number)) {
		free(t);
		return NULL;
	}
	list_append(&l->topics, &t->node);
	return &t->topic;
}

static const struct bus_ops local_ops = {.join = local_join};

struct bus *
local_new(const struct local_settings *settings)
{
	struct local *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->bus.ops = &local_ops;
	l->listener = -1;
	l->settings = *settings;
	list_init(&l->topics);
	list_init(&l->nodes);
	l->listener = local_socket_listen(&l->address);
	if (l->listener != -1)
		l->event = event_new(settings->loop->base, l->listener, EV_READ | EV_PERSIST,
		    local_on_connection, l);
	if (l->event && event_add(l->event, NULL) == 0)
		return &l->bus;
	local_free(&l->bus);
	return NULL;
}

void
local_free(struct bus *bus)
{
	struct local *l = (struct local *)(void *)bus;

	if (!l)
		return;
	while (!list_empty(&l->nodes))
		local_node_free(LIST_ENTRY_OF(l->nodes.next, struct local_node, node));
	if (l->event)
		event_free(l->event);
	if (l->listener != -1)
		close(l->listener);
	free(l);
}
