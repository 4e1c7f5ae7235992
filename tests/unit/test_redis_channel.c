/* SPDX-License-Identifier: BSD-2-Clause */
/* Users of channels whose handlers unsubscribe them. */
#include "bus/redis_channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { USERS = 4 };

static struct {
	struct redis_context context;
	struct redis_channel users[USERS];
	int leaver, leaves; /* a handler of LEAVER unsubscribes LEAVES */
	char calls[32]; /* the users whose handlers were called */
	char sent[256]; /* commands */
} t;

void __wrap_redis_link_send(struct redis_link *link, const struct span *args, int count,
    redis_reply_handler *handler, void *arg);

void
__wrap_redis_link_send(struct redis_link *link, const struct span *args, int count,
    redis_reply_handler *handler, void *arg)
{
	size_t len = strlen(t.sent);

	(void)link;
	(void)handler;
	(void)arg;
	assert_int_equal(count, 2);
	snprintf(t.sent + len, sizeof(t.sent) - len, "%.*s %.*s|", (int)args[0].len,
	    args[0].data, (int)args[1].len, args[1].data);
}

static void
on_subscribed(void *arg)
{
	const struct redis_channel *user = arg;
	size_t len = strlen(t.calls);
	int number = (int)(user - t.users);

	assert_true(len + 1 < sizeof(t.calls));
	t.calls[len] = (char)('0' + number);
	if (number == t.leaver)
		redis_channel_unsubscribe(&t.users[t.leaves]);
}

static void
on_message(void *arg, struct span bytes)
{
	assert_true(span_equal(bytes, SPAN("bytes")));
	on_subscribed(arg);
}

/* Users 0, 1 and 3 have channel a, user 2 has channel b. */
static void
set_up(int leaver, int leaves)
{
	memset(&t, 0, sizeof(t));
	list_init(&t.context.channels);
	t.leaver = leaver;
	t.leaves = leaves;
	for (int i = 0; i < USERS; i++) {
		t.users[i] = (struct redis_channel){.context = &t.context,
		    .name = i == 2 ? "b" : "a",
		    .on_message = on_message,
		    .on_subscribed = on_subscribed,
		    .arg = &t.users[i]};
		redis_channel_init(&t.users[i]);
		redis_channel_subscribe(&t.users[i]);
	}
	assert_string_equal(t.sent, "SUBSCRIBE a|SUBSCRIBE a|SUBSCRIBE b|SUBSCRIBE a|");
	t.sent[0] = '\0';
}

static void
a_handler_may_unsubscribe_any_user(void **state)
{
	(void)state;
	for (int leaver = -1; leaver < USERS; leaver++) {
		for (int leaves = 0; leaves < USERS; leaves++) {
			bool called = leaver == 0 || leaver == 1 || leaver == 3;
			char expected[USERS + 1];
			int count = 0;

			for (int i = 0; i < USERS; i++) {
				if (i != 2 && !(called && i == leaves && leaver < i))
					expected[count++] = (char)('0' + i);
			}
			expected[count] = '\0';
			set_up(leaver, leaves);
			redis_channels_on_message(&t.context, SPAN("a"), SPAN("bytes"));
			assert_string_equal(t.calls, expected);
			set_up(leaver, leaves);
			redis_channels_on_subscribed(&t.context, SPAN("a"));
			assert_string_equal(t.calls, expected);
		}
	}
}

static void
the_last_user_ends_the_subscription(void **state)
{
	(void)state;
	set_up(-1, 0);
	redis_channel_unsubscribe(&t.users[0]);
	redis_channel_unsubscribe(&t.users[3]);
	redis_channel_unsubscribe(&t.users[3]);
	assert_string_equal(t.sent, "");
	redis_channel_unsubscribe(&t.users[1]);
	assert_string_equal(t.sent, "UNSUBSCRIBE a|");
	t.sent[0] = '\0';
	redis_channels_on_up(&t.context);
	assert_string_equal(t.sent, "SUBSCRIBE b|");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_handler_may_unsubscribe_any_user),
	    cmocka_unit_test(the_last_user_ends_the_subscription),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
