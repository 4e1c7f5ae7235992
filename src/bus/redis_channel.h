/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscriptions to channels of a Redis server. Several users may share a channel, e.g. topics
 * of an old and a new configuration. It remains subscribed until the last user unsubscribes,
 * and is subscribed again after each reconnect.
 */
#ifndef BUS_REDIS_CHANNEL_H
#define BUS_REDIS_CHANNEL_H

#include "bus/redis_context.h"

/* One user of a channel. Embedded in that user. */
struct redis_channel {
	struct list node; /* in context->channels while subscribed */
	struct redis_context *context; /* borrowed, like NAME and ARG */
	const char *name;
	/* A handler may unsubscribe this and other users; it must not free them. */
	void (*on_message)(void *arg, struct span bytes);
	void (*on_subscribed)(void *arg); /* may be NULL */
	void *arg;
};

/* Initializes NODE. The caller sets the other fields. */
void redis_channel_init(struct redis_channel *channel);

/* Subscribes. on_subscribed() is called when the server has confirmed, even if the channel was
 * subscribed before. */
void redis_channel_subscribe(struct redis_channel *channel);

/* Unsubscribes. No handler is called afterwards. Does nothing if not subscribed. */
void redis_channel_unsubscribe(struct redis_channel *channel);

/* Events of the connection, for all users: connected, message received, subscription
 * confirmed. */
void redis_channels_on_up(struct redis_context *context);
void redis_channels_on_message(
    struct redis_context *context, struct span name, struct span bytes);
void redis_channels_on_subscribed(struct redis_context *context, struct span name);

#endif
