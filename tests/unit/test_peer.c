/* SPDX-License-Identifier: BSD-2-Clause */
/* A WebSocket over a scripted stream, and both of its roles connected with each other. */
#include "net/linger.h"
#include "peer/deadlines.h"
#include "peer/websocket.h"
#include "script_stream.h"
#include "websocket/broadcast.h"
#include "websocket/frame.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The seconds that pass. */
static int64_t now_ms;

int64_t __wrap_util_clock_ms(void);
int64_t
__wrap_util_clock_ms(void)
{
	return now_ms;
}

static const struct batch_format lines = {
    .text = true, .binary = true, .joins = true, .separator = '\n'};
static const struct batch_format objects = {.text = true, .binary = true};
static struct websocket_rules rules = {.max_message = 1 << 20,
    .max_pings = 3,
    .ping_ms = 30000,
    .deflate = {.window = 11, .level = 4, .min = 64},
    .reason_message = "too large",
    .reason_pings = "too many pings"};

/* A peer with its stream, and what its user saw. */
struct user {
	struct loop *loop;
	struct peer *peer;
	struct script_stream stream;
	struct peer_counts sent;
	struct buffer text; /* each message with a bar after it */
	bool pauses; /* no more messages for now */
	bool answers; /* a Close, as sessions do */
	size_t calls; /* of on_messages */
	uint16_t violation;
	const char *reason;
	uint16_t close;
	bool grace_over;
};

static bool
on_messages(void *arg, struct batch *batch)
{
	struct user *u = arg;

	u->calls++;
	while (batch->separator != BATCH_NO_SEPARATOR && batch->len > 0) {
		struct batch one = batch_next(batch);

		assert_true(buffer_append(&u->text, one.data, one.len) &&
			    buffer_append(&u->text, "|", 1));
	}
	if (batch->separator == BATCH_NO_SEPARATOR)
		assert_true(buffer_append(&u->text, batch->data, batch->len) &&
			    (!batch->last || buffer_append(&u->text, "|", 1)));
	return !u->pauses;
}

static void
on_violation(void *arg, uint16_t code, const char *reason)
{
	struct user *u = arg;

	u->reason = reason;
	u->violation = code;
}

static void
on_grace_over(void *arg)
{
	((struct user *)arg)->grace_over = true;
}

static void
on_close(void *arg, uint16_t code, struct span reason)
{
	struct user *u = arg;

	(void)reason;
	u->close = code;
}

static void
on_changed(void *arg)
{
	struct user *u = arg;

	if (u->pauses)
		peer_set_reading(u->peer, false);
	if (u->answers && u->peer->state == PEER_LEFT && u->close != 0) {
		peer_close(u->peer, u->close, (struct span){0});
		u->close = 0;
	}
}

static const struct peer_handlers handlers = {
    .on_messages = on_messages,
    .on_violation = on_violation,
    .on_grace_over = on_grace_over,
    .on_error = on_violation,
    .on_close = on_close,
    .on_changed = on_changed,
};

static void
user_open(struct user *u, const struct batch_format *format, bool client,
    const struct deflate_agreed *deflate)
{
	struct websocket_spec spec = {.rules = &rules,
	    .format = format,
	    .deflate = deflate,
	    .sent = &u->sent,
	    .client = client};

	memset(u, 0, sizeof(*u));
	now_ms = 1000000;
	u->loop = loop_new();
	assert_non_null(u->loop);
	spec.loop = u->loop;
	script_stream_init(&u->stream);
	u->peer = websocket_new(&spec, &handlers, u);
	assert_non_null(u->peer);
	websocket_start_take(u->peer, &u->stream.stream, (struct span){0}, (struct span){0});
	peer_set_reading(u->peer, true);
}

static void
user_close(struct user *u)
{
	peer_free(u->peer);
	linger_abort_all(u->loop);
	loop_free(u->loop);
	buffer_clear(&u->text);
	script_stream_clear(&u->stream);
}

static void
turn(struct user *u)
{
	script_stream_turn(&u->stream);
	event_base_loop(u->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
expect(struct user *u, const char *text)
{
	assert_true(buffer_append(&u->text, "", 1));
	assert_string_equal((char *)buffer_data(&u->text), text);
	buffer_clear(&u->text);
}

static void
send_text(struct user *u, const char *text)
{
	struct batch batch = {.data = (uint8_t *)(uintptr_t)text,
	    .len = strlen(text),
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true};

	peer_send(u->peer, &batch);
	peer_flush(u->peer);
}

/* A frame as a client sends it, with a mask of zeros. */
static void
receive(struct user *u, uint8_t first, const char *payload)
{
	size_t len = strlen(payload);
	uint8_t header[] = {first, (uint8_t)(0x80 | len), 0, 0, 0, 0};

	assert_true(len < 126 && buffer_append(&u->stream.incoming, header, sizeof(header)) &&
		    buffer_append(&u->stream.incoming, payload, len));
}

static void
test_a_read_is_one_batch(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, &lines, false, NULL);
	for (int i = 0; i < 5; i++)
		receive(&u, 0x81, "hello");
	turn(&u);
	assert_int_equal(u.calls, 1);
	expect(&u, "hello|hello|hello|hello|hello|");
	user_close(&u);
}

static void
test_a_paused_peer_keeps_the_rest_and_goes_on(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, &objects, false, NULL);
	u.pauses = true;
	receive(&u, 0x81, "a");
	receive(&u, 0x81, "b");
	receive(&u, 0x81, "c");
	turn(&u);
	expect(&u, "a|");
	turn(&u);
	expect(&u, "");
	peer_set_reading(u.peer, true);
	turn(&u);
	expect(&u, "b|");
	u.pauses = false;
	peer_set_reading(u.peer, true);
	turn(&u);
	expect(&u, "c|");
	user_close(&u);
}

static void
test_a_batch_becomes_frames_up_to_what_is_not_utf8(void **state)
{
	static uint8_t records[256] = "one\r\ntwo\n\xff\nfour\n";
	struct batch batch = {.data = records, .len = 16, .separator = '\n', .cr = true};
	struct user u;

	(void)state;
	user_open(&u, &lines, false, NULL);
	peer_send(u.peer, &batch);
	assert_int_equal(batch.len, 7);
	(void)batch_next(&batch);
	peer_send(u.peer, &batch);
	assert_int_equal(batch.len, 0);
	peer_flush(u.peer);
	assert_int_equal(buffer_len(&u.stream.written), 16);
	assert_memory_equal(buffer_data(&u.stream.written), "\x81\3one\x81\3two\x81\4four", 16);
	assert_int_equal(u.sent.messages, 3);
	assert_int_equal(u.sent.bytes, 10);
	user_close(&u);
}

static void
test_pings_are_answered_and_limited(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, &lines, false, NULL);
	receive(&u, 0x89, "p");
	turn(&u);
	assert_memory_equal(buffer_data(&u.stream.written), "\x8a\1p", 3);
	/* While there is a queue, the last ping alone is answered. */
	u.stream.room = 0;
	send_text(&u, "x");
	receive(&u, 0x89, "q");
	receive(&u, 0x89, "r");
	turn(&u);
	script_stream_drain(&u.stream);
	assert_int_equal(buffer_len(&u.stream.written), 9);
	assert_memory_equal(buffer_data(&u.stream.written), "\x8a\1p\x81\1x\x8a\1r", 9);
	assert_int_equal(u.violation, 0);
	receive(&u, 0x89, "s");
	turn(&u);
	assert_int_equal(u.violation, CLOSE_POLICY);
	user_close(&u);
}

static void
test_a_violation_has_a_grace_time_and_ends_the_input(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, &lines, false, NULL);
	receive(&u, 0x81, "good");
	receive(&u, 0x83, "bad");
	receive(&u, 0x81, "after");
	turn(&u);
	expect(&u, "good|");
	assert_int_equal(u.violation, CLOSE_PROTOCOL);
	assert_int_equal(u.peer->state, PEER_OPEN);
	send_text(&u, "answer");
	now_ms += DEADLINES_GRACE_MS;
	for (int i = 0; i < 1000 && !u.grace_over; i++) {
		event_base_loop(u.loop->base, EVLOOP_ONCE);
	}
	assert_true(u.grace_over);
	peer_close(u.peer, u.violation, SPAN("x"));
	/* Nothing is awaited from one that broke a rule. */
	assert_int_equal(u.peer->state, PEER_LEFT);
	assert_memory_equal(buffer_data(&u.stream.written), "\x81\6answer\x88\3\3\xeax", 13);
	user_close(&u);
}

/* Lets MS pass, and the loop see to all that is due by then. */
static void
pass(struct user *u, int64_t ms)
{
	const struct timespec wait = {.tv_nsec = (long)ms * 1000000};

	now_ms += ms;
	nanosleep(&wait, NULL);
	turn(u);
}

static void
test_a_session_without_messages_ends(void **state)
{
	struct user u;

	(void)state;
	rules.idle_ms = 2 * DEADLINES_TICK_MS;
	user_open(&u, &lines, false, NULL);
	/* Each direction counts, and a PING does not. */
	pass(&u, 100);
	receive(&u, 0x81, "in");
	turn(&u);
	pass(&u, 100);
	send_text(&u, "out");
	pass(&u, 100);
	receive(&u, 0x89, "ping");
	turn(&u);
	assert_int_equal(u.violation, 0);
	pass(&u, 100);
	assert_int_equal(u.violation, CLOSE_GOING_AWAY);
	assert_string_equal(u.reason, "no message for --idle-timeout");
	rules.idle_ms = 0;
	user_close(&u);
}

static void
test_an_old_session_ends(void **state)
{
	struct user u;

	(void)state;
	rules.lifetime_ms = 20;
	user_open(&u, &lines, false, NULL);
	pass(&u, 15);
	receive(&u, 0x81, "in");
	turn(&u);
	assert_int_equal(u.violation, 0);
	pass(&u, 10);
	assert_int_equal(u.violation, CLOSE_GOING_AWAY);
	assert_string_equal(u.reason, "open for --max-lifetime");
	rules.lifetime_ms = 0;
	user_close(&u);
}

static void
test_deadlines_that_are_off_do_not_run(void **state)
{
	struct deadlines d = {.heard_ms = 1};
	struct deadlines_facts facts = {.state = PEER_OPEN, .queued = true, .progress_ms = 5};

	(void)state;
	assert_int_equal(deadlines_next(&d, &facts), 0);
	facts.stall_ms = 10;
	assert_int_equal(deadlines_next(&d, &facts), 15);
	facts.lifetime_ms = 10;
	facts.idle_ms = 12;
	assert_int_equal(deadlines_next(&d, &facts), 10);
	facts.state = PEER_CLOSING;
	assert_int_equal(deadlines_next(&d, &facts), 15);
}

static void
test_a_lost_stream_is_noticed_by_a_write(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, &lines, false, NULL);
	u.stream.fails = true;
	send_text(&u, "x");
	assert_int_equal(u.peer->state, PEER_GONE);
	assert_string_equal(u.peer->reason, "connection lost");
	assert_true(u.stream.freed);
	user_close(&u);
}

/* Two users whose streams are connected. */
static void
open_both(struct user *server, struct user *client, const struct deflate_agreed *deflate)
{
	user_open(server, &objects, false, deflate);
	user_open(client, &objects, true, deflate);
	server->stream.other = &client->stream;
	client->stream.other = &server->stream;
	server->answers = client->answers = true;
}

static void
turn_both(struct user *server, struct user *client)
{
	while (script_stream_turn(&server->stream) || script_stream_turn(&client->stream))
		continue;
}

static void
test_both_roles_exchange_messages_of_any_length(void **state)
{
	static const size_t lens[] = {0, 1, 125, 126, 4096, 4097, 65535, 65536, 300000};
	const struct deflate_agreed deflate = {
	    .server_bits = 11, .client_bits = 11, .server_takeover = true};

	(void)state;
	for (size_t i = 0; i < 2 * UTIL_LEN(lens); i++) {
		size_t len = lens[i / 2];
		char *text = calloc(1, len + 2);
		struct user server, client;

		memset(text, 'x', len);
		open_both(&server, &client, i % 2 ? &deflate : NULL);
		server.stream.read_max = 1000;
		send_text(&server, text);
		send_text(&client, text);
		turn_both(&server, &client);
		strcat(text, "|");
		expect(&server, text);
		expect(&client, text);
		user_close(&server);
		user_close(&client);
		free(text);
	}
}

static void
test_a_client_masks_and_a_server_does_not(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, &objects, true, NULL);
	send_text(&u, "hello");
	assert_int_equal(buffer_len(&u.stream.written), 11);
	assert_memory_equal(buffer_data(&u.stream.written), "\x81\x85", 2);
	/* Each of the roles rejects what the other one must not send. */
	receive(&u, 0x81, "masked");
	turn(&u);
	assert_int_equal(u.violation, CLOSE_PROTOCOL);
	user_close(&u);
	user_open(&u, &objects, false, NULL);
	assert_true(buffer_append(&u.stream.incoming, "\x81\1x", 3));
	turn(&u);
	assert_int_equal(u.violation, CLOSE_PROTOCOL);
	user_close(&u);
}

static void
test_either_role_closes_and_the_other_answers(void **state)
{
	(void)state;
	for (int by_client = 0; by_client < 2; by_client++) {
		struct user server, client;
		struct user *first = by_client ? &client : &server;
		struct user *second = by_client ? &server : &client;

		open_both(&server, &client, NULL);
		first->answers = false;
		send_text(&server, "last");
		peer_close(first->peer, 4001, SPAN("bye"));
		assert_int_equal(first->peer->state, PEER_CLOSING);
		turn_both(&server, &client);
		assert_int_equal(second->peer->state, PEER_LEFT);
		assert_int_equal(first->close, 4001);
		assert_int_equal(first->peer->state, PEER_LEFT);
		expect(&client, "last|");
		user_close(&server);
		user_close(&client);
	}
}

static void
broadcast(struct user *u, struct broadcast *b)
{
	struct batch batch = {.len = SIZE_MAX, .separator = BATCH_BROADCAST, .broadcast = b};

	while (batch.len > 0)
		peer_send(u->peer, &batch);
	peer_flush(u->peer);
}

static void
test_a_broadcast_is_the_same_for_all_that_agreed_on_the_same(void **state)
{
	static const struct deflate_agreed full = {.server_bits = 11, .client_bits = 15};
	static const struct deflate_agreed narrow = {.server_bits = 9, .client_bits = 15};
	static const struct {
		const struct deflate_agreed *deflate;
		bool compressed;
	} rows[] = {{NULL, false}, {&full, true}, {&narrow, false}, {&full, true}};
	uint8_t text[100] = {0};
	struct broadcast *b = broadcast_of_message(MESSAGE_TEXT, text, sizeof(text));

	(void)state;
	assert_non_null(b);
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct user u;
		const uint8_t *sent;

		user_open(&u, &lines, false, rows[i].deflate);
		broadcast(&u, b);
		sent = buffer_data(&u.stream.written);
		assert_int_equal(sent[0], rows[i].compressed ? 0xc1 : 0x81);
		assert_int_equal(u.sent.messages, 1);
		assert_int_equal(u.sent.bytes, sizeof(text));
		assert_int_equal(u.sent.wire, buffer_len(&u.stream.written) - 2);
		user_close(&u);
	}
	broadcast_unref(b);
}

static void
test_a_long_broadcast_comes_whole(void **state)
{
	size_t len = 1000000;
	uint8_t *text = calloc(1, len);
	struct broadcast *b = broadcast_of_message(MESSAGE_BINARY, text, len);
	struct user u;

	(void)state;
	assert_true(text && b);
	user_open(&u, &lines, false, NULL);
	send_text(&u, "before");
	broadcast(&u, b);
	assert_int_equal(buffer_len(&u.stream.written), 8 + b->len);
	assert_int_equal(u.sent.messages, 2);
	broadcast_unref(b);
	user_close(&u);
	free(text);
}

/* 1013 is for a client that reads too slowly: it gets no more time for it than for an answer.
 */
static void
test_a_close_for_slowness_is_not_waited_for(void **state)
{
	static const struct {
		uint16_t code;
		enum peer_state state;
	} rows[] = {{CLOSE_TRY_LATER, PEER_GONE}, {CLOSE_INTERNAL, PEER_CLOSING}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct user u;

		user_open(&u, &lines, false, NULL);
		u.stream.room = 0;
		send_text(&u, "what is not read");
		peer_close(u.peer, rows[i].code, SPAN("too slow"));
		assert_int_equal(u.peer->state, PEER_CLOSING);
		now_ms += DEADLINES_CLOSE_MS;
		timers_run(&u.loop->timers);
		assert_int_equal(u.peer->state, rows[i].state);
		user_close(&u);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_read_is_one_batch),
	    cmocka_unit_test(test_a_paused_peer_keeps_the_rest_and_goes_on),
	    cmocka_unit_test(test_a_batch_becomes_frames_up_to_what_is_not_utf8),
	    cmocka_unit_test(test_pings_are_answered_and_limited),
	    cmocka_unit_test(test_a_violation_has_a_grace_time_and_ends_the_input),
	    cmocka_unit_test(test_a_session_without_messages_ends),
	    cmocka_unit_test(test_an_old_session_ends),
	    cmocka_unit_test(test_deadlines_that_are_off_do_not_run),
	    cmocka_unit_test(test_a_lost_stream_is_noticed_by_a_write),
	    cmocka_unit_test(test_both_roles_exchange_messages_of_any_length),
	    cmocka_unit_test(test_a_client_masks_and_a_server_does_not),
	    cmocka_unit_test(test_either_role_closes_and_the_other_answers),
	    cmocka_unit_test(test_a_broadcast_is_the_same_for_all_that_agreed_on_the_same),
	    cmocka_unit_test(test_a_long_broadcast_comes_whole),
	    cmocka_unit_test(test_a_close_for_slowness_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
