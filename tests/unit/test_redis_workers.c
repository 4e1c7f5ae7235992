/* SPDX-License-Identifier: BSD-2-Clause */
/* The two ways by which a worker gets the output of the program of its server. */
#include "bus/redis_workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEADER = 7, OTHER = 8, OWN = 9 };

static struct {
	struct loop *loop;
	int64_t now;
	struct bus bus;
	struct bus_topic near; /* of the workers */
	struct bus_topic topic;
	struct redis_output output;
	struct outbox_budget budget;
	struct seen seen;
	bool stream_up;
	struct redis_workers *workers;
	struct buffer delivered; /* the number of each record, or a letter for other calls */
	struct buffer sent; /* to a node: numbers of records */
} t;

int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return t.now;
}

bool
redis_stream_is_up(const struct redis_stream *stream)
{
	(void)stream;
	return t.stream_up;
}

void
redis_output_flush(struct redis_output *output)
{
	assert_ptr_equal(output, &t.output);
}

static void
note(struct buffer *where, const char *format, unsigned long long number)
{
	char text[32];
	int len = snprintf(text, sizeof(text), format, number);

	assert_true(buffer_append(where, text, (size_t)len));
}

/* Whether this is what was noted since the last time. */
static void
assert_noted(struct buffer *where, const char *expected)
{
	assert_true(buffer_append(where, "", 1));
	assert_string_equal((const char *)buffer_data(where), expected);
	buffer_clear(where);
}

/* A record of output with one message. */
static struct span
make_record(uint64_t node, uint64_t seq, struct buffer *out)
{
	struct buffer body = {0};
	size_t last = SIZE_MAX;
	uint8_t header[RECORD_HEADER], text[1 + BATCH_SLACK] = "x";
	struct batch batch = {.type = MESSAGE_TEXT,
	    .data = text,
	    .len = 1,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true};
	struct record record = {.kind = RECORD_OUTPUT, .messages = 1, .node = node, .seq = seq};

	assert_int_equal(record_put_batch(&body, &last, &batch), 1);
	record.body = (struct span){(const char *)buffer_data(&body), buffer_len(&body)};
	record_put_header(&record, header);
	buffer_clear(out);
	assert_true(buffer_append(out, header, sizeof(header)) &&
		    buffer_append(out, record.body.data, record.body.len));
	buffer_clear(&body);
	return (struct span){(const char *)buffer_data(out), buffer_len(out)};
}

/* The topic on Redis */

static void
accept_records(const struct bus_topic *topic, struct span records)
{
	struct record record;
	uint64_t missed;

	assert_ptr_equal(topic, &t.topic);
	while (record_next(&records, &record)) {
		if (seen_add(&t.seen, record.node, record.seq, &missed))
			note(&t.delivered, "%llu ", record.seq);
	}
	assert_int_equal(records.len, 0);
}

/* From Redis. */
static void
come(uint64_t node, uint64_t seq)
{
	struct buffer bytes = {0};
	struct record record;
	uint64_t missed;

	assert_true(record_parse(make_record(node, seq, &bytes), &record));
	if (!redis_workers_keep(t.workers, &record) && seen_add(&t.seen, node, seq, &missed))
		note(&t.delivered, "%llu ", seq);
	buffer_clear(&bytes);
	redis_workers_check(t.workers);
}

static void
on_role(void *arg, enum bus_role role)
{
	(void)arg;
	note(&t.delivered, "role%llu ", role);
}

static void
on_program(void *arg, const struct bus_program *program)
{
	(void)arg;
	note(&t.delivered, "program%llu ", program->state);
}

static void
on_node(void *arg, uint64_t node, bool present)
{
	(void)arg;
	note(&t.delivered, present ? "node%llu " : "gone%llu ", node);
}

static const struct bus_handlers user = {
    .on_role = on_role, .on_program = on_program, .on_node = on_node};

/* The topic of the workers */

static void
near_want(struct bus_topic *topic, bool wants)
{
	(void)topic;
	(void)wants;
}

static void
note_sent(struct span bytes)
{
	struct record record;

	assert_true(record_parse(bytes, &record));
	note(&t.sent, record.kind == RECORD_PROGRAM ? "start%llu " : "%llu ", record.seq);
}

static bool
near_publish(struct bus_topic *topic, const struct batch *batch)
{
	(void)topic;
	note_sent((struct span){(const char *)batch->data, batch->len});
	return true;
}

static void
near_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	(void)topic;
	assert_int_equal(node, 1);
	note_sent(bytes);
}

static void
near_leave(struct bus_topic *topic)
{
	(void)topic;
}

static const struct bus_topic_ops near_ops = {
    .want = near_want,
    .publish = near_publish,
    .catch_up = near_catch_up,
    .leave = near_leave,
};

static struct bus_topic *
near_join(struct bus *bus, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	(void)bus;
	(void)spec;
	t.near = (struct bus_topic){.ops = &near_ops, .handlers = handlers, .arg = arg};
	return &t.near;
}

static const struct bus_ops bus_ops = {.join = near_join};

static void
begin(bool history)
{
	struct bus_topic_spec spec = {.name = "/"};
	struct redis_workers_spec workers = {
	    .topic = &t.topic,
	    .output = &t.output,
	    .seen = &t.seen,
	    .node = OWN,
	    .accept = accept_records,
	};

	memset(&t, 0, sizeof(t));
	t.now = 1000;
	t.stream_up = true;
	t.budget.max = SIZE_MAX;
	t.bus.ops = &bus_ops;
	t.topic.handlers = &user;
	outbox_init(&t.output.outbox, &t.budget);
	workers.loop = t.loop = loop_new();
	assert_non_null(t.loop);
	/* It is only compared with NULL here. */
	workers.stream = history ? (const struct redis_stream *)&t : NULL;
	t.workers = redis_workers_new(&workers, &t.bus, &spec);
	assert_non_null(t.workers);
	redis_workers_want(t.workers, true);
}

static void
end(void)
{
	redis_workers_leave(t.workers);
	redis_workers_free(t.workers);
	outbox_clear(&t.output.outbox);
	seen_clear(&t.seen);
	buffer_clear(&t.delivered);
	buffer_clear(&t.sent);
	loop_free(t.loop);
}

/* The leader sends a record. */
static void
bring(uint64_t seq)
{
	struct buffer bytes = {0};
	struct span record = make_record(LEADER, seq, &bytes);
	struct batch batch = {.data = (uint8_t *)record.data, .len = record.len};

	t.near.handlers->on_output(t.near.arg, &batch);
	buffer_clear(&bytes);
}

/* This worker follows the leader from the record after LAST on. */
static void
follow(uint64_t last)
{
	struct record start = {.kind = RECORD_PROGRAM, .node = LEADER, .seq = last};
	uint8_t header[RECORD_HEADER];

	record_put_header(&start, header);
	t.near.handlers->on_role(t.near.arg, BUS_FOLLOWS);
	t.near.handlers->on_catch_up(
	    t.near.arg, (struct span){(const char *)header, sizeof(header)});
}

static void
test_records_wait_for_older_ones_from_redis(void **state)
{
	(void)state;
	begin(true);
	come(LEADER, 3);
	follow(5);
	bring(6);
	bring(7);
	assert_noted(&t.delivered, "3 role2 ");
	come(LEADER, 4);
	come(OTHER, 1);
	come(LEADER, 5);
	assert_noted(&t.delivered, "4 1 5 6 7 ");
	bring(8);
	come(LEADER, 6);
	come(LEADER, 8);
	come(LEADER, 9);
	bring(9);
	assert_noted(&t.delivered, "8 9 ");
	end();
}

static void
test_records_do_not_wait_during_an_outage_or_for_ever(void **state)
{
	(void)state;
	begin(true);
	come(LEADER, 3);
	follow(5);
	bring(6);
	t.stream_up = false;
	t.now += 60;
	timers_run(&t.loop->timers);
	assert_noted(&t.delivered, "3 role2 6 ");
	end();

	begin(true);
	come(LEADER, 3);
	follow(5);
	bring(6);
	t.now += 4000;
	timers_run(&t.loop->timers);
	assert_noted(&t.delivered, "3 role2 ");
	t.now += 2000;
	timers_run(&t.loop->timers);
	assert_noted(&t.delivered, "6 ");
	end();

	/* None is missing, or there is no history that could lack one. */
	begin(true);
	come(LEADER, 5);
	follow(5);
	bring(6);
	assert_noted(&t.delivered, "5 role2 6 ");
	end();
	begin(false);
	follow(5);
	bring(6);
	assert_noted(&t.delivered, "role2 6 ");
	end();
}

static void
test_output_precedes_the_end_of_its_program(void **state)
{
	struct bus_program program = {.state = BUS_PROGRAM_RUNS};

	(void)state;
	begin(true);
	follow(5);
	t.near.handlers->on_program(t.near.arg, &program);
	bring(6);
	assert_noted(&t.delivered, "role2 program1 ");
	program.state = BUS_PROGRAM_ENDED;
	t.near.handlers->on_program(t.near.arg, &program);
	assert_noted(&t.delivered, "6 program2 ");
	end();
}

/* With PUB/SUB, records may be missing from Redis. */
static void
test_a_record_ahead_of_the_leader_waits_for_it(void **state)
{
	(void)state;
	begin(false);
	follow(5);
	come(LEADER, 8);
	come(OTHER, 3);
	bring(6);
	bring(7);
	come(LEADER, 8);
	assert_noted(&t.delivered, "role2 3 6 7 8 ");
	/* One of before it followed is not the leader's to bring. */
	follow(20);
	come(LEADER, 18);
	bring(21);
	assert_noted(&t.delivered, "role2 18 21 ");
	/* Nobody brings anything any more. */
	redis_workers_want(t.workers, false);
	come(LEADER, 30);
	assert_noted(&t.delivered, "30 ");
	end();
}

/* The leader has read its program's output, and sent it to Redis alone. */
static void
test_a_record_that_the_leader_left_is_not_lost(void **state)
{
	(void)state;
	for (int history = 0; history < 2; history++) {
		begin(history);
		come(LEADER, 5);
		follow(5);
		come(LEADER, 8);
		come(LEADER, 10);
		bring(6);
		bring(7);
		assert_noted(&t.delivered, "5 role2 6 7 ");
		t.near.handlers->on_role(t.near.arg, BUS_NOBODY);
		come(LEADER, 11);
		assert_noted(&t.delivered, "8 10 role0 11 ");
		end();

		/* It brings all of them; the next leader has no part in it. */
		begin(history);
		come(LEADER, 5);
		follow(5);
		come(LEADER, 7);
		bring(6);
		bring(7);
		t.near.handlers->on_role(t.near.arg, BUS_NOBODY);
		assert_noted(&t.delivered, "5 role2 6 7 role0 ");
		t.near.handlers->on_role(t.near.arg, BUS_LEADS);
		assert_noted(&t.delivered, "role1 ");
		end();
	}
}

/* Record 6 came from a leader that is gone, and records 4 and 5, which precede its connection,
 * are still to come from Redis. */
static void
begin_without_leader(void)
{
	begin(true);
	come(LEADER, 3);
	follow(5);
	bring(6);
	t.near.handlers->on_role(t.near.arg, BUS_NOBODY);
}

static void
test_records_of_a_leader_that_is_gone_wait_for_older_ones(void **state)
{
	(void)state;
	begin_without_leader();
	assert_noted(&t.delivered, "3 role2 role0 ");
	come(LEADER, 4);
	come(LEADER, 5);
	assert_noted(&t.delivered, "4 5 6 ");
	come(LEADER, 6);
	come(LEADER, 9);
	assert_noted(&t.delivered, "9 ");
	end();

	/* Not for ever, nor beyond the next leader. */
	begin_without_leader();
	t.now += 6000;
	timers_run(&t.loop->timers);
	assert_noted(&t.delivered, "3 role2 role0 6 ");
	end();
	begin_without_leader();
	t.near.handlers->on_role(t.near.arg, BUS_LEADS);
	assert_noted(&t.delivered, "3 role2 role0 6 role1 ");
	end();
}

static void
test_a_node_gets_what_the_stream_may_lack(void **state)
{
	struct buffer bytes = {0};
	struct span record;

	(void)state;
	for (int history = 0; history < 2; history++) {
		begin(history);
		t.near.handlers->on_role(t.near.arg, BUS_LEADS);
		for (t.output.seq = 1; t.output.seq < 4; t.output.seq++) {
			record = make_record(OWN, t.output.seq, &bytes);
			assert_int_equal(outbox_push(&t.output.outbox, t.output.seq, 1,
					     (struct span){"", 0}, record),
			    0);
			redis_workers_publish(t.workers, record, (struct span){"", 0});
		}
		t.output.seq = 3;
		outbox_confirm(&t.output.outbox, 1);
		/* Nobody followed. */
		assert_noted(&t.sent, "");
		t.near.handlers->on_node(t.near.arg, 1, true);
		assert_noted(&t.sent, history ? "start1 2 3 " : "start3 ");
		record = make_record(OWN, 4, &bytes);
		redis_workers_publish(t.workers, record, (struct span){"", 0});
		t.near.handlers->on_node(t.near.arg, 1, false);
		redis_workers_publish(t.workers, record, (struct span){"", 0});
		assert_noted(&t.sent, "4 ");
		assert_noted(&t.delivered, "role1 node1 gone1 ");
		end();
	}
	buffer_clear(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_records_wait_for_older_ones_from_redis),
	    cmocka_unit_test(test_records_do_not_wait_during_an_outage_or_for_ever),
	    cmocka_unit_test(test_output_precedes_the_end_of_its_program),
	    cmocka_unit_test(test_a_record_ahead_of_the_leader_waits_for_it),
	    cmocka_unit_test(test_a_record_that_the_leader_left_is_not_lost),
	    cmocka_unit_test(test_records_of_a_leader_that_is_gone_wait_for_older_ones),
	    cmocka_unit_test(test_a_node_gets_what_the_stream_may_lack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
