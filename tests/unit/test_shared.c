/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared program over a scripted process, with scripted sessions: no process, no socket. */
#include "backend/shared.h"
#include "base/log.h"
#include "bus/entry.h"
#include "websocket/frame.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { USERS = 4 };

static int64_t now_ms;

int64_t __wrap_util_clock_ms(void);
int64_t
__wrap_util_clock_ms(void)
{
	return now_ms;
}

static bool without_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *
__wrap_calloc(size_t n, size_t size)
{
	return without_memory ? NULL : __real_calloc(n, size);
}

/* The program, of which there is one at a time. */
struct program {
	struct framed framed; /* first */
	size_t queued;
	bool finished;
};

/* A session. */
struct user {
	struct backend *backend;
	struct buffer text; /* each message with a bar after it */
	bool slow; /* it accepts one broadcast, and then nothing */
	bool leaves; /* with the next message */
	uint16_t code; /* that the backend closed it with */
	char reason[64];
	unsigned int changes;
	bool gone;
};

/* The bus: it notes what it is given, and elects nobody. */
struct script_topic {
	struct bus_topic topic; /* first */
	bool wants;
	bool reads;
	struct bus_program program; /* as reported */
	struct buffer published; /* with a bar after each batch */
	bool is_fenced; /* it does not lead any more, and has not reported it yet */
	struct buffer sent; /* as text: show_entries() */
	struct buffer caught_up;
	size_t queued;
	size_t clients; /* of other nodes */
};

static struct {
	struct loop *loop;
	bool has_bus;
	struct script_topic topic;
	struct list list;
	struct shared_rules rules;
	struct shared *shared;
	struct program *program;
	struct buffer written; /* to all programs */
	int start_error;
	unsigned int starts;
	int holds;
	atomic_size_t down;
	struct user users[USERS];
	struct shared_wait wait;
	int waited; /* -1: it waits; else what it was reported */
} t;

static void turn(void);

/* The program */

static void
program_write(void *arg, const struct iovec *parts, int count)
{
	(void)arg;
	for (int i = 0; i < count; i++)
		assert_true(buffer_append(&t.written, parts[i].iov_base, parts[i].iov_len));
}

static void
program_write_take(void *arg, struct buffer *buffer)
{
	struct iovec part = {buffer_data(buffer), buffer_len(buffer)};

	program_write(arg, &part, 1);
	buffer_clear(buffer);
}

static const struct records_sink program_sink = {program_write, program_write_take};

static void
program_finish(struct backend *backend, uint16_t code, struct span reason)
{
	(void)code;
	(void)reason;
	((struct program *)(void *)backend)->finished = true;
}

static void
program_set_reading(struct backend *backend, enum backend_reading reading)
{
	backend->reading = reading;
}

static size_t
program_queued(const struct backend *backend)
{
	return ((const struct program *)(const void *)backend)->queued;
}

static void
program_free(struct backend *backend)
{
	struct program *p = (struct program *)(void *)backend;

	framed_clear(&p->framed);
	if (t.program == p)
		t.program = NULL;
	free(p);
}

static const struct backend_ops program_ops = {
    .write = framed_write,
    .flush = framed_flush,
    .finish = program_finish,
    .set_reading = program_set_reading,
    .queued = program_queued,
    .free = program_free,
};

static struct backend *
start(void *arg, const struct backend_handlers *handlers, void *shared, int *error)
{
	struct program *p;

	(void)arg;
	*error = t.start_error;
	if (t.start_error != 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	t.starts++;
	p->framed.backend = (struct backend){.ops = &program_ops,
	    .handlers = handlers,
	    .arg = shared,
	    .pid = (pid_t)(100 + t.starts)};
	framed_init(&p->framed, &t.rules.program, &program_sink, p);
	t.program = p;
	return &p->framed.backend;
}

static void
hold(void *arg)
{
	(void)arg;
	t.holds++;
}

static void
release(void *arg)
{
	(void)arg;
	t.holds--;
}

static const struct shared_handlers handlers = {start, hold, release};

/* It writes lines. */
static void
prints(const char *text)
{
	struct backend *backend = &t.program->framed.backend;

	memcpy(t.loop->in, text, strlen(text));
	framed_emit(&t.program->framed, t.loop->in, strlen(text));
	backend->handlers->on_changed(backend->arg);
}

static void
exits(int status)
{
	struct backend *backend = &t.program->framed.backend;

	backend->end = BACKEND_EXIT;
	backend->value = (uint8_t)status;
	backend->state = BACKEND_GONE;
	backend->handlers->on_changed(backend->arg);
}

/* The bus */

static void
topic_want(struct bus_topic *topic, bool wants)
{
	(void)topic;
	t.topic.wants = wants;
}

static void
topic_report(struct bus_topic *topic, const struct bus_program *program)
{
	(void)topic;
	t.topic.program = *program;
}

static bool
topic_publish(struct bus_topic *topic, const struct batch *batch)
{
	(void)topic;
	assert_true(buffer_append(&t.topic.published, batch->data, batch->len) &&
		    buffer_append(&t.topic.published, "|", 1));
	return !t.topic.is_fenced;
}

static void
topic_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	(void)topic;
	(void)node;
	assert_true(buffer_append(&t.topic.caught_up, bytes.data, bytes.len));
}

static void
topic_send_take(struct bus_topic *topic, struct buffer *entries)
{
	struct span rest = {(char *)buffer_data(entries), buffer_len(entries)};
	struct entry e;
	char text[256];

	(void)topic;
	while (entry_next(&rest, &e) == ENTRY_OK) {
		int n = snprintf(text, sizeof(text), "%s %d %d %.*s|",
		    (const char *const[]){"", "open", "records", "close", "state"}[e.kind],
		    (int)e.id, e.kind == ENTRY_CLOSE ? e.code : e.state, (int)e.bytes.len,
		    e.bytes.data);

		assert_true(buffer_append(&t.topic.sent, text, (size_t)n));
	}
	assert_int_equal(rest.len, 0);
	buffer_clear(entries);
}

static size_t
topic_queued(const struct bus_topic *topic)
{
	(void)topic;
	return t.topic.queued;
}

static void
topic_set_reading(struct bus_topic *topic, bool on)
{
	(void)topic;
	t.topic.reads = on;
}

static size_t
topic_count(struct bus_topic *topic, size_t own)
{
	(void)topic;
	return own + t.topic.clients;
}

static void
topic_leave(struct bus_topic *topic)
{
	(void)topic;
	t.has_bus = false;
}

static const struct bus_topic_ops topic_ops = {
    .want = topic_want,
    .report = topic_report,
    .publish = topic_publish,
    .catch_up = topic_catch_up,
    .send_take = topic_send_take,
    .queued = topic_queued,
    .set_reading = topic_set_reading,
    .count = topic_count,
    .leave = topic_leave,
};

static struct bus_topic *
bus_make(struct bus *bus, const struct bus_topic_spec *spec,
    const struct bus_handlers *bus_handlers, void *arg)
{
	(void)bus;
	(void)spec;
	t.topic.topic =
	    (struct bus_topic){.ops = &topic_ops, .handlers = bus_handlers, .arg = arg};
	t.topic.reads = true;
	return &t.topic.topic;
}

static const struct bus_ops bus_script_ops = {bus_make};
static struct bus bus_script = {&bus_script_ops};

static void
elects(enum bus_role role)
{
	t.topic.topic.handlers->on_role(t.topic.topic.arg, role);
	turn();
}

/* The leader reports the program with this ID, or none. */
static void
leader_reports(enum bus_program_state state, uint64_t id, uint8_t value)
{
	struct bus_program program = {.state = state, .id = id, .pid = 7, .value = value};

	t.topic.topic.handlers->on_program(t.topic.topic.arg, &program);
	turn();
}

static void
leader_prints(const char *text)
{
	char copy[128 + BATCH_SLACK];
	struct batch batch = {.data = (uint8_t *)copy,
	    .len = strlen(text),
	    .separator = '\n',
	    .first = true,
	    .last = true};

	strcpy(copy, text);
	t.topic.topic.handlers->on_output(t.topic.topic.arg, &batch);
}

static void
node_comes(uint64_t node, bool present)
{
	t.topic.topic.handlers->on_node(t.topic.topic.arg, node, present);
	turn();
}

static void
node_sends(uint64_t node, const struct entry *entry)
{
	struct buffer out = {0};

	assert_true(entry_put(&out, entry));
	t.topic.topic.handlers->on_input(t.topic.topic.arg, node,
	    (struct span){(char *)buffer_data(&out), buffer_len(&out)});
	buffer_clear(&out);
	turn();
}

/* The sessions */

static void
on_messages(void *arg, struct batch *batch)
{
	struct user *u = arg;
	struct broadcast_form form = broadcast_plain(batch->broadcast);
	struct frame_header header;

	assert_int_equal(batch->len, SIZE_MAX);
	for (size_t i = 0; i < form.len; i += (size_t)header.len) {
		i += (size_t)frame_read_header(form.bytes + i, form.len - i, &header);
		assert_true(buffer_append(&u->text, form.bytes + i, (size_t)header.len) &&
			    buffer_append(&u->text, "|", 1));
	}
	batch->len = 0;
}

static void
on_event(void *arg, const struct backend_event *event)
{
	struct user *u = arg;

	assert_int_equal(event->kind, BACKEND_CLOSE);
	u->code = event->code;
	snprintf(u->reason, sizeof(u->reason), "%.*s", (int)event->text.len, event->text.data);
}

static void
on_changed(void *arg)
{
	struct user *u = arg;

	u->changes++;
	if (u->backend->state == BACKEND_GONE) {
		u->gone = true;
		backend_free(u->backend);
		u->backend = NULL;
		return;
	}
	if (u->code != 0 || u->leaves)
		backend_finish(u->backend, u->code != 0 ? u->code : 1006, SPAN("left"));
	else
		backend_set_reading(u->backend, u->slow ? BACKEND_PAUSES : BACKEND_READS);
}

static const struct backend_handlers user_handlers = {
    .on_messages = on_messages, .on_event = on_event, .on_changed = on_changed};

static void
turn(void)
{
	for (int i = 0; i < 5; i++)
		event_base_loop(t.loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* Time passes. */
static void
passes(int64_t ms)
{
	now_ms += ms;
	timers_run(&t.loop->timers);
	turn();
}

static void
set_up(enum shared_mode mode)
{
	memset(&t, 0, sizeof(t));
	log_setup(STDERR_FILENO, LOG_TEXT, LOG_FATAL);
	now_ms = 1000000;
	t.loop = loop_new();
	assert_non_null(t.loop);
	list_init(&t.list);
	t.waited = -1;
	t.rules.settings = (struct shared_settings){.mode = mode, .members = {.queue_max = 20}};
	t.rules.framed.to_program.newline = FRAMING_NEWLINE_SPACE;
	t.rules.output.addresses = mode == SHARED_ADDRESSED ? SHARED_EVENTS : SHARED_TO_ALL;
	t.rules.framed.events = mode == SHARED_ADDRESSED;
}

static void
make(void)
{
	struct shared_spec spec = {.loop = t.loop,
	    .list = &t.list,
	    .bus = t.has_bus ? &bus_script : NULL,
	    .down = &t.down,
	    .rules = &t.rules,
	    .name = "/",
	    .handlers = &handlers,
	    .arg = &t};

	t.shared = shared_new(&spec);
	assert_non_null(t.shared);
}

/* Client I joins, with the ID I + 1. */
static void
joins(int i)
{
	struct user *u = &t.users[i];
	struct buffer open = {0};
	int error;

	if (t.rules.framed.events)
		assert_true(address_put_open(&open, (uint64_t)i + 1, SPAN("/")));
	u->backend = shared_join(t.shared, (uint64_t)i + 1, &open, &user_handlers, u, &error);
	assert_non_null(u->backend);
	assert_int_equal(buffer_len(&open), 0);
	backend_set_reading(u->backend, u->slow ? BACKEND_PAUSES : BACKEND_READS);
	turn();
}

static enum backend_result
says(int i, const char *text)
{
	char copy[128];
	struct batch batch = {.data = (uint8_t *)copy,
	    .len = strlen(text),
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	    .messages = 1};
	enum backend_result result;

	strcpy(copy, text);
	result = backend_write(t.users[i].backend, &batch);
	backend_flush(t.users[i].backend);
	return result;
}

static void
leaves(int i)
{
	backend_finish(t.users[i].backend, 1000, SPAN("bye"));
	turn();
	assert_true(t.users[i].gone);
}

static void
expect(struct buffer *text, const char *wanted)
{
	assert_true(buffer_append(text, "", 1));
	assert_string_equal((char *)buffer_data(text), wanted);
	buffer_clear(text);
}

static void
tear_down(void)
{
	for (int i = 0; i < USERS; i++) {
		if (t.users[i].backend)
			leaves(i);
		buffer_clear(&t.users[i].text);
	}
	if (t.program) {
		assert_true(t.program->finished);
		exits(0);
	}
	passes(1);
	assert_int_equal(t.holds, 0);
	assert_int_equal(t.down, 0);
	shared_free(t.shared);
	assert_true(list_empty(&t.list));
	buffer_clear(&t.written);
	loop_free(t.loop);
}

static void
test_a_broadcast_goes_to_all(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	joins(0);
	joins(1);
	assert_int_equal(t.starts, 1);
	says(0, "a\nb");
	says(1, "c");
	expect(&t.written, "a b\nc\n");
	prints("one\ntwo\n");
	expect(&t.users[0].text, "one|two|");
	expect(&t.users[1].text, "one|two|");
	leaves(0);
	assert_false(t.program->finished);
	leaves(1);
	assert_true(t.program->finished);
	tear_down();
}

static void
test_events_are_in_order_for_each_client(void **state)
{
	(void)state;
	set_up(SHARED_ADDRESSED);
	make();
	joins(0);
	says(0, "x\t9\ttext\ty");
	joins(1);
	says(1, "");
	says(0, "9\tclose\r\n2\ttext\tforged");
	leaves(0);
	expect(&t.written, "1\topen\t/\n1\ttext\tx\t9\ttext\ty\n2\topen\t/\n2\ttext\t\n"
			   "1\ttext\t9\tclose  2\ttext\tforged\n1\tclose\t1000 bye\n");
	prints("2\ttext\tfor 2\n*\ttext\tall\n1\ttext\tgone\n2\topen\t/\nno tab\n"
	       "x\ttext\tbad\n0\ttext\tbad\n99999999999999999999\ttext\tbad\n2\ttext\n");
	expect(&t.users[1].text, "for 2|all|");
	prints("2\tclose\t4001 go away\n2\ttext\ttoo late\n");
	assert_int_equal(says(1, "ignored"), BACKEND_DROPPED);
	turn();
	assert_int_equal(t.users[1].code, 4001);
	assert_string_equal(t.users[1].reason, "go away");
	expect(&t.written, "2\tclose\t4001 left\n");
	tear_down();
}

static void
test_without_memory_nobody_gets_what_is_not_for_all(void **state)
{
	(void)state;
	set_up(SHARED_ADDRESSED);
	t.rules.output.addresses = SHARED_JSON;
	make();
	joins(0);
	joins(1);
	without_memory = true;
	prints("{\"type\":\"text\",\"except\":1,\"data\":\"secret\"}\n"
	       "{\"type\":\"close\",\"except\":1,\"code\":4001}\n"
	       "{\"type\":\"text\",\"id\":1,\"data\":\"secret\"}\n");
	without_memory = false;
	turn();
	assert_int_equal(t.users[0].code, 0);
	assert_int_equal(t.users[1].code, 0);
	prints("{\"type\":\"text\",\"except\":1,\"data\":\"a\"}\n");
	expect(&t.users[0].text, "");
	expect(&t.users[1].text, "a|");
	tear_down();
}

static void
test_a_client_may_leave_while_others_get_the_same(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	for (int i = 0; i < USERS; i++)
		joins(i);
	t.users[0].leaves = t.users[2].leaves = t.users[3].leaves = true;
	prints("x\n");
	turn();
	assert_true(t.users[0].gone && t.users[2].gone && t.users[3].gone);
	prints("y\n");
	expect(&t.users[1].text, "x|y|");
	tear_down();
}

static void
test_a_slow_client_is_closed(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	t.users[0].slow = true;
	joins(0);
	joins(1);
	prints("12345678\n");
	prints("12345678\n");
	assert_int_equal(t.users[0].code, 0);
	prints("12345678\n"); /* 30 bytes with the headers */
	turn();
	assert_int_equal(t.users[0].code, CLOSE_TRY_LATER);
	assert_true(t.users[0].gone);
	assert_null(buffer_data(&t.users[0].text));
	expect(&t.users[1].text, "12345678|12345678|12345678|");
	tear_down();
}

static void
test_messages_for_a_slow_client_are_dropped_whole(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	t.rules.settings.members.slow = MEMBER_DROP;
	t.rules.settings.members.reports_dropped = true;
	make();
	t.users[0].slow = true;
	joins(0);
	prints("12345678\n");
	prints("87654321\n");
	prints("dropped\n");
	prints("x\n"); /* there would be room for it */
	t.users[0].slow = false;
	backend_set_reading(t.users[0].backend, BACKEND_READS);
	turn();
	expect(&t.users[0].text, "12345678|87654321|{\"type\":\"dropped\",\"count\":2}|");
	prints("again\n");
	expect(&t.users[0].text, "again|");
	tear_down();
}

static void
test_a_slow_client_blocks_the_program_until_it_reads_or_leaves(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++) {
		set_up(SHARED_BROADCAST);
		t.rules.settings.members.slow = MEMBER_BLOCK;
		make();
		t.users[0].slow = true;
		joins(0);
		joins(1);
		for (int i = 0; i < 4; i++)
			prints("12345678\n");
		assert_int_equal(t.program->framed.backend.reading, BACKEND_PAUSES);
		if (how == 0) {
			t.users[0].slow = false;
			backend_set_reading(t.users[0].backend, BACKEND_READS);
			turn();
			expect(&t.users[0].text, "12345678|12345678|12345678|12345678|");
		} else {
			leaves(0);
		}
		assert_int_equal(t.program->framed.backend.reading, BACKEND_READS);
		tear_down();
	}
}

static void
test_only_who_sends_waits_for_the_program(void **state)
{
	unsigned int changes;

	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	joins(0);
	joins(1);
	t.program->queued = BUFFER_HIGH + 1;
	says(0, "x");
	assert_true(backend_queued(t.users[0].backend) > BUFFER_HIGH);
	assert_int_equal(backend_queued(t.users[1].backend), 0);
	changes = t.users[0].changes;
	t.program->queued = 0;
	t.program->framed.backend.handlers->on_changed(t.program->framed.backend.arg);
	assert_int_equal(backend_queued(t.users[0].backend), 0);
	assert_int_equal(t.users[0].changes, changes + 1);
	tear_down();
}

static void
test_an_exit_closes_after_the_queue(void **state)
{
	static const struct {
		int status;
		uint16_t code;
		const char *reason;
	} rows[] = {{0, CLOSE_NORMAL, "exit 0"}, {3, CLOSE_SERVICE_RESTART, "exit 3"}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		set_up(SHARED_BROADCAST);
		make();
		t.users[0].slow = true;
		joins(0);
		joins(1);
		prints("last\n");
		exits(rows[i].status);
		assert_int_equal(says(1, "to nobody"), BACKEND_DROPPED);
		turn();
		assert_int_equal(t.users[1].code, rows[i].code);
		assert_string_equal(t.users[1].reason, rows[i].reason);
		assert_int_equal(t.users[0].code, 0);
		t.users[0].slow = false;
		backend_set_reading(t.users[0].backend, BACKEND_READS);
		turn();
		expect(&t.users[0].text, "last|");
		assert_int_equal(t.users[0].code, rows[i].code);
		assert_null(buffer_data(&t.written));
		tear_down();
	}
}

static void
on_wait(void *arg, int error)
{
	(void)arg;
	t.waited = error;
	if (error == 0)
		joins(0);
}

static void
waits(void)
{
	t.waited = -1;
	t.wait = (struct shared_wait){.done = on_wait};
	assert_true(shared_must_wait(t.shared));
	shared_wait(t.shared, &t.wait);
	assert_int_equal(t.waited, -1);
}

static void
test_starts_are_delayed_more_and_more(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	joins(0);
	for (int64_t delay = SHARED_BACKOFF_MS; delay < SHARED_BACKOFF_MAX_MS; delay *= 2) {
		exits(1);
		turn();
		assert_true(t.users[0].gone);
		memset(&t.users[0], 0, sizeof(t.users[0]));
		waits();
		assert_int_equal(t.down, 1);
		passes(delay - 1);
		assert_int_equal(t.waited, -1);
		passes(1);
		assert_int_equal(t.waited, 0);
		assert_int_equal(t.down, 0);
	}
	/* Until it has run for a while. */
	now_ms += SHARED_STEADY_MS;
	exits(1);
	turn();
	memset(&t.users[0], 0, sizeof(t.users[0]));
	waits();
	passes(SHARED_BACKOFF_MS);
	assert_int_equal(t.waited, 0);
	tear_down();
}

static void
test_a_client_may_leave_at_each_stage(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	/* While it waits for the back-off. */
	joins(0);
	exits(1);
	turn();
	waits();
	shared_cancel(&t.wait);
	passes(SHARED_BACKOFF_MS);
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.waited, -1);
	/* While it waits for the end of the one before. */
	joins(1);
	leaves(1);
	assert_true(t.program->finished);
	waits();
	shared_cancel(&t.wait);
	exits(0);
	assert_int_equal(t.starts, 2);
	/* While its close is pending. */
	joins(2);
	t.users[2].slow = true;
	backend_set_reading(t.users[2].backend, BACKEND_PAUSES);
	prints("x\n");
	exits(1);
	leaves(2);
	assert_int_equal(t.users[2].code, 0);
	tear_down();
}

static void
test_a_start_that_fails_is_reported(void **state)
{
	struct buffer open = {0};
	int error;

	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	t.start_error = ENOENT;
	assert_null(shared_join(t.shared, 1, &open, &user_handlers, &t.users[0], &error));
	assert_int_equal(error, ENOENT);
	waits();
	passes(SHARED_BACKOFF_MS);
	assert_int_equal(t.waited, ENOENT);
	tear_down();
}

static void
test_clients_are_kept_and_their_messages_wait(void **state)
{
	(void)state;
	set_up(SHARED_ADDRESSED);
	t.rules.settings.on_exit = SHARED_KEEP;
	t.rules.settings.members.queue_max = 50;
	make();
	joins(0);
	joins(1);
	buffer_clear(&t.written);
	exits(0);
	assert_int_equal(t.down, 1);
	says(0, "first");
	leaves(1);
	assert_int_equal(says(0, "this is too much"), BACKEND_DROPPED);
	passes(SHARED_BACKOFF_MS);
	assert_int_equal(t.down, 0);
	assert_int_equal(t.starts, 2);
	expect(&t.written, "1\topen\t/\n2\topen\t/\n1\ttext\tfirst\n2\tclose\t1000 bye\n");
	says(0, "second");
	expect(&t.written, "1\ttext\tsecond\n");
	prints("1\ttext\tstill here\n");
	expect(&t.users[0].text, "still here|");
	/* The last one leaves while none runs. */
	exits(1);
	leaves(0);
	passes(SHARED_BACKOFF_MAX_MS);
	assert_int_equal(t.starts, 2);
	tear_down();
}

static void
test_it_lingers_and_may_be_retired(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	t.rules.settings.linger_ms = 5000;
	make();
	joins(0);
	leaves(0);
	passes(4999);
	assert_false(t.program->finished);
	joins(1);
	passes(5000);
	assert_false(t.program->finished);
	leaves(1);
	passes(5000);
	assert_true(t.program->finished);
	exits(0);
	joins(2);
	shared_retire(t.shared);
	assert_false(t.program->finished);
	leaves(2);
	assert_true(t.program->finished);
	tear_down();
}

static void
test_a_reload_takes_it_over(void **state)
{
	struct shared_rules rules;
	int other = 0;
	struct shared_spec spec = {.rules = &rules, .name = "/new", .arg = &other};

	(void)state;
	set_up(SHARED_BROADCAST);
	make();
	joins(0);
	rules = t.rules;
	rules.settings.max_clients = 1;
	shared_adopt(t.shared, &spec);
	assert_int_equal(t.holds, 2); /* the old one, too, for the program that it started */
	assert_false(shared_has_room(t.shared));
	prints("x\n");
	expect(&t.users[0].text, "x|");
	exits(1);
	assert_int_equal(t.holds, 1);
	turn();
	tear_down();
}

static void
test_it_may_run_always(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	t.rules.settings.begin = SHARED_ALWAYS;
	t.rules.settings.linger_ms = SHARED_FOREVER;
	t.rules.settings.members.history = 2;
	make();
	shared_start(t.shared);
	assert_int_equal(t.program->framed.backend.reading, BACKEND_READS);
	prints("1\n2\n3\n");
	joins(0);
	expect(&t.users[0].text, "2|3|");
	prints("4\n");
	exits(1);
	turn();
	assert_int_equal(t.down, 1);
	passes(SHARED_BACKOFF_MS);
	assert_int_equal(t.starts, 2);
	joins(1);
	expect(&t.users[1].text, "3|4|");
	shared_retire_all(&t.list);
	tear_down();
}

static void
test_max_clients_counts_those_that_wait(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	t.rules.settings.max_clients = 1;
	make();
	joins(0);
	assert_false(shared_has_room(t.shared));
	leaves(0);
	assert_true(shared_has_room(t.shared));
	waits();
	assert_false(shared_has_room(t.shared));
	shared_cancel(&t.wait);
	assert_true(shared_has_room(t.shared));
	tear_down();
}

static void
joins_then(void *arg, int error)
{
	(void)arg;
	t.waited = error;
	if (error == 0)
		joins(0);
}

/* The first client of this node, which has to wait for the bus. */
static void
joins_the_bus(enum bus_role role)
{
	t.has_bus = true;
	make();
	assert_true(shared_must_wait(t.shared));
	t.wait.done = joins_then;
	shared_wait(t.shared, &t.wait);
	turn();
	assert_true(t.topic.wants);
	assert_int_equal(t.waited, -1);
	elects(role);
}

static void
test_a_leader_runs_it_for_all_nodes(void **state)
{
	const struct entry opened = {
	    .kind = ENTRY_OPEN, .id = 9, .bytes = SPAN("9\topen\t/\n")};
	const struct entry records = {.kind = ENTRY_RECORDS, .bytes = SPAN("9\ttext\thello\n")};
	struct entry node_state = {.kind = ENTRY_STATE};

	(void)state;
	set_up(SHARED_ADDRESSED);
	joins_the_bus(BUS_LEADS);
	assert_int_equal(t.waited, 0);
	assert_int_equal(t.topic.program.state, BUS_PROGRAM_RUNS);
	prints("1\ttext\talone\n");
	assert_int_equal(buffer_len(&t.topic.published), 0);
	node_comes(5, true);
	/* What is for another program does not reach this one. */
	node_state.id = t.topic.program.id + 1;
	node_sends(5, &node_state);
	node_sends(5, &opened);
	node_state.id = t.topic.program.id;
	node_sends(5, &node_state);
	node_sends(5, &opened);
	node_sends(5, &opened);
	node_sends(5, &records);
	expect(&t.written, "1\topen\t/\n9\topen\t/\n9\ttext\thello\n");
	prints("9\ttext\tfor 9\n*\ttext\tall\n");
	expect(&t.topic.published, "9\ttext\tfor 9\n*\ttext\tall\n|");
	expect(&t.users[0].text, "alone|all|");
	/* A node that has lost the lead without knowing is not heard by its own clients either.
	 */
	t.topic.is_fenced = true;
	prints("*\ttext\tstale\n");
	assert_int_equal(buffer_len(&t.users[0].text), 0);
	t.topic.is_fenced = false;
	/* It goes on for the client of the other node, and ends with it. */
	leaves(0);
	assert_false(t.program->finished);
	assert_true(t.topic.wants);
	node_comes(5, false);
	expect(&t.written, "1\tclose\t1000 bye\n9\tclose\t1006\n");
	assert_true(t.program->finished);
	assert_int_equal(t.topic.program.state, BUS_PROGRAM_NONE);
	exits(0);
	assert_false(t.topic.wants);
	buffer_clear(&t.topic.published);
	tear_down();
}

static void
test_a_node_follows_and_takes_over(void **state)
{
	(void)state;
	set_up(SHARED_ADDRESSED);
	t.rules.settings.members.queue_max = 100;
	joins_the_bus(BUS_FOLLOWS);
	leader_reports(BUS_PROGRAM_NONE, 0, 0);
	expect(&t.topic.sent, "state 0 1 |");
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	assert_int_equal(t.waited, 0);
	assert_int_equal(t.starts, 0);
	says(0, "x");
	expect(&t.topic.sent,
	    "state 77 1 |open 1 0 1\topen\t/\n|state 77 0 |records 0 0 1\ttext\tx\n|");
	leader_prints("1\ttext\thello\n2\ttext\tof another node\n");
	expect(&t.users[0].text, "hello|");
	/* The leader dies: the client is kept, whatever --on-exit is. */
	elects(BUS_NOBODY);
	assert_int_equal(t.users[0].code, 0);
	says(0, "in between");
	elects(BUS_LEADS);
	assert_int_equal(t.starts, 1);
	expect(&t.written, "1\topen\t/\n1\ttext\tin between\n");
	buffer_clear(&t.topic.sent);
	tear_down();
}

static void
test_an_exit_elsewhere_closes_the_clients_of_a_follower(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	joins_the_bus(BUS_FOLLOWS);
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	leader_reports(BUS_PROGRAM_ENDED, 77, 3);
	turn();
	assert_int_equal(t.users[0].code, 1012);
	assert_string_equal(t.users[0].reason, "exit 3");
	assert_true(t.users[0].gone);
	passes(1);
	assert_false(t.topic.wants);
	buffer_clear(&t.topic.sent);
	tear_down();
}

static void
test_a_node_that_was_cut_off_closes_its_clients(void **state)
{
	(void)state;
	set_up(SHARED_BROADCAST);
	t.rules.settings.on_exit = SHARED_KEEP;
	joins_the_bus(BUS_FOLLOWS);
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	elects(BUS_NOBODY);
	elects(BUS_FOLLOWS);
	/* This program has read a close event for it. */
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	turn();
	assert_int_equal(t.users[0].code, 1013);
	buffer_clear(&t.topic.sent);
	tear_down();
}

static void
test_a_slow_node_pauses_the_program_and_a_slow_program_the_nodes(void **state)
{
	const struct entry records = {.kind = ENTRY_RECORDS, .bytes = SPAN("x\n")};
	struct entry node_state = {.kind = ENTRY_STATE, .state = ENTRY_BLOCKED};

	(void)state;
	set_up(SHARED_BROADCAST);
	joins_the_bus(BUS_LEADS);
	node_comes(5, true);
	t.topic.queued = 1 << 20;
	prints("x\n");
	assert_int_equal(t.program->framed.backend.reading, BACKEND_PAUSES);
	t.topic.queued = 0;
	t.topic.topic.handlers->on_drained(t.topic.topic.arg);
	assert_int_equal(t.program->framed.backend.reading, BACKEND_READS);
	node_state.id = t.topic.program.id;
	node_sends(5, &node_state);
	assert_int_equal(t.program->framed.backend.reading, BACKEND_PAUSES);
	t.program->queued = BUFFER_HIGH + 1;
	node_sends(5, &records);
	assert_false(t.topic.reads);
	t.program->queued = 0;
	node_comes(5, false);
	assert_int_equal(t.program->framed.backend.reading, BACKEND_READS);
	prints("y\n");
	assert_true(t.topic.reads);
	buffer_clear(&t.topic.published);
	tear_down();
}

/* What a node sends of its client 9, to the program with this ID. */
enum part { PART_OPEN = 1, PART_TEXT = 2, PART_CLOSE = 4 };

static void
node_has_client(uint64_t node, uint64_t program, unsigned int parts)
{
	static const struct entry entries[] = {
	    {.kind = ENTRY_OPEN, .id = 9, .bytes = SPAN("9\topen\t/\n")},
	    {.kind = ENTRY_RECORDS, .bytes = SPAN("9\ttext\thello\n")},
	    {.kind = ENTRY_CLOSE, .id = 9, .code = 1000, .bytes = SPAN("bye")},
	};
	const struct entry node_state = {.kind = ENTRY_STATE, .id = program};

	if (parts & PART_OPEN)
		node_sends(node, &node_state);
	for (size_t i = 0; i < UTIL_LEN(entries); i++) {
		if (parts & (1U << i))
			node_sends(node, &entries[i]);
	}
}

/* A leader whose only client has left, with another node; its program ends. Returns its ID. */
static uint64_t
leads_and_ends(void)
{
	uint64_t id;

	set_up(SHARED_ADDRESSED);
	joins_the_bus(BUS_LEADS);
	node_comes(5, true);
	id = t.topic.program.id;
	leaves(0);
	memset(&t.users[0], 0, sizeof(t.users[0]));
	assert_true(t.program->finished);
	assert_int_equal(t.topic.program.state, BUS_PROGRAM_NONE);
	assert_int_equal(t.topic.program.id, id);
	buffer_clear(&t.written);
	return id;
}

static void
test_entries_that_come_while_the_program_ends_are_for_the_next_one(void **state)
{
	enum { ALL = PART_OPEN | PART_TEXT };
	static const struct {
		unsigned int ending, gone; /* parts */
		int error; /* of the first start */
		bool waits; /* a client of this node */
		const char *written;
	} rows[] = {
	    {ALL, 0, 0, false, "9\topen\t/\n9\ttext\thello\n"},
	    {PART_OPEN, PART_TEXT, 0, false, "9\topen\t/\n9\ttext\thello\n"},
	    {0, ALL, 0, false, "9\topen\t/\n9\ttext\thello\n"},
	    {ALL, 0, ENOENT, false, "9\topen\t/\n9\ttext\thello\n"},
	    {PART_OPEN, PART_TEXT, ENOENT, false, "9\topen\t/\n9\ttext\thello\n"},
	    {ALL, 0, 0, true, "9\topen\t/\n9\ttext\thello\n1\topen\t/\n"},
	    {ALL | PART_CLOSE, 0, 0, false, "9\topen\t/\n9\ttext\thello\n9\tclose\t1000 bye\n"},
	    {PART_OPEN, PART_TEXT | PART_CLOSE, ENOENT, false,
		"9\topen\t/\n9\ttext\thello\n9\tclose\t1000 bye\n"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		uint64_t id = leads_and_ends();
		bool stays = !((rows[i].ending | rows[i].gone) & PART_CLOSE);

		node_has_client(5, id, rows[i].ending);
		if (rows[i].waits)
			waits();
		assert_int_equal(buffer_len(&t.written), 0);
		t.start_error = rows[i].error;
		exits(0);
		assert_true(t.topic.wants);
		node_has_client(5, id, rows[i].gone);
		t.start_error = 0;
		passes(SHARED_BACKOFF_MAX_MS);
		expect(&t.written, rows[i].written);
		assert_int_equal(t.starts, 2);
		assert_int_equal(t.topic.program.id, id);
		assert_true(t.program->finished != stays);
		if (stays)
			assert_int_equal(t.program->framed.backend.reading, BACKEND_READS);
		/* All the same, it ends with the last client. */
		node_comes(5, false);
		tear_down();
	}
}

static void
test_a_leader_reads_only_so_much_for_the_next_program(void **state)
{
	uint64_t id = leads_and_ends();

	(void)state;
	node_has_client(5, id, PART_OPEN);
	for (int i = 0; i < BUFFER_HIGH && t.topic.reads; i++)
		node_has_client(5, id, PART_TEXT);
	assert_false(t.topic.reads);
	t.start_error = ENOENT;
	exits(0);
	assert_false(t.topic.reads);
	t.start_error = 0;
	passes(SHARED_BACKOFF_MS);
	assert_true(buffer_len(&t.written) > BUFFER_HIGH / 2);
	assert_true(t.topic.reads);
	buffer_clear(&t.written);
	node_comes(5, false);
	tear_down();
}

static void
test_a_leader_waits_for_the_nodes_before_it_resigns(void **state)
{
	(void)state;
	(void)leads_and_ends();
	shared_retire(t.shared);
	exits(0);
	assert_true(t.topic.wants);
	assert_int_equal(t.holds, 1);
	node_comes(5, false);
	assert_false(t.topic.wants);
	tear_down();
	/* Not if it is to stop: the clients of others are opened again elsewhere. */
	(void)leads_and_ends();
	shared_stop_all(&t.list);
	exits(0);
	assert_false(t.topic.wants);
	assert_int_equal(t.topic.program.id, 0);
	tear_down();
}

static void
test_an_idle_program_may_exit_as_a_client_comes_elsewhere(void **state)
{
	uint64_t id;

	(void)state;
	for (int early = 0; early < 2; early++) {
		set_up(SHARED_ADDRESSED);
		t.rules.settings.linger_ms = SHARED_FOREVER;
		joins_the_bus(BUS_LEADS);
		node_comes(5, true);
		id = t.topic.program.id;
		leaves(0);
		buffer_clear(&t.written);
		if (early) {
			/* It has exited; the end of its output is still to come. */
			t.program->framed.backend.state = BACKEND_EXITED;
			t.program->framed.backend.handlers->on_changed(
			    t.program->framed.backend.arg);
			node_has_client(5, id, PART_OPEN | PART_TEXT);
		}
		exits(1);
		if (!early)
			node_has_client(5, id, PART_OPEN | PART_TEXT);
		passes(SHARED_BACKOFF_MS);
		expect(&t.written, "9\topen\t/\n9\ttext\thello\n");
		assert_int_equal(t.starts, 2);
		shared_retire(t.shared);
		node_comes(5, false);
		tear_down();
	}
}

static void
test_a_follower_waits_for_the_next_process(void **state)
{
	(void)state;
	set_up(SHARED_ADDRESSED);
	t.rules.settings.members.queue_max = 100;
	joins_the_bus(BUS_FOLLOWS);
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	buffer_clear(&t.topic.sent);
	/* The leader has ended it before it knew of the client. */
	leader_reports(BUS_PROGRAM_NONE, 77, 0);
	says(0, "x");
	assert_true(shared_must_wait(t.shared));
	leader_reports(BUS_PROGRAM_FAILED, 77, 0);
	leader_reports(BUS_PROGRAM_NONE, 77, 0);
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	assert_false(shared_must_wait(t.shared));
	says(0, "y");
	expect(&t.topic.sent, "records 0 0 1\ttext\tx\n|records 0 0 1\ttext\ty\n|");
	/* It has ended it with its clients. */
	leader_reports(BUS_PROGRAM_NONE, 0, 0);
	says(0, "z");
	leader_reports(BUS_PROGRAM_RUNS, 78, 0);
	expect(&t.topic.sent, "state 0 0 |state 0 1 |state 78 1 |"
			      "open 1 0 1\topen\t/\n|records 0 0 1\ttext\tz\n|state 78 0 |");
	leaves(0);
	buffer_clear(&t.topic.sent);
	tear_down();
}

static void
test_a_deposed_leader_keeps_what_its_clients_send_while_the_program_ends(void **state)
{
	(void)state;
	set_up(SHARED_ADDRESSED);
	joins_the_bus(BUS_LEADS);
	buffer_clear(&t.written);
	elects(BUS_FOLLOWS);
	assert_true(t.program->finished);
	says(0, "x");
	leader_reports(BUS_PROGRAM_RUNS, 77, 0);
	assert_int_equal(t.program->framed.backend.pid, 101);
	elects(BUS_LEADS);
	exits(0);
	expect(&t.written, "1\topen\t/\n1\ttext\tx\n");
	tear_down();
}

static void
test_an_exit_resumes_the_input_of_other_nodes(void **state)
{
	const struct entry needs = {.kind = ENTRY_STATE, .state = ENTRY_NEEDS};
	uint64_t id;

	(void)state;
	id = leads_and_ends();
	node_has_client(5, id, PART_OPEN);
	exits(0);
	t.program->queued = BUFFER_HIGH + 1;
	node_has_client(5, id, PART_TEXT);
	assert_false(t.topic.reads);
	exits(1);
	assert_true(t.topic.reads);
	/* Its clients are closed, or opened again. */
	node_sends(5, &needs);
	passes(SHARED_BACKOFF_MS);
	assert_int_equal(t.starts, 3);
	node_comes(5, false);
	tear_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_leader_runs_it_for_all_nodes),
	    cmocka_unit_test(test_a_node_follows_and_takes_over),
	    cmocka_unit_test(
		test_entries_that_come_while_the_program_ends_are_for_the_next_one),
	    cmocka_unit_test(test_a_leader_reads_only_so_much_for_the_next_program),
	    cmocka_unit_test(test_a_leader_waits_for_the_nodes_before_it_resigns),
	    cmocka_unit_test(test_an_idle_program_may_exit_as_a_client_comes_elsewhere),
	    cmocka_unit_test(test_a_follower_waits_for_the_next_process),
	    cmocka_unit_test(
		test_a_deposed_leader_keeps_what_its_clients_send_while_the_program_ends),
	    cmocka_unit_test(test_an_exit_resumes_the_input_of_other_nodes),
	    cmocka_unit_test(test_an_exit_elsewhere_closes_the_clients_of_a_follower),
	    cmocka_unit_test(test_a_node_that_was_cut_off_closes_its_clients),
	    cmocka_unit_test(test_a_slow_node_pauses_the_program_and_a_slow_program_the_nodes),
	    cmocka_unit_test(test_a_broadcast_goes_to_all),
	    cmocka_unit_test(test_events_are_in_order_for_each_client),
	    cmocka_unit_test(test_without_memory_nobody_gets_what_is_not_for_all),
	    cmocka_unit_test(test_a_client_may_leave_while_others_get_the_same),
	    cmocka_unit_test(test_a_slow_client_is_closed),
	    cmocka_unit_test(test_messages_for_a_slow_client_are_dropped_whole),
	    cmocka_unit_test(test_a_slow_client_blocks_the_program_until_it_reads_or_leaves),
	    cmocka_unit_test(test_only_who_sends_waits_for_the_program),
	    cmocka_unit_test(test_an_exit_closes_after_the_queue),
	    cmocka_unit_test(test_starts_are_delayed_more_and_more),
	    cmocka_unit_test(test_a_client_may_leave_at_each_stage),
	    cmocka_unit_test(test_a_start_that_fails_is_reported),
	    cmocka_unit_test(test_clients_are_kept_and_their_messages_wait),
	    cmocka_unit_test(test_it_lingers_and_may_be_retired),
	    cmocka_unit_test(test_a_reload_takes_it_over),
	    cmocka_unit_test(test_it_may_run_always),
	    cmocka_unit_test(test_max_clients_counts_those_that_wait),
	};

	return cmocka_run_group_tests_name("shared", tests, NULL, NULL);
}
