/* SPDX-License-Identifier: BSD-2-Clause */
/* The right to run the one program of an endpoint. */
#include "bus/redis_lease.h"

#include "base/log.h"
#include "bus/redis_reply.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REDIS_LEASE_LOG_MS = 60 * 1000 };

/* Reasons why no server can acquire the lease. */
enum {
	REDIS_LEASE_LASTS = 1, /* the key has no expiry, or a long one */
	REDIS_LEASE_NO_EPOCH = 2, /* the other key is not a number, or a huge one */
};

/* KEYS are the lease and the epoch. If another program has written them, GET fails. Such an
 * error must not end the script, because it would end the connection of all topics. */

/*
 * ARGV is the token, the expiry, and an epoch that must exist as proof that the server has its
 * data, or 0. Returns the new epoch as text, which was never used before; nil if another server
 * has the lease; or REDIS_LEASE_LASTS or REDIS_LEASE_NO_EPOCH.
 */
static const char redis_lease_acquire[] =
    "local left = redis.call('PTTL', KEYS[1]) "
    "if left == -1 or left > 10 * ARGV[2] then return 1 end "
    "local epoch = redis.pcall('GET', KEYS[2]) "
    "if left ~= -2 or (ARGV[3] ~= '0' and not epoch) then return false end "
    "epoch = tonumber(epoch or 0) "
    "if not (epoch and epoch < 2^53) then return 2 end "
    "local now = redis.call('TIME') "
    "epoch = string.format('%.0f', math.max(epoch + 1, now[1] * 1000000 + now[2])) "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
    "redis.call('SET', KEYS[2], epoch) "
    "return epoch";

/* ARGV is the token, the expiry and the epoch. Restores the keys on a server that has lost its
 * data. Returns 0 if the lease is lost. */
static const char redis_lease_renew[] =
    "local token = redis.pcall('GET', KEYS[1]) "
    "local epoch = redis.pcall('GET', KEYS[2]) "
    "if token ~= ARGV[1] and (token or (epoch and epoch ~= ARGV[3])) then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
    "redis.call('SET', KEYS[2], ARGV[3]) "
    "return 1";

/* ARGV is the token. */
static const char redis_lease_release[] =
    "if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end "
    "return 0";

static void
redis_lease_log(const struct redis_lease *l, const char *text)
{
	if (!log_begin(LOG_INFO, "bus", 0, span_of(text)))
		return;
	log_text("lease", span_of(l->key));
	log_end();
}

static void
redis_lease_set_fault(struct redis_lease *l, int64_t fault)
{
	atomic_fetch_add(&l->context->counts->faults, (fault != 0) - (l->fault != 0));
	l->fault = fault;
}

/* Handles a failed attempt: another server has the lease, or FAULT names the key that prevents
 * all servers from acquiring it. */
static void
redis_lease_on_missed(struct redis_lease *l, int64_t fault)
{
	int64_t now = util_clock_ms();

	redis_lease_set_fault(l, fault);
	if (fault == 0 || (fault == l->logged && now - l->logged_ms < REDIS_LEASE_LOG_MS))
		return;
	l->logged = fault;
	l->logged_ms = now;
	if (!log_begin(LOG_ERROR, "bus", 0,
		SPAN("no server can run the shared program: a key was not written by wspipe")))
		return;
	log_text("key", span_of(fault == REDIS_LEASE_LASTS ? l->key : l->epoch_key));
	log_text("reason", fault == REDIS_LEASE_LASTS ? SPAN("it does not expire soon")
						      : SPAN("it is not a valid epoch"));
	log_text("remedy", span_of(REDIS_REPLY_DELETE));
	log_end();
}

static void
redis_lease_call(
    struct redis_lease *l, struct span script, int argc, redis_reply_handler *handler)
{
	int64_t now = util_clock_ms();
	bool trusts = l->state == REDIS_LEASE_WANTED && now >= l->wait_ms;
	char ms[16], epoch[24];
	struct span args[] = {
	    SPAN("EVAL"),
	    script,
	    SPAN("2"),
	    span_of(l->key),
	    span_of(l->epoch_key),
	    span_of(l->token),
	    {ms, (size_t)snprintf(ms, sizeof(ms), "%d", REDIS_LEASE_MS)},
	    {epoch, (size_t)snprintf(epoch, sizeof(epoch), "%" PRIu64, trusts ? 0 : l->epoch)},
	};

	if (!redis_link_is_up(l->context->commands))
		return;
	l->sent_ms = now;
	l->pending++;
	redis_link_send(l->context->commands, args, 5 + argc, handler, l);
}

static void
redis_lease_set(struct redis_lease *l, enum redis_lease_state state)
{
	bool changed = (l->state == REDIS_LEASE_HELD) != (state == REDIS_LEASE_HELD);

	l->state = state;
	redis_lease_set_fault(l, 0);
	if (changed)
		redis_lease_log(l, state == REDIS_LEASE_HELD
				       ? "this server runs the shared program"
				       : "this server no longer runs the shared program");
	if (changed && state != REDIS_LEASE_UNWANTED)
		l->on_changed(l->arg);
}

static void
redis_lease_fail(const struct redis_lease *l, const struct redisReply *reply)
{
	redis_link_fail(l->context->commands, "EVAL", reply);
}

static int64_t
redis_lease_take_sent(struct redis_lease *l)
{
	int64_t sent_ms = l->sent_ms;

	l->sent_ms = 0;
	l->pending--;
	return sent_ms;
}

static void
redis_lease_on_released(void *arg, const struct redisReply *reply)
{
	struct redis_lease *l = arg;

	(void)redis_lease_take_sent(l);
	if (reply->type != REDIS_REPLY_INTEGER)
		redis_lease_fail(l, reply);
}

static void
redis_lease_on_renewed(void *arg, const struct redisReply *reply)
{
	struct redis_lease *l = arg;
	int64_t sent_ms = redis_lease_take_sent(l);

	if (reply->type != REDIS_REPLY_INTEGER)
		redis_lease_fail(l, reply);
	else if (l->state == REDIS_LEASE_HELD && reply->integer == 1)
		l->until_ms = sent_ms + REDIS_LEASE_HOLD_MS;
	else
		redis_lease_lose(l);
}

static void
redis_lease_on_acquired(void *arg, const struct redisReply *reply)
{
	struct redis_lease *l = arg;
	int64_t sent_ms = redis_lease_take_sent(l);
	uint64_t epoch = reply->type == REDIS_REPLY_STRING ? strtoull(reply->str, NULL, 10) : 0;
	bool missed = reply->type == REDIS_REPLY_NIL ||
		      (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0);

	if (missed && l->state == REDIS_LEASE_WANTED)
		redis_lease_on_missed(l, reply->integer);
	if (missed)
		return;
	if (epoch == 0) {
		redis_lease_fail(l, reply);
		return;
	}
	l->epoch = epoch;
	l->until_ms = sent_ms + REDIS_LEASE_HOLD_MS;
	if (l->state == REDIS_LEASE_UNWANTED)
		redis_lease_call(l, SPAN(redis_lease_release), 1, redis_lease_on_released);
	else if (util_clock_ms() < l->until_ms)
		redis_lease_set(l, REDIS_LEASE_HELD);
}

static void
redis_lease_try(struct redis_lease *l)
{
	/* A new token for each attempt: what was published with an earlier one must not be
	 * attributed to it. */
	snprintf(l->token, sizeof(l->token), "%016" PRIx64 "-%" PRIu64, l->node, ++l->attempt);
	redis_lease_call(l, SPAN(redis_lease_acquire), 3, redis_lease_on_acquired);
}

static void
redis_lease_on_timer(void *arg)
{
	struct redis_lease *l = arg;
	int64_t now = util_clock_ms();

	if (l->state == REDIS_LEASE_UNWANTED)
		return;
	if (redis_lease_check(l) && l->sent_ms == 0)
		redis_lease_call(l, SPAN(redis_lease_renew), 3, redis_lease_on_renewed);
	else if (l->state == REDIS_LEASE_WANTED && l->sent_ms == 0)
		redis_lease_try(l);
	timer_at(&l->timer,
	    now + (l->state == REDIS_LEASE_HELD ? REDIS_LEASE_RENEW_MS : REDIS_LEASE_TRY_MS));
}

bool
redis_lease_check(struct redis_lease *l)
{
	if (l->state == REDIS_LEASE_HELD && util_clock_ms() >= l->until_ms)
		redis_lease_lose(l);
	return l->state == REDIS_LEASE_HELD;
}

void
redis_lease_lose(struct redis_lease *l)
{
	if (l->state == REDIS_LEASE_HELD)
		redis_lease_set(l, REDIS_LEASE_WANTED);
}

void
redis_lease_learn(struct redis_lease *l, uint64_t epoch)
{
	if (epoch <= l->epoch)
		return;
	if (l->state != REDIS_LEASE_HELD)
		l->epoch = epoch;
	else if (l->sent_ms == 0)
		timer_at(&l->timer, util_clock_ms());
}

void
redis_lease_want(struct redis_lease *l, bool wants)
{
	if (wants == (l->state != REDIS_LEASE_UNWANTED))
		return;
	if (wants) {
		redis_lease_set(l, REDIS_LEASE_WANTED);
		timer_at(&l->timer, util_clock_ms());
		return;
	}
	if (l->state == REDIS_LEASE_HELD)
		redis_lease_call(l, SPAN(redis_lease_release), 1, redis_lease_on_released);
	redis_lease_set(l, REDIS_LEASE_UNWANTED);
	timer_stop(&l->timer);
}

/* A server that was restarted may have lost its data. The holder must then restore the key
 * before others try to acquire the lease. */
void
redis_lease_on_up(struct redis_lease *l)
{
	int64_t now = util_clock_ms();

	l->wait_ms = l->was_up ? now + REDIS_LEASE_MS : now;
	l->was_up = true;
	if (l->state == REDIS_LEASE_UNWANTED)
		return;
	if (redis_lease_check(l))
		redis_lease_call(l, SPAN(redis_lease_renew), 3, redis_lease_on_renewed);
	timer_at(&l->timer, now);
}

void
redis_lease_on_down(struct redis_lease *l)
{
	l->pending = 0;
	l->sent_ms = 0;
}

bool
redis_lease_init(struct redis_lease *l, const struct redis_context *context, const char *name,
    uint64_t node, void (*on_changed)(void *arg), void *arg)
{
	*l = (struct redis_lease){
	    .context = context, .node = node, .on_changed = on_changed, .arg = arg};
	timer_init(&l->timer, &context->loop->timers, redis_lease_on_timer, l);
	if (asprintf(&l->key, "%slease:%s", context->prefix, name) == -1)
		l->key = NULL;
	if (asprintf(&l->epoch_key, "%sepoch:%s", context->prefix, name) == -1)
		l->epoch_key = NULL;
	l->was_up = redis_link_is_up(context->commands);
	return l->key && l->epoch_key;
}

void
redis_lease_clear(struct redis_lease *l)
{
	timer_stop(&l->timer);
	free(l->key);
	free(l->epoch_key);
	l->key = l->epoch_key = NULL;
}
