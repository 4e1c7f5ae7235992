/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection of a follower to the leader of its topic. */
#include "bus/redis_follow.h"

#include <string.h>
#include <sys/random.h>

void
redis_follow_put_program(
    const struct bus_program *program, size_t total, uint8_t out[REDIS_FOLLOW_PROGRAM])
{
	out[0] = (uint8_t)program->state;
	out[1] = program->end;
	out[2] = program->value;
	record_put_number(out + 3, 8, program->id);
	record_put_number(out + 11, 4, (uint32_t)program->pid);
	record_put_number(out + 15, 4, (uint32_t)program->error);
	record_put_number(out + 19, 4, total);
}

/* Returns false if the body is malformed. */
static bool
redis_follow_get_program(struct span body, struct bus_program *program, size_t *total)
{
	const uint8_t *at = (const uint8_t *)body.data;

	if (body.len != REDIS_FOLLOW_PROGRAM || at[0] > BUS_PROGRAM_FAILED)
		return false;
	*program = (struct bus_program){
	    .state = (enum bus_program_state)at[0],
	    .end = at[1],
	    .value = at[2],
	    .id = record_get_number(at + 3, 8),
	    .pid = (pid_t)record_get_number(at + 11, 4),
	    .error = (int)record_get_number(at + 15, 4),
	};
	*total = (size_t)record_get_number(at + 19, 4);
	return true;
}

void
redis_follow_clear(struct redis_follow *f)
{
	struct record leave = {.kind = RECORD_LEAVE, .connection = f->connection};

	if (f->leader != 0)
		f->handlers->send(f->arg, &leave);
	f->leader = 0;
	f->connected = f->drained = f->program_changed = false;
	f->program = (struct bus_program){0};
	outbox_clear(&f->input);
}

static void
redis_follow_send_alive(struct redis_follow *f, int64_t now)
{
	uint8_t clients[4];
	struct record alive = {
	    .kind = RECORD_ALIVE,
	    .connection = f->connection,
	    .seq = f->seq,
	    .body = {(const char *)clients, sizeof(clients)},
	};

	record_put_number(clients, sizeof(clients), f->clients);
	f->alive_ms = now;
	f->handlers->send(f->arg, &alive);
}

/* Begins a connection to a leader. */
static void
redis_follow_connect(struct redis_follow *f, uint64_t leader, uint64_t epoch, int64_t now)
{
	redis_follow_clear(f);
	f->leader = leader;
	f->epoch = epoch;
	f->seq = 0;
	f->heard_ms = now;
	f->connection = 0;
	while (f->connection == 0)
		(void)!getrandom(&f->connection, sizeof(f->connection), 0);
	redis_follow_send_alive(f, now);
}

static void
redis_follow_send_input(struct redis_follow *f, int64_t now)
{
	struct outbox_item *item;

	while (f->connected && (item = outbox_next(&f->input))) {
		struct record input = {
		    .kind = RECORD_INPUT,
		    .connection = f->connection,
		    .seq = item->seq,
		    .body = {(const char *)item->bytes, item->len},
		};

		f->progress_ms = now;
		f->handlers->send(f->arg, &input);
	}
}

static void
redis_follow_on_program(struct redis_follow *f, const struct record *record, int64_t now)
{
	bool first = !f->connected;
	struct bus_program program;
	size_t total;

	if (!redis_follow_get_program(record->body, &program, &total))
		return;
	f->total = total;
	/* Until the leader knows this connection, the state may be outdated. */
	if (record->connection == f->connection)
		f->connected = true;
	if (!f->connected ||
	    (!first && program.state == f->program.state && program.id == f->program.id))
		return;
	f->program = program;
	f->program_ms = now;
	f->program_seq = record->seq;
	f->program_changed = true;
}

void
redis_follow_on_record(struct redis_follow *f, const struct record *record, int64_t now)
{
	if (record->kind == RECORD_PROGRAM &&
	    (record->node != f->leader || record->epoch != f->epoch))
		redis_follow_connect(f, record->node, record->epoch, now);
	if (record->node != f->leader || record->epoch != f->epoch)
		return;
	f->heard_ms = now;
	if (record->kind == RECORD_PROGRAM) {
		redis_follow_on_program(f, record, now);
		redis_follow_send_input(f, now);
	}
	if (record->connection != f->connection)
		return;
	if (record->kind == RECORD_CONSUMED) {
		outbox_confirm(&f->input, record->seq);
		f->progress_ms = now;
		f->drained = true;
		redis_follow_send_input(f, now);
	} else if (record->kind == RECORD_RESET) {
		redis_follow_connect(f, record->node, record->epoch, now);
	}
}

void
redis_follow_send(struct redis_follow *f, struct span entries, int64_t now)
{
	if (!f->connected)
		return;
	/* Out of memory: begin a new connection rather than lose entries. */
	if (outbox_push(&f->input, f->seq + 1, 1, (struct span){"", 0}, entries) != 0) {
		redis_follow_connect(f, f->leader, f->epoch, now);
		return;
	}
	f->seq++;
	redis_follow_send_input(f, now);
}

void
redis_follow_step(struct redis_follow *f, int64_t now)
{
	if (f->leader == 0)
		return;
	if (now - f->heard_ms > REDIS_FOLLOW_GONE_MS) {
		redis_follow_clear(f);
		return;
	}
	if (now - f->alive_ms >= REDIS_FOLLOW_ALIVE_MS)
		redis_follow_send_alive(f, now);
	if (f->input.sent_bytes > 0 && now - f->progress_ms > REDIS_FOLLOW_AGAIN_MS) {
		outbox_rewind(&f->input);
		redis_follow_send_input(f, now);
	}
}

void
redis_follow_excuse(struct redis_follow *f, int64_t now)
{
	f->heard_ms = now;
	if (f->leader != 0)
		redis_follow_send_alive(f, now);
	outbox_rewind(&f->input);
	redis_follow_send_input(f, now);
}

void
redis_follow_init(
    struct redis_follow *f, const struct redis_follow_handlers *handlers, void *arg)
{
	*f = (struct redis_follow){
	    .handlers = handlers, .arg = arg, .budget = {.max = SIZE_MAX}};
	outbox_init(&f->input, &f->budget);
}
