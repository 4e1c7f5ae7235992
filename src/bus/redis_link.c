/* SPDX-License-Identifier: BSD-2-Clause */
/* A persistent connection to a Redis server. */
#include "bus/redis_link.h"

#include "base/log.h"
#include "bus/redis_reply.h"
#include "net/io_socket.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum redis_link_state {
	REDIS_LINK_WAITING, /* for the next attempt */
	REDIS_LINK_CONNECTING,
	REDIS_LINK_GREETING, /* AUTH, SELECT and PING were sent */
	REDIS_LINK_UP,
};

/* A command whose reply is pending. */
struct redis_link_pending {
	redis_reply_handler *handler;
	void *arg; /* borrowed */
};

struct redis_link {
	struct redis_link_spec spec;
	enum redis_link_state state;
	struct connect *connect; /* owned; CONNECTING */
	struct stream *stream; /* owned; GREETING and UP */
	struct redis_reader *reader; /* owned; GREETING and UP */
	struct buffer pending; /* owned: struct redis_link_pending */
	struct timer timer;
	int64_t due_ms; /* when to attempt again, give up, or check, depending on STATE */
	int64_t heard_ms; /* when bytes were last received */
	int64_t wait_ms; /* delay before the next attempt */
	uint64_t losses;
	bool failed; /* to be dropped from the loop */
	bool freed;
	bool calling; /* in a handler */
	struct loop_task turn; /* drops a FAILED link */
	struct loop_deferred deferred; /* once freed */
};

/* Minimum interval between log lines, for the same reason and for different ones. */
enum { REDIS_LINK_LOG_MS = 60 * 1000, REDIS_LINK_LOG_MIN_MS = 5 * 1000 };

static void redis_link_set_due(struct redis_link *link, int64_t due_ms);

static void
redis_link_log(struct redis_link *link, const char *reason, const char *remedy)
{
	struct redis_link_log *last = link->spec.log;
	int64_t now = util_clock_ms(), ago = now - last->logged_ms;
	/* A server may reject several commands for the same reason. */
	bool same = (remedy && remedy == last->remedy) || strcmp(last->reason, reason) == 0;

	if (last->reason[0] && ago < (same ? REDIS_LINK_LOG_MS : REDIS_LINK_LOG_MIN_MS))
		return;
	snprintf(last->reason, sizeof(last->reason), "%s", reason);
	last->remedy = remedy;
	last->logged_ms = now;
	if (!log_begin(LOG_ERROR, "bus", 0, SPAN("the bus is unavailable")))
		return;
	log_text("bus", span_of(link->spec.url->shown));
	log_text("reason", span_of(reason));
	if (remedy)
		log_text("remedy", span_of(remedy));
	log_end();
}

/* Closes everything and schedules the next attempt. */
static void
redis_link_lose(struct redis_link *link)
{
	bool was_up = link->state == REDIS_LINK_UP;
	int64_t wait = link->wait_ms;
	uint32_t random = 0;

	connect_cancel(link->connect);
	link->connect = NULL;
	stream_free(link->stream);
	link->stream = NULL;
	redis_reader_free(link->reader);
	link->reader = NULL;
	buffer_clear(&link->pending);
	link->failed = false;
	loop_cancel(&link->turn);
	link->state = REDIS_LINK_WAITING;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	redis_link_set_due(
	    link, util_clock_ms() + wait / 2 + (int64_t)(random % (uint64_t)(wait / 2 + 1)));
	link->wait_ms = 2 * wait < REDIS_LINK_RETRY_MAX_MS ? 2 * wait : REDIS_LINK_RETRY_MAX_MS;
	if (!was_up)
		return;
	link->losses++;
	link->spec.handlers->on_down(link->spec.arg);
}

static void
redis_link_lose_for(struct redis_link *link, const char *reason)
{
	redis_link_log(link, reason, NULL);
	redis_link_lose(link);
}

/* Schedules redis_link_lose(), inside functions of the header. */
static void
redis_link_set_failed(struct redis_link *link)
{
	link->failed = true;
	loop_defer(link->spec.loop, &link->turn);
}

static void
redis_link_on_turn(struct loop_task *task)
{
	struct redis_link *link = LIST_ENTRY_OF(task, struct redis_link, turn);

	if (link->failed)
		redis_link_lose(link);
}

void
redis_link_fail(struct redis_link *link, const char *what, const struct redisReply *reply)
{
	char reason[256];

	redis_reply_describe(reply, what, reason, sizeof(reason));
	redis_link_log(link, reason, redis_reply_remedy(reply));
	if (link->state != REDIS_LINK_WAITING)
		redis_link_set_failed(link);
}

/* Commands */

static void
redis_link_put(struct redis_link *link, const struct span *args, int count,
    redis_reply_handler *handler, void *arg)
{
	struct redis_link_pending pending = {handler, arg};
	const char *argv[REDIS_LINK_ARGS_MAX];
	size_t lens[REDIS_LINK_ARGS_MAX];
	char *text = NULL;
	int len;

	for (int i = 0; i < count; i++) {
		argv[i] = args[i].len > 0 ? args[i].data : "";
		lens[i] = args[i].len;
	}
	len = redisFormatCommandArgv(&text, count, argv, lens);
	if (len < 0 || !stream_write(link->stream, text, (size_t)len) ||
	    ((link->spec.kind == REDIS_LINK_COMMANDS || link->state == REDIS_LINK_GREETING) &&
		!buffer_append(&link->pending, &pending, sizeof(pending))))
		redis_link_set_failed(link);
	redisFreeCommand(text);
}

void
redis_link_send(struct redis_link *link, const struct span *args, int count,
    redis_reply_handler *handler, void *arg)
{
	if (link->state == REDIS_LINK_UP && !link->failed)
		redis_link_put(link, args, count, handler, arg);
}

static void
redis_link_on_pong(void *arg, const struct redisReply *reply)
{
	struct redis_link *link = arg;

	if (reply->type == REDIS_REPLY_ERROR)
		redis_link_fail(link, "PING", reply);
}

static void
redis_link_ping(struct redis_link *link)
{
	struct span ping[] = {SPAN("PING")};

	if (!link->spec.blocks)
		redis_link_send(link, ping, 1, redis_link_on_pong, link);
}

/* Greeting */

static void
redis_link_on_greeted(void *arg, const struct redisReply *reply)
{
	struct redis_link *link = arg;

	if (reply->type == REDIS_REPLY_ERROR) {
		redis_link_fail(link, "the server rejects the connection", reply);
		return;
	}
	/* Wait for the reply to PING, which is the last one. */
	if (buffer_len(&link->pending) > 0 || link->state != REDIS_LINK_GREETING)
		return;
	link->state = REDIS_LINK_UP;
	redis_link_set_due(link, util_clock_ms() + REDIS_LINK_PING_MS);
	link->spec.handlers->on_up(link->spec.arg);
}

static void
redis_link_greet(struct redis_link *link)
{
	const struct redis_url *url = link->spec.url;
	char db[16];
	struct span auth[] = {SPAN("AUTH"), span_of(url->user), span_of(url->password)};
	struct span select[] = {
	    SPAN("SELECT"), {db, (size_t)snprintf(db, sizeof(db), "%d", url->db)}};
	struct span ping[] = {SPAN("PING")};

	link->state = REDIS_LINK_GREETING;
	if (url->password[0] && !url->user[0]) {
		auth[1] = auth[2];
		redis_link_put(link, auth, 2, redis_link_on_greeted, link);
	} else if (url->password[0]) {
		redis_link_put(link, auth, 3, redis_link_on_greeted, link);
	}
	if (url->db != 0)
		redis_link_put(link, select, 2, redis_link_on_greeted, link);
	redis_link_put(link, ping, 1, redis_link_on_greeted, link);
}

/* Replies */

static void
redis_link_dispatch(struct redis_link *link, const struct redisReply *reply)
{
	struct redis_link_pending pending;

	if (buffer_len(&link->pending) > 0) {
		memcpy(&pending, buffer_data(&link->pending), sizeof(pending));
		buffer_consume(&link->pending, sizeof(pending));
		if (pending.handler)
			pending.handler(pending.arg, reply);
		else if (reply->type == REDIS_REPLY_ERROR)
			redis_link_fail(link, "the server rejects a command", reply);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		redis_link_fail(link, "the server closes the connection", reply);
	} else if (link->spec.kind == REDIS_LINK_MESSAGES) {
		if (reply->type == REDIS_REPLY_ARRAY)
			link->spec.handlers->on_message(link->spec.arg, reply);
	} else {
		redis_link_log(link, "unexpected reply from the server",
		    "check that --bus is the address of a Redis server");
		redis_link_set_failed(link);
	}
}

static void
redis_link_on_readable(void *arg)
{
	struct redis_link *link = arg;
	uint8_t *in = link->spec.loop->in;
	const char *why;
	size_t n;

	switch (stream_read(link->stream, in, LOOP_BATCH, &n)) {
	case STREAM_OK:
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
		redis_link_lose_for(link, "the server has closed the connection");
		return;
	case STREAM_FAILED:
		redis_link_lose_for(link, strerror(errno));
		return;
	}
	link->heard_ms = util_clock_ms();
	why = redis_reader_feed(link->reader, in, n);
	link->calling = true;
	while (!why && !link->failed && !link->freed) {
		struct redisReply *reply;

		why = redis_reader_next(link->reader, &reply);
		if (!reply)
			break;
		redis_link_dispatch(link, reply);
		freeReplyObject(reply);
	}
	link->calling = false;
	if (link->freed)
		redis_link_free(link);
	else if (link->failed)
		redis_link_lose(link);
	else if (why)
		redis_link_lose_for(link, why);
}

static void
redis_link_on_gone(void *arg, enum stream_gone reason)
{
	if (reason == STREAM_LOST)
		redis_link_lose_for(arg, strerror(errno));
}

static const struct stream_handlers redis_link_stream_handlers = {
    .on_readable = redis_link_on_readable,
    .on_gone = redis_link_on_gone,
};

/* The connection and its checks */

static void
redis_link_on_connected(void *arg, const struct connect_result *result)
{
	struct redis_link *link = arg;
	struct transport transport = {.ops = &transport_socket, .fd = result->fd};

	link->connect = NULL;
	if (result->fd == -1) {
		redis_link_lose_for(link, result->why);
		return;
	}
	link->stream = io_socket_new_take(link->spec.loop, transport, NULL, &result->address,
	    &redis_link_stream_handlers, link);
	link->reader = redis_reader_new();
	if (!link->stream || !link->reader) {
		redis_link_lose_for(link, "out of memory");
		return;
	}
	link->heard_ms = util_clock_ms();
	stream_set_reading(link->stream, true);
	redis_link_greet(link);
}

static void
redis_link_connect(struct redis_link *link)
{
	link->state = REDIS_LINK_CONNECTING;
	redis_link_set_due(link, util_clock_ms() + REDIS_LINK_CONNECT_MS + 100);
	link->connect = connect_start(link->spec.loop, link->spec.lookup,
	    &link->spec.url->target, REDIS_LINK_CONNECT_MS, redis_link_on_connected, link);
	if (!link->connect)
		redis_link_lose_for(link, "out of memory");
}

/* Checks that the server responds. A process that was stopped may find that data has arrived
 * meanwhile, so it waits for another check. */
static void
redis_link_check(struct redis_link *link, int64_t now, int64_t late_ms)
{
	if (late_ms > REDIS_LINK_PING_MS)
		link->heard_ms = now;
	if (now - link->heard_ms > REDIS_LINK_DEAD_MS) {
		redis_link_lose_for(link, "the server does not respond");
		return;
	}
	/* Only now: a server that accepts connections may reject every command. */
	link->wait_ms = REDIS_LINK_RETRY_MS;
	redis_link_ping(link);
	redis_link_set_due(link, now + REDIS_LINK_PING_MS);
}

static void
redis_link_on_timer(void *arg)
{
	struct redis_link *link = arg;
	int64_t now = util_clock_ms();

	if (now < link->due_ms) {
		timer_at(&link->timer, link->due_ms);
		return;
	}
	switch (link->state) {
	case REDIS_LINK_WAITING:
		redis_link_connect(link);
		break;
	case REDIS_LINK_CONNECTING:
	case REDIS_LINK_GREETING:
		redis_link_lose_for(link, "the server does not respond in time");
		break;
	case REDIS_LINK_UP:
		redis_link_check(link, now, now - link->due_ms);
		break;
	}
}

static void
redis_link_set_due(struct redis_link *link, int64_t due_ms)
{
	link->due_ms = due_ms;
	timer_at(&link->timer, due_ms);
}

/* Public functions */

bool
redis_link_is_up(const struct redis_link *link)
{
	return link->state == REDIS_LINK_UP && !link->failed;
}

uint64_t
redis_link_losses(const struct redis_link *link)
{
	return link->losses;
}

struct redis_link *
redis_link_new(const struct redis_link_spec *spec)
{
	struct redis_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->spec = *spec;
	link->wait_ms = REDIS_LINK_RETRY_MS;
	timer_init(&link->timer, &spec->loop->timers, redis_link_on_timer, link);
	loop_task_init(&link->turn, redis_link_on_turn);
	redis_link_set_due(link, util_clock_ms());
	return link;
}

static void
redis_link_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct redis_link, deferred));
}

void
redis_link_free(struct redis_link *link)
{
	if (!link)
		return;
	link->freed = true;
	if (link->calling)
		return;
	timer_stop(&link->timer);
	loop_cancel(&link->turn);
	connect_cancel(link->connect);
	stream_free(link->stream);
	redis_reader_free(link->reader);
	buffer_clear(&link->pending);
	loop_defer_free(link->spec.loop, &link->deferred, redis_link_release);
}
