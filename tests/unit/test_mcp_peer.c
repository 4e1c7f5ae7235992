/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of an MCP program, over scripted streams. */
#include "http/connection.h"
#include "net/linger.h"
#include "script_stream.h"
#include "serve/mcp_peer.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define META "\"io.modelcontextprotocol/"
#define DISCOVERED                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"supportedVersions\":[\"2026-07-28\"],"    \
	"\"capabilities\":{}}}"

enum { CLIENTS_MAX = MCP_STATELESS_PENDING_MAX + 8, IDLE_MS = 600 * 1000 };

static int64_t now_ms;

int64_t __wrap_util_clock_ms(void);
int64_t
__wrap_util_clock_ms(void)
{
	return now_ms;
}

/* Memory: how many allocations succeed before one fails; -1: all. */

static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool
allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *block, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(block, size);
}

/* A peer, its user, and the connections of its clients. */
struct user {
	struct loop *loop;
	struct connections connections;
	atomic_size_t count;
	struct script_stream *clients[CLIENTS_MAX];
	size_t client_count;
	struct exchange *exchange; /* of the last request */
	struct peer *peer; /* NULL: it was freed */
	struct peer_counts sent;
	size_t room;
	struct buffer got; /* lines for the program */
	bool pauses;
	bool closed;
	int over;
	char *out;
};

static bool
on_messages(void *arg, struct batch *batch)
{
	struct user *u = arg;
	int left = allocations_left;

	allocations_left = -1;
	assert_true(buffer_append(&u->got, batch->data, batch->len));
	assert_true(buffer_append(&u->got, "\n", 1));
	allocations_left = left;
	return !u->pauses;
}

static void
on_close(void *arg, uint16_t code, struct span reason)
{
	(void)code;
	(void)reason;
	((struct user *)arg)->closed = true;
}

/* As a session does. */
static void
on_changed(void *arg)
{
	struct user *u = arg;
	struct peer *peer = u->peer;

	if (peer && peer->state >= PEER_LEFT) {
		u->peer = NULL;
		peer_finish(peer);
	} else if (peer) {
		peer_set_reading(peer, !u->pauses);
	}
}

static const struct peer_handlers handlers = {
    .on_messages = on_messages, .on_close = on_close, .on_changed = on_changed};

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

/* ALLOCATIONS succeed from then on; -1: all. Without a peer it is over. */
static struct user *
user_open_with(bool stateless, int allocations)
{
	struct user *u = calloc(1, sizeof(*u));
	struct mcp_peer_spec spec = {
	    .idle_ms = IDLE_MS,
	    .stateless = stateless,
	    .session = "Mcp-Session-Id: 0\r\n",
	    .on_over = on_over,
	};

	assert_non_null(u);
	now_ms = 1000;
	spec.loop = u->loop = loop_new();
	spec.sent = &u->sent;
	spec.room = &u->room;
	spec.owner = u;
	assert_non_null(u->loop);
	list_init(&u->connections.list);
	u->connections.count = &u->count;
	allocations_left = allocations;
	u->peer = mcp_peer_new(&spec, &handlers, u);
	if (u->peer)
		peer_set_reading(u->peer, true);
	else
		u->over = 1;
	return u;
}

static struct user *
user_open(bool stateless)
{
	struct user *u = user_open_with(stateless, -1);

	assert_non_null(u->peer);
	return u;
}

static void
turn(struct user *u)
{
	for (int i = 0; i < 5; i++)
		event_base_loop(u->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
pass(struct user *u, int64_t ms)
{
	for (int64_t end = now_ms + ms; now_ms < end;) {
		now_ms += end - now_ms < 1000 ? end - now_ms : 1000;
		timers_run(&u->loop->timers);
		turn(u);
	}
}

/* A request on a new connection; its exchange. */
static struct exchange *
connect_client(struct user *u)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int left = allocations_left;
	struct script_stream *stream;

	allocations_left = -1;
	stream = calloc(1, sizeof(*stream));
	assert_non_null(stream);
	assert_true(u->client_count < CLIENTS_MAX);
	u->clients[u->client_count++] = stream;
	script_stream_init(stream);
	u->exchange = NULL;
	assert_true(connection_open_take(u->loop, &u->connections, &stream->stream, handle, u));
	assert_true(buffer_append(&stream->incoming, head, strlen(head)));
	script_stream_turn(stream);
	turn(u);
	assert_non_null(u->exchange);
	allocations_left = left;
	return u->exchange;
}

static struct script_stream *
last(struct user *u)
{
	return u->clients[u->client_count - 1];
}

/* A message on a new connection, whose exchange a request keeps. */
static enum mcp_posted
post(struct user *u, const char *text)
{
	struct exchange *exchange = connect_client(u);
	enum mcp_posted result = MCP_OVER;
	struct mcp_message m;
	const char *why;

	assert_int_equal(mcp_message_read(span_of(text), &m, &why), 0);
	if (u->peer && m.kind == MCP_REQUEST)
		result = mcp_peer_request(u->peer, &m, exchange, "A: b\r\n", &why);
	else if (u->peer)
		result = mcp_peer_post(u->peer, &m);
	if (result != MCP_POSTED || m.kind != MCP_REQUEST)
		exchange_abort(exchange, NULL);
	turn(u);
	return result;
}

/* A line of the program. */
static void
say(struct user *u, const char *text)
{
	char *bytes = strdup(text);
	struct batch batch = {.type = MESSAGE_TEXT,
	    .data = (uint8_t *)bytes,
	    .len = strlen(text),
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true};

	assert_non_null(bytes);
	if (u->peer)
		peer_send(u->peer, &batch);
	if (u->peer)
		peer_flush(u->peer);
	turn(u);
	free(bytes);
}

static void
disconnect(struct user *u, struct script_stream *stream)
{
	if (!stream->freed)
		stream->stream.handlers->on_gone(stream->stream.arg, STREAM_LOST);
	turn(u);
}

static void
user_close(struct user *u)
{
	allocations_left = -1;
	connection_abort_all(&u->connections);
	turn(u);
	peer_free(u->peer);
	assert_int_equal(u->over, 1);
	assert_int_equal(u->room, 0);
	linger_abort_all(u->loop);
	loop_free(u->loop);
	buffer_clear(&u->got);
	for (size_t i = 0; i < u->client_count; i++) {
		script_stream_clear(u->clients[i]);
		free(u->clients[i]);
	}
	free(u->out);
	free(u);
}

static const char *
take(struct user *u, struct buffer *from)
{
	free(u->out);
	u->out = span_dup((struct span){(char *)buffer_data(from), buffer_len(from)});
	assert_non_null(u->out);
	buffer_clear(from);
	return u->out;
}

/* The program got exactly this since the last call. */
static void
assert_got(struct user *u, const char *wanted)
{
	assert_string_equal(take(u, &u->got), wanted);
}

/* The client got something with this in it. */
static void
assert_has(struct user *u, struct script_stream *client, const char *wanted)
{
	assert_non_null(strstr(take(u, &client->written), wanted));
}

static void
assert_nothing(struct script_stream *client)
{
	assert_int_equal(buffer_len(&client->written), 0);
}

static size_t
count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		count++;
	return count;
}

static struct user *
stateless_open(void)
{
	struct user *u = user_open(true);

	turn(u);
	say(u, DISCOVERED);
	return u;
}

/* Stateless: every state of a request in which its client may disconnect. */

#define CALL(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"m\"}"
#define CALL_TOKEN(id, token)                                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":" id                                                      \
	",\"method\":\"m\",\"params\":{\"_meta\":{\"progressToken\":" token "}}}"
#define RESULT(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define PROGRESS(token)                                                                        \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"              \
	"\"progressToken\":" token ",\"progress\":1}}"
#define CANCELLED(id, reason)                                                                  \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"             \
	"\"requestId\":" id ",\"reason\":\"" reason "\"}}\n"

static void
test_a_client_that_disconnects_while_the_program_is_asked(void **state)
{
	struct user *u = user_open(true);

	(void)state;
	assert_int_equal(post(u, CALL("1")), MCP_POSTED);
	disconnect(u, last(u));
	assert_int_equal(post(u, CALL("1")), MCP_POSTED);
	buffer_clear(&u->got);
	say(u, DISCOVERED);
	assert_got(u, CALL("3") "\n"); /* neither the other request nor its end */
	say(u, RESULT("2"));
	assert_nothing(last(u));
	say(u, RESULT("3"));
	assert_has(u, last(u), "\r\n\r\n" RESULT("1"));
	user_close(u);
}

static void
test_a_client_that_disconnects_before_a_stream_begins(void **state)
{
	struct user *u = stateless_open();

	(void)state;
	assert_int_equal(post(u, CALL("1")), MCP_POSTED);
	buffer_clear(&u->got);
	disconnect(u, last(u));
	assert_got(u, CANCELLED("2", "the client disconnected"));
	say(u, RESULT("2"));
	pass(u, 10 * 1000);
	assert_got(u, "");
	user_close(u);
}

static void
test_a_client_that_disconnects_from_a_stream(void **state)
{
	static const enum stream_gone reasons[] = {STREAM_LOST, STREAM_HALF_CLOSED};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(reasons); i++) {
		struct user *u = stateless_open();
		struct script_stream *client;

		assert_int_equal(post(u, CALL_TOKEN("1", "\"t\"")), MCP_POSTED);
		client = last(u);
		buffer_clear(&u->got);
		say(u, PROGRESS("2"));
		assert_has(u, client, "\"progressToken\":\"t\"");
		client->stream.handlers->on_gone(client->stream.arg, reasons[i]);
		turn(u);
		assert_got(u, CANCELLED("2", "the client disconnected"));
		say(u, PROGRESS("2"));
		say(u, RESULT("2"));
		disconnect(u, client);
		assert_got(u, "");
		assert_nothing(client);
		user_close(u);
	}
}

static void
test_a_client_that_disconnects_after_its_response(void **state)
{
	struct user *u = stateless_open();

	(void)state;
	assert_int_equal(post(u, CALL("1")), MCP_POSTED);
	buffer_clear(&u->got);
	say(u, RESULT("2"));
	disconnect(u, last(u));
	assert_got(u, "");
	user_close(u);
}

static void
test_a_response_that_takes_too_long_is_cancelled_once(void **state)
{
	struct user *u = stateless_open();

	(void)state;
	assert_int_equal(post(u, CALL_TOKEN("\"x\"", "7")), MCP_POSTED);
	buffer_clear(&u->got);
	pass(u, IDLE_MS - 1000);
	say(u, PROGRESS("2")); /* from now on it takes as long again */
	pass(u, IDLE_MS - 1000);
	assert_got(u, "");
	pass(u, 2000);
	assert_got(u, CANCELLED("2", "the response timed out"));
	assert_has(u, last(u), "\"id\":\"x\",\"error\"");
	disconnect(u, last(u));
	say(u, RESULT("2"));
	assert_got(u, "");
	user_close(u);
}

/* Each new request used to make it longer. */
static void
test_the_time_to_discover_does_not_depend_on_requests(void **state)
{
	struct user *u = user_open(true);

	(void)state;
	for (int i = 0; i < 12; i++) {
		assert_int_equal(post(u, CALL("1")), MCP_POSTED);
		pass(u, MCP_DISCOVER_MS / 12);
	}
	assert_has(u, last(u), "does not support version 2026-07-28");
	assert_int_equal(post(u, CALL("1")), MCP_UNSUPPORTED);
	assert_int_equal(count_of(take(u, &u->got), "\n"), 1); /* which is server/discover */
	user_close(u);
}

/* IDs and tokens */

static void
test_equal_ids_and_tokens_do_not_meet(void **state)
{
	static const char *const texts[] = {"1", "\"1\"", "2", "-1.5e3", "\"\\u0061\\n\""};
	struct user *u = stateless_open();
	struct script_stream *clients[UTIL_LEN(texts)];
	char line[256], wanted[256];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(texts); i++) {
		snprintf(line, sizeof(line),
		    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"m\",\"params\":{\"_meta\":{"
		    "\"progressToken\":%s}}}",
		    texts[i], texts[i]);
		buffer_clear(&u->got);
		assert_int_equal(post(u, line), MCP_POSTED);
		clients[i] = last(u);
		snprintf(wanted, sizeof(wanted),
		    "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"m\",\"params\":{\"_meta\":{"
		    "\"progressToken\":%zu}}}\n",
		    i + 2, i + 2);
		assert_got(u, wanted);
	}
	for (size_t i = UTIL_LEN(texts); i-- > 0;) {
		snprintf(line, sizeof(line),
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		    "\"progressToken\":%zu}}",
		    i + 2);
		say(u, line);
		snprintf(wanted, sizeof(wanted), "\"progressToken\":%s}", texts[i]);
		assert_has(u, clients[i], wanted);
		snprintf(line, sizeof(line),
		    "{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{\"_meta\":{" META
		    "subscriptionId\":%zu}}}",
		    i + 2);
		say(u, line);
		snprintf(wanted, sizeof(wanted), "subscriptionId\":%s}", texts[i]);
		assert_has(u, clients[i], wanted);
		snprintf(
		    line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":1}", i + 2);
		say(u, line);
		snprintf(wanted, sizeof(wanted), "\"id\":%s,\"result\":1}", texts[i]);
		assert_has(u, clients[i], wanted);
		for (size_t other = 0; other < UTIL_LEN(texts); other++)
			assert_nothing(clients[other]);
	}
	user_close(u);
}

/* Bounds */

static void
test_pending_requests_are_bounded(void **state)
{
	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		struct user *u = stateless ? stateless_open() : user_open(false);
		size_t max = stateless ? MCP_STATELESS_PENDING_MAX : MCP_PENDING_MAX;

		for (size_t i = 0; i < max; i++) {
			assert_int_equal(post(u, CALL("1")), MCP_POSTED);
			if (!stateless) /* no reason to stop */
				disconnect(u, last(u));
		}
		assert_int_equal(post(u, CALL("1")), MCP_BUSY);
		say(u, RESULT("2"));
		assert_int_equal(post(u, CALL("1")), MCP_POSTED);
		assert_int_equal(post(u, CALL("1")), MCP_BUSY);
		user_close(u);
	}
}

static void
test_input_that_the_program_does_not_read_is_bounded(void **state)
{
	enum { LEN = 100000 };
	static const char *const forms[] = {
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%0*d\"}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"%0*d\"}"};
	char *text = malloc(LEN + 256);

	(void)state;
	assert_non_null(text);
	for (size_t form = 0; form < UTIL_LEN(forms); form++) {
		struct user *u = user_open(false);
		size_t count = 0;

		snprintf(text, LEN + 256, forms[form], LEN, 0);
		u->pauses = true;
		assert_int_equal(post(u, text), MCP_POSTED);
		while (post(u, text) == MCP_POSTED)
			count++;
		assert_in_range(count, MCP_INPUT_MAX / LEN, MCP_INPUT_MAX / LEN + 2);
		u->pauses = false;
		peer_set_reading(u->peer, true);
		turn(u);
		assert_int_equal(post(u, text), MCP_POSTED);
		assert_int_equal(count_of(take(u, &u->got), "\"method\""), count + 2);
		user_close(u);
	}
	free(text);
}

/* The same while it is asked. */
static void
test_requests_for_a_program_that_does_not_start_are_bounded(void **state)
{
	enum { LEN = 100000 };
	struct user *u = user_open(true);
	char *text = malloc(LEN + 256);
	size_t count = 0;

	(void)state;
	assert_non_null(text);
	snprintf(text, LEN + 256, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%0*d\"}", LEN, 0);
	while (post(u, text) == MCP_POSTED)
		count++;
	assert_in_range(count, MCP_INPUT_MAX / LEN, MCP_INPUT_MAX / LEN + 2);
	say(u, DISCOVERED);
	assert_int_equal(count_of(take(u, &u->got), "000\""), count);
	free(text);
	user_close(u);
}

/* One message of 100 kB of a stream. */
static void
say_much(struct user *u, const char *number)
{
	enum { LEN = 100000 };
	char *text = malloc(LEN + 256);

	assert_non_null(text);
	snprintf(text, LEN + 256,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
	    "\"progressToken\":%s,\"message\":\"%0*d\"}}",
	    number, LEN, 0);
	say(u, text);
	free(text);
}

static void
test_a_client_that_reads_nothing_stops_no_other(void **state)
{
	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		struct user *u = stateless ? stateless_open() : user_open(false);
		const char *number = stateless ? "2" : "1",
			   *next = stateless ? RESULT("3") : RESULT("2");
		struct script_stream *slow;

		assert_int_equal(post(u, CALL_TOKEN("1", "1")), MCP_POSTED);
		slow = last(u);
		slow->room = 1000;
		assert_int_equal(post(u, CALL("\"b\"")), MCP_POSTED);
		buffer_clear(&u->got);
		for (int i = 0; i < 10; i++)
			say_much(u, number);
		assert_false(slow->freed);
		for (int i = 0; i < 5; i++)
			say_much(u, number);
		assert_true(slow->freed);
		assert_in_range(buffer_len(&slow->queue), MCP_STREAM_QUEUE_MAX,
		    MCP_STREAM_QUEUE_MAX + 110000);
		assert_in_range(u->room, 0, MCP_STREAM_KEPT_MAX);
		assert_got(u, stateless ? CANCELLED("2", "the client does not read") : "");
		say(u, next);
		assert_has(u, last(u), RESULT("\"b\""));
		user_close(u);
	}
}

/* 200 streams of a session, none of which a client reads. */
static void
test_what_all_streams_keep_is_bounded(void **state)
{
	struct user *u = user_open(false);
	char number[24];

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(post(u, CALL_TOKEN("1", "1")), MCP_POSTED);
		snprintf(number, sizeof(number), "%d", i + 1);
		say_much(u, number);
		disconnect(u, last(u));
		for (int n = 0; n < 11; n++)
			say_much(u, number);
		assert_in_range(u->room, 1, MCP_STREAM_ROOM);
	}
	assert_in_range(u->room, MCP_STREAM_ROOM / 2, MCP_STREAM_ROOM);
	user_close(u);
}

static void
test_a_message_without_end_is_dropped(void **state)
{
	enum { PART = 1 << 20 };
	struct user *u = stateless_open();
	char *bytes = malloc(PART);
	struct batch batch = {.type = MESSAGE_TEXT, .separator = BATCH_NO_SEPARATOR};

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(post(u, CALL("1")), MCP_POSTED);
	memset(bytes, ' ', PART);
	for (int i = 0; i <= 2 * (MCP_LINE_MAX / PART); i++) {
		batch.data = (uint8_t *)bytes;
		batch.len = PART;
		batch.first = i == 0;
		peer_send(u->peer, &batch);
	}
	batch.data = (uint8_t *)bytes;
	batch.len = 1;
	batch.last = true;
	peer_send(u->peer, &batch);
	say(u, RESULT("2"));
	assert_has(u, last(u), RESULT("1"));
	free(bytes);
	user_close(u);
}

/* Ends */

static void
test_sessions_without_a_client_end(void **state)
{
	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		struct user *u = stateless ? stateless_open() : user_open(false);

		assert_int_equal(post(u, CALL("1")), MCP_POSTED);
		disconnect(u, last(u));
		pass(u, IDLE_MS - 1000);
		assert_int_equal(u->over, 0);
		pass(u, 2000);
		assert_int_equal(u->over, 1);
		assert_true(u->closed);
		assert_null(u->peer);
		user_close(u);
	}
}

static void
test_a_server_that_finishes_waits_for_responses_alone(void **state)
{
	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		struct user *u = stateless ? stateless_open() : user_open(false);
		struct script_stream *stream = NULL;

		if (!stateless) {
			struct exchange *exchange = connect_client(u);

			assert_true(
			    mcp_peer_listen(u->peer, exchange, "", 0, MCP_STREAM_CONTINUE));
			stream = last(u);
		}
		assert_int_equal(post(u, CALL("\"a\"")), MCP_POSTED);
		mcp_peer_finish(u->peer);
		turn(u);
		assert_int_equal(u->over, 1);
		assert_non_null(u->peer);
		if (stream)
			assert_has(u, stream, "0\r\n\r\n");
		say(u, stateless ? RESULT("2") : RESULT("1"));
		assert_has(u, last(u), RESULT("\"a\""));
		assert_null(u->peer);
		user_close(u);
	}
}

/* Memory */

/* The client waits for nothing: its response is complete, or it was disconnected. */
static void
assert_over(struct script_stream *client)
{
	const uint8_t *bytes = buffer_data(&client->written);
	size_t len = buffer_len(&client->written);

	assert_true(client->freed || memmem(bytes, len, "Content-Length", 14) ||
		    memmem(bytes, len, "\r\n0\r\n\r\n", 7));
}

/* All that happens to a peer, with one allocation that fails. True: none was left to fail. */
static bool
live(bool stateless, int allocations)
{
	struct user *u = user_open_with(stateless, allocations);
	struct script_stream *client;
	struct exchange *exchange;
	bool done;

	turn(u);
	assert_true(
	    !u->peer || u->peer->state != PEER_OPEN || buffer_len(&u->got) > 0 || !stateless);
	say(u, DISCOVERED);
	(void)post(u, CALL_TOKEN("\"a\"", "\"t\""));
	client = last(u);
	say(u, PROGRESS("1"));
	say(u, PROGRESS("2"));
	(void)post(u, CALL_TOKEN("\"b\"", "\"t\""));
	say(u, PROGRESS("2"));
	say(u, PROGRESS("3"));
	/* Whatever numbers they have. */
	say(u, RESULT("1"));
	say(u, RESULT("2"));
	say(u, RESULT("3"));
	assert_over(last(u));
	say(u, "not a message");
	disconnect(u, client);
	(void)post(u, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}");
	pass(u, 2000);
	exchange = connect_client(u);
	if (!u->peer || !mcp_peer_listen(u->peer, exchange, "A: b\r\n", stateless ? 2 : 1, 0))
		exchange_abort(exchange, NULL);
	if (u->peer)
		mcp_peer_leave(u->peer);
	turn(u);
	done = allocations_left > 0;
	user_close(u);
	return done;
}

static void
test_any_allocation_may_fail(void **state)
{
	int count;

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		for (count = 0; !live(stateless, count); count++)
			;
		assert_true(count > 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_client_that_disconnects_while_the_program_is_asked),
	    cmocka_unit_test(test_a_client_that_disconnects_before_a_stream_begins),
	    cmocka_unit_test(test_a_client_that_disconnects_from_a_stream),
	    cmocka_unit_test(test_a_client_that_disconnects_after_its_response),
	    cmocka_unit_test(test_a_response_that_takes_too_long_is_cancelled_once),
	    cmocka_unit_test(test_the_time_to_discover_does_not_depend_on_requests),
	    cmocka_unit_test(test_equal_ids_and_tokens_do_not_meet),
	    cmocka_unit_test(test_pending_requests_are_bounded),
	    cmocka_unit_test(test_input_that_the_program_does_not_read_is_bounded),
	    cmocka_unit_test(test_requests_for_a_program_that_does_not_start_are_bounded),
	    cmocka_unit_test(test_a_client_that_reads_nothing_stops_no_other),
	    cmocka_unit_test(test_what_all_streams_keep_is_bounded),
	    cmocka_unit_test(test_a_message_without_end_is_dropped),
	    cmocka_unit_test(test_sessions_without_a_client_end),
	    cmocka_unit_test(test_a_server_that_finishes_waits_for_responses_alone),
	    cmocka_unit_test(test_any_allocation_may_fail),
	};

	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
