/* SPDX-License-Identifier: BSD-2-Clause */
/* The other nodes of a shared program. */
#include "backend/shared_bus.h"

#include <sys/random.h>

/* Follower */

/* Reports the state of this node to the leader. If out of memory, the next change will
 * do that. */
static void
shared_bus_send_state(struct shared_bus *b, uint64_t program, uint8_t state)
{
	struct entry entry = {.kind = ENTRY_STATE, .id = program, .state = state};

	if ((program == b->sent_program && state == b->sent_state) ||
	    !entry_put(&b->entries, &entry))
		return;
	b->sent_program = program;
	b->sent_state = state;
	bus_send_take(b->topic, &b->entries);
}

struct backend *
shared_bus_follow(struct shared_bus *b, struct loop *loop, const struct framed_rules *rules,
    const struct backend_handlers *handlers, void *arg)
{
	b->remote = remote_new(loop, b->topic, b->program.pid, rules, handlers, arg);
	if (b->remote)
		shared_bus_send_state(b, b->program.id, b->sent_state);
	return b->remote;
}

void
shared_bus_unfollow(struct shared_bus *b)
{
	b->remote = NULL;
	if (b->topic && b->role == BUS_FOLLOWS)
		shared_bus_send_state(b, 0, b->sent_state);
}

/* Ends the remote program, if there is one. */
static void
shared_bus_end(struct shared_bus *b, enum backend_end end, uint8_t value)
{
	if (b->remote)
		remote_end(b->remote, end, value);
}

static void
shared_bus_on_program(void *arg, const struct bus_program *program)
{
	struct shared_bus *b = arg;
	uint64_t before = b->program.id;

	b->program = *program;
	/* The new process knows no clients, and has received none of their input. */
	if (program->state != BUS_PROGRAM_ENDED && program->id != before)
		shared_bus_end(b, BACKEND_LOST, 0);
	switch (program->state) {
	case BUS_PROGRAM_RUNS:
		if (b->lost == program->id)
			b->handlers->on_cut_off(b->arg);
		b->lost = 0;
		break;
	case BUS_PROGRAM_ENDED:
		shared_bus_end(b, (enum backend_end)program->end, program->value);
		break;
	case BUS_PROGRAM_NONE:
		break;
	case BUS_PROGRAM_FAILED:
		b->handlers->on_failed(b->arg, program->error);
		break;
	}
	b->handlers->on_changed(b->arg);
}

static void
shared_bus_on_output(void *arg, struct batch *batch)
{
	struct shared_bus *b = arg;

	b->handlers->on_output(b->arg, batch);
}

static void
shared_bus_on_catch_up(void *arg, struct span bytes)
{
	struct shared_bus *b = arg;

	history_read(b->history, bytes, b->history_max);
}

/* Leader */

void
shared_bus_forget(struct shared_bus *b)
{
	if (b->role != BUS_LEADS)
		return;
	b->late = false;
	b->program.id = 0;
	shared_nodes_forget(&b->nodes);
}

void
shared_bus_report(struct shared_bus *b, const struct bus_program *program)
{
	uint64_t id = b->program.id;

	if (!b->topic || b->role != BUS_LEADS)
		return;
	b->program = *program;
	b->program.id = id;
	if (program->state == BUS_PROGRAM_RUNS)
		b->late = false;
	while (program->state == BUS_PROGRAM_RUNS && b->program.id == 0) {
		if (getrandom(&b->program.id, sizeof(b->program.id), 0) == -1)
			b->program.id = (uint64_t)util_clock_ms();
	}
	bus_report(b->topic, &b->program);
}

bool
shared_bus_publish(struct shared_bus *b, const struct batch *batch)
{
	bool leads = bus_publish(b->topic, batch);

	if (!b->congested && bus_queued(b->topic) > SHARED_BUS_HIGH)
		b->congested = true;
	return leads;
}

void
shared_bus_pause(struct shared_bus *b, bool pause)
{
	if (!b->topic || b->role != BUS_LEADS || b->paused == pause)
		return;
	b->paused = pause;
	bus_set_reading(b->topic, !pause);
}

static void
shared_bus_on_left(void *arg, uint64_t id)
{
	struct shared_bus *b = arg;
	struct entry entry = {.kind = ENTRY_CLOSE, .id = id, .code = 1006};

	b->handlers->on_entry(b->arg, &entry);
}

static void
shared_bus_on_node(void *arg, uint64_t node, bool present)
{
	struct shared_bus *b = arg;
	struct buffer bytes = {0};

	if (!present) {
		/* The node may have been the one that was too far behind. */
		b->congested = b->congested && bus_queued(b->topic) > SHARED_BUS_LOW;
		shared_nodes_remove(&b->nodes, node, b->program.id, shared_bus_on_left, b);
		b->handlers->on_flush(b->arg);
	} else if (shared_nodes_add(&b->nodes, node) && history_write(b->history, &bytes) &&
		   buffer_len(&bytes) > 0) {
		bus_catch_up(b->topic, node,
		    (struct span){(char *)buffer_data(&bytes), buffer_len(&bytes)});
	}
	buffer_clear(&bytes);
	b->handlers->on_changed(b->arg);
}

static void
shared_bus_on_input(void *arg, uint64_t node, struct span entries)
{
	struct shared_bus *b = arg;
	struct entry entry;

	while (entry_next(&entries, &entry) == ENTRY_OK) {
		if (!shared_nodes_accept(&b->nodes, node, &entry, b->program.id))
			continue;
		if (b->program.state != BUS_PROGRAM_RUNS &&
		    shared_nodes_program(&b->nodes, node) != 0)
			b->late = true;
		b->handlers->on_entry(b->arg, &entry);
	}
	b->handlers->on_flush(b->arg);
	b->handlers->on_changed(b->arg);
}

/* Both */

static void
shared_bus_on_role(void *arg, enum bus_role role)
{
	struct shared_bus *b = arg;

	b->role = role;
	b->congested = b->paused = false;
	if (role != BUS_LEADS)
		shared_nodes_clear(&b->nodes);
	b->sent_program = 0;
	b->sent_state = 0;
	if (b->remote)
		b->lost = b->program.id;
	if (role == BUS_LEADS)
		b->lost = 0;
	shared_bus_end(b, BACKEND_LOST, 0);
	b->program = (struct bus_program){.state = BUS_PROGRAM_NONE};
	b->handlers->on_changed(b->arg);
}

static void
shared_bus_on_drained(void *arg)
{
	struct shared_bus *b = arg;

	if (b->congested && bus_queued(b->topic) <= SHARED_BUS_LOW)
		b->congested = false;
	b->handlers->on_drained(b->arg);
}

static const struct bus_handlers shared_bus_topic_handlers = {
    .on_role = shared_bus_on_role,
    .on_program = shared_bus_on_program,
    .on_output = shared_bus_on_output,
    .on_node = shared_bus_on_node,
    .on_input = shared_bus_on_input,
    .on_catch_up = shared_bus_on_catch_up,
    .on_drained = shared_bus_on_drained,
};

void
shared_bus_update(struct shared_bus *b, const struct shared_bus_needs *needs)
{
	if (!b->topic)
		return;
	(void)bus_count(b->topic, needs->clients);
	if (b->role == BUS_FOLLOWS)
		shared_bus_send_state(b, b->remote ? b->program.id : 0,
		    (uint8_t)((needs->waits ? ENTRY_NEEDS : 0) |
			      (needs->blocked ? ENTRY_BLOCKED : 0)));
	if (needs->wants == b->wants)
		return;
	b->wants = needs->wants;
	if (!b->wants) {
		b->role = BUS_NOBODY;
		b->lost = 0;
		b->late = false;
		b->program = (struct bus_program){.state = BUS_PROGRAM_NONE};
		b->sent_program = 0;
		b->sent_state = 0;
		shared_nodes_clear(&b->nodes);
	}
	bus_want(b->topic, b->wants);
}

bool
shared_bus_init(struct shared_bus *b, struct bus *bus, const struct bus_topic_spec *spec,
    struct history *history, const struct shared_bus_handlers *handlers, void *arg)
{
	*b = (struct shared_bus){
	    .handlers = handlers, .arg = arg, .history = history, .history_max = spec->history};
	shared_nodes_init(&b->nodes);
	if (bus)
		b->topic = bus_join(bus, spec, &shared_bus_topic_handlers, b);
	return !bus || b->topic;
}

void
shared_bus_clear(struct shared_bus *b)
{
	bus_leave(b->topic);
	b->topic = NULL;
	shared_nodes_clear(&b->nodes);
	buffer_clear(&b->entries);
}
