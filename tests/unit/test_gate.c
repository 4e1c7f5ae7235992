/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections may be there, and how many there are when descriptors are few. */
#include "base/log.h"
#include "base/util.h"
#include "net/gate.h"
#include "net/transport.h"
#include "server_budget.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t now_ms = 1000;

int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return now_ms;
}

struct watch {
	struct gate gate;
	unsigned int changes;
};

static void
on_change(void *arg)
{
	((struct watch *)arg)->changes++;
}

static void
test_no_limits_never_shut_it(void **state)
{
	struct watch w = {0};

	(void)state;
	gate_init(&w.gate, on_change, &w);
	for (int i = 0; i < 10000; i++) {
		gate_enter(&w.gate);
		gate_begin_handshake(&w.gate);
	}
	assert_false(w.gate.shut);
	assert_int_equal(w.changes, 0);
	gate_enter(NULL);
	gate_begin_handshake(NULL);
	gate_end_handshake(NULL);
	gate_leave(NULL);
}

static void
test_each_limit_shuts_it_and_both_must_be_kept(void **state)
{
	struct watch w = {0};

	(void)state;
	gate_init(&w.gate, on_change, &w);
	gate_limit(&w.gate, 3);
	w.gate.handshakes_max = 2;
	for (int i = 0; i < 2; i++) {
		assert_false(w.gate.shut);
		gate_enter(&w.gate);
		gate_begin_handshake(&w.gate);
	}
	assert_true(w.gate.shut);
	gate_end_handshake(&w.gate);
	assert_false(w.gate.shut);
	assert_int_equal(w.changes, 2);

	gate_enter(&w.gate);
	assert_true(w.gate.shut);
	gate_begin_handshake(&w.gate);
	gate_end_handshake(&w.gate);
	assert_true(w.gate.shut);
	gate_begin_handshake(&w.gate);
	gate_leave(&w.gate);
	assert_true(w.gate.shut);
	assert_int_equal(w.changes, 3);
	gate_end_handshake(&w.gate);
	assert_false(w.gate.shut);
	assert_int_equal(w.changes, 4);

	gate_limit(&w.gate, 1);
	assert_true(w.gate.shut);
	gate_limit(&w.gate, 0);
	assert_false(w.gate.shut);
}

static void
test_the_log_says_it_now_and_then(void **state)
{
	struct watch w = {0};
	char text[2048] = "";
	FILE *log = tmpfile();
	size_t lines = 0;

	(void)state;
	log_setup(fileno(log), LOG_TEXT, LOG_ERROR);
	gate_init(&w.gate, on_change, &w);
	gate_limit(&w.gate, 1);
	w.gate.handshakes_max = 1;
	for (int i = 0; i < 5; i++) {
		gate_enter(&w.gate);
		gate_leave(&w.gate);
		now_ms += GATE_TELL_MS / 4;
	}
	now_ms += GATE_TELL_MS;
	gate_begin_handshake(&w.gate);
	gate_end_handshake(&w.gate);
	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	rewind(log);
	assert_true(fread(text, 1, sizeof(text) - 1, log) > 0);
	fclose(log);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 3);
	assert_non_null(
	    strstr(text, "1 connections are open, as many as the limit of open files has room "
			 "for; others wait until one ends\n"));
	assert_non_null(strstr(
	    text, "1 clients are in the handshake of TLS; others wait until one is through\n"));
}

static void
test_who_keeps_others_out_is_pressed_for_a_while(void **state)
{
	struct watch w = {0};

	(void)state;
	gate_init(&w.gate, on_change, &w);
	assert_false(gate_is_pressed(NULL));
	gate_limit(&w.gate, 1);
	w.gate.handshakes_max = 2;
	gate_enter(&w.gate);
	gate_begin_handshake(&w.gate);
	assert_true(w.gate.shut); /* but not by handshakes */
	assert_false(gate_is_pressed(&w.gate));
	gate_begin_handshake(&w.gate);
	assert_true(gate_is_pressed(&w.gate));
	now_ms += 10 * GATE_PRESSED_MS;
	assert_true(gate_is_pressed(&w.gate));
	gate_end_handshake(&w.gate);
	now_ms += GATE_PRESSED_MS - 1;
	assert_true(gate_is_pressed(&w.gate));
	now_ms++;
	assert_false(gate_is_pressed(&w.gate));
}

static void
test_a_socket_leaves_when_it_is_closed_and_once(void **state)
{
	struct watch w = {0};
	struct transport transport;

	(void)state;
	gate_init(&w.gate, on_change, &w);
	transport = transport_enter(socket(AF_UNIX, SOCK_STREAM, 0), &w.gate);
	assert_int_equal(w.gate.open, 1);
	transport.ops->close(&transport);
	assert_int_equal(w.gate.open, 0);
	transport.ops->close(&transport);
	assert_int_equal(w.gate.open, 0);
	transport = transport_enter(socket(AF_UNIX, SOCK_STREAM, 0), NULL);
	transport.ops->close(&transport);
}

/* What is given out is there, also while one more program is being started. */
static void
test_the_budget_is_kept(void **state)
{
	(void)state;
	for (uint64_t limit = 0; limit < 5000; limit++) {
		for (size_t used = 3; used < 40; used += 9) {
			for (int files = 0; files < 2; files++) {
				struct server_budget b =
				    server_budget_of(limit, used, files != 0);
				size_t others = b.connections - b.programs;
				size_t most =
				    used + 4 * b.programs + others * (files ? 2 : 1) + 3;

				assert_true(b.programs >= 1 && others >= 1);
				if (limit >= used + 10)
					assert_true(most <= limit);
				if (limit >= used + 16 + 4 + 4)
					assert_true(others >= 8);
				/* No more than an eighth, or what the least needs, is left. */
				if (limit >= used + 24)
					assert_true(most + 5 + (files ? 1 : 0) > limit);
			}
		}
	}
	assert_false(server_budget_suffices(0, 9));
	assert_false(server_budget_suffices(13, 9));
	assert_true(server_budget_suffices(14, 9));
	assert_int_equal(server_budget_of(64, 9, false).programs, 10);
	assert_int_equal(server_budget_of(64, 9, false).connections, 18);
	assert_int_equal(server_budget_of(1024, 9, false).programs, 221);
	assert_int_equal(server_budget_of(UINT64_C(1) << 20, 9, false).connections, 360443);
}

static void
test_what_is_open_is_counted(void **state)
{
	size_t before = server_budget_used(1 << 20);
	size_t low = server_budget_used(100);
	int fd = dup(STDERR_FILENO);
	int far = fcntl(STDERR_FILENO, F_DUPFD, 100);

	(void)state;
	assert_true(before >= 3);
	assert_int_equal(server_budget_used(1 << 20), before + 2);
	assert_int_equal(server_budget_used(100), low + 1);
	close(fd);
	close(far);
	assert_int_equal(server_budget_used(1 << 20), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_limits_never_shut_it),
	    cmocka_unit_test(test_each_limit_shuts_it_and_both_must_be_kept),
	    cmocka_unit_test(test_the_log_says_it_now_and_then),
	    cmocka_unit_test(test_who_keeps_others_out_is_pressed_for_a_while),
	    cmocka_unit_test(test_a_socket_leaves_when_it_is_closed_and_once),
	    cmocka_unit_test(test_the_budget_is_kept),
	    cmocka_unit_test(test_what_is_open_is_counted),
	};

	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
