/* SPDX-License-Identifier: BSD-2-Clause */
/* ttyd's protocol: its messages, and the backend over a scripted program. */
#include "backend/program.h"
#include "backend/ttyd.h"
#include "framing/ttyd.h"
#include "script_backend.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int64_t shift_ms;

int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return 1000 + shift_ms;
}

static struct script_backend program;
static struct {
	bool fails;
	bool released;
	struct pty_size size;
	struct pty_size resized;
} script;

void
program_resize(struct backend *backend, struct pty_size size)
{
	assert_ptr_equal(backend, &program.backend);
	script.resized = size;
}

static struct backend *
start(void *arg, struct pty_size size, const struct backend_handlers *handlers, void *of,
    const char **reason)
{
	assert_ptr_equal(arg, &script);
	script.size = size;
	*reason = "it fails";
	if (script.fails)
		return NULL;
	script_backend_init(&program, handlers, of);
	return &program.backend;
}

static void
release(void *arg)
{
	assert_ptr_equal(arg, &script);
	assert_false(script.released);
	script.released = true;
}

/* What the user of the backend saw. */
static struct {
	struct loop *loop;
	struct backend *backend;
	struct buffer text; /* each message with a bar after it */
	uint16_t code;
	char reason[64];
} user;

static void
on_messages(void *arg, struct batch *batch)
{
	(void)arg;
	assert_int_equal(batch->type, MESSAGE_BINARY);
	assert_true(buffer_append(&user.text, batch->data, batch->len) &&
		    buffer_append(&user.text, "|", 1));
}

static void
on_log_line(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

static void
on_event(void *arg, const struct backend_event *event)
{
	(void)arg;
	assert_int_equal(event->kind, BACKEND_CLOSE);
	user.code = event->code;
	memcpy(user.reason, event->text.data, event->text.len);
	user.reason[event->text.len] = '\0';
}

static void
on_changed(void *arg)
{
	(void)arg;
}

static const struct backend_handlers handlers = {
    .on_messages = on_messages,
    .on_log_line = on_log_line,
    .on_event = on_event,
    .on_changed = on_changed,
};

static void
begin(bool fails)
{
	struct ttyd_spec spec = {.title = "sh",
	    .size = {80, 24},
	    .start = start,
	    .release = release,
	    .arg = &script};

	memset(&script, 0, sizeof(script));
	memset(&user, 0, sizeof(user));
	memset(&program, 0, sizeof(program));
	script.fails = fails;
	user.loop = loop_new();
	assert_non_null(user.loop);
	spec.loop = user.loop;
	user.backend = ttyd_new_take(&spec, &handlers, NULL);
	assert_non_null(user.backend);
	backend_set_reading(user.backend, BACKEND_READS);
}

static void
turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(user.loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
end(void)
{
	backend_free(user.backend);
	assert_true(script.released);
	buffer_clear(&user.text);
	buffer_clear(&program.written);
	loop_free(user.loop);
}

static enum backend_result
put(const char *text)
{
	struct batch batch = {.len = strlen(text),
	    .room = 6,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	    .messages = 1};

	batch.data = user.loop->in + 6;
	memcpy(batch.data, text, batch.len);
	return backend_write(user.backend, &batch);
}

static void
expect(struct buffer *buffer, const char *text)
{
	assert_true(buffer_append(buffer, "", 1));
	assert_string_equal((char *)buffer_data(buffer), text);
	buffer_clear(buffer);
}

/* The program has written TEXT. */
static void
output(const char *text)
{
	struct batch batch = {.type = MESSAGE_BINARY,
	    .data = user.loop->in,
	    .len = strlen(text),
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true};

	memcpy(batch.data, text, batch.len);
	program.backend.handlers->on_messages(program.backend.arg, &batch);
}

static void
test_messages(void **state)
{
	static const struct {
		const char *text;
		bool first;
		enum ttyd_kind kind;
		uint16_t columns;
		uint16_t rows;
	} cases[] = {
	    {"{}", true, TTYD_RESIZE, 0, 0},
	    {"{\"AuthToken\":\"\",\"columns\":80,\"rows\":24}", true, TTYD_RESIZE, 80, 24},
	    {"{\"columns\":1000,\"rows\":1,\"more\":[1]} \n", true, TTYD_RESIZE, 1000, 1},
	    {"{\"rows\":7}", true, TTYD_RESIZE, 0, 7},
	    {"", true, TTYD_BAD, 0, 0},
	    {"[]", true, TTYD_BAD, 0, 0},
	    {"0x", true, TTYD_BAD, 0, 0},
	    {"{", true, TTYD_BAD, 0, 0},
	    {"{} {}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":0}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":1001}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":-1}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":80.0}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":\"80\"}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":null}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":18446744073709551696}", true, TTYD_BAD, 0, 0},
	    {"{\"columns\":80,\"columns\":80}", true, TTYD_BAD, 0, 0},
	    {"0", false, TTYD_INPUT, 0, 0},
	    {"01{", false, TTYD_INPUT, 0, 0},
	    {"2", false, TTYD_PAUSE, 0, 0},
	    {"3", false, TTYD_RESUME, 0, 0},
	    {"1{\"columns\":80,\"rows\":24}", false, TTYD_RESIZE, 80, 24},
	    {"1{\"columns\":80}", false, TTYD_BAD, 0, 0},
	    {"1", false, TTYD_BAD, 0, 0},
	    {"1[80,24]", false, TTYD_BAD, 0, 0},
	    {"", false, TTYD_BAD, 0, 0},
	    {"4", false, TTYD_BAD, 0, 0},
	    {"{}", false, TTYD_BAD, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(cases); i++) {
		const uint8_t *text = (const uint8_t *)cases[i].text;
		size_t len = strlen(cases[i].text);
		struct ttyd_message message =
		    cases[i].first ? ttyd_read_first(text, len) : ttyd_read(text, len);

		assert_int_equal(message.kind, cases[i].kind);
		assert_int_equal(message.columns, cases[i].columns);
		assert_int_equal(message.rows, cases[i].rows);
		assert_int_equal(message.why != NULL, cases[i].kind == TTYD_BAD);
	}
}

static void
test_the_program_starts_with_the_first_message(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(user.backend->pid, 0);
	assert_int_equal(put("{\"columns\":100}"), BACKEND_OK);
	assert_int_equal(script.size.columns, 100);
	assert_int_equal(script.size.rows, 24);
	assert_true(script.released);
	/* Its output comes after the two messages that the page expects. */
	assert_int_equal(program.backend.reading, BACKEND_PAUSES);
	turn();
	expect(&user.text, "1sh|2{}|");
	assert_int_equal(program.backend.reading, BACKEND_READS);
	output("hello");
	expect(&user.text, "0hello|");
	assert_int_equal(put("0typed"), BACKEND_OK);
	assert_int_equal(put("0"), BACKEND_OK);
	expect(&program.written, "typed|");
	assert_int_equal(put("1{\"columns\":5,\"rows\":6}"), BACKEND_OK);
	assert_int_equal(script.resized.columns, 5);
	assert_int_equal(script.resized.rows, 6);
	assert_int_equal(put("9"), BACKEND_REJECTED);
	assert_non_null(user.backend->why);
	script_backend_enter(&program, BACKEND_GONE);
	assert_int_equal(user.backend->state, BACKEND_GONE);
	end();
}

static void
test_the_client_can_pause_and_the_session_too(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(put("{}"), BACKEND_OK);
	turn();
	assert_int_equal(put("2"), BACKEND_OK);
	assert_int_equal(program.backend.reading, BACKEND_PAUSES);
	backend_set_reading(user.backend, BACKEND_PAUSES);
	assert_int_equal(put("3"), BACKEND_OK);
	assert_int_equal(program.backend.reading, BACKEND_PAUSES);
	backend_set_reading(user.backend, BACKEND_READS);
	assert_int_equal(program.backend.reading, BACKEND_READS);
	/* What nobody wants is dropped, also of a client that has paused. */
	assert_int_equal(put("2"), BACKEND_OK);
	backend_set_reading(user.backend, BACKEND_DROPS);
	assert_int_equal(program.backend.reading, BACKEND_DROPS);
	script_backend_enter(&program, BACKEND_GONE);
	end();
}

static void
test_without_a_program_the_session_is_closed(void **state)
{
	(void)state;
	/* It can't be started. */
	begin(true);
	assert_int_equal(put("{}"), BACKEND_OK);
	assert_int_equal(put("0dropped"), BACKEND_OK);
	assert_int_equal(user.code, 0);
	turn();
	assert_int_equal(user.code, 1011);
	assert_string_equal(user.reason, "it fails");
	backend_finish(user.backend, 1011, SPAN(""));
	turn();
	assert_int_equal(user.backend->state, BACKEND_GONE);
	end();
	/* The first message does not come. */
	begin(false);
	turn();
	assert_int_equal(user.code, 0);
	shift_ms += TTYD_FIRST_MS + 1;
	timers_run(&user.loop->timers);
	turn();
	assert_int_equal(user.code, 1008);
	assert_int_equal(put("{}"), BACKEND_OK);
	backend_finish(user.backend, 1008, SPAN(""));
	turn();
	assert_int_equal(user.backend->state, BACKEND_GONE);
	end();
	/* The client disconnects. */
	begin(false);
	assert_int_equal(user.backend->state, BACKEND_RUNNING);
	backend_finish(user.backend, 1006, SPAN(""));
	turn();
	assert_int_equal(user.backend->state, BACKEND_GONE);
	assert_int_equal(user.backend->end, BACKEND_UNUSED);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_the_program_starts_with_the_first_message),
	    cmocka_unit_test(test_the_client_can_pause_and_the_session_too),
	    cmocka_unit_test(test_without_a_program_the_session_is_closed),
	};

	return cmocka_run_group_tests_name("ttyd", tests, NULL, NULL);
}
