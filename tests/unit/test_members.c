/* SPDX-License-Identifier: BSD-2-Clause */
/* When the clients of a shared program get what it writes: scripted sessions, and a clock that
 * their deliveries move. */
#include "backend/members.h"
#include "base/message.h"
#include "websocket/frame.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	MANY = 100,
	COST_US = 100, /* of a delivery to one */
	REST_MS = 15, /* the longest */
};

struct user {
	struct backend *backend;
	struct buffer text; /* each message with a bar after it */
	unsigned int writes;
};

static struct {
	struct loop *loop;
	struct member_rules rules;
	struct members members;
	struct user users[MANY];
	int count;
	int cost_us;
} t;

static int64_t now_us;

int64_t __wrap_util_clock_ms(void);
int64_t
__wrap_util_clock_ms(void)
{
	return now_us / 1000;
}

/* The sessions */

static void
on_messages(void *arg, struct batch *batch)
{
	struct user *u = arg;
	struct broadcast_form form = broadcast_plain(batch->broadcast);
	struct frame_header header;
	uint64_t messages = 0;

	for (size_t i = 0; i < form.len; i += (size_t)header.len) {
		i += (size_t)frame_read_header(form.bytes + i, form.len - i, &header);
		assert_true(buffer_append(&u->text, form.bytes + i, (size_t)header.len) &&
			    buffer_append(&u->text, "|", 1));
		messages++;
	}
	assert_int_equal(messages, batch->broadcast->messages);
	batch->len = 0;
}

/* Ends a delivery: with one write. */
static void
on_changed(void *arg)
{
	struct user *u = arg;

	u->writes++;
	now_us += t.cost_us;
}

static void
on_event(void *arg, const struct backend_event *event)
{
	struct user *u = arg;

	assert_int_equal(event->kind, BACKEND_CLOSE);
	assert_true(buffer_append(&u->text, "close|", 6));
}

static const struct backend_handlers user_handlers = {
    .on_messages = on_messages, .on_event = on_event, .on_changed = on_changed};

/* The program's side */

static void
on_left(void *arg, struct member *member, uint16_t code, struct span reason)
{
	(void)arg;
	(void)member;
	(void)code;
	(void)reason;
}

static const struct member_handlers handlers = {.on_left = on_left};

static void
turn(void)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(t.loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
passes(int64_t ms)
{
	now_us += 1000 * ms;
	timers_run(&t.loop->timers);
	turn();
}

static struct user *
joins(void)
{
	struct user *u = &t.users[t.count++];
	struct buffer open = {0};

	u->backend = members_add(&t.members, (uint64_t)t.count, 1, &open, &user_handlers, u);
	assert_non_null(u->backend);
	backend_set_reading(u->backend, BACKEND_READS);
	turn();
	u->writes = 0;
	return u;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	now_us = 5000000;
	t.loop = loop_new();
	assert_non_null(t.loop);
	t.rules.queue_max = 1 << 20;
	t.cost_us = COST_US;
	members_init(&t.members, t.loop, &t.rules, &handlers, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < t.count; i++) {
		backend_finish(t.users[i].backend, 1000, (struct span){0});
		backend_free(t.users[i].backend);
		buffer_clear(&t.users[i].text);
	}
	members_clear(&t.members);
	loop_free(t.loop);
	return 0;
}

static struct broadcast *
encode(const char *text)
{
	struct broadcast *b =
	    broadcast_of_message(MESSAGE_TEXT, (const uint8_t *)text, strlen(text));

	assert_non_null(b);
	return b;
}

/* One read of the program. */
static void
prints(const char *text)
{
	struct broadcast *b = encode(text);

	members_send_all(&t.members, b);
	broadcast_unref(b);
	members_flush(&t.members);
}

static void
prints_to(const struct user *u, const char *text)
{
	struct broadcast *b = encode(text);

	members_send(&t.members, members_find(&t.members, (uint64_t)(u - t.users + 1)), b);
	broadcast_unref(b);
	members_flush(&t.members);
}

/* What a client got since the last time, with so many writes. */
static void
got(struct user *u, const char *text, unsigned int writes)
{
	assert_int_equal(buffer_len(&u->text), strlen(text));
	assert_memory_equal(buffer_data(&u->text), text, strlen(text));
	assert_int_equal(u->writes, writes);
	buffer_clear(&u->text);
	u->writes = 0;
}

static void
all_got(const char *text, unsigned int writes)
{
	for (int i = 0; i < t.count; i++)
		got(&t.users[i], text, writes);
}

static void
join_many(void)
{
	while (t.count < MANY)
		(void)joins();
}

static void
test_messages_of_one_read_are_one_write(void **state)
{
	char expected[2 * MANY + 1] = "";

	(void)state;
	(void)joins();
	for (int i = 0; i < 100; i++) {
		struct broadcast *b = encode("x");

		members_send_all(&t.members, b);
		broadcast_unref(b);
		strcat(expected, "x|");
	}
	members_flush(&t.members);
	all_got(expected, 1);
}

static void
test_what_follows_a_long_delivery_goes_out_together(void **state)
{
	(void)state;
	join_many();
	prints("0");
	all_got("0|", 1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			passes(1);
			prints("x");
			all_got("", 0);
		}
		passes(REST_MS);
		all_got("x|x|x|x|", 1);
	}
	/* Nothing is left, and an idle topic does not wait. */
	passes(1000);
	all_got("", 0);
	prints("1");
	all_got("1|", 1);
}

static void
test_few_clients_and_quick_deliveries_wait_for_nothing(void **state)
{
	(void)state;
	while (t.count < 60)
		(void)joins();
	t.cost_us = 1000;
	for (int i = 0; i < 10; i++) {
		prints("x");
		all_got("x|", 1);
	}
	t.cost_us = 1;
	join_many();
	for (int i = 0; i < 10; i++) {
		prints("x");
		all_got("x|", 1);
	}
}

static void
test_what_does_not_go_to_all_does_not_wait_and_keeps_the_order(void **state)
{
	struct user *u = &t.users[7];

	(void)state;
	join_many();
	prints("0");
	all_got("0|", 1);
	/* Alone. */
	prints_to(u, "a");
	got(u, "a|", 1);
	all_got("", 0);
	prints("1");
	prints_to(u, "b");
	got(u, "1|b|", 1);
	u->writes = 1;
	assert_true(buffer_append(&u->text, "1|", 2));
	all_got("1|", 1);
	prints("2");
	passes(REST_MS);
	all_got("2|", 1);
	prints("3");
	all_got("", 0);
	members_close(&t.members, members_find(&t.members, 8), 1000, SPAN("end"));
	prints_to(&t.users[0], "c");
	got(&t.users[0], "3|c|", 1);
	turn();
	assert_memory_equal(buffer_data(&u->text), "3|close|", 8);
}

static void
test_a_client_that_comes_meanwhile_gets_history_once(void **state)
{
	struct user *late;

	(void)state;
	t.rules.history = 2;
	while (t.count < MANY - 2)
		(void)joins();
	prints("0");
	all_got("0|", 1);
	prints("1");
	prints("2");
	late = joins();
	got(late, "1|2|", 0);
	prints("3");
	passes(REST_MS);
	got(late, "3|", 1);
	assert_memory_equal(buffer_data(&t.users[0].text), "1|2|3|", 6);
	assert_int_equal(buffer_len(&t.users[0].text), 6);
	t.rules.history = 0;
}

static void
test_nothing_waits_when_all_are_about_to_be_closed(void **state)
{
	(void)state;
	join_many();
	prints("0");
	all_got("0|", 1);
	prints("1");
	prints("2");
	all_got("", 0);
	members_flush_now(&t.members);
	all_got("1|2|", 1);
	passes(REST_MS);
	all_got("", 0);
}

static void
test_long_messages_are_not_joined(void **state)
{
	static char text[BROADCAST_JOINED_MAX];

	(void)state;
	join_many();
	prints("0");
	all_got("0|", 1);
	memset(text, 'x', sizeof(text) - 1);
	prints("1");
	prints(text);
	/* It is too long to be joined to the first one; neither waits. */
	assert_int_equal(buffer_len(&t.users[0].text), 2 + sizeof(text));
	prints("2");
	assert_int_equal(buffer_len(&t.users[0].text), 2 + sizeof(text));
	for (int i = 0; i < MANY; i++)
		buffer_clear(&t.users[i].text);
	passes(REST_MS);
	assert_memory_equal(buffer_data(&t.users[0].text), "2|", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    TEST(test_messages_of_one_read_are_one_write),
	    TEST(test_what_follows_a_long_delivery_goes_out_together),
	    TEST(test_few_clients_and_quick_deliveries_wait_for_nothing),
	    TEST(test_what_does_not_go_to_all_does_not_wait_and_keeps_the_order),
	    TEST(test_a_client_that_comes_meanwhile_gets_history_once),
	    TEST(test_nothing_waits_when_all_are_about_to_be_closed),
	    TEST(test_long_messages_are_not_joined),
#undef TEST
	};

	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
