/* SPDX-License-Identifier: BSD-2-Clause */
/* A client without a WebSocket, over scripted streams. */
#include "http/connection.h"
#include "net/linger.h"
#include "net/transport.h"
#include "peer/deadlines.h"
#include "peer/event_response.h"
#include "peer/events.h"
#include "script_stream.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef"
#define OPEN "event: open\ndata: {\"session\":\"" ID "\"}\n\n"
#define CLIENTS 5

_Static_assert(EVENT_RESPONSE_COMMENT_MS == 15 * 1000 && TRANSPORT_DEAD_S == 60,
    "the manual, at --resume-wait: a client that vanishes is found after 75 seconds at most");

static int64_t now_ms;
static int64_t idle_ms, lifetime_ms; /* of the next user */
static size_t max_kept = 400; /* likewise */
static struct events_room room;

int64_t __wrap_util_clock_ms(void);
int64_t
__wrap_util_clock_ms(void)
{
	return now_ms;
}

static const struct batch_format texts = {.text = true};
static const struct batch_format both = {.text = true, .binary = true};
static const struct batch_format joined = {
    .text = true, .binary = true, .joins = true, .separator = '\n'};

/* A peer, its user, and the connections of its client. */
struct user {
	size_t messages;
	uint64_t bytes;
	struct loop *loop;
	struct connections connections;
	atomic_size_t count;
	struct script_stream streams[CLIENTS];
	bool open[CLIENTS];
	struct exchange *exchange; /* of the last request */
	struct peer *peer; /* NULL: it was freed or finished */
	struct peer_counts sent;
	struct buffer got; /* each message with a bar after it */
	bool pauses;
	uint16_t closed;
	const char *error; /* of on_error */
	bool grace_over;
	int ended;
	int over;
	char *out;
};

static bool
on_messages(void *arg, struct batch *batch)
{
	struct user *u = arg;

	assert_true(buffer_append(&u->got, batch->type == MESSAGE_TEXT ? "" : "#",
	    batch->type == MESSAGE_TEXT ? 0 : 1));
	assert_true(buffer_append(&u->got, batch->data, batch->len));
	assert_true(buffer_append(&u->got, "|", 1));
	u->messages += batch->messages;
	u->bytes += batch->bytes;
	return !u->pauses;
}

static void
on_failure(void *arg, uint16_t code, const char *reason)
{
	(void)arg;
	(void)code;
	(void)reason;
	fail();
}

static void
on_error(void *arg, uint16_t code, const char *reason)
{
	assert_int_equal(code, 1001);
	((struct user *)arg)->error = reason;
}

static void
on_grace_over(void *arg)
{
	((struct user *)arg)->grace_over = true;
}

static void
on_close(void *arg, uint16_t code, struct span reason)
{
	(void)reason;
	((struct user *)arg)->closed = code;
}

/* As a session does. */
static void
on_changed(void *arg)
{
	struct user *u = arg;

	if (u->peer && u->peer->state == PEER_GONE) {
		peer_free(u->peer);
		u->peer = NULL;
	} else if (u->peer && u->peer->state == PEER_LEFT && u->closed != 0) {
		struct peer *peer = u->peer;

		u->peer = NULL;
		peer_close(peer, u->closed, (struct span){0});
		peer_finish(peer);
	} else if (u->peer) {
		peer_set_reading(u->peer, !u->pauses);
	}
}

static const struct peer_handlers handlers = {
    .on_messages = on_messages,
    .on_violation = on_failure,
    .on_grace_over = on_grace_over,
    .on_error = on_error,
    .on_close = on_close,
    .on_changed = on_changed,
};

static void
on_ended(void *owner)
{
	((struct user *)owner)->ended++;
}

static void
on_over(void *owner)
{
	((struct user *)owner)->over++;
}

static void
handle(void *arg, struct exchange *exchange)
{
	((struct user *)arg)->exchange = exchange;
}

static struct peer *
new_peer(struct user *u, enum events_form form, const struct batch_format *format)
{
	struct events_spec spec = {
	    .loop = u->loop,
	    .format = format,
	    .sent = &u->sent,
	    .form = form,
	    .max_kept = max_kept,
	    .resume_ms = 30000,
	    .room = &room,
	    .idle_ms = idle_ms,
	    .lifetime_ms = lifetime_ms,
	    .id = ID,
	    .on_ended = on_ended,
	    .on_over = on_over,
	    .owner = u,
	};
	struct peer *peer = events_new(&spec, &handlers, u);

	assert_non_null(peer);
	return peer;
}

static void
user_open(struct user *u, enum events_form form, const struct batch_format *format)
{
	memset(u, 0, sizeof(*u));
	now_ms = 1000;
	events_room_init(&room);
	u->loop = loop_new();
	assert_non_null(u->loop);
	list_init(&u->connections.list);
	u->connections.count = &u->count;
	u->peer = new_peer(u, form, format);
	peer_set_reading(u->peer, true);
}

static void
turn(struct user *u)
{
	for (int i = 0; i < 5; i++) {
		for (int c = 0; c < CLIENTS; c++) {
			if (u->open[c])
				script_stream_turn(&u->streams[c]);
		}
		event_base_loop(u->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

/* Lets time pass, in steps that no deadline is missed by. */
static void
pass(struct user *u, int64_t ms)
{
	for (int64_t end = now_ms + ms; now_ms < end;) {
		now_ms += end - now_ms < 1000 ? end - now_ms : 1000;
		timers_run(&u->loop->timers);
		turn(u);
	}
}

/* A request on connection C, which is new; its exchange. */
static struct exchange *
request(struct user *u, int c)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

	script_stream_init(&u->streams[c]);
	u->open[c] = true;
	u->exchange = NULL;
	assert_true(
	    connection_open_take(u->loop, &u->connections, &u->streams[c].stream, handle, u));
	assert_true(buffer_append(&u->streams[c].incoming, get, strlen(get)));
	turn(u);
	assert_non_null(u->exchange);
	return u->exchange;
}

/* The session ends; its peer, which lives on. */
static struct peer *
end(struct user *u, uint16_t code, const char *reason)
{
	struct peer *peer = u->peer;

	u->peer = NULL;
	peer_close(peer, code, span_of(reason));
	assert_int_equal(peer->state, PEER_LEFT);
	peer_finish(peer);
	turn(u);
	assert_int_equal(u->ended, 1);
	assert_int_equal(u->over, 0);
	return peer;
}

static void
user_close(struct user *u, int over)
{
	connection_abort_all(&u->connections);
	turn(u);
	if (u->peer) {
		peer_free(u->peer);
		over++;
	}
	assert_int_equal(u->over, over);
	assert_int_equal(room.ended_count, 0);
	assert_int_equal(room.ended_kept, 0);
	linger_abort_all(u->loop);
	loop_free(u->loop);
	buffer_clear(&u->got);
	for (int c = 0; c < CLIENTS; c++)
		if (u->open[c])
			script_stream_clear(&u->streams[c]);
	free(u->out);
}

/* The body of what was written on connection C since the last call, without chunks' sizes. */
static const char *
body(struct user *u, int c)
{
	struct buffer *written = &u->streams[c].written;
	char *text, *to, *from;

	free(u->out);
	u->out = span_dup((struct span){(char *)buffer_data(written), buffer_len(written)});
	assert_non_null(u->out);
	buffer_clear(written);
	text = strncmp(u->out, "HTTP/", 5) == 0 ? strstr(u->out, "\r\n\r\n") + 4 : u->out;
	if (strstr(u->out, "Content-Length"))
		return text;
	for (to = from = text; *from;) {
		char *line;
		unsigned long size = strtoul(from, &line, 16);

		assert_memory_equal(line, "\r\n", 2);
		memmove(to, line + 2, size);
		to += size;
		from = line + 2 + size + 2;
	}
	*to = '\0';
	return text;
}

static void
say(struct user *u, enum message_type type, const char *text)
{
	char bytes[1024];
	struct batch batch = {.type = type,
	    .data = (uint8_t *)bytes,
	    .len = strlen(text),
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true};

	memcpy(bytes, text, batch.len);
	peer_send(u->peer, &batch);
	peer_flush(u->peer);
	turn(u);
}

static enum events_posted
post(struct user *u, enum events_kind kind, const char *text)
{
	struct buffer bytes = {0};
	const char *why = "";
	enum events_posted result;

	assert_true(buffer_append(&bytes, text, strlen(text)));
	result = events_post(u->peer, kind, &bytes, &why);
	buffer_clear(&bytes);
	return result;
}

static void
assert_got(struct user *u, const char *wanted)
{
	assert_int_equal(buffer_len(&u->got), strlen(wanted));
	assert_memory_equal(buffer_data(&u->got), wanted, strlen(wanted));
	buffer_clear(&u->got);
}

static void
test_messages_are_events(void **state)
{
	static const struct {
		enum message_type type;
		const char *message;
		const char *event;
	} rows[] = {
	    {MESSAGE_TEXT, "hello", "data: hello\n"},
	    {MESSAGE_TEXT, " a ", "data:  a \n"},
	    {MESSAGE_TEXT, "", "data: \n"},
	    {MESSAGE_TEXT, "\n", "data: \ndata: \n"},
	    {MESSAGE_TEXT, "a\nb\n\nc", "data: a\ndata: b\ndata: \ndata: c\n"},
	    {MESSAGE_TEXT, "id: 5\n\nevent: x", "data: id: 5\ndata: \ndata: event: x\n"},
	    {MESSAGE_TEXT, "a\rb", "event: text-base64\ndata: YQ1i\n"},
	    {MESSAGE_TEXT, "a\r\n", "event: text-base64\ndata: YQ0K\n"},
	    {MESSAGE_BINARY, "\1\2", "event: binary\ndata: AQI=\n"},
	    {MESSAGE_BINARY, "", "event: binary\ndata: \n"},
	};
	char wanted[256];
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	assert_int_equal(
	    events_attach(u.peer, request(&u, 0), 0, "X-A: b\r\n"), EVENTS_ATTACHED);
	turn(&u);
	assert_string_equal(body(&u, 0), OPEN);
	assert_non_null(strstr(u.out, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(u.out, "\r\nContent-Type: text/event-stream\r\n"));
	assert_non_null(strstr(u.out, "\r\nX-A: b\r\n"));
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		say(&u, rows[i].type, rows[i].message);
		snprintf(wanted, sizeof(wanted), "id: " ID "-%zu\n%s\n", i + 1, rows[i].event);
		assert_string_equal(body(&u, 0), wanted);
	}
	assert_int_equal(u.sent.messages, UTIL_LEN(rows));
	events_abandon(end(&u, 4007, "exit \"7\""));
	assert_string_equal(body(&u, 0),
	    "id: " ID
	    "-11\nevent: close\ndata: {\"code\":4007,\"reason\":\"exit \\\"7\\\"\"}\n\n");
	user_close(&u, 1);
}

static void
test_a_batch_of_lines(void **state)
{
	char bytes[] = "one\r\ntwo\n\xff\nfour\n";
	struct batch batch = {.type = MESSAGE_TEXT,
	    .data = (uint8_t *)bytes,
	    .len = strlen(bytes),
	    .separator = '\n',
	    .cr = true};
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	peer_send(u.peer, &batch);
	peer_flush(u.peer);
	turn(&u);
	assert_string_equal(
	    body(&u, 0), OPEN "id: " ID "-1\ndata: one\n\nid: " ID "-2\ndata: two\n\n");
	/* What is not UTF-8 is at the front of the rest. */
	assert_memory_equal(batch.data, "\xff\nfour\n", batch.len);
	assert_int_equal(batch.len, 7);
	user_close(&u, 0);
}

static void
test_a_client_that_comes_back_misses_nothing(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	say(&u, MESSAGE_TEXT, "1");
	say(&u, MESSAGE_TEXT, "2");
	connection_abort_all(&u.connections);
	turn(&u);
	pass(&u, 20000);
	say(&u, MESSAGE_TEXT, "3");
	assert_true(peer_queued(u.peer) > 0);
	assert_int_equal(events_attach(u.peer, request(&u, 1), 1, NULL), EVENTS_ATTACHED);
	turn(&u);
	assert_string_equal(
	    body(&u, 1), OPEN "id: " ID "-2\ndata: 2\n\nid: " ID "-3\ndata: 3\n\n");
	assert_int_equal(peer_queued(u.peer), 0);
	/* It has a time limit for each absence. */
	pass(&u, 60000);
	assert_non_null(u.peer);
	connection_abort_all(&u.connections);
	turn(&u);
	pass(&u, 29000);
	assert_non_null(u.peer);
	pass(&u, 2000);
	assert_null(u.peer);
	user_close(&u, 1);
}

static void
test_a_second_connection_replaces_the_first(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	(void)events_attach(u.peer, request(&u, 1), 0, NULL);
	turn(&u);
	assert_true(u.streams[0].freed);
	say(&u, MESSAGE_TEXT, "1");
	assert_string_equal(body(&u, 1), OPEN "id: " ID "-1\ndata: 1\n\n");
	user_close(&u, 0);
}

static void
test_what_is_kept_is_bounded(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	for (int i = 0; i < 100; i++)
		say(&u, MESSAGE_TEXT, "message");
	(void)body(&u, 0);
	assert_int_equal(events_attach(u.peer, request(&u, 1), 50, NULL), EVENTS_DROPPED);
	assert_int_equal(events_attach(u.peer, u.exchange, 101, NULL), EVENTS_DROPPED);
	assert_int_equal(events_attach(u.peer, u.exchange, 97, NULL), EVENTS_ATTACHED);
	turn(&u);
	assert_string_equal(body(&u, 1), OPEN "id: " ID "-98\ndata: message\n\n"
					      "id: " ID "-99\ndata: message\n\n"
					      "id: " ID "-100\ndata: message\n\n");
	user_close(&u, 0);
}

static void
test_what_all_streams_keep_is_bounded(void **state)
{
	static const struct {
		size_t others; /* bytes */
		uint64_t oldest; /* that a client can resume after */
	} rows[] = {
	    {EVENTS_ROOM * 400 - 8 * 400, 94},
	    {EVENTS_ROOM * 400 - 8 * 200, 97},
	    {EVENTS_ROOM * 400, 100},
	    {EVENTS_ROOM * 800, 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user u;

		user_open(&u, EVENTS_STREAM, &both);
		(void)events_attach(u.peer, request(&u, 0), 0, NULL);
		room.kept += rows[i].others;
		for (int n = 0; n < 100; n++)
			say(&u, MESSAGE_TEXT, "message");
		assert_true(room.kept <= rows[i].others + 400);
		assert_int_equal(
		    events_attach(u.peer, request(&u, 1), rows[i].oldest - 1, NULL),
		    EVENTS_DROPPED);
		assert_int_equal(
		    events_attach(u.peer, u.exchange, rows[i].oldest, NULL), EVENTS_ATTACHED);
		user_close(&u, 0);
		assert_int_equal(room.kept, rows[i].others);
		room.kept = 0;
	}
}

static void
test_a_session_has_its_limits_of_time(void **state)
{
	struct user u;

	(void)state;
	idle_ms = 5000;
	lifetime_ms = 12000;
	user_open(&u, EVENTS_STREAM, &both);
	idle_ms = lifetime_ms = 0;
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	pass(&u, 4000);
	say(&u, MESSAGE_TEXT, "out");
	pass(&u, 4000);
	assert_int_equal(post(&u, EVENTS_TEXT, "in"), EVENTS_POSTED);
	pass(&u, 3900);
	assert_null(u.error);
	pass(&u, 300);
	assert_string_equal(u.error, "open for --max-lifetime");
	pass(&u, 1000);
	assert_string_equal(u.error, "no message for --idle-timeout");
	user_close(&u, 0);
}

static void
test_a_message_in_parts_is_one_event(void **state)
{
	char bytes[300];
	struct batch batch = {.type = MESSAGE_TEXT,
	    .data = (uint8_t *)bytes,
	    .len = 2,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true};
	struct user u;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	peer_send(u.peer, &batch);
	batch.first = false;
	peer_send(u.peer, &batch);
	batch.last = true;
	peer_send(u.peer, &batch);
	peer_flush(u.peer);
	turn(&u);
	assert_string_equal(body(&u, 0), OPEN "id: " ID "-1\ndata: xxxxxx\n\n");
	batch.first = true;
	batch.last = false;
	batch.len = sizeof(bytes);
	peer_send(u.peer, &batch);
	batch.first = false;
	peer_send(u.peer, &batch);
	assert_int_equal(u.peer->state, PEER_GONE);
	turn(&u);
	assert_non_null(strstr(body(&u, 0), "{\"code\":1009,\"reason\":"));
	user_close(&u, 0);
}

static void
test_a_silent_stream_gets_comments(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	(void)body(&u, 0);
	pass(&u, 14000);
	assert_string_equal(body(&u, 0), "");
	pass(&u, 2000);
	assert_string_equal(body(&u, 0), ":\n\n");
	pass(&u, 15000);
	assert_string_equal(body(&u, 0), ":\n\n");
	user_close(&u, 0);
}

static void
test_posts_are_messages(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	assert_int_equal(post(&u, EVENTS_TEXT, "a\nb"), EVENTS_POSTED);
	assert_int_equal(post(&u, EVENTS_BINARY, "\xff"), EVENTS_POSTED);
	assert_int_equal(post(&u, EVENTS_TEXT, ""), EVENTS_POSTED);
	assert_got(&u, "a\nb|#\xff||");
	assert_int_equal(post(&u, EVENTS_LINES,
			     "{\"type\":\"text\",\"data\":\"1\"}\n\n"
			     "{\"type\":\"binary\",\"data\":\"Mg==\"}\r\n"
			     "{\"type\":\"text\",\"data\":\"3\"}"),
	    EVENTS_POSTED);
	assert_got(&u, "1|#2|3|");
	assert_int_equal(post(&u, EVENTS_TEXT, "\xff"), EVENTS_BAD);
	assert_int_equal(
	    post(&u, EVENTS_LINES, "{\"type\":\"text\",\"data\":\"1\"}\n{}"), EVENTS_BAD);
	assert_int_equal(
	    post(&u, EVENTS_LINES, "{\"type\":\"text\",\"data\":\"1\"}\n{"), EVENTS_BAD);
	assert_got(&u, "");
	assert_int_equal(
	    post(&u, EVENTS_LINES, "{\"type\":\"close\",\"code\":4001,\"reason\":\"x\"}"),
	    EVENTS_POSTED);
	assert_int_equal(u.closed, 4001);
	assert_null(u.peer);
	user_close(&u, 1);
}

#define LINE(text) "{\"type\":\"text\",\"data\":\"" text "\"}\n"

/* Each beginning of a body is whole lines, or nothing. */
static void
test_lines_that_are_cut(void **state)
{
	static const char lines[] = LINE(
	    "a\\u00e4\\ud83d\\ude00") "\r\n{\"type\":\"binary\",\"data\":\"Mg==\"}\n" LINE("c");
	static const char *const got[] = {"", "aä😀|", "aä😀|#2|", "aä😀|#2|c|"};
	char text[sizeof(lines)];

	(void)state;
	for (size_t len = 0; len < sizeof(lines); len++) {
		struct user u;
		size_t whole = 0;

		memcpy(text, lines, len);
		text[len] = '\0';
		for (const char *at = text; (at = strchr(at, '}')); at++)
			whole++;
		user_open(&u, EVENTS_STREAM, &both);
		if (len == 0 || strchr("}\r\n", text[len - 1])) {
			assert_int_equal(post(&u, EVENTS_LINES, text), EVENTS_POSTED);
			assert_got(&u, got[whole]);
		} else {
			assert_int_equal(post(&u, EVENTS_LINES, text), EVENTS_BAD);
			assert_got(&u, "");
		}
		user_close(&u, 0);
	}
}

static void
test_lines_of_a_post_are_joined(void **state)
{
	struct buffer lines = {0};
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &joined);
	assert_int_equal(post(&u, EVENTS_LINES, LINE("1") LINE("") "\n" LINE("2\\n") LINE("3")),
	    EVENTS_POSTED);
	assert_got(&u, "1\n\n2\n\n3\n|");
	assert_int_equal(u.messages, 4);
	assert_int_equal(u.bytes, 4);
	assert_int_equal(
	    post(&u, EVENTS_LINES,
		LINE("a") "{\"type\":\"binary\",\"data\":\"Mg==\"}\n" LINE("b") LINE("c")),
	    EVENTS_POSTED);
	assert_got(&u, "a\n|#2\n|b\nc\n|");
	assert_int_equal(post(&u, EVENTS_LINES, LINE("a") LINE("\xff")), EVENTS_BAD);
	assert_int_equal(post(&u, EVENTS_TEXT, "one"), EVENTS_POSTED);
	assert_got(&u, "one|");
	/* A long body is several batches: the user may pause between them. */
	for (int i = 0; i < 5000; i++)
		assert_true(
		    buffer_append(&lines, LINE("0123456"), sizeof(LINE("0123456")) - 1));
	assert_true(buffer_append(&lines, "", 1));
	u.messages = 0;
	u.pauses = true;
	assert_int_equal(
	    post(&u, EVENTS_LINES, (const char *)buffer_data(&lines)), EVENTS_POSTED);
	assert_int_equal(u.messages, 16 * 1024 / 8);
	assert_int_equal(post(&u, EVENTS_TEXT, "3"), EVENTS_BUSY);
	u.pauses = false;
	peer_set_reading(u.peer, true);
	turn(&u);
	assert_int_equal(u.messages, 5000);
	buffer_clear(&lines);
	assert_int_equal(post(&u, EVENTS_LINES,
			     LINE("x") "{\"type\":\"close\",\"code\":4001,\"reason\":\"y\"}\n"),
	    EVENTS_POSTED);
	assert_int_equal(u.closed, 4001);
	assert_null(u.peer);
	user_close(&u, 1);
}

static void
test_a_type_that_is_not_accepted(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &texts);
	assert_int_equal(post(&u, EVENTS_BINARY, "x"), EVENTS_WRONG_TYPE);
	assert_int_equal(post(&u, EVENTS_LINES,
			     "{\"type\":\"text\",\"data\":\"1\"}\n"
			     "{\"type\":\"binary\",\"data\":\"Mg==\"}"),
	    EVENTS_WRONG_TYPE);
	assert_got(&u, "");
	user_close(&u, 0);
}

static void
test_backpressure_is_busy(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	u.pauses = true;
	assert_int_equal(post(&u, EVENTS_LINES,
			     "{\"type\":\"text\",\"data\":\"1\"}\n"
			     "{\"type\":\"text\",\"data\":\"2\"}"),
	    EVENTS_POSTED);
	assert_got(&u, "1|");
	assert_int_equal(post(&u, EVENTS_TEXT, "3"), EVENTS_BUSY);
	u.pauses = false;
	peer_set_reading(u.peer, true);
	turn(&u);
	assert_got(&u, "2|");
	assert_int_equal(post(&u, EVENTS_TEXT, "3"), EVENTS_POSTED);
	assert_got(&u, "3|");
	user_close(&u, 0);
}

static void
test_after_a_violation_nothing_is_read(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_STREAM, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	peer_violation(u.peer);
	assert_int_equal(post(&u, EVENTS_TEXT, "1"), EVENTS_BUSY);
	assert_false(u.grace_over);
	pass(&u, DEADLINES_GRACE_MS + 1);
	assert_true(u.grace_over);
	user_close(&u, 0);
}

static void
test_a_client_closes(void **state)
{
	for (int attached = 0; attached < 2; attached++) {
		struct user u;

		(void)state;
		user_open(&u, EVENTS_STREAM, &both);
		if (attached)
			(void)events_attach(u.peer, request(&u, 0), 0, NULL);
		else
			say(&u, MESSAGE_TEXT, "unread");
		events_leave(u.peer);
		assert_int_equal(u.closed, 1000);
		assert_null(u.peer);
		assert_int_equal(u.over, 1);
		turn(&u);
		if (attached)
			assert_non_null(strstr(body(&u, 0), "event: close\n"));
		user_close(&u, 1);
	}
}

#define REST                                                                                   \
	OPEN "id: " ID "-1\ndata: 1\n\nid: " ID "-2\nevent: close\n"                           \
	     "data: {\"code\":1000,\"reason\":\"exit 0\"}\n\n"

/* Whether it was away, or has lost what was sent. */
static void
test_the_rest_is_kept_for_a_client_that_may_miss_it(void **state)
{
	for (int attached = 0; attached < 2; attached++) {
		struct buffer late = {0};
		struct user u;
		struct peer *peer;
		const char *why;

		(void)state;
		user_open(&u, EVENTS_STREAM, &both);
		if (attached)
			(void)events_attach(u.peer, request(&u, 0), 0, NULL);
		say(&u, MESSAGE_TEXT, "1");
		peer = end(&u, 1000, "exit 0");
		assert_int_equal(room.ended_kept, room.kept);
		assert_true(room.kept > 0);
		if (attached)
			assert_string_equal(body(&u, 0), REST);
		assert_int_equal(events_post(peer, EVENTS_TEXT, &late, &why), EVENTS_ENDED);
		for (int c = 1; c < 3; c++) {
			pass(&u, 29000);
			assert_int_equal(
			    events_attach(peer, request(&u, c), 0, NULL), EVENTS_ATTACHED);
			turn(&u);
			assert_string_equal(body(&u, c), REST);
			assert_int_equal(u.over, 0);
		}
		if (attached) /* it has received everything */
			assert_int_equal(
			    events_attach(peer, request(&u, 3), 2, NULL), EVENTS_OVER);
		else
			pass(&u, 31000);
		assert_int_equal(u.over, 1);
		user_close(&u, 1);
	}
}

static void
test_sessions_that_have_ended_are_bounded(void **state)
{
	static const struct {
		enum events_form form;
		size_t max_kept;
		size_t size; /* of a message */
		int kept; /* sessions, at least */
	} rows[] = {
	    {EVENTS_STREAM, 40000, 0, EVENTS_ENDED_MAX},
	    {EVENTS_STREAM, 400, 250, EVENTS_ROOM / 2 * 400 / (250 + 200)},
	    {EVENTS_POLL, 400, 250, EVENTS_ROOM / 2 * 400 / (250 + 200)},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		int count = 0;
		struct user u;

		max_kept = rows[i].max_kept;
		user_open(&u, rows[i].form, &both);
		peer_free(u.peer);
		memset(text, 'x', sizeof(text));
		text[rows[i].size] = '\0';
		for (; count < 2 * rows[i].kept; count++) {
			u.peer = new_peer(&u, rows[i].form, &both);
			if (rows[i].size > 0)
				say(&u, MESSAGE_TEXT, text);
			peer_close(u.peer, 1000, (struct span){0});
			peer_finish(u.peer);
			u.peer = NULL;
			/* Its bytes are freed at once. */
			assert_true(room.ended_kept <= EVENTS_ROOM / 2 * max_kept);
			assert_true(room.ended_count <= EVENTS_ENDED_MAX);
		}
		assert_int_equal(u.ended, count);
		pass(&u, 1);
		assert_true(u.over > 1);
		assert_true(count + 1 - u.over >= rows[i].kept);
		pass(&u, 31000);
		user_close(&u, count + 1);
	}
}

static void
test_polls_fetch_arrays(void **state)
{
	struct user u;
	struct peer *peer;

	(void)state;
	user_open(&u, EVENTS_POLL, &both);
	say(&u, MESSAGE_TEXT, "a\n");
	say(&u, MESSAGE_BINARY, "b");
	assert_int_equal(events_attach(u.peer, request(&u, 0), 0, NULL), EVENTS_ATTACHED);
	turn(&u);
	assert_string_equal(body(&u, 0), "[{\"id\":1,\"type\":\"text\",\"data\":\"a\\n\"},\n"
					 "{\"id\":2,\"type\":\"binary\",\"data\":\"Yg==\"}]");
	assert_non_null(strstr(u.out, "\r\nContent-Type: application/json\r\n"));
	/* The response was lost: the same again. Then one waits, until there is something. */
	assert_true(peer_queued(u.peer) > 0);
	(void)events_attach(u.peer, request(&u, 1), 1, NULL);
	turn(&u);
	assert_string_equal(body(&u, 1), "[{\"id\":2,\"type\":\"binary\",\"data\":\"Yg==\"}]");
	(void)events_attach(u.peer, request(&u, 2), 2, NULL);
	assert_int_equal(peer_queued(u.peer), 0);
	turn(&u);
	assert_int_equal(buffer_len(&u.streams[2].written), 0);
	say(&u, MESSAGE_TEXT, "c");
	assert_string_equal(body(&u, 2), "[{\"id\":3,\"type\":\"text\",\"data\":\"c\"}]");
	/* The end is an object as well, and acknowledged. */
	peer = end(&u, 1000, "");
	(void)events_attach(peer, request(&u, 3), 3, NULL);
	turn(&u);
	assert_string_equal(
	    body(&u, 3), "[{\"id\":4,\"type\":\"close\",\"code\":1000,\"reason\":\"\"}]");
	assert_int_equal(events_attach(peer, request(&u, 4), 4, NULL), EVENTS_OVER);
	assert_int_equal(u.over, 1);
	user_close(&u, 1);
}

static void
test_a_poll_waits_for_a_time(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_POLL, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	pass(&u, EVENT_RESPONSE_POLL_MS - 1000);
	assert_int_equal(buffer_len(&u.streams[0].written), 0);
	pass(&u, 2000);
	(void)body(&u, 0);
	assert_non_null(strstr(u.out, "HTTP/1.1 204 No Content\r\n"));
	/* It may be away as long as any other. */
	pass(&u, 27000);
	assert_non_null(u.peer);
	pass(&u, 4000);
	assert_null(u.peer);
	user_close(&u, 1);
}

static void
test_a_second_poll_ends_the_first(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, EVENTS_POLL, &both);
	(void)events_attach(u.peer, request(&u, 0), 0, NULL);
	(void)events_attach(u.peer, request(&u, 1), 0, NULL);
	turn(&u);
	(void)body(&u, 0);
	assert_non_null(strstr(u.out, "HTTP/1.1 204 No Content\r\n"));
	say(&u, MESSAGE_TEXT, "c");
	assert_string_equal(body(&u, 1), "[{\"id\":1,\"type\":\"text\",\"data\":\"c\"}]");
	user_close(&u, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_are_events),
	    cmocka_unit_test(test_a_batch_of_lines),
	    cmocka_unit_test(test_a_client_that_comes_back_misses_nothing),
	    cmocka_unit_test(test_a_second_connection_replaces_the_first),
	    cmocka_unit_test(test_what_is_kept_is_bounded),
	    cmocka_unit_test(test_what_all_streams_keep_is_bounded),
	    cmocka_unit_test(test_a_session_has_its_limits_of_time),
	    cmocka_unit_test(test_a_message_in_parts_is_one_event),
	    cmocka_unit_test(test_a_silent_stream_gets_comments),
	    cmocka_unit_test(test_posts_are_messages),
	    cmocka_unit_test(test_lines_that_are_cut),
	    cmocka_unit_test(test_lines_of_a_post_are_joined),
	    cmocka_unit_test(test_a_type_that_is_not_accepted),
	    cmocka_unit_test(test_backpressure_is_busy),
	    cmocka_unit_test(test_after_a_violation_nothing_is_read),
	    cmocka_unit_test(test_a_client_closes),
	    cmocka_unit_test(test_the_rest_is_kept_for_a_client_that_may_miss_it),
	    cmocka_unit_test(test_sessions_that_have_ended_are_bounded),
	    cmocka_unit_test(test_polls_fetch_arrays),
	    cmocka_unit_test(test_a_poll_waits_for_a_time),
	    cmocka_unit_test(test_a_second_poll_ends_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
