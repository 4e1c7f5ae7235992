/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and responses over a scripted stream: a connection and its exchanges. */
#include "http/connection.h"

#include "net/linger.h"
#include "script_stream.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define CHUNKED "POST /late HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

/* A server with one client. */
struct service {
	struct loop *loop;
	struct connections connections;
	atomic_size_t count;
	struct script_stream stream;
	struct exchange *exchange; /* that waits for its response */
	struct stream *upgraded;
	size_t requests;
	struct buffer body; /* of the requests: what was read of them */
	bool pauses; /* with each piece of a body */
	bool replies; /* at the end of a body */
	size_t ends; /* of bodies */
	size_t drained;
	size_t half_closed;
	size_t gone;
	char *out; /* what was written so far; see output() */
};

static void
on_body(void *arg, struct span bytes)
{
	struct service *s = arg;

	assert_true(bytes.len > 0);
	assert_true(buffer_append(&s->body, bytes.data, bytes.len));
	if (s->pauses)
		exchange_set_reading(s->exchange, false);
}

static void
on_body_end(void *arg)
{
	struct service *s = arg;

	s->ends++;
	if (s->replies)
		exchange_reply_text(s->exchange, 200, NULL, NULL, "ended");
}

static void
on_drained(void *arg)
{
	((struct service *)arg)->drained++;
}

static void
on_half_closed(void *arg)
{
	((struct service *)arg)->half_closed++;
}

static void
on_gone(void *arg)
{
	struct service *s = arg;

	s->gone++;
	s->exchange = NULL;
}

static const struct exchange_handlers handlers = {
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_drained = on_drained,
    .on_half_closed = on_half_closed,
    .on_gone = on_gone,
};

/* Responds to /late later, gives the stream of /upgrade away, else repeats the path. */
static void
handle(void *arg, struct exchange *exchange)
{
	struct service *s = arg;
	const struct request *request = exchange_request(exchange);
	char path[32];
	struct span rest;

	s->requests++;
	snprintf(
	    path, sizeof(path), "%.*s", (int)request->uri.path.len, request->uri.path.data);
	if (strcmp(path, "/late") == 0) {
		s->exchange = exchange;
		exchange_set_handlers(exchange, &handlers, s);
	} else if (strcmp(path, "/upgrade") == 0) {
		s->upgraded = exchange_upgrade(exchange, &rest);
		assert_true(buffer_append(&s->body, rest.data, rest.len));
	} else {
		exchange_reply_text(exchange, 200, NULL, NULL, path);
	}
}

static void
service_open(struct service *s)
{
	memset(s, 0, sizeof(*s));
	s->loop = loop_new();
	assert_non_null(s->loop);
	list_init(&s->connections.list);
	s->connections.count = &s->count;
	s->connections.head_ms = 10 * 1000;
	script_stream_init(&s->stream);
	assert_true(
	    connection_open_take(s->loop, &s->connections, &s->stream.stream, handle, s));
}

static void
service_close(struct service *s)
{
	connection_abort_all(&s->connections);
	linger_abort_all(s->loop);
	stream_free(s->upgraded);
	assert_true(s->stream.freed);
	assert_int_equal(s->count, 0);
	loop_free(s->loop);
	buffer_clear(&s->body);
	script_stream_clear(&s->stream);
	free(s->out);
}

static void
turn(struct service *s)
{
	for (int i = 0; i < 20; i++) {
		script_stream_turn(&s->stream);
		event_base_loop(s->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

static void
receive(struct service *s, const char *bytes)
{
	assert_true(buffer_append(&s->stream.incoming, bytes, strlen(bytes)));
	turn(s);
}

/* What was written since the last call. */
static const char *
output(struct service *s)
{
	free(s->out);
	s->out = span_dup((struct span){
	    (char *)buffer_data(&s->stream.written), buffer_len(&s->stream.written)});
	assert_non_null(s->out);
	buffer_clear(&s->stream.written);
	return s->out;
}

static const char *
body_of(const char *response)
{
	const char *end = strstr(response, "\r\n\r\n");

	return end ? end + 4 : "no head";
}

static size_t
count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

/* The body of the requests, as far as it was read. */
static void
assert_body(const struct service *s, const char *wanted)
{
	assert_int_equal(buffer_len(&s->body), strlen(wanted));
	assert_memory_equal(buffer_data(&s->body), wanted, strlen(wanted));
}

static void
test_pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	for (size_t max = 1; max < 120; max++) {
		struct service s;
		const char *out;

		service_open(&s);
		s.stream.read_max = max;
		receive(&s, GET("/one") GET("/two") GET("/three"));
		for (int i = 0; i < 20; i++)
			turn(&s);
		out = output(&s);
		assert_int_equal(count_of(out, "HTTP/1.1 200 OK"), 3);
		assert_true(strstr(out, "/one\n") < strstr(out, "/two\n"));
		assert_true(strstr(out, "/two\n") < strstr(out, "/three\n"));
		assert_null(strstr(out, "Connection:"));
		assert_false(s.stream.shut);
		service_close(&s);
	}
}

static void
test_late_response_keeps_others_waiting(void **state)
{
	struct service s;
	const char *out;

	(void)state;
	service_open(&s);
	receive(&s, GET("/late") GET("/two"));
	assert_non_null(s.exchange);
	assert_int_equal(s.requests, 1);
	exchange_reply_text(s.exchange, 404, NULL, NULL, "first");
	turn(&s);
	out = output(&s);
	assert_true(strstr(out, "first") < strstr(out, "/two"));
	assert_false(s.stream.shut);
	service_close(&s);
}

/* The connection ends with the response; nothing that follows is a request. */
static void
check_closes(const char *input, const char *status)
{
	struct service s;
	const char *out;

	service_open(&s);
	receive(&s, input);
	receive(&s, GET("/smuggled"));
	out = output(&s);
	if (count_of(out, "HTTP/1.1 ") != 1 || strncmp(out + 9, status, 3) != 0 ||
	    !strstr(out, "\r\nConnection: close\r\n") || !s.stream.shut ||
	    strstr(out, "smuggled"))
		fail_msg("%s: %s", input, out);
	service_close(&s);
}

static void
test_what_ends_a_connection(void **state)
{
	(void)state;
	check_closes("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "200");
	check_closes("GET / HTTP/1.0\r\n\r\n", "200");
	check_closes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200");
	check_closes("GET / HTTP/1.1\r\n" HOST "Upgrade: x\r\n\r\n", "200");
	check_closes("POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", "200");
	check_closes("POST / HTTP/1.1\r\n" HOST "Content-Length: 90\r\n\r\n", "200");
	check_closes("POST / HTTP/1.1\r\n" HOST
		     "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n",
	    "200");
	check_closes("POST / HTTP/1.1\r\n" HOST
		     "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
	    "400");
	check_closes(
	    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n", "501");
	check_closes("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400");
	check_closes("GET * HTTP/1.1\r\n" HOST "\r\n", "400");
}

static void
test_last_request_of_a_connection(void **state)
{
	struct service s;

	(void)state;
	service_open(&s);
	for (int i = 1; i <= CONNECTION_REQUESTS_MAX; i++) {
		receive(&s, GET("/"));
		assert_int_equal(
		    count_of(output(&s), "Connection: close"), i == CONNECTION_REQUESTS_MAX);
	}
	assert_true(s.stream.shut);
	service_close(&s);
}

static void
test_body_of_a_request(void **state)
{
	static const char *const requests[] = {
	    "POST /late HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nWikipedia",
	    CHUNKED "4\r\nWiki\r\n5;x\r\npedia\r\n0\r\nX: y\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(requests); i++) {
		for (size_t max = 1; max < 200; max++) {
			struct service s;

			service_open(&s);
			s.stream.read_max = max;
			s.pauses = max % 2;
			receive(&s, requests[i]);
			receive(&s, GET("/next"));
			assert_int_equal(buffer_len(&s.body), 0);
			for (int k = 0; k < 40; k++) {
				exchange_set_reading(s.exchange, true);
				turn(&s);
			}
			assert_body(&s, "Wikipedia");
			assert_int_equal(s.ends, 1);
			exchange_reply_text(s.exchange, 200, NULL, NULL, "got it");
			for (int k = 0; k < 10; k++)
				turn(&s);
			assert_non_null(strstr(output(&s), "/next"));
			assert_int_equal(s.requests, 2);
			service_close(&s);
		}
	}
}

/* A handler may respond in any of its callbacks, and the next request may be in the socket. */
static void
test_response_within_a_callback(void **state)
{
	static const char *const requests[] = {
	    "POST /late HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",
	    CHUNKED "4\r\nbody\r\n0\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(requests); i++) {
		for (size_t max = 1; max < 200; max++) {
			struct service s;

			service_open(&s);
			s.stream.read_max = max;
			receive(&s, GET("/late"));
			exchange_reply_text(s.exchange, 200, NULL, NULL, "warm");
			receive(&s, requests[i]);
			s.replies = true;
			exchange_set_reading(s.exchange, true);
			receive(&s, GET("/next"));
			for (int k = 0; k < 20; k++)
				turn(&s);
			assert_int_equal(s.requests, 3);
			assert_int_equal(s.ends, 1);
			assert_int_equal(count_of(output(&s), "HTTP/1.1 200 OK"), 3);
			service_close(&s);
		}
	}
}

static void
test_request_without_a_body_ends_at_once(void **state)
{
	struct service s;

	(void)state;
	service_open(&s);
	receive(&s, GET("/late"));
	assert_int_equal(s.ends, 0);
	exchange_set_reading(s.exchange, true);
	assert_int_equal(s.ends, 0);
	turn(&s);
	assert_int_equal(s.ends, 1);
	exchange_set_reading(s.exchange, false);
	exchange_set_reading(s.exchange, true);
	turn(&s);
	assert_int_equal(s.ends, 1);
	service_close(&s);
}

static void
test_continue_is_sent_when_the_body_is_read(void **state)
{
	static const char input[] =
	    "POST /late HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n";
	struct service s;

	(void)state;
	service_open(&s);
	receive(&s, input);
	assert_string_equal(output(&s), "");
	exchange_set_reading(s.exchange, true);
	assert_string_equal(output(&s), "HTTP/1.1 100 Continue\r\n\r\n");
	exchange_set_reading(s.exchange, false);
	exchange_set_reading(s.exchange, true);
	receive(&s, "ab");
	assert_string_equal(output(&s), "");
	assert_body(&s, "ab");
	exchange_reply_status(s.exchange, 200, NULL, NULL);
	turn(&s);
	assert_false(s.stream.shut);
	/* Not for a client that has not waited. */
	receive(&s, input);
	receive(&s, "cd");
	(void)output(&s);
	exchange_set_reading(s.exchange, true);
	turn(&s);
	assert_non_null(strstr(output(&s), "100 Continue"));
	service_close(&s);
}

static void
test_malformed_body(void **state)
{
	(void)state;
	for (int begun = 0; begun < 2; begun++) {
		struct service s;
		struct reply reply = {.status = 200, .length = REPLY_LENGTH_UNKNOWN};

		service_open(&s);
		receive(&s, CHUNKED "3\r\nabcd\r\n");
		if (begun)
			exchange_begin(s.exchange, &reply, SPAN("start"));
		exchange_set_reading(s.exchange, true);
		turn(&s);
		assert_int_equal(s.gone, 1);
		assert_true(s.stream.shut);
		assert_non_null(strstr(
		    output(&s), begun ? "5\r\nstart\r\n" : "HTTP/1.1 400 Bad Request\r\n"));
		service_close(&s);
	}
}

static void
test_response_in_pieces(void **state)
{
	static const struct {
		const char *request;
		int status;
		int64_t length;
		const char *line; /* of the head */
		const char *body;
		bool closes;
	} rows[] = {
	    {"GET /late HTTP/1.1\r\n" HOST "\r\n", 200, REPLY_LENGTH_UNKNOWN,
		"Transfer-Encoding: chunked", "3\r\none\r\n5\r\n, two\r\n0\r\n\r\n", false},
	    {"GET /late HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200,
		REPLY_LENGTH_UNKNOWN, "Transfer-Encoding: chunked",
		"3\r\none\r\n5\r\n, two\r\n0\r\n\r\n", true},
	    {"GET /late HTTP/1.0\r\n\r\n", 200, REPLY_LENGTH_UNKNOWN, "Connection: close",
		"one, two", true},
	    {"GET /late HTTP/1.1\r\n" HOST "\r\n", 200, 8, "Content-Length: 8", "one, two",
		false},
	    {"GET /late HTTP/1.1\r\n" HOST "\r\n", 200, 5, "Content-Length: 5", "one, ", false},
	    {"HEAD /late HTTP/1.1\r\n" HOST "\r\n", 200, 8, "Content-Length: 8", "", false},
	    {"HEAD /late HTTP/1.1\r\n" HOST "\r\n", 200, REPLY_LENGTH_UNKNOWN,
		"Transfer-Encoding: chunked", "", false},
	    {"GET /late HTTP/1.1\r\n" HOST "\r\n", 204, REPLY_LENGTH_UNKNOWN, "204 No Content",
		"", false},
	    {"GET /late HTTP/1.1\r\n" HOST "\r\n", 304, REPLY_LENGTH_UNKNOWN,
		"304 Not Modified", "", false},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct reply reply = {.status = rows[i].status, .length = rows[i].length};
		struct service s;
		const char *out;

		service_open(&s);
		receive(&s, rows[i].request);
		exchange_begin(s.exchange, &reply, SPAN("one"));
		exchange_write(s.exchange, "", 0);
		exchange_write(s.exchange, ", two", 5);
		exchange_end(s.exchange);
		turn(&s);
		out = output(&s);
		assert_non_null(strstr(out, rows[i].line));
		assert_string_equal(body_of(out), rows[i].body);
		assert_int_equal(s.stream.shut, rows[i].closes);
		assert_int_equal(count_of(out, "Connection: close"), rows[i].closes);
		service_close(&s);
	}
}

static void
test_response_shorter_than_its_length(void **state)
{
	struct reply reply = {.status = 200, .length = 8};
	struct service s;

	(void)state;
	service_open(&s);
	receive(&s, GET("/late"));
	exchange_begin(s.exchange, &reply, SPAN("one"));
	exchange_end(s.exchange);
	assert_true(s.stream.freed);
	assert_int_equal(s.gone, 0);
	service_close(&s);
}

static void
test_next_request_waits_for_the_queue(void **state)
{
	struct service s;

	(void)state;
	service_open(&s);
	s.stream.room = 10;
	receive(&s, GET("/one") GET("/two"));
	assert_int_equal(s.requests, 1);
	script_stream_drain(&s.stream);
	turn(&s);
	assert_int_equal(s.requests, 2);
	assert_int_equal(count_of(output(&s), "HTTP/1.1 200 OK"), 2);
	service_close(&s);
}

static void
test_backpressure_of_a_response(void **state)
{
	struct reply reply = {.status = 200, .length = REPLY_LENGTH_UNKNOWN};
	struct service s;

	(void)state;
	service_open(&s);
	receive(&s, GET("/late"));
	s.stream.room = 0;
	exchange_begin(s.exchange, &reply, SPAN("one"));
	assert_true(exchange_queued(s.exchange) > 0);
	assert_int_equal(s.drained, 0);
	script_stream_drain(&s.stream);
	assert_int_equal(s.drained, 1);
	assert_int_equal(exchange_queued(s.exchange), 0);
	exchange_end(s.exchange);
	service_close(&s);
}

static void
test_client_that_disconnects(void **state)
{
	struct service s;

	(void)state;
	/* While its response is awaited. */
	service_open(&s);
	receive(&s, GET("/late"));
	s.stream.stream.handlers->on_gone(s.stream.stream.arg, STREAM_HALF_CLOSED);
	assert_int_equal(s.half_closed, 1);
	assert_int_equal(s.gone, 0);
	s.stream.stream.handlers->on_gone(s.stream.stream.arg, STREAM_LOST);
	assert_int_equal(s.gone, 1);
	assert_true(s.stream.freed);
	service_close(&s);
	/* Within the body. */
	service_open(&s);
	receive(&s, "POST /late HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nWiki");
	exchange_set_reading(s.exchange, true);
	turn(&s);
	s.stream.other = &s.stream;
	s.stream.shut = true;
	turn(&s);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.ends, 0);
	service_close(&s);
}

static void
test_stream_that_fails(void **state)
{
	struct reply reply = {.status = 200, .length = REPLY_LENGTH_UNKNOWN};

	(void)state;
	for (int end = 0; end < 2; end++) {
		struct service s;

		service_open(&s);
		receive(&s, GET("/late"));
		s.stream.fails = true;
		exchange_begin(s.exchange, &reply, SPAN("one"));
		exchange_write(s.exchange, "two", 3);
		assert_int_equal(s.gone, 0);
		if (end)
			exchange_end(s.exchange);
		else
			turn(&s);
		assert_int_equal(s.gone, !end);
		assert_true(s.stream.freed);
		service_close(&s);
	}
}

static void
test_upgrade_takes_what_follows(void **state)
{
	struct service s;

	(void)state;
	service_open(&s);
	receive(&s, GET("/one") GET("/upgrade") GET("/frames"));
	assert_ptr_equal(s.upgraded, &s.stream.stream);
	assert_int_equal(s.requests, 2);
	assert_int_equal(s.count, 0);
	assert_body(&s, GET("/frames"));
	assert_false(s.stream.freed);
	service_close(&s);
}

static void
test_graceful_shutdown(void **state)
{
	struct service s;

	(void)state;
	/* Idle: at once. */
	service_open(&s);
	receive(&s, GET("/one"));
	connection_drain_all(&s.connections);
	assert_true(s.stream.shut);
	service_close(&s);
	/* Running: after the response, and no request that followed it. */
	service_open(&s);
	receive(&s, GET("/late") GET("/two"));
	connection_drain_all(&s.connections);
	assert_false(s.stream.shut);
	exchange_reply_text(s.exchange, 200, NULL, NULL, "last");
	turn(&s);
	assert_true(s.stream.shut);
	assert_non_null(strstr(output(&s), "Connection: close"));
	assert_int_equal(s.requests, 1);
	service_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
	    cmocka_unit_test(test_late_response_keeps_others_waiting),
	    cmocka_unit_test(test_what_ends_a_connection),
	    cmocka_unit_test(test_last_request_of_a_connection),
	    cmocka_unit_test(test_body_of_a_request),
	    cmocka_unit_test(test_response_within_a_callback),
	    cmocka_unit_test(test_request_without_a_body_ends_at_once),
	    cmocka_unit_test(test_continue_is_sent_when_the_body_is_read),
	    cmocka_unit_test(test_malformed_body),
	    cmocka_unit_test(test_response_in_pieces),
	    cmocka_unit_test(test_response_shorter_than_its_length),
	    cmocka_unit_test(test_next_request_waits_for_the_queue),
	    cmocka_unit_test(test_backpressure_of_a_response),
	    cmocka_unit_test(test_client_that_disconnects),
	    cmocka_unit_test(test_stream_that_fails),
	    cmocka_unit_test(test_upgrade_takes_what_follows),
	    cmocka_unit_test(test_graceful_shutdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
