/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection to a Redis server, against a server whose every byte is scripted. */
#include "base/buffer.h"
#include "base/log.h"
#include "bus/redis_link.h"
#include "bus/redis_reply.h"

#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURNS_MAX = 60 * 1000 };

/* The tests move it: both ends are in this process, so that nothing takes any other time. */
static int64_t clock_ms = 1000;
int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return clock_ms;
}

/* The server, the client, and what the client has seen. */
struct world {
	char directory[32];
	char url_text[128];
	struct redis_url url;
	int listener;
	int peer; /* -1: not connected */
	struct buffer got; /* by the server, on this connection */
	int connections;
	struct loop *loop;
	struct redis_link *link;
	struct redis_link_log log;
	int ups, downs;
	struct buffer replies; /* the texts of replies and messages, each with a '|' */
};

static void
on_up(void *arg)
{
	((struct world *)arg)->ups++;
}

static void
on_down(void *arg)
{
	((struct world *)arg)->downs++;
}

static void
put_reply(struct buffer *out, const struct redisReply *reply)
{
	char text[64];

	switch (reply->type) {
	case REDIS_REPLY_ARRAY:
		for (size_t i = 0; i < reply->elements; i++)
			put_reply(out, reply->element[i]);
		return;
	case REDIS_REPLY_INTEGER:
		snprintf(text, sizeof(text), "%lld|", reply->integer);
		break;
	case REDIS_REPLY_NIL:
		snprintf(text, sizeof(text), "nil|");
		break;
	default:
		snprintf(text, sizeof(text), "%s|", reply->str);
	}
	assert_true(buffer_append(out, text, strlen(text)));
}

static void
on_message(void *arg, const struct redisReply *reply)
{
	put_reply(&((struct world *)arg)->replies, reply);
}

static void
on_reply(void *arg, const struct redisReply *reply)
{
	put_reply(&((struct world *)arg)->replies, reply);
}

static void
begin(struct world *w, const char *format, enum redis_link_kind kind)
{
	static const struct redis_link_handlers handlers = {on_up, on_down, on_message};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct redis_link_spec spec = {.kind = kind, .handlers = &handlers, .arg = w};

	*w = (struct world){.peer = -1};
	strcpy(w->directory, "/tmp/wspipe-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	snprintf(w->url_text, sizeof(w->url_text), format, w->directory);
	assert_null(redis_url_parse(w->url_text, &w->url));
	strcpy(address.sun_path, w->url.target.host);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(w->listener, 8), 0);
	w->loop = loop_new();
	assert_non_null(w->loop);
	spec.loop = w->loop;
	spec.url = &w->url;
	spec.log = &w->log;
	w->link = redis_link_new(&spec);
	assert_non_null(w->link);
}

static void
hang_up(struct world *w)
{
	if (w->peer != -1)
		close(w->peer);
	w->peer = -1;
	buffer_clear(&w->got);
}

static void
end(struct world *w)
{
	redis_link_free(w->link);
	loop_free(w->loop);
	hang_up(w);
	close(w->listener);
	unlink(w->url.target.host);
	rmdir(w->directory);
	buffer_clear(&w->replies);
}

/* One round of the loop and of the server. */
static void
turn(struct world *w)
{
	char bytes[4096];
	ssize_t n;

	timers_run(&w->loop->timers);
	event_base_loop(w->loop->base, EVLOOP_NONBLOCK);
	if (w->peer == -1) {
		w->peer = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK);
		w->connections += w->peer != -1;
	}
	n = w->peer == -1 ? 0 : read(w->peer, bytes, sizeof(bytes));
	if (n > 0)
		assert_true(buffer_append(&w->got, bytes, (size_t)n));
	else if (n == 0)
		hang_up(w);
}

/* As many rounds as anything takes that waits for no time. */
static void
settle(struct world *w)
{
	for (int round = 0; round < 8; round++)
		turn(w);
}

/* Each round takes a millisecond. */
#define UNTIL(w, condition)                                                                    \
	do {                                                                                   \
		for (int turns = 0; !(condition); turns++) {                                   \
			assert_true(turns < TURNS_MAX);                                        \
			turn(w);                                                               \
			clock_ms++;                                                            \
		}                                                                              \
	} while (0)

static bool
has(const struct buffer *buffer, const char *text)
{
	return buffer_len(buffer) > 0 &&
	       memmem(buffer_data(buffer), buffer_len(buffer), text, strlen(text));
}

static void
answer(struct world *w, const char *bytes)
{
	assert_int_equal(write(w->peer, bytes, strlen(bytes)), strlen(bytes));
}

static void
go_up(struct world *w)
{
	int ups = w->ups;

	UNTIL(w, has(&w->got, "PING"));
	buffer_clear(&w->got);
	answer(w, "+PONG\r\n");
	UNTIL(w, w->ups == ups + 1);
}

static void
test_it_authenticates_and_selects(void **state)
{
	static const struct {
		const char *url;
		const char *greeting;
		const char *replies;
	} rows[] = {
	    {"redis+unix://%s/s", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
	    {"redis+unix://:secret@%s/s?db=3",
		"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*1\r\n"
		"$4\r\nPING\r\n",
		"+OK\r\n+OK\r\n+PONG\r\n"},
	    {"redis+unix://me:p%%20w@%s/s",
		"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$3\r\np w\r\n*1\r\n$4\r\nPING\r\n",
		"+OK\r\n+PONG\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct world w;

		begin(&w, rows[i].url, REDIS_LINK_COMMANDS);
		UNTIL(&w, has(&w.got, "PING\r\n"));
		assert_int_equal(buffer_len(&w.got), strlen(rows[i].greeting));
		assert_memory_equal(buffer_data(&w.got), rows[i].greeting, buffer_len(&w.got));
		assert_false(redis_link_is_up(w.link));
		answer(&w, rows[i].replies);
		UNTIL(&w, w.ups == 1);
		assert_true(redis_link_is_up(w.link));
		end(&w);
	}
}

/* An error at the beginning, or what is no Redis server: it is tried again. */
static void
test_a_rejected_connection_is_tried_again(void **state)
{
	static const char *const texts[] = {"-NOAUTH Authentication required.\r\n",
	    "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
	    "-LOADING Redis is loading the dataset in memory\r\n",
	    "-ERR max number of clients reached\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
	    "220 mail ESMTP\r\n", "\r\n", ":1\r\n:2\r\n", "*0\r\n*0\r\n"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(texts); i++) {
		struct world w;

		begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
		UNTIL(&w, has(&w.got, "PING"));
		answer(&w, texts[i]);
		UNTIL(&w, w.connections == 2);
		go_up(&w);
		end(&w);
	}
}

static void
test_replies_may_be_cut_anywhere(void **state)
{
	static const char bytes[] =
	    "+OK\r\n$5\r\na\r\nb\0\r\n*3\r\n:7\r\n$-1\r\n*1\r\n$0\r\n\r\n-ERR x\r\n";
	static const char expected[] = "OK|a\r\nb|7|nil||ERR x|";
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	go_up(&w);
	for (size_t cut = 1; cut < sizeof(bytes) - 1; cut++) {
		struct span args[] = {SPAN("GET"), SPAN("x")};

		for (int i = 0; i < 4; i++)
			redis_link_send(w.link, args, 2, on_reply, &w);
		UNTIL(&w, buffer_len(&w.got) >= 4 * strlen("*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"));
		buffer_clear(&w.got);
		assert_int_equal(write(w.peer, bytes, cut), cut);
		for (int i = 0; i < 3; i++)
			turn(&w);
		assert_int_equal(write(w.peer, bytes + cut, sizeof(bytes) - 1 - cut),
		    sizeof(bytes) - 1 - cut);
		UNTIL(&w, has(&w.replies, "ERR x|"));
		assert_int_equal(buffer_len(&w.replies), strlen(expected));
		assert_memory_equal(buffer_data(&w.replies), expected, strlen(expected));
		buffer_clear(&w.replies);
	}
	assert_int_equal(w.downs, 0);
	end(&w);
}

/* Whatever the server sends, the process goes on; what can't be right ends the connection. */
static void
test_hostile_replies_end_the_connection(void **state)
{
	static const char *const texts[] = {"+OK\r\n", ":1\r\n", "$-1\r\n", "-ERR x\r\n",
	    "x\r\n", "\r\n", "*2147483647\r\n", "*70000\r\n", "*9223372036854775807\r\n",
	    "*-2\r\n", "$9223372036854775807\r\n", "$-2\r\n", "$x\r\n", "*x\r\n", ":x\r\n",
	    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	    "*1\r\n$7\r\nmessage\r\n"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(texts); i++) {
		struct world w;

		begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
		go_up(&w);
		answer(&w, texts[i]);
		UNTIL(&w, w.downs == 1);
		assert_int_equal(redis_link_losses(w.link), 1);
		UNTIL(&w, w.connections == 2);
		go_up(&w);
		end(&w);
	}
}

/* Each of these arrays alone may come, but all of them together are too many. */
static void
test_nested_replies_have_a_limit_together(void **state)
{
	struct redis_reader *reader = redis_reader_new();
	struct redisReply *reply;
	const char *why = NULL;
	char text[32];
	int len = snprintf(text, sizeof(text), "*%d\r\n", REDIS_REPLY_ELEMENTS_MAX);
	int arrays = 0;

	(void)state;
	assert_non_null(reader);
	assert_null(redis_reader_feed(reader, (const uint8_t *)"*16\r\n", 5));
	/* Empty ones in them take no more bytes than this. */
	for (; !why && arrays < 6; arrays++) {
		why = redis_reader_feed(reader, (const uint8_t *)text, (size_t)len);
		for (int i = 0; !why && i < REDIS_REPLY_ELEMENTS_MAX; i++)
			why = redis_reader_feed(reader, (const uint8_t *)"*1\r\n*0\r\n", 8);
		if (!why)
			why = redis_reader_next(reader, &reply);
	}
	assert_true(arrays > 2);
	assert_non_null(why);
	redis_reader_free(reader);
}

/* As Redis responds if AUTH has another name there. */
static void
test_an_error_that_repeats_a_password_hides_it(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "redis+unix://me:hunter2@%s/s", REDIS_LINK_COMMANDS);
	UNTIL(&w, has(&w.got, "PING"));
	answer(
	    &w, "-ERR unknown command 'AUTH', with args beginning with: 'me' 'hunter2' \r\n");
	UNTIL(&w, w.connections == 2);
	assert_string_equal(
	    w.log.reason, "the server rejects the connection: ERR unknown command 'AUTH'");
	end(&w);
}

static void
test_messages_come_unasked(void **state)
{
	static const char text[] = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
				   "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";
	struct span args[] = {SPAN("SUBSCRIBE"), SPAN("c")};
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_MESSAGES);
	go_up(&w);
	redis_link_send(w.link, args, 2, NULL, NULL);
	UNTIL(&w, has(&w.got, "SUBSCRIBE"));
	answer(&w, text);
	UNTIL(&w, has(&w.replies, "message|c|hi|"));
	answer(&w, ":5\r\n*0\r\n");
	answer(&w, "-NOPERM no channel\r\n");
	UNTIL(&w, w.downs == 1);
	end(&w);
}

/* A server that is stopped, or that is no more reachable. */
static void
test_a_silent_server_is_given_up(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	go_up(&w);
	for (int ms = 0; ms <= REDIS_LINK_DEAD_MS + REDIS_LINK_PING_MS; ms += 500) {
		clock_ms += 500;
		turn(&w);
	}
	UNTIL(&w, w.downs == 1);
	UNTIL(&w, w.connections == 2);
	end(&w);
}

static void
test_a_server_that_responds_is_kept(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	go_up(&w);
	for (int i = 0; i < 10; i++) {
		clock_ms += REDIS_LINK_PING_MS;
		UNTIL(&w, has(&w.got, "PING"));
		buffer_clear(&w.got);
		answer(&w, "+PONG\r\n");
		turn(&w);
	}
	/* This process was stopped. */
	clock_ms += 100 * REDIS_LINK_DEAD_MS;
	UNTIL(&w, has(&w.got, "PING"));
	assert_int_equal(w.downs, 0);
	end(&w);
}

/* The waits grow, and are never longer than two seconds. */
static void
test_it_backs_off(void **state)
{
	int64_t wait_ms = REDIS_LINK_RETRY_MS;
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	for (int i = 0; i < 12; i++) {
		int connections;

		UNTIL(&w, has(&w.got, "PING"));
		connections = w.connections;
		hang_up(&w);
		settle(&w);
		/* Half of the wait is random. */
		clock_ms += wait_ms / 2 - 1;
		settle(&w);
		assert_int_equal(w.connections, connections);
		clock_ms += wait_ms - wait_ms / 2 + 1;
		settle(&w);
		assert_int_equal(w.connections, connections + 1);
		wait_ms = 2 * wait_ms < REDIS_LINK_RETRY_MAX_MS ? 2 * wait_ms
								: REDIS_LINK_RETRY_MAX_MS;
	}
	assert_int_equal(w.ups, 0);
	end(&w);
}

/* It accepts each connection, so that the link is up at once. */
static void
test_a_server_that_rejects_commands_is_tried_less_often(void **state)
{
	struct span args[] = {SPAN("GET"), SPAN("x")};
	struct world w;
	int connections;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	for (int i = 0; i < 6; i++) {
		clock_ms += 2000;
		go_up(&w);
		redis_link_send(w.link, args, 2, NULL, NULL);
		UNTIL(&w, has(&w.got, "GET"));
		answer(&w, "-OOM command not allowed\r\n");
		UNTIL(&w, w.downs == i + 1);
		hang_up(&w);
	}
	connections = w.connections;
	clock_ms += 400;
	settle(&w);
	assert_int_equal(w.connections, connections);
	/* Once one lasts, the next failure is the first. */
	clock_ms += 2000;
	go_up(&w);
	clock_ms += REDIS_LINK_PING_MS;
	UNTIL(&w, has(&w.got, "PING"));
	hang_up(&w);
	UNTIL(&w, w.downs == 7);
	clock_ms += REDIS_LINK_RETRY_MS;
	settle(&w);
	assert_int_equal(w.connections, connections + 2);
	end(&w);
}

static void
reject(struct world *w, const char *command, const char *error)
{
	char text[64];
	struct redisReply reply = {.type = REDIS_REPLY_ERROR, .str = text};

	snprintf(text, sizeof(text), "%s", error);
	reply.len = strlen(text);
	clock_ms += 6000;
	redis_link_fail(w->link, command, &reply);
}

/* Several commands fail for one reason, each with a text of its own. */
static void
test_errors_with_the_same_remedy_are_reported_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	reject(&w, "XADD", "WRONGTYPE Operation");
	reject(&w, "XREVRANGE", "WRONGTYPE Operation");
	assert_string_equal(w.log.reason, "XADD: WRONGTYPE Operation");
	reject(&w, "XREVRANGE", "NOPERM 'xrevrange'");
	assert_string_equal(w.log.reason, "XREVRANGE: NOPERM 'xrevrange'");
	/* Without a remedy, the text is all that is known. */
	reject(&w, "XADD", "ERR one");
	assert_string_equal(w.log.reason, "XADD: ERR one");
	reject(&w, "XADD", "ERR two");
	assert_string_equal(w.log.reason, "XADD: ERR two");
	end(&w);
}

static void
test_nothing_is_sent_while_it_is_down(void **state)
{
	struct span args[] = {SPAN("GET"), SPAN("x")};
	struct world w;

	(void)state;
	begin(&w, "redis+unix://%s/s", REDIS_LINK_COMMANDS);
	redis_link_send(w.link, args, 2, on_reply, &w);
	go_up(&w);
	redis_link_send(w.link, args, 2, on_reply, &w);
	hang_up(&w);
	UNTIL(&w, w.downs == 1);
	redis_link_send(w.link, args, 2, on_reply, &w);
	go_up(&w);
	assert_int_equal(buffer_len(&w.replies), 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_it_authenticates_and_selects),
	    cmocka_unit_test(test_a_rejected_connection_is_tried_again),
	    cmocka_unit_test(test_replies_may_be_cut_anywhere),
	    cmocka_unit_test(test_hostile_replies_end_the_connection),
	    cmocka_unit_test(test_nested_replies_have_a_limit_together),
	    cmocka_unit_test(test_an_error_that_repeats_a_password_hides_it),
	    cmocka_unit_test(test_messages_come_unasked),
	    cmocka_unit_test(test_a_silent_server_is_given_up),
	    cmocka_unit_test(test_a_server_that_responds_is_kept),
	    cmocka_unit_test(test_it_backs_off),
	    cmocka_unit_test(test_a_server_that_rejects_commands_is_tried_less_often),
	    cmocka_unit_test(test_errors_with_the_same_remedy_are_reported_once),
	    cmocka_unit_test(test_nothing_is_sent_while_it_is_down),
	};

	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
