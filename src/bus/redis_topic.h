/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A topic on a Redis server. What a program writes is published on a channel, or with a history
 * appended to a stream, whose key may be another program's, so both are read; its name, as that
 *of all keys, begins with the prefix:
 *
 *	PREFIX ENDPOINT			the output of programs
 *	PREFIX "input:" ENDPOINT	what clients send to the one program
 *	PREFIX "lease:" ENDPOINT	who runs it, and PREFIX "epoch:" ENDPOINT
 */
#ifndef BUS_REDIS_TOPIC_H
#define BUS_REDIS_TOPIC_H

#include "bus/bus.h"
#include "bus/redis_context.h"

struct redis_topic;

/* As bus_join(); it is in context->topics until it frees itself, some time after bus_leave().
 */
struct bus_topic *redis_topic_join(struct redis_context *context,
    const struct bus_topic_spec *spec, const struct bus_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* For all topics: a connection of the context is up, or commands are lost. */
void redis_topics_on_up(struct redis_context *context);
void redis_topics_on_down(struct redis_context *context);
void redis_topics_on_messages_up(struct redis_context *context);

/* All have been left: frees them. */
void redis_topics_clear(struct redis_context *context);

#endif
