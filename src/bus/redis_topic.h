/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A topic on a Redis server. Output of programs is published on a channel or, with a history,
 * appended to a stream. If another program uses the key of the stream, output is published, so
 * both are read. All names begin with the prefix:
 *
 *	PREFIX ENDPOINT			output of programs: channel and stream
 *	PREFIX "input:" ENDPOINT	input of clients for a single program
 *	PREFIX "lease:" ENDPOINT	which node runs it, and PREFIX "epoch:" ENDPOINT
 */
#ifndef BUS_REDIS_TOPIC_H
#define BUS_REDIS_TOPIC_H

#include "bus/bus.h"
#include "bus/redis_context.h"

struct redis_topic;

/* Implements bus_join(). The topic is in context->topics until it frees itself, some time after
 * bus_leave(). */
struct bus_topic *redis_topic_join(struct redis_context *context,
    const struct bus_topic_spec *spec, const struct bus_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Events of the connections, for all topics: commands are accepted, commands were lost,
 * messages are received. */
void redis_topics_on_up(struct redis_context *context);
void redis_topics_on_down(struct redis_context *context);
void redis_topics_on_messages_up(struct redis_context *context);

/* Frees all topics, which must have been left. */
void redis_topics_clear(struct redis_context *context);

#endif
