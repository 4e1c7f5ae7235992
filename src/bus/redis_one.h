/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one program of a topic on a Redis server: which node runs it (bus/redis_lease), and what
 * the clients of the others send to it (bus/redis_lead and bus/redis_follow).
 */
#ifndef BUS_REDIS_ONE_H
#define BUS_REDIS_ONE_H

#include "bus/bus.h"
#include "bus/redis_output.h"
#include "bus/seen.h"

struct redis_one_spec {
	struct redis_context *context; /* borrowed, as all of these, for longer than it lives */
	const struct bus_topic *topic; /* whose handlers are called */
	struct redis_output *output; /* of the program; not read by redis_one_new() */
	const struct seen *seen; /* output of other nodes */
	const char *name;
	const char *channel; /* from the leader to all */
	const char *input_channel; /* to the leader */
	uint64_t node;
	/* What it needs of TOPIC: a turn, which calls redis_one_update() and redis_one_step(),
	 * and the messages of INPUT_CHANNEL. */
	void (*defer)(const struct bus_topic *topic);
	void (*listen)(const struct bus_topic *topic, bool on);
};

struct redis_one;

/* NULL without memory. */
struct redis_one *redis_one_new(const struct redis_one_spec *spec)
    __attribute__((warn_unused_result));

/* No reply to the lease is pending, or commands are lost. Accepts NULL. */
void redis_one_free(struct redis_one *one);

/* Whether a reply is pending. */
bool redis_one_is_busy(const struct redis_one *one);

/* Without it nothing of the program is delivered. */
struct redis_lease *redis_one_lease(struct redis_one *one);

/* The functions of bus/bus.h. */
void redis_one_want(struct redis_one *one, bool wants);
void redis_one_report(struct redis_one *one, const struct bus_program *program);
bool redis_one_may_publish(struct redis_one *one) __attribute__((warn_unused_result));
void redis_one_send_take(struct redis_one *one, struct buffer *entries);
size_t redis_one_queued(const struct redis_one *one);
void redis_one_set_reading(struct redis_one *one, bool on);
size_t redis_one_count(struct redis_one *one, size_t own);

/* Which node runs it by now. */
enum bus_role redis_one_update(struct redis_one *one);

/* Does what is due. Returns whether bus_queued() has fallen. */
bool redis_one_step(struct redis_one *one);

/* Whether output of a program, or a record of a leader, is that of the newest lease. */
bool redis_one_accepts(struct redis_one *one, const struct record *record)
    __attribute__((warn_unused_result));

/* Any record but output. */
void redis_one_on_record(struct redis_one *one, const struct record *record);

/* As those of bus/redis_topic.h. */
void redis_one_on_up(struct redis_one *one);
void redis_one_on_down(struct redis_one *one);
void redis_one_on_messages_up(struct redis_one *one);
void redis_one_on_listening(struct redis_one *one);

#endif
