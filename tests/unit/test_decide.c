/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of doc/design.md, section 4: each of the 4 x 4 states, and what moves within them.
 */
#include "base/buffer.h"
#include "serve/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The actions in the order of struct decide_actions, one letter each; '-' for no. */
static const char *
letters(struct decide_actions a)
{
	static char text[9];

	text[0] = a.read_peer ? 'P' : '-';
	text[1] = a.read_child ? 'C' : '-';
	text[2] = a.relay_input ? 'i' : '-';
	text[3] = a.relay_output ? 'o' : '-';
	text[4] = a.end_child ? 'E' : '-';
	text[5] = a.send_close ? 'S' : '-';
	text[6] = a.finish_peer ? 'F' : '-';
	text[7] = a.free ? 'X' : '-';
	return text;
}

static const char *
decided(struct decide_facts facts)
{
	return letters(decide(&facts));
}

static void
test_table(void **state)
{
	/* Nothing queued, no CLOSE wanted, sent or received. */
	static const char *const expected[4][4] = {
	    /*              RUN         EOF         DEAD        GONE */
	    [PEER_OPEN] = {"PCio----", "P---E---", "PC-o----", "P----S--"},
	    [PEER_CLOSING] = {"PC--E---", "P---E---", "PC------", "P-------"},
	    [PEER_LEFT] = {"-C--E-F-", "----E-F-", "-C----F-", "------F-"},
	    [PEER_GONE] = {"-C--E---", "----E---", "-C------", "-------X"},
	};

	(void)state;
	for (enum peer_state peer = PEER_OPEN; peer <= PEER_GONE; peer++) {
		for (enum child_state child = CHILD_RUN; child <= CHILD_GONE; child++) {
			struct decide_facts facts = {.peer = peer, .child = child};

			assert_string_equal(decided(facts), expected[peer][child]);
		}
	}
}

static void
test_a_wanted_close_ends_an_open_session_whatever_the_child_does(void **state)
{
	static const char *const expected[4] = {"PC--ES--", "P---ES--", "PC---S--", "P----S--"};

	(void)state;
	for (enum child_state child = CHILD_RUN; child <= CHILD_GONE; child++) {
		struct decide_facts facts = {
		    .peer = PEER_OPEN, .child = child, .close_wanted = 1002};

		assert_string_equal(decided(facts), expected[child]);
	}
}

static void
test_a_fault_waits_for_answers_while_there_can_be_some(void **state)
{
	/* In each state of the peer: the answers go out; nothing is read of the peer, stdin
	 * ends. */
	static const char *const expected[4][4] = {
	    /*              RUN         EOF         DEAD        GONE */
	    [PEER_OPEN] = {"-C-oE---", "P---ES--", "-C-o----", "P----S--"},
	    [PEER_CLOSING] = {"PC--E---", "P---E---", "PC------", "P-------"},
	    [PEER_LEFT] = {"-C--E-F-", "----E-F-", "-C----F-", "------F-"},
	    [PEER_GONE] = {"-C--E---", "----E---", "-C------", "-------X"},
	};

	(void)state;
	for (enum peer_state peer = PEER_OPEN; peer <= PEER_GONE; peer++) {
		for (enum child_state child = CHILD_RUN; child <= CHILD_GONE; child++) {
			struct decide_facts facts = {.peer = peer,
			    .child = child,
			    .close_wanted = 1002,
			    .fault_waits = true};

			assert_string_equal(decided(facts), expected[peer][child]);
		}
	}
}

static void
test_answers_to_a_fault_keep_to_backpressure(void **state)
{
	struct decide_facts facts = {.peer = PEER_OPEN,
	    .child = CHILD_RUN,
	    .close_wanted = 1002,
	    .fault_waits = true,
	    .reading_child = true,
	    .peer_queued = BUFFER_HIGH + 1};

	(void)state;
	assert_string_equal(decided(facts), "---oE---");
	facts.reading_child = false;
	facts.peer_queued = BUFFER_LOW;
	assert_string_equal(decided(facts), "-C-oE---");
	/* The time is over: the CLOSE leaves, and what comes now is discarded. */
	facts.fault_waits = false;
	assert_string_equal(decided(facts), "PC--ES--");
}

static void
test_their_close_is_echoed_once(void **state)
{
	(void)state;
	for (enum child_state child = CHILD_RUN; child <= CHILD_GONE; child++) {
		struct decide_facts facts = {
		    .peer = PEER_LEFT, .child = child, .close_received = 1000};

		assert_true(decide(&facts).send_close);
		facts.close_sent = 1000;
		assert_false(decide(&facts).send_close);
		facts.close_received = 0;
		facts.close_sent = 0;
		assert_false(decide(&facts).send_close);
	}
}

static void
test_an_overdue_close_ends_the_wait(void **state)
{
	(void)state;
	for (enum child_state child = CHILD_RUN; child <= CHILD_GONE; child++) {
		struct decide_facts facts = {
		    .peer = PEER_CLOSING, .child = child, .close_sent = 1000};

		assert_false(decide(&facts).finish_peer);
		facts.close_overdue = true;
		assert_true(decide(&facts).finish_peer);
	}
}

static void
test_reading_stops_above_high_and_goes_on_at_low(void **state)
{
	(void)state;
	assert_true(decide_reading(true, 0));
	assert_true(decide_reading(true, BUFFER_HIGH));
	assert_false(decide_reading(true, BUFFER_HIGH + 1));
	assert_false(decide_reading(false, BUFFER_HIGH));
	assert_false(decide_reading(false, BUFFER_LOW + 1));
	assert_true(decide_reading(false, BUFFER_LOW));
}

static void
test_rule_1_the_peer_is_paused_by_either_queue(void **state)
{
	struct decide_facts facts = {
	    .peer = PEER_OPEN, .child = CHILD_RUN, .reading_peer = true, .reading_child = true};

	(void)state;
	facts.child_queued = BUFFER_HIGH + 1;
	assert_string_equal(decided(facts), "-Cio----");
	facts.child_queued = 0;
	facts.peer_queued = BUFFER_HIGH + 1;
	/* Rule 2 as well: stdout is paused by the peer's queue. */
	assert_string_equal(decided(facts), "--io----");
}

static void
test_what_stands_before_a_fin_is_read(void **state)
{
	struct decide_facts facts = {.peer = PEER_OPEN, .child = CHILD_RUN, .fin_seen = true};

	(void)state;
	facts.child_queued = 10 * BUFFER_HIGH;
	facts.peer_queued = 10 * BUFFER_HIGH;
	assert_true(decide(&facts).read_peer);
	facts.close_wanted = 1002;
	facts.fault_waits = true;
	assert_false(decide(&facts).read_peer);
}

static void
test_rule_3_each_resumes_at_low(void **state)
{
	struct decide_facts facts = {.peer = PEER_OPEN, .child = CHILD_RUN};

	(void)state;
	facts.child_queued = BUFFER_LOW + 1;
	facts.peer_queued = BUFFER_LOW + 1;
	assert_string_equal(decided(facts), "--io----");
	facts.child_queued = BUFFER_LOW;
	assert_string_equal(decided(facts), "--io----");
	facts.peer_queued = BUFFER_LOW;
	assert_string_equal(decided(facts), "PCio----");
}

static void
test_unwanted_output_is_read_however_full_the_queues_are(void **state)
{
	(void)state;
	for (enum peer_state peer = PEER_CLOSING; peer <= PEER_GONE; peer++) {
		struct decide_facts facts = {.peer = peer,
		    .child = CHILD_RUN,
		    .peer_queued = 10 * BUFFER_HIGH,
		    .child_queued = 10 * BUFFER_HIGH};

		assert_true(decide(&facts).read_child);
		assert_false(decide(&facts).relay_output);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_a_wanted_close_ends_an_open_session_whatever_the_child_does),
	    cmocka_unit_test(test_a_fault_waits_for_answers_while_there_can_be_some),
	    cmocka_unit_test(test_answers_to_a_fault_keep_to_backpressure),
	    cmocka_unit_test(test_their_close_is_echoed_once),
	    cmocka_unit_test(test_an_overdue_close_ends_the_wait),
	    cmocka_unit_test(test_reading_stops_above_high_and_goes_on_at_low),
	    cmocka_unit_test(test_rule_1_the_peer_is_paused_by_either_queue),
	    cmocka_unit_test(test_what_stands_before_a_fin_is_read),
	    cmocka_unit_test(test_rule_3_each_resumes_at_low),
	    cmocka_unit_test(test_unwanted_output_is_read_however_full_the_queues_are),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
