/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels of a Redis server that a process is subscribed to. Several users can have the same
 * one, as topics of an old and a new configuration do: it is subscribed until the last of them
 * has ended, and again after each reconnect.
 */
#ifndef BUS_REDIS_CHANNEL_H
#define BUS_REDIS_CHANNEL_H

#include "bus/redis_context.h"

/* One user of a channel. Embedded in it. */
struct redis_channel {
	struct list node; /* in context->channels, while it is subscribed */
	struct redis_context *context; /* borrowed, as the next one, and as ARG */
	const char *name;
	/* It does not end a user of this channel. */
	void (*on_message)(void *arg, struct span bytes);
	void (*on_subscribed)(void *arg); /* NULL: it need not know */
	void *arg;
};

/* NODE is not set by the caller; the rest is. */
void redis_channel_init(struct redis_channel *channel);

/* on_subscribed() follows, also if it is subscribed already. */
void redis_channel_subscribe(struct redis_channel *channel);

/* No handler is called any more. Harmless if it is not subscribed. */
void redis_channel_unsubscribe(struct redis_channel *channel);

/* For all: the connection is up; a message; the server has confirmed a subscription. */
void redis_channels_on_up(struct redis_context *context);
void redis_channels_on_message(
    struct redis_context *context, struct span name, struct span bytes);
void redis_channels_on_subscribed(struct redis_context *context, struct span name);

#endif
