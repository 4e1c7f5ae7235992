/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared program with its input and output. */
#include "backend/shared_program.h"

#include "backend/shared_clients.h"
#include "backend/shared_log.h"
#include "websocket/frame.h"

#include <errno.h>

/* Reading */

void
shared_program_set_reading(struct shared_program *p)
{
	if (!p->backend)
		return;
	backend_set_reading(p->backend, p->ending ? BACKEND_DROPS
					: p->blocked || p->bus.nodes.blocked > 0 ||
						p->bus.congested ||
						(!p->had_client && !shared_program_is_always(p))
					    ? BACKEND_PAUSES
					    : BACKEND_READS);
}

/* To the program */

static size_t
shared_program_queued(void *arg)
{
	const struct shared_program *p = arg;

	return p->backend ? shared_input_len(&p->input) + backend_queued(p->backend) : 0;
}

static void
shared_program_flush(void *arg)
{
	struct shared_program *p = arg;

	if (p->backend && !p->passes && shared_input_len(&p->input) > 0)
		framed_write_take(p->backend, shared_input_bytes(&p->input));
}

/* Returns true if the program, or the next one, knows MEMBER. A member that is being closed
 * because an earlier program ended may still exist. */
static bool
shared_program_knows(const struct shared_program *p, struct member *member)
{
	return p->rules->settings.on_exit == SHARED_KEEP || p->kept ||
	       (p->backend && p->backend->pid == member_backend(member)->pid);
}

static enum backend_result
shared_program_on_write(void *arg, struct member *member, struct batch *batch)
{
	struct shared_program *p = arg;
	size_t before = shared_input_len(&p->input);
	enum backend_result result;

	if (!shared_program_knows(p, member))
		return BACKEND_DROPPED;
	result = shared_input_write(&p->input, batch,
	    p->rules->settings.mode == SHARED_ADDRESSED ? member_id(member) : 0,
	    &member_backend(member)->why);
	if (result != BACKEND_OK)
		return result;
	if (!p->backend &&
	    shared_input_len(&p->input) > (size_t)p->rules->settings.members.queue_max) {
		shared_input_cut(&p->input, before);
		p->input.unread += batch->messages;
		return BACKEND_DROPPED;
	}
	if (p->backend && shared_input_len(&p->input) >= LOOP_BATCH)
		shared_program_flush(p);
	if (shared_program_queued(p) > BUFFER_HIGH)
		members_throttle(&p->members, member);
	return BACKEND_OK;
}

static void
shared_program_on_left(void *arg, struct member *member, uint16_t code, struct span reason)
{
	struct shared_program *p = arg;

	if (shared_program_knows(p, member))
		shared_input_close(&p->input, member_id(member), code, reason);
	shared_program_flush(p);
	p->handlers->on_left(p->arg);
}

static void
shared_program_on_block(void *arg, bool blocked)
{
	struct shared_program *p = arg;

	p->blocked = blocked;
	shared_program_set_reading(p);
}

static void
shared_program_on_dropped(void *arg, struct member *member, uint64_t messages)
{
	const struct shared_program *p = arg;

	shared_log_dropped(p->name, member_id(member), messages);
}

static const struct member_handlers shared_program_members_handlers = {
    .on_write = shared_program_on_write,
    .on_flush = shared_program_flush,
    .queued = shared_program_queued,
    .on_left = shared_program_on_left,
    .on_block = shared_program_on_block,
    .on_dropped = shared_program_on_dropped,
};

struct backend *
shared_program_join(struct shared_program *p, uint64_t id, struct buffer *open,
    const struct backend_handlers *handlers, void *arg)
{
	struct span record = {(char *)buffer_data(open), buffer_len(open)};
	size_t before = shared_input_len(&p->input);
	struct backend *backend;

	if (!shared_input_open(&p->input, id, record))
		return NULL;
	/* The open event is needed again for the next program. */
	if (p->rules->settings.on_exit != SHARED_KEEP && !p->bus.topic)
		buffer_clear(open);
	backend = members_add(&p->members, id, p->backend->pid, open, handlers, arg);
	if (!backend) {
		shared_input_cut(&p->input, before);
		return NULL;
	}
	p->had_client = true;
	shared_program_flush(p);
	return backend;
}

/* End */

/* Reports the state of the program to all nodes, if it runs here. */
static void
shared_program_report(struct shared_program *p, enum bus_program_state state)
{
	struct bus_program program = {.state = state,
	    .pid = p->backend->state == BACKEND_GONE ? 0 : p->backend->pid,
	    .end = p->backend->end,
	    .value = p->backend->value};

	if (!p->bus.remote)
		shared_bus_report(&p->bus, &program);
}

/* Use entries, because further input may be for a program of another node. */
static void
shared_program_use_entries(struct shared_program *p)
{
	if (p->bus.topic)
		shared_input_use_entries(&p->input);
}

/* Keeps further input for the next program, because the present one is ending and knows no
 * client. Clients of other nodes may have joined it meanwhile. */
static void
shared_program_pass(struct shared_program *p)
{
	if (p->passes)
		return;
	if (p->backend->state == BACKEND_GONE)
		shared_input_clear(&p->input);
	shared_program_flush(p);
	p->passes = true;
	shared_program_use_entries(p);
	shared_program_report(p, BUS_PROGRAM_NONE);
}

void
shared_program_end(struct shared_program *p)
{
	if (!p->backend || p->ending)
		return;
	shared_program_pass(p);
	p->ending = true;
	shared_program_set_reading(p);
	backend_finish(p->backend, 0, (struct span){0});
}

void
shared_program_depose(struct shared_program *p)
{
	if (p->ending)
		return;
	shared_program_end(p);
	p->kept = true;
	shared_clients_keep(&p->members, &p->input);
}

void
shared_program_gone(struct shared_program *p)
{
	struct backend *backend = p->backend;
	bool passed = p->passes, remote = p->bus.remote;

	if (!remote)
		shared_log_exit(p->name, backend, p->ending, p->output.dropped);
	if (!passed)
		shared_bus_forget(&p->bus);
	shared_program_report(p, passed ? BUS_PROGRAM_NONE : BUS_PROGRAM_ENDED);
	shared_output_end(&p->output);
	if (!passed) {
		shared_input_clear(&p->input);
		shared_program_use_entries(p);
	}
	shared_bus_pause(&p->bus, shared_input_len(&p->input) > BUFFER_HIGH);
	p->backend = NULL;
	if (remote)
		shared_bus_unfollow(&p->bus);
	p->ending = p->passes = false;
	p->kept = p->kept || backend->end == BACKEND_LOST;
	if (!passed && (p->kept || p->rules->settings.on_exit == SHARED_KEEP))
		shared_clients_keep(&p->members, &p->input);
	else if (!passed)
		shared_clients_end(&p->members, backend);
	backend_free(backend);
	members_resume(&p->members);
}

/* From the program */

static void
shared_program_on_log_line(void *arg, const char *line, size_t len)
{
	struct shared_program *p = arg;

	shared_log_stderr(p->name, &p->stderr_limit, (struct span){line, len});
}

static void
shared_program_on_messages(void *arg, struct batch *batch)
{
	struct shared_program *p = arg;

	shared_output_send(&p->output, batch);
}

static void
shared_program_on_event(void *arg, const struct backend_event *event)
{
	const struct shared_program *p = arg;

	shared_log_event(p->name, event);
}

static void
shared_program_on_changed(void *arg)
{
	struct shared_program *p = arg;

	members_flush(&p->members);
	/* It has exited by itself, and knows no client. */
	if (p->backend->state != BACKEND_RUNNING && !p->bus.remote && p->members.count == 0 &&
	    p->bus.nodes.clients == 0)
		shared_program_pass(p);
	/* Nothing more comes from it: end it, as with one program per client. */
	if (p->backend->state == BACKEND_OUTPUT_ENDED)
		backend_finish(p->backend, 0, (struct span){0});
	if (p->backend->state != BACKEND_GONE && shared_program_queued(p) == BUFFER_LOW) {
		members_resume(&p->members);
		shared_bus_pause(&p->bus, false);
	}
	p->handlers->on_changed(p->arg);
}

static const struct backend_handlers shared_program_backend_handlers = {
    .on_messages = shared_program_on_messages,
    .on_log_line = shared_program_on_log_line,
    .on_event = shared_program_on_event,
    .on_changed = shared_program_on_changed,
};

/* Start */

/* Returns NULL with the errno in *ERROR. */
static struct backend *
shared_program_make(struct shared_program *p, int *error)
{
	struct bus_program failed = {.state = BUS_PROGRAM_FAILED};
	struct backend *backend;

	*error = ENOMEM;
	if (shared_bus_has_program(&p->bus))
		return shared_bus_follow(
		    &p->bus, p->loop, &p->rules->program, &shared_program_backend_handlers, p);
	*error = EAGAIN;
	if (!shared_bus_leads(&p->bus))
		return NULL;
	backend = p->handlers->start(p->arg, &shared_program_backend_handlers, p, error);
	if (!backend) {
		failed.error = *error;
		shared_bus_report(&p->bus, &failed);
		shared_bus_report(&p->bus, &(struct bus_program){.state = BUS_PROGRAM_NONE});
	}
	return backend;
}

int
shared_program_start(struct shared_program *p)
{
	int error;

	p->backend = shared_program_make(p, &error);
	if (!p->backend)
		return error;
	p->had_client = p->members.count > 0 || p->bus.nodes.clients > 0;
	shared_output_set_quiet(&p->output, p->bus.remote);
	if (!p->bus.remote) {
		shared_input_use_bytes(&p->input);
		shared_program_report(p, BUS_PROGRAM_RUNS);
		shared_log_start(p->name, p->backend);
	}
	members_set_pid(&p->members, 0, p->backend->pid);
	p->kept = false;
	shared_program_flush(p);
	shared_log_count(p->name,
	    "messages of clients were lost while the shared program was not running",
	    p->input.unread);
	p->input.unread = 0;
	shared_program_set_reading(p);
	if (shared_program_queued(p) == BUFFER_LOW)
		shared_bus_pause(&p->bus, false);
	return 0;
}

/* From other nodes */

/* The leader may start another process that is the same program for its clients. */
static void
shared_program_follow_process(struct shared_program *p)
{
	pid_t pid = p->bus.program.pid;

	if (!shared_bus_has_program(&p->bus) || p->backend->pid == pid)
		return;
	members_set_pid(&p->members, p->backend->pid, pid);
	p->backend->pid = pid;
}

static void
shared_program_on_bus_changed(void *arg)
{
	struct shared_program *p = arg;

	/* The other nodes will open their clients again. */
	if (p->bus.role != BUS_LEADS && p->bus.late)
		shared_input_clear(&p->input);
	if (p->bus.role != BUS_LEADS)
		p->bus.late = false;
	p->output.publishes =
	    p->bus.topic && (p->bus.topic->is_open || shared_nodes_exist(&p->bus.nodes));
	if (p->bus.remote)
		shared_program_follow_process(p);
	p->handlers->on_bus_changed(p->arg);
}

static void
shared_program_on_bus_output(void *arg, struct batch *batch)
{
	struct shared_program *p = arg;

	shared_output_receive(&p->output, batch);
	members_flush(&p->members);
}

static void
shared_program_on_bus_entry(void *arg, const struct entry *entry)
{
	struct shared_program *p = arg;

	shared_input_entry(&p->input, entry);
	if (entry->kind == ENTRY_OPEN)
		p->had_client = true;
}

static void
shared_program_on_bus_flush(void *arg)
{
	struct shared_program *p = arg;

	shared_program_flush(p);
	if ((p->backend ? shared_program_queued(p) : shared_input_len(&p->input)) > BUFFER_HIGH)
		shared_bus_pause(&p->bus, true);
}

static void
shared_program_on_bus_failed(void *arg, int error)
{
	struct shared_program *p = arg;

	p->handlers->on_failed(p->arg, error);
}

static void
shared_program_on_bus_cut_off(void *arg)
{
	struct shared_program *p = arg;

	p->kept = false;
	shared_input_clear(&p->input);
	shared_clients_close(&p->members, CLOSE_TRY_LATER, SPAN("the server was overloaded"));
}

static void
shared_program_on_bus_drained(void *arg)
{
	struct shared_program *p = arg;

	shared_program_set_reading(p);
	if (p->bus.remote && shared_program_queued(p) == BUFFER_LOW)
		members_resume(&p->members);
}

static const struct shared_bus_handlers shared_program_bus_handlers = {
    .on_changed = shared_program_on_bus_changed,
    .on_output = shared_program_on_bus_output,
    .on_entry = shared_program_on_bus_entry,
    .on_flush = shared_program_on_bus_flush,
    .on_failed = shared_program_on_bus_failed,
    .on_cut_off = shared_program_on_bus_cut_off,
    .on_drained = shared_program_on_bus_drained,
};

static bool
shared_program_publish(void *arg, const struct batch *batch)
{
	struct shared_program *p = arg;
	bool leads = shared_bus_publish(&p->bus, batch);

	if (p->bus.congested)
		shared_program_set_reading(p);
	return leads;
}

static bool
shared_program_is_elsewhere(void *arg, uint64_t id)
{
	const struct shared_program *p = arg;

	return shared_nodes_have(&p->bus.nodes, id) || bus_may_have(p->bus.topic, id);
}

/* Public functions */

void
shared_program_set_rules(
    struct shared_program *p, const struct shared_rules *rules, const char *name)
{
	p->rules = rules;
	p->name = name;
	p->members.group.rules = &rules->settings.members;
	p->output.rules = &rules->output;
	p->output.name = name;
	p->input.rules = &rules->framed;
}

bool
shared_program_init(struct shared_program *p, struct loop *loop, struct bus *bus,
    const struct bus_topic_spec *topic)
{
	if (!shared_bus_init(
		&p->bus, bus, topic, &p->members.history, &shared_program_bus_handlers, p))
		return false;
	p->loop = loop;
	members_init(&p->members, loop, &p->rules->settings.members,
	    &shared_program_members_handlers, p);
	p->output.members = &p->members;
	p->output.scratch = loop->out;
	p->output.publish = shared_program_publish;
	p->output.is_elsewhere = shared_program_is_elsewhere;
	p->output.arg = p;
	shared_program_set_rules(p, p->rules, p->name);
	shared_program_use_entries(p);
	return true;
}

void
shared_program_clear(struct shared_program *p)
{
	members_clear(&p->members);
	shared_output_end(&p->output);
	shared_input_clear(&p->input);
	shared_bus_clear(&p->bus);
}
