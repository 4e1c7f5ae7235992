/* SPDX-License-Identifier: BSD-2-Clause */
/* Two scripted streams that are joined. */
#include "net/linger.h"
#include "net/relay.h"
#include "script_stream.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct pair {
	struct loop *loop;
	struct list relays;
	struct script_stream client, server;
};

static void
pair_open(struct pair *p)
{
	p->loop = loop_new();
	assert_non_null(p->loop);
	list_init(&p->relays);
	script_stream_init(&p->client);
	script_stream_init(&p->server);
	assert_true(relay_start_take(
	    p->loop, &p->relays, &p->client.stream, &p->server.stream, SPAN("sorry")));
}

static void
turn(struct pair *p)
{
	for (int i = 0; i < 50; i++) {
		script_stream_turn(&p->client);
		script_stream_turn(&p->server);
		event_base_loop(p->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

static void
pair_close(struct pair *p)
{
	relay_abort_all(&p->relays);
	turn(p);
	linger_abort_all(p->loop);
	assert_true(p->server.freed && p->client.freed);
	script_stream_clear(&p->client);
	script_stream_clear(&p->server);
	loop_free(p->loop);
}

static void
say(struct script_stream *from, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		assert_true(buffer_append(&from->incoming, text, strlen(text)));
}

static void
assert_written(struct script_stream *to, const char *text)
{
	assert_int_equal(buffer_len(&to->written), strlen(text));
	assert_memory_equal(buffer_data(&to->written), text, strlen(text));
	buffer_clear(&to->written);
}

static void
test_bytes_go_both_ways(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p.client, "question", 1);
	say(&p.server, "answer", 1);
	turn(&p);
	assert_written(&p.server, "question");
	assert_written(&p.client, "answer");
	pair_close(&p);
}

/* 1 MiB for a server that reads nothing yet: no more is read from the client. */
static void
test_a_side_that_does_not_read_is_waited_for(void **state)
{
	struct pair p;
	size_t whole = 1 << 20;

	(void)state;
	pair_open(&p);
	p.server.room = 1000;
	say(&p.client, "0123456789abcdef", whole / 16);
	turn(&p);
	assert_int_equal(buffer_len(&p.server.written), 1000);
	assert_true(buffer_len(&p.server.queue) <= BUFFER_HIGH + LOOP_BATCH);
	assert_false(p.client.stream.reading);
	for (int i = 0; i < 100 && buffer_len(&p.server.written) < whole; i++) {
		script_stream_drain(&p.server);
		turn(&p);
	}
	assert_int_equal(buffer_len(&p.server.written), whole);
	pair_close(&p);
}

static void
test_the_end_of_a_client_is_passed_on(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p.client, "last", 1);
	turn(&p);
	p.client.stream.handlers->on_gone(p.client.stream.arg, STREAM_LOST);
	turn(&p);
	assert_written(&p.server, "last");
	assert_true(list_empty(&p.relays));
	assert_true(p.server.freed && p.client.freed);
	pair_close(&p);
}

static void
test_what_the_server_sent_last_still_arrives(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	p.client.room = 2;
	say(&p.server, "response", 1);
	turn(&p);
	p.server.stream.handlers->on_gone(p.server.stream.arg, STREAM_LOST);
	turn(&p);
	assert_true(list_empty(&p.relays));
	assert_true(p.server.freed);
	assert_false(p.client.freed);
	assert_written(&p.client, "re");
	assert_int_equal(buffer_len(&p.client.queue), strlen("sponse"));
	pair_close(&p);
}

static void
test_a_client_whose_server_ends_without_a_byte_is_told(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p.client, "question", 1);
	turn(&p);
	p.server.stream.handlers->on_gone(p.server.stream.arg, STREAM_LOST);
	turn(&p);
	assert_true(list_empty(&p.relays));
	assert_written(&p.client, "sorry");
	pair_close(&p);
}

/* It would keep the relay, and is not counted as a connection of its client. */
static void
test_a_client_that_reads_nothing_does_not_outlive_its_server(void **state)
{
	struct script_stream other;
	struct pair p;

	(void)state;
	pair_open(&p);
	script_stream_init(&other);
	p.client.room = 0;
	say(&p.server, "0123456789abcdef", 1 << 16);
	turn(&p);
	assert_false(p.server.stream.reading);
	assert_true(buffer_len(&p.server.incoming) > 0);
	other.shut = true;
	p.server.other = &other;
	p.server.stream.handlers->on_gone(p.server.stream.arg, STREAM_HALF_CLOSED);
	turn(&p);
	assert_true(list_empty(&p.relays));
	assert_true(p.server.freed);
	assert_false(p.client.freed); /* it lingers, which has a deadline */
	assert_int_equal(buffer_len(&p.client.queue), 1 << 20);
	p.server.other = NULL;
	pair_close(&p);
	script_stream_clear(&other);
}

static void
test_a_write_that_fails_ends_it(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	p.server.fails = true;
	say(&p.client, "x", 1);
	turn(&p);
	assert_true(list_empty(&p.relays));
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes_go_both_ways),
	    cmocka_unit_test(test_a_side_that_does_not_read_is_waited_for),
	    cmocka_unit_test(test_the_end_of_a_client_is_passed_on),
	    cmocka_unit_test(test_what_the_server_sent_last_still_arrives),
	    cmocka_unit_test(test_a_client_whose_server_ends_without_a_byte_is_told),
	    cmocka_unit_test(test_a_client_that_reads_nothing_does_not_outlive_its_server),
	    cmocka_unit_test(test_a_write_that_fails_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
