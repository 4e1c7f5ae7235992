/* SPDX-License-Identifier: BSD-2-Clause */
/* Subscriptions to channels of a Redis server. */
#include "bus/redis_channel.h"

static void
redis_channel_send(const struct redis_channel *c, struct span command)
{
	struct span args[] = {command, span_of(c->name)};

	redis_link_send(c->context->messages, args, UTIL_LEN(args), NULL, NULL);
}

/* Returns the next user of channel NAME after AT, or NULL. */
static struct redis_channel *
redis_channel_next(struct redis_context *context, struct list *at, struct span name)
{
	while ((at = at->next) != &context->channels) {
		struct redis_channel *c = LIST_ENTRY_OF(at, struct redis_channel, node);

		if (span_equal(span_of(c->name), name))
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
	list_remove(&c->node);
	if (!redis_channel_next(c->context, &c->context->channels, span_of(c->name)))
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
	struct redis_channel *c = redis_channel_next(context, &context->channels, name);

	for (; c; c = redis_channel_next(context, &c->node, name))
		c->on_message(c->arg, bytes);
}

void
redis_channels_on_subscribed(struct redis_context *context, struct span name)
{
	struct redis_channel *c = redis_channel_next(context, &context->channels, name);

	for (; c; c = redis_channel_next(context, &c->node, name)) {
		if (c->on_subscribed)
			c->on_subscribed(c->arg);
	}
}

void
redis_channel_init(struct redis_channel *c)
{
	list_init(&c->node);
}
