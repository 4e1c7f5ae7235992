/* SPDX-License-Identifier: BSD-2-Clause */
/* A Redis or Valkey server as the bus between servers. */
#include "bus/redis.h"

#include "base/log.h"
#include "bus/redis_channel.h"
#include "bus/redis_reply.h"
#include "bus/redis_topic.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { REDIS_BUS_KEY_MAX = 512 };

struct redis_bus {
	struct bus bus; /* first: redis_bus_of() casts to the container */
	struct redis_context context;
	struct redis_url url;
	char *prefix; /* owned */
	uint64_t claimed; /* the first ID whose number was last claimed */
	struct timer timer;
	int64_t renew_ms;
	struct timer steady; /* reports that the bus is available again */
};

static struct redis_bus *
redis_bus_of(struct bus *bus)
{
	return (struct redis_bus *)(uintptr_t)bus;
}

/* The number of the server */

/*
 * Replaces the first ID BEFORE by one with a random number. Returns false if another worker was
 * faster. The ID contains the time in seconds, so that it differs from those of an earlier
 * server with the same number.
 */
static bool
redis_bus_choose_number(struct redis_bus *b, uint64_t before)
{
	enum { SECONDS = 1000 * 1000 };
	uint64_t random = 0, first_id;
	struct timespec now;

	(void)!getrandom(&random, sizeof(random), 0);
	clock_gettime(CLOCK_REALTIME, &now);
	first_id = (1 + random % REDIS_BUS_NUMBERS) * REDIS_BUS_ID_STEP +
		   (uint64_t)now.tv_sec % SECONDS * SECONDS;
	return atomic_compare_exchange_strong(
	    &b->context.identity->first_id, &before, first_id);
}

static void
redis_bus_choose_token(struct redis_bus *b)
{
	uint64_t none = 0, token = 0;

	(void)!getrandom(&token, sizeof(token), 0);
	(void)atomic_compare_exchange_strong(&b->context.identity->token, &none, token);
}

static void
redis_bus_put_token(const struct redis_bus *b, char out[24])
{
	snprintf(out, 24, "%016" PRIx64, atomic_load(&b->context.identity->token));
}

static size_t
redis_bus_put_key(const struct redis_bus *b, char *out, size_t size)
{
	snprintf(
	    out, size, "%sserver:%" PRIu64, b->context.prefix, b->claimed / REDIS_BUS_ID_STEP);
	return strlen(out);
}

static void
redis_bus_log_foreign(const struct redis_bus *b)
{
	char key[REDIS_BUS_KEY_MAX];
	struct span shown = {key, redis_bus_put_key(b, key, sizeof(key))};

	if (!log_begin(LOG_WARN, "bus", 0,
		SPAN("this server gets another number: a key was not written by wspipe")))
		return;
	log_text("key", shown);
	log_text("reason", SPAN("it is not a string"));
	log_text("remedy", span_of(REDIS_REPLY_DELETE));
	log_end();
}

/* Handles the reply: the token of the server that has the number, or 0 if the key has another
 * type. */
static void
redis_bus_on_claimed(void *arg, const struct redisReply *reply)
{
	struct redis_bus *b = arg;
	char token[24];

	if (reply->type == REDIS_REPLY_ERROR) {
		redis_link_fail(b->context.commands, "EVAL", reply);
		return;
	}
	redis_bus_put_token(b, token);
	if (reply->type != REDIS_REPLY_INTEGER &&
	    (reply->type != REDIS_REPLY_STRING || strcmp(reply->str, token) == 0))
		return;
	if (redis_bus_choose_number(b, b->claimed) && reply->type == REDIS_REPLY_INTEGER)
		redis_bus_log_foreign(b);
	b->renew_ms = util_clock_ms() + REDIS_BUS_CLAIM_MS;
	timer_at(&b->timer, b->renew_ms);
}

static void
redis_bus_claim(struct redis_bus *b)
{
	static const char script[] =
	    "local t = redis.pcall('GET', KEYS[1]) "
	    "if type(t) == 'table' then return 0 end "
	    "if not t or t == ARGV[1] then "
	    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return ARGV[1] end "
	    "return t";
	char key[REDIS_BUS_KEY_MAX], token[24], ms[16];
	struct span args[] = {
	    SPAN("EVAL"),
	    SPAN(script),
	    SPAN("1"),
	    {key, 0},
	    {token, 0},
	    {ms, (size_t)snprintf(ms, sizeof(ms), "%d", REDIS_BUS_NUMBER_MS)},
	};

	b->claimed = atomic_load(&b->context.identity->first_id);
	args[3].len = redis_bus_put_key(b, key, sizeof(key));
	redis_bus_put_token(b, token);
	args[4].len = strlen(token);
	redis_link_send(b->context.commands, args, UTIL_LEN(args), redis_bus_on_claimed, b);
	b->renew_ms = util_clock_ms() + REDIS_BUS_RENEW_MS;
	timer_at(&b->timer, b->renew_ms);
}

static void
redis_bus_on_timer(void *arg)
{
	struct redis_bus *b = arg;

	if (util_clock_ms() < b->renew_ms)
		timer_at(&b->timer, b->renew_ms);
	else
		redis_bus_claim(b);
}

/* Connections */

static void
redis_bus_log(struct redis_bus *b, enum log_level level, struct span text)
{
	if (!log_begin(level, "bus", 0, text))
		return;
	log_text("bus", span_of(b->url.shown));
	log_end();
}

static void
redis_bus_on_steady(void *arg)
{
	struct redis_bus *b = arg;

	redis_bus_log(b, LOG_WARN, SPAN("the bus is available again"));
	b->context.log.reason[0] = '\0';
}

/* A connection was established or lost. */
static void
redis_bus_on_changed(struct redis_context *context)
{
	struct redis_bus *b = LIST_ENTRY_OF(context, struct redis_bus, context);
	struct redis_counts *counts = context->counts;
	bool up = context->links_down == 0;

	atomic_fetch_add(
	    &counts->reconnects, redis_link_losses(context->commands) - context->losses);
	context->losses = redis_link_losses(context->commands);
	if (atomic_exchange(&counts->up, up) == up)
		return;
	if (!up)
		timer_stop(&b->steady);
	else if (context->log.reason[0])
		timer_at(&b->steady, util_clock_ms() + REDIS_BUS_STEADY_MS);
	else
		redis_bus_log(b, LOG_INFO, SPAN("connected to the bus"));
}

static void
redis_bus_on_up(void *arg)
{
	struct redis_bus *b = arg;

	b->context.links_down--;
	redis_bus_claim(b);
	redis_topics_on_up(&b->context);
	redis_bus_on_changed(&b->context);
}

static void
redis_bus_on_down(void *arg)
{
	struct redis_bus *b = arg;

	b->context.links_down++;
	redis_topics_on_down(&b->context);
	redis_bus_on_changed(&b->context);
}

static void
redis_bus_on_messages_up(void *arg)
{
	struct redis_bus *b = arg;

	b->context.links_down--;
	redis_channels_on_up(&b->context);
	redis_topics_on_messages_up(&b->context);
	redis_bus_on_changed(&b->context);
}

static void
redis_bus_on_messages_down(void *arg)
{
	struct redis_bus *b = arg;

	b->context.links_down++;
	redis_bus_on_changed(&b->context);
}

/* Handles ["message", channel, bytes] and ["subscribe", channel, count]. Ignores other replies:
 * confirmations of UNSUBSCRIBE, and replies to PING. */
static void
redis_bus_on_message(void *arg, const struct redisReply *reply)
{
	struct redis_bus *b = arg;

	const struct redisReply *kind, *channel, *bytes;

	if (reply->elements != 3)
		return;
	kind = reply->element[0];
	channel = reply->element[1];
	bytes = reply->element[2];
	if (kind->type != REDIS_REPLY_STRING || channel->type != REDIS_REPLY_STRING)
		return;
	if (strcmp(kind->str, "subscribe") == 0)
		redis_channels_on_subscribed(
		    &b->context, (struct span){channel->str, channel->len});
	else if (strcmp(kind->str, "message") == 0 && bytes->type == REDIS_REPLY_STRING)
		redis_channels_on_message(&b->context,
		    (struct span){channel->str, channel->len},
		    (struct span){bytes->str, bytes->len});
}

/* Public functions */

static struct bus_topic *
redis_bus_join(struct bus *bus, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	return redis_topic_join(&redis_bus_of(bus)->context, spec, handlers, arg);
}

bool
redis_bus_is_built(void)
{
	return true;
}

struct bus *
redis_bus_base(struct redis_bus *b)
{
	return &b->bus;
}

const _Atomic uint64_t *
redis_bus_first_id(const struct redis_bus *b)
{
	return &b->context.identity->first_id;
}

struct redis_bus *
redis_bus_new(const struct redis_bus_spec *spec)
{
	static const struct bus_ops ops = {.join = redis_bus_join};
	static const struct redis_link_handlers command_handlers = {
	    .on_up = redis_bus_on_up,
	    .on_down = redis_bus_on_down,
	};
	static const struct redis_link_handlers message_handlers = {
	    .on_up = redis_bus_on_messages_up,
	    .on_down = redis_bus_on_messages_down,
	    .on_message = redis_bus_on_message,
	};
	struct redis_bus *b = calloc(1, sizeof(*b));
	struct redis_link_spec link = {.loop = spec->loop, .lookup = spec->lookup, .arg = b};

	if (!b)
		return NULL;
	b->bus.ops = &ops;
	b->url = spec->settings->url;
	b->prefix = strdup(spec->settings->prefix);
	b->context = (struct redis_context){
	    .loop = spec->loop,
	    .lookup = spec->lookup,
	    .url = &b->url,
	    .prefix = b->prefix,
	    .counts = spec->counts,
	    .identity = spec->identity,
	    .workers = spec->workers,
	    .links_down = 2,
	    .on_changed = redis_bus_on_changed,
	    .budget = {.max = (size_t)spec->settings->queue_max},
	};
	/* The counters may be left over from a worker that has died. */
	atomic_store(&spec->counts->up, false);
	atomic_store(&spec->counts->queued, 0);
	atomic_store(&spec->counts->faults, 0);
	list_init(&b->context.topics);
	list_init(&b->context.channels);
	timer_init(&b->timer, &spec->loop->timers, redis_bus_on_timer, b);
	timer_init(&b->steady, &spec->loop->timers, redis_bus_on_steady, b);
	redis_bus_choose_token(b);
	(void)redis_bus_choose_number(b, 0);
	link.url = &b->url;
	link.log = &b->context.log;
	link.handlers = &command_handlers;
	b->context.commands = redis_link_new(&link);
	link.kind = REDIS_LINK_MESSAGES;
	link.handlers = &message_handlers;
	b->context.messages = redis_link_new(&link);
	if (b->prefix && b->context.commands && b->context.messages)
		return b;
	redis_bus_free(b);
	return NULL;
}

void
redis_bus_free(struct redis_bus *b)
{
	if (!b)
		return;
	redis_topics_clear(&b->context);
	timer_stop(&b->timer);
	timer_stop(&b->steady);
	redis_link_free(b->context.commands);
	redis_link_free(b->context.messages);
	free(b->prefix);
	free(b);
}
