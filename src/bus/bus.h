/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What joins the processes that serve one shared endpoint: the workers of a server, or the
 * servers on one bus. bus/local implements it between workers.
 *
 * A process is a node, and a topic is an endpoint with one program at a time. The node that
 * runs it leads; all others follow:
 *
 *	leader to nodes: what the program writes, and whether it runs
 *	node to leader:  what its clients send, as entries (bus/entry)
 *
 * Nodes join and disconnect at any time. If the leader disconnects, its topic elects another
 * one. Data in transit to or from a disconnected node may be lost; nothing is delivered twice
 * or out of order.
 *
 * Entries for a program with an ID reach the process that has it, or the next one with the same
 * ID: a leader that ends a program because it has no clients keeps what comes from then on. So
 * a client that joins elsewhere in that moment loses nothing. A leader does not resign while
 * there are nodes, unless its server stops, since their entries would be lost.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/batch.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What this node is to a topic. */
enum bus_role {
	BUS_NOBODY, /* no leader is known, or this node does not want the topic */
	BUS_LEADS, /* it alone may run the program */
	BUS_FOLLOWS,
};

enum bus_program_state {
	BUS_PROGRAM_NONE, /* or its leader ends it */
	BUS_PROGRAM_RUNS,
	BUS_PROGRAM_ENDED, /* by itself */
	BUS_PROGRAM_FAILED, /* it can't be started */
};

/* The program of a topic, as its leader reports it. */
struct bus_program {
	enum bus_program_state state;
	/* Another one if clients have to be opened again. Processes have the same one if the
	 * one before had no clients when it ended. 0: there is none. */
	uint64_t id;
	pid_t pid; /* where it runs; 0: there is no process (any more) */
	uint8_t end; /* ENDED: enum backend_end, and its value */
	uint8_t value;
	int error; /* FAILED: errno */
};

/* Node numbers are never reused. Bytes are borrowed until the handler returns.
 * None is called from inside a function of this header; a handler may call any of them, also
 * bus_leave(). */
struct bus_handlers {
	void (*on_role)(void *arg, enum bus_role role);
	/* FOLLOWS: the state of the leader's program: first as it is, then each change. */
	void (*on_program)(void *arg, const struct bus_program *program);
	/* Messages of a program that another node runs, as bus_publish() was given them: whole
	 * ones. BATCH has BATCH_SLACK, and may be changed. */
	void (*on_output)(void *arg, struct batch *batch);
	/* LEADS: NODE has joined (PRESENT) or disconnected. What bus_catch_up() sends within
	 * this call precedes all other output. */
	void (*on_node)(void *arg, uint64_t node, bool present);
	/* LEADS: whole entries of a node that has joined. */
	void (*on_input)(void *arg, uint64_t node, struct span entries);
	/* FOLLOWS: what the leader's bus_catch_up() sent. */
	void (*on_catch_up)(void *arg, struct span bytes);
	/* bus_queued() has fallen. */
	void (*on_drained)(void *arg);
};

struct bus_topic;
struct bus_topic_ops {
	void (*want)(struct bus_topic *topic, bool wants);
	void (*report)(struct bus_topic *topic, const struct bus_program *program);
	bool (*publish)(struct bus_topic *topic, const struct batch *batch);
	void (*catch_up)(struct bus_topic *topic, uint64_t node, struct span bytes);
	void (*send_take)(struct bus_topic *topic, struct buffer *entries);
	size_t (*queued)(const struct bus_topic *topic);
	void (*set_reading)(struct bus_topic *topic, bool on);
	size_t (*count)(struct bus_topic *topic, size_t own);
	bool (*may_have)(const struct bus_topic *topic, uint64_t id); /* NULL: false */
	void (*leave)(struct bus_topic *topic);
};

/* Embedded in an implementation, first, which sets it up. */
struct bus_topic {
	const struct bus_topic_ops *ops;
	const struct bus_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: the handlers' */
	bool is_open; /* output also reaches nodes that on_node() does not report */
};

/* An endpoint that is shared. */
struct bus_topic_spec {
	const char *name; /* copied: its path, for all nodes the same */
	/* Nodes with the same NUMBER have the same program: it differs after a reload that
	 * changes the endpoint. */
	uint64_t number;
	uint64_t history; /* messages that a node which comes late should get */
	/* On a bus between servers: one of them runs the program for all. Else each does, so
	 * that they all lead, and get the output of the others. */
	bool one;
};

struct bus;
struct bus_ops {
	struct bus_topic *(*join)(struct bus *bus, const struct bus_topic_spec *spec,
	    const struct bus_handlers *handlers, void *arg);
};

/* Embedded in an implementation, first. */
struct bus {
	const struct bus_ops *ops;
};

/* HANDLERS and ARG are borrowed. At first its role is NOBODY, and it does not want it. NULL
 * without memory. */
__attribute__((warn_unused_result)) static inline struct bus_topic *
bus_join(struct bus *bus, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	return bus->ops->join(bus, spec, handlers, arg);
}

/* No handler is called any more. What was sent or published goes out if it can. Accepts NULL.
 */
static inline void
bus_leave(struct bus_topic *topic)
{
	if (topic)
		topic->ops->leave(topic);
}

/* Sets whether this node needs the program. If so, the topic finds a leader, possibly this
 * node; if not, a leader resigns. on_role() reports each change of role but the one to NOBODY
 * that this call causes. */
static inline void
bus_want(struct bus_topic *topic, bool wants)
{
	topic->ops->want(topic, wants);
}

/* LEADS: all nodes get *PROGRAM, also those that come later. */
static inline void
bus_report(struct bus_topic *topic, const struct bus_program *program)
{
	topic->ops->report(topic, program);
}

/* LEADS: all nodes get the messages of a batch, which are whole ones; it is not changed. False:
 * this node no longer leads, which on_role() reports next; the caller must not deliver the
 * batch to its own clients either. */
__attribute__((warn_unused_result)) static inline bool
bus_publish(struct bus_topic *topic, const struct batch *batch)
{
	return topic->ops->publish(topic, batch);
}

/* LEADS, while NODE comes: what came before and matters still. A bus that keeps history itself
 * ignores it. */
static inline void
bus_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	topic->ops->catch_up(topic, node, bytes);
}

/* FOLLOWS: whole entries for the leader; ENTRIES is empty afterwards. */
static inline void
bus_send_take(struct bus_topic *topic, struct buffer *entries)
{
	topic->ops->send_take(topic, entries);
}

/* Bytes that wait to be sent to the leader, or to the slowest node. The caller
 * pauses its producer above a limit of its own until on_drained(). A node that accepts nothing
 * is cut off later. */
static inline size_t
bus_queued(const struct bus_topic *topic)
{
	return topic->ops->queued(topic);
}

/* LEADS: whether on_input() may be called; on at first. Off, the nodes' queues grow. */
static inline void
bus_set_reading(struct bus_topic *topic, bool on)
{
	topic->ops->set_reading(topic, on);
}

/* LEADS: whether a node that on_node() does not report may have the client ID. */
static inline bool
bus_may_have(const struct bus_topic *topic, uint64_t id)
{
	return topic->ops->may_have && topic->ops->may_have(topic, id);
}

/* This node has OWN clients, with those that wait. Returns the number of all nodes, as far as
 * it can be known. */
static inline size_t
bus_count(struct bus_topic *topic, size_t own)
{
	return topic->ops->count(topic, own);
}

#endif
