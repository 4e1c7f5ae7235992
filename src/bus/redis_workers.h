/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers of a server in a topic on a Redis server where each server runs a program. They
 * have a topic of their own (bus/local), whose leader runs the program. Each worker reads the
 * output of all servers from Redis, and that of its leader from the leader as well, which is
 * faster and works while Redis is unavailable. Both ways carry the same records, so that
 * duplicates are recognized by their number.
 */
#ifndef BUS_REDIS_WORKERS_H
#define BUS_REDIS_WORKERS_H

#include "bus/bus.h"
#include "bus/redis_output.h"
#include "bus/redis_stream.h"
#include "bus/seen.h"

struct redis_workers_spec {
	struct loop *loop; /* borrowed, like all pointers here; outlives the object */
	const struct bus_topic *topic; /* its handlers are called */
	struct redis_output *output; /* of the program */
	const struct redis_stream *stream; /* NULL without a history */
	const struct seen *seen; /* output of other nodes */
	uint64_t node;
	/* Delivers a sequence of records that the leader has sent. */
	void (*accept)(const struct bus_topic *topic, struct span records);
};

struct redis_workers;

/* Joins the topic on WORKERS. TOPIC is the same as on Redis. Returns NULL if out of memory. */
struct redis_workers *redis_workers_new(const struct redis_workers_spec *spec,
    struct bus *workers, const struct bus_topic_spec *topic)
    __attribute__((warn_unused_result));

/* Returns the topic of the workers, for the functions of bus/bus.h that only concern them. */
struct bus_topic *redis_workers_topic(const struct redis_workers *workers);

/* As bus_want(). */
void redis_workers_want(struct redis_workers *workers, bool wants);

/* Leaves the topic. No handler is called afterwards. Call redis_workers_free() afterwards, not
 * from inside a handler. redis_workers_free() accepts NULL. */
void redis_workers_leave(struct redis_workers *workers);
void redis_workers_free(struct redis_workers *workers);

/* Sends a record of the program to the other workers. */
void redis_workers_publish(struct redis_workers *workers, struct span header, struct span body);

/* Returns true if the leader will send this record and earlier ones that are still missing. The
 * record is kept in case the leader disconnects before that. */
bool redis_workers_keep(struct redis_workers *workers, const struct record *record)
    __attribute__((warn_unused_result));

/* Must be called when records have arrived from Redis. */
void redis_workers_check(struct redis_workers *workers);

#endif
