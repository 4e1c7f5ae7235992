/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of doc/design.md, section 4: each of the 4 x 4 states, and what moves within them.
 */
#include "session/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What is decided, one letter each; '-' for no. */
static const char *
letters(struct policy p)
{
	static char text[9];

	text[0] = p.read_peer ? 'P' : '-';
	text[1] = p.read_backend ? 'B' : '-';
	text[2] = p.relay_input ? 'i' : '-';
	text[3] = p.relay_output ? 'o' : '-';
	text[4] = p.finish_backend ? 'E' : '-';
	text[5] = p.send_close ? 'S' : '-';
	text[6] = p.finish_peer ? 'F' : '-';
	text[7] = p.free ? 'X' : '-';
	return text;
}

static struct policy
decide_after(struct policy_facts facts, bool reading)
{
	struct policy last = {
	    .read_peer = reading, .read_backend = reading, .read_log = reading};

	return policy_decide(&facts, &last);
}

static void
check_table(enum closing closing, const char *const expected[4][4])
{
	for (enum peer_state peer = PEER_OPEN; peer <= PEER_GONE; peer++) {
		for (enum backend_state backend = BACKEND_RUNNING; backend <= BACKEND_GONE;
		     backend++) {
			struct policy_facts facts = {
			    .peer = peer, .backend = backend, .closing = closing};

			assert_string_equal(
			    letters(decide_after(facts, false)), expected[peer][backend]);
		}
	}
}

static void
test_nobody_asked_for_a_close(void **state)
{
	static const char *const expected[4][4] = {
	    /*              RUNNING     OUTPUT_ENDED EXITED     GONE */
	    [PEER_OPEN] = {"PBio----", "P---E---", "PB-o----", "P----S--"},
	    [PEER_CLOSING] = {"PB--E---", "P---E---", "PB------", "P-------"},
	    [PEER_LEFT] = {"-B--E-F-", "----E-F-", "-B----F-", "------F-"},
	    [PEER_GONE] = {"-B--E---", "----E---", "-B------", "-------X"},
	};

	(void)state;
	check_table(CLOSING_NONE, expected);
}

static void
test_a_requested_close_is_sent_whatever_the_backend_does(void **state)
{
	static const char *const expected[4][4] = {
	    [PEER_OPEN] = {"PB--ES--", "P---ES--", "PB---S--", "P----S--"},
	    [PEER_CLOSING] = {"PB--E---", "P---E---", "PB------", "P-------"},
	    [PEER_LEFT] = {"-B--ESF-", "----ESF-", "-B---SF-", "-----SF-"},
	    [PEER_GONE] = {"-B--E---", "----E---", "-B------", "-------X"},
	};

	(void)state;
	check_table(CLOSING_REQUESTED, expected);
}

static void
test_grace_waits_for_answers_while_there_can_be_some(void **state)
{
	/* The answers go out; nothing is read of the peer but its end, and the backend's input
	 * ends. */
	static const char *const expected[4][4] = {
	    [PEER_OPEN] = {"-B-oE---", "P---ES--", "-B-o----", "P----S--"},
	    [PEER_CLOSING] = {"PB--E---", "P---E---", "PB------", "P-------"},
	    [PEER_LEFT] = {"PB-oE---", "----ESF-", "PB-o----", "-----SF-"},
	    [PEER_GONE] = {"-B--E---", "----E---", "-B------", "-------X"},
	};

	(void)state;
	check_table(CLOSING_GRACE, expected);
}

static void
test_a_close_is_sent_once(void **state)
{
	static const char *const expected[4][4] = {
	    [PEER_OPEN] = {"PB--E---", "P---E---", "PB------", "P-------"},
	    [PEER_CLOSING] = {"PB--E---", "P---E---", "PB------", "P-------"},
	    [PEER_LEFT] = {"-B--E-F-", "----E-F-", "-B----F-", "------F-"},
	    [PEER_GONE] = {"-B--E---", "----E---", "-B------", "-------X"},
	};

	(void)state;
	check_table(CLOSING_SENT, expected);
	check_table(CLOSING_ANSWERED, expected);
}

static void
test_a_backend_that_listens_gets_what_follows_our_close(void **state)
{
	struct policy_facts facts = {
	    .peer = PEER_CLOSING, .closing = CLOSING_SENT, .backend_listens = true};

	(void)state;
	assert_string_equal(letters(decide_after(facts, true)), "PBi-----");
	/* Under backpressure. */
	facts.backend_queued = BUFFER_HIGH + 1;
	assert_string_equal(letters(decide_after(facts, true)), "-Bi-----");
	/* Until the peer has left. */
	facts.peer = PEER_LEFT;
	assert_string_equal(letters(decide_after(facts, true)), "-B--E-F-");
	facts.peer = PEER_CLOSING;
	facts.backend = BACKEND_GONE;
	assert_string_equal(letters(decide_after(facts, true)), "P-------");
}

static void
test_grace_keeps_to_backpressure(void **state)
{
	struct policy_facts facts = {.closing = CLOSING_GRACE, .peer_queued = BUFFER_HIGH + 1};

	(void)state;
	assert_string_equal(letters(decide_after(facts, true)), "---oE---");
	facts.peer_queued = BUFFER_LOW;
	assert_string_equal(letters(decide_after(facts, false)), "-B-oE---");
}

static void
test_rule_1_the_peer_is_paused_by_either_queue(void **state)
{
	struct policy_facts facts = {.backend_queued = BUFFER_HIGH};

	(void)state;
	assert_string_equal(letters(decide_after(facts, true)), "PBio----");
	facts.backend_queued = BUFFER_HIGH + 1;
	assert_string_equal(letters(decide_after(facts, true)), "-Bio----");
	facts.backend_queued = 0;
	facts.peer_queued = BUFFER_HIGH + 1;
	/* Rule 2 as well: the backend is paused by the peer's queue. */
	assert_string_equal(letters(decide_after(facts, true)), "--io----");
}

/* Both sides of a connection would wait for each other. */
static void
test_rule_1_a_server_is_read_while_it_does_not_read(void **state)
{
	struct policy_facts facts = {.peer_queued = BUFFER_HIGH + 1, .peer_is_server = true};

	(void)state;
	assert_string_equal(letters(decide_after(facts, true)), "P-io----");
	facts.backend_queued = BUFFER_HIGH + 1;
	assert_string_equal(letters(decide_after(facts, true)), "--io----");
}

static void
test_rule_3_each_resumes_at_low(void **state)
{
	struct policy_facts facts = {
	    .peer_queued = BUFFER_LOW + 1, .backend_queued = BUFFER_LOW + 1};

	(void)state;
	assert_string_equal(letters(decide_after(facts, false)), "--io----");
	facts.backend_queued = BUFFER_LOW;
	assert_string_equal(letters(decide_after(facts, false)), "--io----");
	facts.peer_queued = BUFFER_LOW;
	assert_string_equal(letters(decide_after(facts, false)), "PBio----");
}

static void
test_what_precedes_an_end_is_read(void **state)
{
	struct policy_facts facts = {.peer_ending = true,
	    .peer_queued = 10 * BUFFER_HIGH,
	    .backend_queued = 10 * BUFFER_HIGH};

	(void)state;
	assert_true(decide_after(facts, false).read_peer);
	facts.closing = CLOSING_GRACE;
	assert_false(decide_after(facts, false).read_peer);
}

static void
test_unwanted_output_is_read_however_full_the_queues_are(void **state)
{
	(void)state;
	for (enum peer_state peer = PEER_CLOSING; peer <= PEER_GONE; peer++) {
		struct policy_facts facts = {.peer = peer,
		    .peer_queued = 10 * BUFFER_HIGH,
		    .backend_queued = 10 * BUFFER_HIGH};

		assert_true(decide_after(facts, false).read_backend);
		assert_false(decide_after(facts, false).relay_output);
	}
}

static void
test_the_log_is_paused_only_where_it_is_sent(void **state)
{
	struct policy_facts facts = {.peer_queued = BUFFER_HIGH + 1};

	(void)state;
	assert_true(decide_after(facts, true).read_log);
	assert_false(decide_after(facts, true).relay_log);
	facts.sends_log = true;
	assert_false(decide_after(facts, true).read_log);
	assert_true(decide_after(facts, true).relay_log);
	facts.closing = CLOSING_GRACE;
	assert_true(decide_after(facts, true).read_log);
	assert_false(decide_after(facts, true).relay_log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nobody_asked_for_a_close),
	    cmocka_unit_test(test_a_requested_close_is_sent_whatever_the_backend_does),
	    cmocka_unit_test(test_grace_waits_for_answers_while_there_can_be_some),
	    cmocka_unit_test(test_a_close_is_sent_once),
	    cmocka_unit_test(test_a_backend_that_listens_gets_what_follows_our_close),
	    cmocka_unit_test(test_grace_keeps_to_backpressure),
	    cmocka_unit_test(test_rule_1_the_peer_is_paused_by_either_queue),
	    cmocka_unit_test(test_rule_1_a_server_is_read_while_it_does_not_read),
	    cmocka_unit_test(test_rule_3_each_resumes_at_low),
	    cmocka_unit_test(test_what_precedes_an_end_is_read),
	    cmocka_unit_test(test_unwanted_output_is_read_however_full_the_queues_are),
	    cmocka_unit_test(test_the_log_is_paused_only_where_it_is_sent),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
