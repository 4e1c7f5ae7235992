/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole sessions between a scripted peer and a scripted backend. */
#include "net/loop.h"
#include "script_backend.h"
#include "script_peer.h"
#include "session/session.h"
#include "websocket/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct session_rules rules;

struct world {
	struct loop *loop;
	struct list sessions;
	struct session *session;
	struct script_peer peer;
	struct script_backend backend;
};

static void
begin(struct world *w)
{
	struct session_log_spec spec = {
	    .rules = &rules.log, .id = 1, .remote = "", .program = ""};

	rules.log.command = "test";
	w->loop = loop_new();
	assert_non_null(w->loop);
	list_init(&w->sessions);
	w->session = session_new(w->loop, &w->sessions, &rules, &spec);
	assert_non_null(w->session);
	script_peer_init(&w->peer, &session_peer_handlers, w->session);
	w->peer.peer.sent = session_sent(w->session);
	script_backend_init(&w->backend, &session_backend_handlers, w->session);
	session_start_take(w->session, &w->peer.peer, &w->backend.backend, &spec);
	script_peer_enter(&w->peer, PEER_OPEN);
	assert_true(w->peer.peer.reading && w->backend.backend.reading);
}

/* The backend ends, and with it the session: nothing is left of it. */
static void
end(struct world *w)
{
	script_backend_enter(&w->backend, BACKEND_GONE);
	assert_true(list_empty(&w->sessions));
	assert_true(w->peer.freed && w->backend.freed);
	loop_free(w->loop);
	buffer_clear(&w->peer.sent);
	buffer_clear(&w->backend.written);
	rules = (struct session_rules){0};
}

static void
expect(struct buffer *buffer, const char *text)
{
	assert_true(buffer_append(buffer, "", 1));
	assert_string_equal((char *)buffer_data(buffer), text);
	buffer_clear(buffer);
}

static void
test_messages_go_both_ways(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_true(script_peer_message(&w.peer, "in"));
	expect(&w.backend.written, "in|");
	script_backend_records(&w.backend, "one\r\ntwo\n");
	expect(&w.peer.sent, "one|two|");
	assert_int_equal(w.peer.flushes, 1);
	session_abort_all(&w.sessions);
	end(&w);
}

static void
test_how_the_backend_ended_is_the_close_code(void **state)
{
	static const struct {
		enum backend_end end;
		uint8_t value;
		uint16_t code;
		const char *reason;
	} rows[] = {{BACKEND_EXIT, 0, 1000, "exit 0"}, {BACKEND_EXIT, 3, 4003, "exit 3"},
	    {BACKEND_SIGNAL, 15, 4271, "signal TERM"},
	    {BACKEND_CLOSED, 0, 1000, "the backend closed the connection"},
	    {BACKEND_LOST, 104, 1011, "the connection to the backend was lost"}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct world w;

		begin(&w);
		script_backend_enter(&w.backend, BACKEND_OUTPUT_ENDED);
		assert_int_equal(w.peer.closes, 0);
		assert_true(w.backend.finishes > 0);
		w.backend.backend.end = rows[i].end;
		w.backend.backend.value = rows[i].value;
		script_backend_enter(&w.backend, BACKEND_GONE);
		assert_int_equal(w.peer.closes, 1);
		assert_int_equal(w.peer.code, rows[i].code);
		assert_string_equal(w.peer.reason, rows[i].reason);
		assert_false(list_empty(&w.sessions));
		session_peer_handlers.on_close(w.session, rows[i].code, SPAN(""));
		script_peer_enter(&w.peer, PEER_LEFT);
		assert_true(w.peer.finished);
		assert_int_equal(w.peer.closes, 1);
		assert_true(list_empty(&w.sessions));
		loop_free(w.loop);
	}
}

static void
test_their_close_is_echoed_and_the_backend_told(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.peer.peer.state = PEER_LEFT;
	session_peer_handlers.on_close(w.session, 4000, SPAN("bye"));
	session_peer_handlers.on_changed(w.session);
	assert_int_equal(w.peer.closes, 1);
	assert_int_equal(w.peer.code, 4000);
	assert_string_equal(w.peer.reason, "");
	assert_true(w.peer.finished);
	assert_int_equal(w.backend.close, 4000);
	assert_true(w.backend.finishes > 0 && w.backend.backend.reading == BACKEND_DROPS);
	script_backend_records(&w.backend, "late\n");
	expect(&w.peer.sent, "");
	end(&w);
}

static void
test_a_violation_lets_answers_through_until_the_grace_is_over(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	session_peer_handlers.on_violation(w.session, CLOSE_PROTOCOL, "reserved bit set");
	session_peer_handlers.on_changed(w.session);
	assert_int_equal(w.peer.closes, 0);
	assert_true(w.backend.finishes > 0);
	assert_false(w.peer.peer.reading);
	(void)script_peer_message(&w.peer, "late");
	expect(&w.backend.written, "");
	script_backend_records(&w.backend, "answer\n");
	expect(&w.peer.sent, "answer|");
	session_peer_handlers.on_grace_over(w.session);
	session_peer_handlers.on_changed(w.session);
	assert_int_equal(w.peer.code, CLOSE_PROTOCOL);
	assert_string_equal(w.peer.reason, "reserved bit set");
	script_backend_records(&w.backend, "too late\n");
	expect(&w.peer.sent, "");
	script_peer_enter(&w.peer, PEER_LEFT);
	assert_int_equal(w.peer.closes, 1);
	end(&w);
}

static void
test_an_answer_that_cannot_be_sent_ends_the_grace(void **state)
{
	struct world w;

	(void)state;
	rules.output.invalid = OUTPUT_CLOSE;
	begin(&w);
	session_peer_handlers.on_violation(w.session, CLOSE_PROTOCOL, "reserved bit set");
	session_peer_handlers.on_changed(w.session);
	script_backend_records(&w.backend, "answer\n\xff\n");
	script_backend_records(&w.backend, "follows a gap\n");
	expect(&w.peer.sent, "answer|");
	assert_int_equal(w.peer.code, CLOSE_PROTOCOL);
	script_peer_enter(&w.peer, PEER_LEFT);
	assert_int_equal(w.peer.closes, 1);
	end(&w);
}

static void
test_a_message_that_is_not_accepted_is_a_violation(void **state)
{
	static const struct {
		enum backend_result result;
		uint16_t code;
		bool grace;
	} rows[] = {{BACKEND_WRONG_TYPE, CLOSE_TYPE, true},
	    {BACKEND_REJECTED, CLOSE_POLICY, true},
	    {BACKEND_WRITE_NO_MEMORY, CLOSE_INTERNAL, false}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct world w;

		begin(&w);
		w.backend.result = rows[i].result;
		w.backend.backend.why = "no";
		(void)script_peer_message(&w.peer, "bad");
		w.backend.result = BACKEND_OK;
		(void)script_peer_message(&w.peer, "after");
		expect(&w.backend.written, "");
		session_peer_handlers.on_changed(w.session);
		assert_int_equal(w.peer.violations, rows[i].grace);
		assert_int_equal(w.peer.closes, !rows[i].grace);
		session_peer_handlers.on_grace_over(w.session);
		session_peer_handlers.on_changed(w.session);
		assert_int_equal(w.peer.closes, 1);
		assert_int_equal(w.peer.code, rows[i].code);
		script_peer_enter(&w.peer, PEER_GONE);
		end(&w);
	}
}

static void
test_backpressure_pauses_both_sides_and_resumes(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.backend.queued = BUFFER_HIGH + 1;
	assert_false(script_peer_message(&w.peer, "x"));
	session_peer_handlers.on_changed(w.session);
	assert_false(w.peer.peer.reading);
	assert_true(w.backend.backend.reading);
	w.backend.queued = BUFFER_LOW;
	session_backend_handlers.on_changed(w.session);
	assert_true(w.peer.peer.reading);
	w.peer.queued = BUFFER_HIGH + 1;
	session_peer_handlers.on_changed(w.session);
	assert_false(w.peer.peer.reading || w.backend.backend.reading);
	w.peer.queued = 0;
	session_peer_handlers.on_changed(w.session);
	assert_true(w.peer.peer.reading && w.backend.backend.reading);
	script_peer_enter(&w.peer, PEER_GONE);
	end(&w);
}

static void
test_text_that_is_not_utf8(void **state)
{
	static const struct {
		enum output_invalid invalid;
		const char *sent;
		uint16_t code;
	} rows[] = {{OUTPUT_REPLACE, "a|\xef\xbf\xbd|b|", 0}, {OUTPUT_BINARY, "a|\xff|b|", 0},
	    {OUTPUT_CLOSE, "a|", CLOSE_INTERNAL}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct world w;

		rules.output.invalid = rows[i].invalid;
		begin(&w);
		script_backend_records(&w.backend, "a\n\xff\nb\n");
		expect(&w.peer.sent, rows[i].sent);
		assert_int_equal(w.peer.code, rows[i].code);
		script_peer_enter(&w.peer, PEER_GONE);
		end(&w);
	}
}

static void
test_lines_of_the_log_are_sent_between_messages(void **state)
{
	struct batch part = {.data = (uint8_t *)(uintptr_t) "be",
	    .len = 2,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true};
	struct world w;

	(void)state;
	rules.output.sends_log = true;
	begin(&w);
	session_backend_handlers.on_messages(w.session, &part);
	session_backend_handlers.on_log_line(w.session, "oops", 4);
	part = (struct batch){.data = (uint8_t *)(uintptr_t) "gun",
	    .len = 3,
	    .separator = BATCH_NO_SEPARATOR,
	    .last = true};
	session_backend_handlers.on_messages(w.session, &part);
	expect(&w.peer.sent, "{\"stream\":\"stdout\",\"data\":\"be+gun\"}|"
			     "{\"stream\":\"stderr\",\"data\":\"oops\"}|");
	script_peer_enter(&w.peer, PEER_GONE);
	end(&w);
}

static void
test_the_backend_closes_with_its_own_code(void **state)
{
	struct backend_event event = {
	    .kind = BACKEND_CLOSE, .code = 4321, .text = SPAN("done")};
	struct world w;

	(void)state;
	for (int valid = 0; valid < 2; valid++) {
		event.code = valid ? 4321 : 1006;
		begin(&w);
		session_backend_handlers.on_event(w.session, &event);
		script_backend_records(&w.backend, "after\n");
		expect(&w.peer.sent, "");
		assert_int_equal(w.peer.code, valid ? 4321 : CLOSE_INTERNAL);
		assert_string_equal(
		    w.peer.reason, valid ? "done" : "the program's output is malformed");
		assert_int_equal(w.backend.close, w.peer.code);
		script_peer_enter(&w.peer, PEER_LEFT);
		end(&w);
	}
}

static void
test_a_drain_closes_at_once_with_1001(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	session_drain_all(&w.sessions, "going");
	assert_int_equal(w.peer.code, CLOSE_GOING_AWAY);
	assert_false(session_all_have_no_peer(&w.sessions));
	session_drain_all(&w.sessions, "going");
	assert_int_equal(w.peer.closes, 1);
	session_abort_all(&w.sessions);
	assert_true(w.peer.freed && !w.peer.finished);
	assert_true(session_all_have_no_peer(&w.sessions));
	end(&w);
}

/* How many of COUNT lines at a time are logged. */
static unsigned int
allowed(struct log_limit *limit, unsigned int count, int64_t now_ms)
{
	unsigned int sum = 0;

	while (count-- > 0)
		sum += log_limit_allows(limit, now_ms);
	return sum;
}

static void
test_a_burst_of_stderr_is_logged_and_then_some_per_second(void **state)
{
	struct log_limit limit = {0};
	int64_t now = 12345;

	(void)state;
	assert_int_equal(allowed(&limit, LOG_LIMIT_BURST, now), LOG_LIMIT_BURST);
	assert_int_equal(limit.suppressed, 0);
	assert_int_equal(allowed(&limit, 1000, now), 0);
	assert_int_equal(limit.suppressed, 1000);
	assert_int_equal(allowed(&limit, 1, now + 999), 0);
	assert_int_equal(limit.suppressed, 1001);
	limit.suppressed = 0;
	assert_int_equal(allowed(&limit, 1000, now + 1000), LOG_LIMIT_PER_SECOND);
	/* What is left of a second counts for the next one. */
	assert_int_equal(allowed(&limit, 1000, now + 2999), LOG_LIMIT_PER_SECOND);
	assert_int_equal(allowed(&limit, 1000, now + 3000), LOG_LIMIT_PER_SECOND);
	/* However long nothing came, the burst is the same. */
	assert_int_equal(allowed(&limit, 10000, now + 1000000000000), LOG_LIMIT_BURST);
	assert_int_equal(allowed(&limit, 1000, now + 1000000000000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_go_both_ways),
	    cmocka_unit_test(test_how_the_backend_ended_is_the_close_code),
	    cmocka_unit_test(test_their_close_is_echoed_and_the_backend_told),
	    cmocka_unit_test(test_a_violation_lets_answers_through_until_the_grace_is_over),
	    cmocka_unit_test(test_an_answer_that_cannot_be_sent_ends_the_grace),
	    cmocka_unit_test(test_a_message_that_is_not_accepted_is_a_violation),
	    cmocka_unit_test(test_backpressure_pauses_both_sides_and_resumes),
	    cmocka_unit_test(test_text_that_is_not_utf8),
	    cmocka_unit_test(test_lines_of_the_log_are_sent_between_messages),
	    cmocka_unit_test(test_the_backend_closes_with_its_own_code),
	    cmocka_unit_test(test_a_drain_closes_at_once_with_1001),
	    cmocka_unit_test(test_a_burst_of_stderr_is_logged_and_then_some_per_second),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
