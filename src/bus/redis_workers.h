/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers of a server at a topic on a Redis server that has a program for each server: they
 * have a topic of their own (bus/local), whose leader runs it. Each worker reads the output of
 * all servers from Redis, and that of its leader from the leader as well: it comes at once, and
 * also while Redis is away. Both ways carry the same records, so that the second copy of one is
 * recognized by its number.
 */
#ifndef BUS_REDIS_WORKERS_H
#define BUS_REDIS_WORKERS_H

#include "bus/bus.h"
#include "bus/redis_output.h"
#include "bus/redis_stream.h"
#include "bus/seen.h"

struct redis_workers_spec {
	struct loop *loop; /* borrowed, as all of these, for longer than it lives */
	const struct bus_topic *topic; /* whose handlers are called */
	struct redis_output *output; /* of the program */
	const struct redis_stream *stream; /* NULL without a history */
	const struct seen *seen; /* output of other nodes */
	uint64_t node;
	/* Delivers records that have come from the leader, one after the other. */
	void (*accept)(const struct bus_topic *topic, struct span records);
};

struct redis_workers;

/* Joins WORKERS; the topic is as on Redis. NULL without memory. */
struct redis_workers *redis_workers_new(const struct redis_workers_spec *spec,
    struct bus *workers, const struct bus_topic_spec *topic)
    __attribute__((warn_unused_result));

/* The topic of the workers, for those functions of bus/bus.h that concern them alone. */
struct bus_topic *redis_workers_topic(const struct redis_workers *workers);

/* As bus_want(). */
void redis_workers_want(struct redis_workers *workers, bool wants);

/* No handler is called any more. redis_workers_free() follows, not from inside a handler, and
 * accepts NULL. */
void redis_workers_leave(struct redis_workers *workers);
void redis_workers_free(struct redis_workers *workers);

/* A record of the program, for the other workers. */
void redis_workers_publish(struct redis_workers *workers, struct span header, struct span body);

/* Whether the leader sends this record, and ones that precede it and are still to come: it is
 * kept in case that the leader disconnects before. */
bool redis_workers_keep(struct redis_workers *workers, const struct record *record)
    __attribute__((warn_unused_result));

/* Records have come from Redis. */
void redis_workers_check(struct redis_workers *workers);

#endif
