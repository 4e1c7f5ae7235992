/* SPDX-License-Identifier: BSD-2-Clause */
/* Subscriptions to channels of a Redis server. */
#include "bus/redis_channel.h"

static void
redis_channel_send(const struct redis_channel *c, struct span command)
{
	struct span args[] = {command, span_of(c->name)};

	redis_link_send(c->context->messages, args, UTIL_LEN(args), NULL, NULL);
}

static bool
redis_channel_has_name(const struct redis_channel *c, struct span name)
{
	return span_equal(span_of(c->name), name);
}

static bool
redis_channel_is_used(const struct redis_context *context, struct span name)
{
	const struct list *at = &context->channels;

	while ((at = at->next) != &context->channels) {
		if (redis_channel_has_name(LIST_ENTRY_OF(at, struct redis_channel, node), name))
			return true;
	}
	return false;
}

/* Returns the next user of channel NAME at or after context->next_channel, which is then the
 * one after it; or NULL. */
static struct redis_channel *
redis_channel_next(struct redis_context *context, struct span name)
{
	while (context->next_channel != &context->channels) {
		struct redis_channel *c =
		    LIST_ENTRY_OF(context->next_channel, struct redis_channel, node);

		context->next_channel = c->node.next;
		if (redis_channel_has_name(c, name))
			return c;
	}
	return NULL;
}

void
redis_channel_subscribe(struct redis_channel *c)
{
	if (list_empty(&c->node))
		list_append(&c->context->channels, &c->node);
	redis_channel_send(c, SPAN("SUBSCRIBE"));
}

void
redis_channel_unsubscribe(struct redis_channel *c)
{
	if (list_empty(&c->node))
		return;
	/* A handler may have called this. */
	if (c->context->next_channel == &c->node)
		c->context->next_channel = c->node.next;
	list_remove(&c->node);
	if (!redis_channel_is_used(c->context, span_of(c->name)))
		redis_channel_send(c, SPAN("UNSUBSCRIBE"));
}

void
redis_channels_on_up(struct redis_context *context)
{
	for (struct list *at = context->channels.next; at != &context->channels; at = at->next)
		redis_channel_send(
		    LIST_ENTRY_OF(at, struct redis_channel, node), SPAN("SUBSCRIBE"));
}

void
redis_channels_on_message(struct redis_context *context, struct span name, struct span bytes)
{
	struct redis_channel *c;

	context->next_channel = context->channels.next;
	while ((c = redis_channel_next(context, name)))
		c->on_message(c->arg, bytes);
}

void
redis_channels_on_subscribed(struct redis_context *context, struct span name)
{
	struct redis_channel *c;

	context->next_channel = context->channels.next;
	while ((c = redis_channel_next(context, name))) {
		if (c->on_subscribed)
			c->on_subscribed(c->arg);
	}
}

void
redis_channel_init(struct redis_channel *c)
{
	list_init(&c->node);
}
