/* SPDX-License-Identifier: BSD-2-Clause */
/* A program as a backend, over a scripted child in place of child/child: no process, no pipe.
 */
#include "backend/program.h"
#include "net/loop.h"
#include "process/child.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The child, of which there is one at a time. */
static struct {
	const struct child_handlers *handlers;
	void *arg;
	struct buffer written;
	unsigned int writes;
	struct buffer output; /* to be read */
	bool output_ends;
	bool output_fails;
	struct child_facts facts;
	bool ended; /* child_end() was called */
	bool hung_up; /* child_interrupt() was called */
	bool reading;
} child;

int
child_start(struct children *children, const struct spawn_command *command,
    const struct child_handlers *handlers, void *arg, struct child **out)
{
	(void)children;
	(void)command;
	memset(&child, 0, sizeof(child));
	child.handlers = handlers;
	child.arg = arg;
	*out = (struct child *)(void *)&child;
	return 0;
}

void
child_write(struct child *c, const struct iovec *parts, int count)
{
	(void)c;
	child.writes++;
	for (int i = 0; i < count; i++)
		assert_true(buffer_append(&child.written, parts[i].iov_base, parts[i].iov_len));
}

void
child_write_take(struct child *c, struct buffer *buffer)
{
	struct iovec part = {buffer_data(buffer), buffer_len(buffer)};

	if (part.iov_len > 0)
		child_write(c, &part, 1);
	buffer_clear(buffer);
}

size_t
child_queued(const struct child *c)
{
	(void)c;
	return 0;
}

void
child_set_reading(struct child *c, bool on)
{
	(void)c;
	child.reading = on;
}

void
child_set_reading_stderr(struct child *c, bool on)
{
	(void)c;
	(void)on;
}

enum stream_result
child_read(struct child *c, uint8_t *bytes, size_t capacity, size_t *n)
{
	(void)c;
	*n = buffer_len(&child.output);
	if (*n > capacity)
		*n = capacity;
	if (*n > 0) {
		memcpy(bytes, buffer_data(&child.output), *n);
		buffer_consume(&child.output, *n);
		return STREAM_OK;
	}
	child.facts.stdout_ended = child.output_ends || child.output_fails;
	if (child.output_fails)
		return STREAM_FAILED;
	return child.output_ends ? STREAM_EOF : STREAM_AGAIN;
}

void
child_end(struct child *c)
{
	(void)c;
	child.ended = true;
}

void
child_resize(struct child *c, struct pty_size size)
{
	(void)c;
	(void)size;
}

void
child_interrupt(struct child *c)
{
	(void)c;
	child.hung_up = true;
}

const struct child_facts *
child_facts(const struct child *c)
{
	(void)c;
	return &child.facts;
}

void
child_adopt(struct child *c, const struct child_handlers *handlers, void *arg)
{
	(void)c;
	(void)handlers;
	(void)arg;
}

void
child_free(struct child *c)
{
	(void)c;
	buffer_clear(&child.written);
	buffer_clear(&child.output);
}

/* What the backend's user saw. */
static struct {
	struct loop *loop;
	struct backend *backend;
	struct buffer text; /* each message with a bar after it, a part with a plus sign */
	unsigned int batches;
	unsigned int changes;
	int event; /* -1: none */
} user;

static void
on_messages(void *arg, struct batch *batch)
{
	(void)arg;
	user.batches++;
	while (batch->separator != BATCH_NO_SEPARATOR && batch->len > 0) {
		struct batch one = batch_next(batch);

		batch->messages++;
		assert_true(buffer_append(&user.text, one.data, one.len) &&
			    buffer_append(&user.text, "|", 1));
	}
	if (batch->separator == BATCH_NO_SEPARATOR)
		assert_true(buffer_append(&user.text, batch->data, batch->len) &&
			    buffer_append(&user.text, batch->last ? "|" : "+", 1));
}

static void
on_log_line(void *arg, const char *line, size_t len)
{
	(void)arg;
	assert_true(buffer_append(&user.text, "log:", 4) &&
		    buffer_append(&user.text, line, len) && buffer_append(&user.text, "|", 1));
}

static void
on_event(void *arg, const struct backend_event *event)
{
	(void)arg;
	user.event = (int)event->kind;
}

static void
on_changed(void *arg)
{
	(void)arg;
	user.changes++;
}

static const struct backend_handlers handlers = {
    .on_messages = on_messages,
    .on_log_line = on_log_line,
    .on_event = on_event,
    .on_changed = on_changed,
};

static void
start_with(const struct framed_rules *rules, enum pty_kind pty)
{
	struct program_spec spec = {.rules = rules, .command = {.pty = pty}};
	int error;

	memset(&user, 0, sizeof(user));
	user.event = -1;
	user.loop = loop_new();
	assert_non_null(user.loop);
	spec.loop = user.loop;
	user.backend = program_start(&spec, &handlers, NULL, &error);
	assert_non_null(user.backend);
}

static void
start(const struct framed_rules *rules)
{
	start_with(rules, PTY_NONE);
}

static void
stop(void)
{
	backend_free(user.backend);
	loop_free(user.loop);
	buffer_clear(&user.text);
}

static void
expect(struct buffer *buffer, const char *text)
{
	assert_true(buffer_append(buffer, "", 1));
	assert_string_equal((char *)buffer_data(buffer), text);
	buffer_clear(buffer);
}

static void
output(const char *text)
{
	assert_true(buffer_append(&child.output, text, strlen(text)));
	child.handlers->on_stdout(child.arg);
}

/* A message that lies in the read buffer, in place of a frame with a header of 6 bytes. */
static struct batch
message(size_t *at, const char *text)
{
	struct batch batch = {.len = strlen(text),
	    .room = 6,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	    .messages = 1};

	batch.data = user.loop->in + *at + 6;
	memcpy(batch.data, text, batch.len);
	*at += 6 + batch.len;
	return batch;
}

static enum backend_result
put(size_t *at, const char *text)
{
	struct batch batch = message(at, text);

	return backend_write(user.backend, &batch);
}

static void
test_messages_of_one_read_leave_in_one_write(void **state)
{
	struct framed_rules rules = {.to_program = {.kind = FRAMING_LINES}};

	(void)state;
	for (int with_cut = 0; with_cut < 2; with_cut++) {
		struct buffer own = {0};
		struct batch cut = {.owner = &own,
		    .separator = BATCH_NO_SEPARATOR,
		    .first = true,
		    .last = true,
		    .messages = 1};
		size_t at = 0;

		start(&rules);
		if (with_cut) {
			assert_true(buffer_append(&own, "cut", 3));
			cut.data = buffer_data(&own);
			cut.len = 3;
			assert_int_equal(backend_write(user.backend, &cut), BACKEND_OK);
		}
		assert_int_equal(put(&at, "one"), BACKEND_OK);
		assert_int_equal(put(&at, ""), BACKEND_OK);
		assert_int_equal(put(&at, "three"), BACKEND_OK);
		assert_int_equal(child.writes, 0);
		backend_flush(user.backend);
		assert_int_equal(child.writes, 1);
		expect(&child.written, with_cut ? "cut\none\n\nthree\n" : "one\n\nthree\n");
		stop();
	}
}

static void
test_what_has_no_room_in_place_keeps_its_order(void **state)
{
	struct framed_rules rules = {.to_program = {.kind = FRAMING_LENGTH}};
	struct batch batch;
	size_t at = 0;

	(void)state;
	start(&rules);
	assert_int_equal(put(&at, "a"), BACKEND_OK);
	batch = message(&at, "b");
	batch.room = 2;
	assert_int_equal(backend_write(user.backend, &batch), BACKEND_OK);
	assert_int_equal(put(&at, "c"), BACKEND_OK);
	backend_flush(user.backend);
	assert_int_equal(buffer_len(&child.written), 15);
	assert_memory_equal(buffer_data(&child.written), "\0\0\0\1a\0\0\0\1b\0\0\0\1c", 15);
	stop();
}

static void
test_a_batch_is_written_as_it_is(void **state)
{
	struct framed_rules rules = {.to_program = {.kind = FRAMING_LINES}};
	struct batch batch = {.separator = '\n', .len = 8, .messages = 2};
	struct batch_format format = framed_format(&rules);

	(void)state;
	assert_true(format.joins && format.text && !format.binary && !format.parts);
	assert_int_equal(format.separator, '\n');
	start(&rules);
	batch.data = user.loop->in;
	memcpy(batch.data, "one\ntwo\n", 8);
	assert_int_equal(backend_write(user.backend, &batch), BACKEND_OK);
	backend_flush(user.backend);
	expect(&child.written, "one\ntwo\n");
	stop();
}

static void
test_messages_that_are_not_accepted(void **state)
{
	struct framed_rules rules = {
	    .to_program = {.kind = FRAMING_LINES, .newline = FRAMING_NEWLINE_REJECT}};
	struct batch batch;
	size_t at = 0;

	(void)state;
	start(&rules);
	assert_int_equal(put(&at, "a\nb"), BACKEND_REJECTED);
	assert_non_null(user.backend->why);
	batch = message(&at, "x");
	batch.type = MESSAGE_BINARY;
	assert_int_equal(backend_write(user.backend, &batch), BACKEND_WRONG_TYPE);
	rules.drops_wrong_type = true;
	assert_int_equal(backend_write(user.backend, &batch), BACKEND_DROPPED);
	backend_flush(user.backend);
	assert_int_equal(child.writes, 0);
	stop();
}

static void
test_all_records_of_a_read_are_one_batch(void **state)
{
	struct framed_rules rules = {.from_program = {.kind = FRAMING_LINES}};

	(void)state;
	start(&rules);
	output("one\ntwo\r\n\npar");
	assert_int_equal(user.batches, 1);
	expect(&user.text, "one|two||");
	output("tial\nlast");
	expect(&user.text, "partial|");
	child.output_ends = true;
	output("");
	expect(&user.text, "last|");
	assert_int_equal(user.backend->state, BACKEND_OUTPUT_ENDED);
	stop();
}

static void
test_the_three_facts_come_in_any_order(void **state)
{
	struct framed_rules rules = {.from_program = {.kind = FRAMING_LINES}};

	(void)state;
	start(&rules);
	backend_set_reading(user.backend, BACKEND_READS);
	child.facts.dead = true;
	child.facts.value = 3;
	child.handlers->on_exit(child.arg);
	assert_int_equal(user.backend->state, BACKEND_EXITED);
	assert_int_equal(user.backend->value, 3);
	/* What is left in the pipe once it is reaped comes without an event of the pipe. */
	assert_true(buffer_append(&child.output, "left\n", 5));
	child.output_ends = true;
	child.facts.left = 5;
	child.handlers->on_reaped(child.arg);
	assert_int_equal(user.backend->state, BACKEND_EXITED);
	for (int i = 0; i < 10; i++)
		event_base_loop(user.loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	expect(&user.text, "left|");
	assert_int_equal(user.backend->state, BACKEND_GONE);
	stop();
}

static void
test_the_output_can_close_the_session_and_be_malformed(void **state)
{
	struct framed_rules rules = {.from_program = {.kind = FRAMING_JSON, .max_record = 64}};

	(void)state;
	start(&rules);
	backend_set_reading(user.backend, BACKEND_DROPS);
	assert_true(child.reading);
	output("not json\n");
	assert_int_equal(user.event, -1);
	stop();
	start(&rules);
	output("not json\n");
	assert_int_equal(user.event, BACKEND_MALFORMED);
	stop();
	start(&rules);
	output("{\"type\":\"close\",\"code\":4000,\"reason\":\"x\"}\n");
	assert_int_equal(user.event, BACKEND_CLOSE);
	child.handlers->on_stuck(child.arg);
	assert_int_equal(user.event, BACKEND_STUCK);
	stop();
}

static void
test_output_that_is_lost_is_no_last_line(void **state)
{
	struct framed_rules rules = {.from_program = {.kind = FRAMING_LINES}};

	(void)state;
	start(&rules);
	output("a line\nbegun");
	child.output_fails = true;
	child.handlers->on_stdout(child.arg);
	expect(&user.text, "a line|");
	assert_int_equal(user.event, BACKEND_NO_MEMORY);
	assert_int_equal(user.backend->state, BACKEND_OUTPUT_ENDED);
	stop();
}

static void
test_events_tell_how_the_client_left_once(void **state)
{
	struct framed_rules rules = {.to_program = {.kind = FRAMING_JSON}, .events = true};

	(void)state;
	start(&rules);
	buffer_clear(&child.written);
	backend_finish(user.backend, 1000, SPAN("bye"));
	backend_finish(user.backend, 1006, SPAN(""));
	expect(&child.written, "{\"type\":\"close\",\"code\":1000,\"reason\":\"bye\"}\n");
	assert_true(child.ended);
	child.handlers->on_stderr(child.arg, "oops", 4);
	expect(&user.text, "log:oops|");
	stop();
}

/* A terminal closes at once when its client has gone, but not while the program is to answer or
 * about to exit. */
static void
test_a_terminal_is_hung_up_when_nobody_waits_for_an_answer(void **state)
{
	static const struct {
		uint16_t code;
		bool output_ended;
		bool hung_up;
	} cases[] = {
	    {1000, false, true},
	    {1001, false, true},
	    {1006, false, true},
	    {1006, true, false},
	    {1011, false, true},
	    {1002, false, false},
	    {1007, false, false},
	    {1008, false, false},
	    {1009, false, false},
	};
	struct framed_rules rules = {
	    .to_program = {.kind = FRAMING_STREAM}, .from_program = {.kind = FRAMING_STREAM}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start_with(&rules, PTY_TERMINAL);
		child.output_ends = cases[i].output_ended;
		if (cases[i].output_ended)
			output("");
		backend_finish(user.backend, cases[i].code, SPAN(""));
		assert_int_equal(child.hung_up, cases[i].hung_up);
		assert_int_equal(child.ended, !cases[i].hung_up);
		stop();
	}
	start_with(&rules, PTY_STDOUT);
	backend_finish(user.backend, 1000, SPAN(""));
	assert_true(child.ended && !child.hung_up);
	stop();
}

static void
test_messages_of_who_may_only_watch_are_dropped(void **state)
{
	struct framed_rules rules = {.to_program = {.kind = FRAMING_STREAM}, .drops_all = true};
	size_t at = 0;

	(void)state;
	start_with(&rules, PTY_TERMINAL);
	assert_int_equal(put(&at, "typed"), BACKEND_DROPPED);
	backend_flush(user.backend);
	assert_int_equal(child.writes, 0);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_of_one_read_leave_in_one_write),
	    cmocka_unit_test(test_what_has_no_room_in_place_keeps_its_order),
	    cmocka_unit_test(test_a_batch_is_written_as_it_is),
	    cmocka_unit_test(test_messages_that_are_not_accepted),
	    cmocka_unit_test(test_all_records_of_a_read_are_one_batch),
	    cmocka_unit_test(test_the_three_facts_come_in_any_order),
	    cmocka_unit_test(test_the_output_can_close_the_session_and_be_malformed),
	    cmocka_unit_test(test_output_that_is_lost_is_no_last_line),
	    cmocka_unit_test(test_events_tell_how_the_client_left_once),
	    cmocka_unit_test(test_a_terminal_is_hung_up_when_nobody_waits_for_an_answer),
	    cmocka_unit_test(test_messages_of_who_may_only_watch_are_dropped),
	};

	return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
