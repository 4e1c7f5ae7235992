/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of a topic with a single program on a Redis server: which node runs it
 * (bus/redis_lease), and input from clients of the other nodes (bus/redis_lead and
 * bus/redis_follow).
 */
#ifndef BUS_REDIS_ONE_H
#define BUS_REDIS_ONE_H

#include "bus/bus.h"
#include "bus/redis_output.h"
#include "bus/seen.h"

struct redis_one_spec {
	/* Borrowed, like all pointers here; outlives the object. */
	struct redis_context *context;
	const struct bus_topic *topic; /* its handlers are called */
	struct redis_output *output; /* of the program; not used by redis_one_new() */
	const struct seen *seen; /* output of other nodes */
	const char *name;
	const char *channel; /* from the leader to all nodes */
	const char *input_channel; /* to the leader */
	uint64_t node;
	/* Services of TOPIC. defer() schedules a call of redis_one_update() and
	 * redis_one_step(); listen() subscribes to INPUT_CHANNEL or unsubscribes. */
	void (*defer)(const struct bus_topic *topic);
	void (*listen)(const struct bus_topic *topic, bool on);
};

struct redis_one;

/* Returns NULL if out of memory. */
struct redis_one *redis_one_new(const struct redis_one_spec *spec)
    __attribute__((warn_unused_result));

/* Frees the object. No reply to the lease may be pending, unless commands were lost. Accepts
 * NULL. */
void redis_one_free(struct redis_one *one);

/* Returns true if a reply is pending. */
bool redis_one_is_busy(const struct redis_one *one);

/* Returns the lease, which is required to publish output. */
struct redis_lease *redis_one_lease(struct redis_one *one);

/* Implement bus/bus.h. */
void redis_one_want(struct redis_one *one, bool wants);
void redis_one_report(struct redis_one *one, const struct bus_program *program);
bool redis_one_may_publish(struct redis_one *one) __attribute__((warn_unused_result));
void redis_one_send_take(struct redis_one *one, struct buffer *entries);
size_t redis_one_queued(const struct redis_one *one);
void redis_one_set_reading(struct redis_one *one, bool on);
size_t redis_one_count(struct redis_one *one, size_t own);

/* Updates and returns the role of this node. */
enum bus_role redis_one_update(struct redis_one *one);

/* Does what is due. Returns true if bus_queued() has decreased. */
bool redis_one_step(struct redis_one *one);

/* Returns true if a record of output, or of a leader, belongs to the newest lease. */
bool redis_one_accepts(struct redis_one *one, const struct record *record)
    __attribute__((warn_unused_result));

/* Handles all records but output. */
void redis_one_on_record(struct redis_one *one, const struct record *record);

/* As in bus/redis_topic.h. */
void redis_one_on_up(struct redis_one *one);
void redis_one_on_down(struct redis_one *one);
void redis_one_on_messages_up(struct redis_one *one);
void redis_one_on_listening(struct redis_one *one);

#endif
