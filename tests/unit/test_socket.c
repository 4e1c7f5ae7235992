/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket as a backend, over a socketpair. */
#include "backend/socket.h"
#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t ahead_ms; /* of the clock */

int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return 1000 + ahead_ms;
}

static const struct framed_rules lines = {
    .to_program = {.kind = FRAMING_LINES}, .from_program = {.kind = FRAMING_LINES}};

/* The backend, the other side of its socket, and what its user saw. */
static struct {
	struct loop *loop;
	atomic_size_t count;
	struct sockets sockets;
	struct backend *backend;
	int fd;
	struct buffer text; /* each message with a bar after it */
	unsigned int changes;
} w;

static void
on_messages(void *arg, struct batch *batch)
{
	(void)arg;
	while (batch->separator != BATCH_NO_SEPARATOR && batch->len > 0) {
		struct batch one = batch_next(batch);

		assert_true(buffer_append(&w.text, one.data, one.len) &&
			    buffer_append(&w.text, "|", 1));
	}
	if (batch->separator == BATCH_NO_SEPARATOR)
		assert_true(buffer_append(&w.text, batch->data, batch->len) &&
			    buffer_append(&w.text, "|", 1));
}

static void
on_event(void *arg, const struct backend_event *event)
{
	(void)arg;
	(void)event;
	fail();
}

static void
on_changed(void *arg)
{
	(void)arg;
	w.changes++;
}

static const struct backend_handlers handlers = {
    .on_messages = on_messages,
    .on_event = on_event,
    .on_changed = on_changed,
};

static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(w.loop->base, EVLOOP_NONBLOCK);
	timers_run(&w.loop->timers);
}

static void
start(void)
{
	struct socket_spec spec = {
	    .sockets = &w.sockets, .rules = &lines, .head = SPAN("head")};
	int fds[2];

	memset(&w, 0, sizeof(w));
	ahead_ms = 0;
	w.loop = loop_new();
	assert_non_null(w.loop);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	w.fd = fds[1];
	w.count = 1;
	w.sockets = (struct sockets){.loop = w.loop, .count = &w.count};
	list_init(&w.sockets.list);
	spec.fd = fds[0];
	w.backend = socket_start_take(&spec, &handlers, NULL);
	assert_non_null(w.backend);
	assert_int_equal(w.backend->pid, 0);
	backend_set_reading(w.backend, BACKEND_READS);
	turn();
}

/* It is GONE in this way. */
static void
stop(enum backend_end end)
{
	assert_int_equal(w.backend->state, BACKEND_GONE);
	assert_int_equal(w.backend->end, end);
	assert_true(list_empty(&w.sockets.list));
	backend_free(w.backend);
	assert_int_equal(w.count, 0);
	loop_free(w.loop);
	buffer_clear(&w.text);
	if (w.fd != -1)
		close(w.fd);
}

static void
put(const char *text)
{
	struct batch batch = {.len = strlen(text),
	    .room = 6,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	    .messages = 1};

	batch.data = w.loop->in + 6;
	memcpy(batch.data, text, batch.len);
	assert_int_equal(backend_write(w.backend, &batch), BACKEND_OK);
	backend_flush(w.backend);
}

/* The other side writes. */
static void
output(const char *text)
{
	assert_int_equal(write(w.fd, text, strlen(text)), strlen(text));
	turn();
}

/* The other side has TEXT to read, and then, if ENDS, the end. */
static void
expect_input(const char *text, bool ends)
{
	char got[256];
	ssize_t n = read(w.fd, got, sizeof(got));

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, strlen(text));
	n = read(w.fd, got, 1);
	assert_int_equal(n, ends ? 0 : -1);
	assert_true(ends || errno == EAGAIN);
}

static void
expect(const char *text)
{
	assert_true(buffer_append(&w.text, "", 1));
	assert_string_equal((char *)buffer_data(&w.text), text);
	buffer_clear(&w.text);
}

static void
test_messages_go_both_ways(void **state)
{
	(void)state;
	start();
	put("one");
	put("two");
	expect_input("headone\ntwo\n", false);
	output("three\nfo");
	output("ur\n");
	expect("three|four|");
	backend_set_reading(w.backend, BACKEND_PAUSES);
	output("later\n");
	assert_int_equal(buffer_len(&w.text), 0);
	backend_set_reading(w.backend, BACKEND_READS);
	turn();
	expect("later|");
	socket_abort_all(&w.sockets);
	stop(BACKEND_CUT);
}

static void
test_the_fin_of_the_other_side(void **state)
{
	(void)state;
	start();
	output("last");
	put("x");
	shutdown(w.fd, SHUT_WR);
	turn();
	expect("last|");
	assert_int_equal(w.backend->state, BACKEND_OUTPUT_ENDED);
	backend_finish(w.backend, 1000, SPAN(""));
	assert_int_equal(w.backend->state, BACKEND_OUTPUT_ENDED); /* no handler yet */
	turn();
	expect_input("headx\n", true);
	stop(BACKEND_CLOSED);
}

static void
test_our_fin_and_what_follows_it(void **state)
{
	(void)state;
	start();
	put("x");
	backend_finish(w.backend, 1000, SPAN(""));
	backend_finish(w.backend, 1006, SPAN(""));
	backend_set_reading(w.backend, BACKEND_DROPS);
	turn();
	expect_input("headx\n", true);
	output("late\n");
	expect("");
	ahead_ms = SOCKET_FINISH_MS - 100;
	turn();
	assert_int_equal(w.backend->state, BACKEND_RUNNING);
	close(w.fd);
	w.fd = -1;
	turn();
	stop(BACKEND_CLOSED);
}

static void
test_time_runs_out(void **state)
{
	(void)state;
	start();
	w.sockets.extra_wait_ms = 1000;
	backend_finish(w.backend, 1000, SPAN(""));
	turn();
	ahead_ms = SOCKET_FINISH_MS + 2900;
	turn();
	assert_int_equal(w.backend->state, BACKEND_RUNNING);
	ahead_ms = SOCKET_FINISH_MS + 3000;
	turn();
	stop(BACKEND_CUT);
}

/* The other side closes with unread bytes, which a Unix socket reports as a reset. */
static void
test_a_reset(void **state)
{
	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		start();
		put("unread");
		output("before\n");
		expect("before|");
		close(w.fd);
		w.fd = -1;
		if (writes)
			put("more");
		turn();
		assert_int_equal(w.backend->value, ECONNRESET);
		stop(BACKEND_LOST);
	}
}

/* What arrived before it is read when its user wants it. */
static void
test_a_loss_while_paused(void **state)
{
	(void)state;
	start();
	expect_input("head", false);
	backend_set_reading(w.backend, BACKEND_PAUSES);
	output("before\nlast");
	close(w.fd);
	w.fd = -1;
	put("more");
	turn();
	assert_int_equal(w.backend->state, BACKEND_RUNNING);
	assert_int_equal(backend_queued(w.backend), 0);
	backend_set_reading(w.backend, BACKEND_READS);
	turn();
	/* It was closed in order, and only our direction is lost. */
	expect("before|last|");
	assert_int_equal(w.backend->state, BACKEND_OUTPUT_ENDED);
	backend_finish(w.backend, 1000, SPAN(""));
	turn();
	stop(BACKEND_CLOSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_go_both_ways),
	    cmocka_unit_test(test_the_fin_of_the_other_side),
	    cmocka_unit_test(test_our_fin_and_what_follows_it),
	    cmocka_unit_test(test_time_runs_out),
	    cmocka_unit_test(test_a_reset),
	    cmocka_unit_test(test_a_loss_while_paused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
