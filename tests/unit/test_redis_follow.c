/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection of a node to the leader of a topic, over a bus that loses records. */
#include "bus/redis_follow.h"
#include "bus/redis_lead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEADER = 1, FOLLOWER = 2, EPOCH = 7, ROUNDS = 4000 };

static struct {
	struct redis_lead lead;
	struct redis_follow follow;
	unsigned int seed;
	unsigned int loss; /* records of 100 */
	int64_t now;
	struct buffer input; /* what the leader has got */
	bool any_node; /* FOLLOWER is not the only one */
	bool resigns; /* the leader, as soon as it gets input or a node goes */
	int come, gone;
	struct bus_program program;
} t;

/* Each record is copied, so that reads beyond it are seen, and arrives at once or never. */
static void
pass(const struct record *record, uint64_t node)
{
	char *body = malloc(record->body.len + 1);
	struct record copy = *record;

	t.seed = t.seed * 1103515245 + 12345;
	if (record->body.len > 0)
		memcpy(body, record->body.data, record->body.len);
	copy.body.data = body;
	copy.node = node;
	copy.epoch = EPOCH;
	if ((t.seed >> 16) % 100 >= t.loss) {
		if (node == LEADER)
			redis_follow_on_record(&t.follow, &copy, t.now);
		else
			redis_lead_on_record(&t.lead, &copy, t.now);
	}
	free(body);
}

static void
report(uint64_t connection)
{
	uint8_t body[REDIS_FOLLOW_PROGRAM];
	struct record record = {
	    .kind = RECORD_PROGRAM,
	    .connection = connection,
	    .body = {(const char *)body, sizeof(body)},
	};

	redis_follow_put_program(&t.program, 3, body);
	pass(&record, LEADER);
}

static void
lead_send(void *arg, const struct record *record)
{
	(void)arg;
	pass(record, LEADER);
}

static void
lead_on_connection(void *arg, uint64_t connection)
{
	(void)arg;
	report(connection);
}

static void
lead_on_node(void *arg, uint64_t node, bool present)
{
	(void)arg;
	assert_true(t.any_node || node == FOLLOWER);
	t.come += present;
	t.gone += !present;
	if (!present && t.resigns)
		redis_lead_clear(&t.lead);
}

static void
lead_on_input(void *arg, uint64_t node, struct span entries)
{
	(void)arg;
	assert_int_equal(node, FOLLOWER);
	assert_true(buffer_append(&t.input, entries.data, entries.len));
	if (t.resigns)
		redis_lead_clear(&t.lead);
}

static void
follow_send(void *arg, const struct record *record)
{
	(void)arg;
	pass(record, FOLLOWER);
}

static void
begin(unsigned int seed, unsigned int loss)
{
	static const struct redis_lead_handlers lead = {
	    lead_send, lead_on_connection, lead_on_node, lead_on_input};
	static const struct redis_follow_handlers follow = {follow_send};

	memset(&t, 0, sizeof(t));
	t.seed = seed;
	t.loss = loss;
	t.now = 1000;
	t.program = (struct bus_program){.state = BUS_PROGRAM_RUNS, .id = 5, .pid = 9};
	redis_lead_init(&t.lead, &lead, NULL);
	redis_follow_init(&t.follow, &follow, NULL);
}

static void
end(void)
{
	t.loss = 100;
	redis_follow_clear(&t.follow);
	redis_lead_clear(&t.lead);
	buffer_clear(&t.input);
}

static void
step(void)
{
	t.now += 100;
	if (t.now % 500 == 0)
		report(0);
	redis_lead_step(&t.lead, t.now);
	redis_follow_step(&t.follow, t.now);
}

static void
test_input_arrives_once_and_in_order(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 50; seed++) {
		struct buffer sent = {0};
		int number = 0;

		begin(seed, 0);
		report(0);
		assert_true(t.follow.connected);
		assert_int_equal(t.follow.program.id, 5);
		t.loss = 20;
		for (int round = 0; round < ROUNDS && (number < 50 || t.follow.input.bytes > 0);
		     round++) {
			char text[16];
			int len = snprintf(text, sizeof(text), "%d ", number);

			/* One that is connected again has begun anew. */
			assert_int_equal(t.gone, 0);
			t.lead.paused = round % 20 < 5;
			if (number < 50) {
				assert_true(buffer_append(&sent, text, (size_t)len));
				redis_follow_send(
				    &t.follow, (struct span){text, (size_t)len}, t.now);
				number++;
			}
			step();
			/* Silence is tested below. */
			redis_lead_excuse(&t.lead, t.now);
			t.follow.heard_ms = t.now;
		}
		t.loss = 0;
		t.lead.paused = false;
		redis_lead_step(&t.lead, t.now);
		assert_int_equal(buffer_len(&t.input), buffer_len(&sent));
		assert_memory_equal(
		    buffer_data(&t.input), buffer_data(&sent), buffer_len(&sent));
		assert_int_equal(t.come, 1);
		buffer_clear(&sent);
		end();
	}
}

static void
test_silence_ends_a_connection(void **state)
{
	(void)state;
	begin(1, 0);
	report(0);
	assert_int_equal(t.come, 1);
	t.loss = 100;
	for (int i = 0; i < 30; i++)
		step();
	assert_int_equal(t.gone, 1);
	assert_false(t.follow.connected);
	assert_int_equal(t.follow.leader, 0);
	t.loss = 0;
	for (int i = 0; i < 10; i++)
		step();
	assert_true(t.follow.connected);
	assert_int_equal(t.come, 2);
	end();
}

static void
test_a_leader_that_forgot_a_connection_gets_another(void **state)
{
	uint64_t first;

	(void)state;
	begin(1, 0);
	report(0);
	first = t.follow.connection;
	redis_follow_send(&t.follow, SPAN("a"), t.now);
	redis_lead_clear(&t.lead);
	redis_follow_send(&t.follow, SPAN("b"), t.now);
	assert_true(t.follow.connection != first && t.follow.connected);
	redis_follow_send(&t.follow, SPAN("c"), t.now);
	assert_int_equal(buffer_len(&t.input), 2);
	assert_memory_equal(buffer_data(&t.input), "ac", 2);
	end();
}

/* FOLLOWER has a connection with input that waits; then there is another node. */
static void
begin_with_two_nodes(bool paused)
{
	struct record alive = {.kind = RECORD_ALIVE, .node = FOLLOWER + 1, .connection = 99};

	begin(1, 0);
	report(0);
	t.lead.paused = paused;
	if (paused)
		redis_follow_send(&t.follow, SPAN("a"), t.now);
	t.any_node = true;
	redis_lead_on_record(&t.lead, &alive, t.now);
	t.resigns = true;
	t.loss = 100;
}

/* Nothing of a leader is used after a handler has cleared it. */
static void
test_a_leader_may_resign_in_any_handler(void **state)
{
	struct record leave = {.kind = RECORD_LEAVE, .node = FOLLOWER};
	struct record again = {.kind = RECORD_ALIVE, .node = FOLLOWER, .connection = 98};
	struct record input = {
	    .kind = RECORD_INPUT, .node = FOLLOWER, .seq = 1, .body = SPAN("a")};

	(void)state;
	begin_with_two_nodes(false);
	input.connection = t.follow.connection;
	redis_lead_on_record(&t.lead, &input, t.now);
	assert_true(list_empty(&t.lead.nodes));
	end();

	begin_with_two_nodes(false);
	leave.connection = t.follow.connection;
	redis_lead_on_record(&t.lead, &leave, t.now);
	assert_true(list_empty(&t.lead.nodes));
	end();

	begin_with_two_nodes(false);
	redis_lead_on_record(&t.lead, &again, t.now);
	assert_true(list_empty(&t.lead.nodes));
	end();

	begin_with_two_nodes(false);
	redis_lead_step(&t.lead, t.now + 60 * 1000);
	assert_true(list_empty(&t.lead.nodes));
	assert_int_equal(t.gone, 1);
	end();

	begin_with_two_nodes(true);
	t.lead.paused = false;
	redis_lead_step(&t.lead, t.now);
	assert_true(list_empty(&t.lead.nodes));
	assert_int_equal(buffer_len(&t.input), 1);
	end();
}

/* Of a node that does not wait for confirmations. */
static void
test_input_that_waits_is_bounded(void **state)
{
	enum { SIZE = 100 * 1024 };
	struct record input = {.kind = RECORD_INPUT, .node = FOLLOWER};
	struct record alive = {.kind = RECORD_ALIVE, .node = 3, .connection = 3};
	char *body = calloc(1, SIZE);

	(void)state;
	begin(1, 0);
	report(0);
	t.lead.paused = true;
	input.connection = t.follow.connection;
	input.body = (struct span){body, SIZE};
	for (input.seq = 1; input.seq <= 100; input.seq++)
		redis_lead_on_record(&t.lead, &input, t.now);
	assert_in_range(t.lead.waiting, REDIS_LEAD_WAITING_MAX, REDIS_LEAD_WAITING_MAX + SIZE);
	/* What did not fit is accepted when it comes again. */
	t.lead.paused = false;
	redis_lead_step(&t.lead, t.now);
	assert_int_equal(t.lead.waiting, 0);
	input.seq = buffer_len(&t.input) / SIZE + 1;
	redis_lead_on_record(&t.lead, &input, t.now);
	assert_int_equal(buffer_len(&t.input), input.seq * SIZE);

	t.any_node = true;
	for (int i = 0; i < 2 * REDIS_LEAD_NODES_MAX; i++, alive.node++)
		redis_lead_on_record(&t.lead, &alive, t.now);
	assert_int_equal(t.lead.count, REDIS_LEAD_NODES_MAX);
	free(body);
	end();
	assert_int_equal(t.lead.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_input_arrives_once_and_in_order),
	    cmocka_unit_test(test_silence_ends_a_connection),
	    cmocka_unit_test(test_a_leader_that_forgot_a_connection_gets_another),
	    cmocka_unit_test(test_a_leader_may_resign_in_any_handler),
	    cmocka_unit_test(test_input_that_waits_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
