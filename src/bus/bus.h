/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface between the processes that serve a shared endpoint: the workers of a server, or
 * the servers on one bus. bus/local implements it between workers, bus/redis between servers.
 *
 * A process is a node. A topic is an endpoint with one program at a time. The node that runs
 * the program is the leader; all others follow:
 *
 *	leader to nodes: output of the program, and whether it runs
 *	node to leader:  input from its clients, as entries (bus/entry)
 *
 * Nodes join and disconnect at any time. If the leader disconnects, the topic elects another
 * one. Data in transit to or from a disconnected node may be lost; nothing is delivered twice
 * or out of order.
 *
 * Entries for a program with an ID reach the process with that ID, or the next process with the
 * same ID: a leader that ends a program because it has no clients keeps what arrives
 * afterwards, so a client that joins on another node at that moment loses nothing. A leader
 * does not resign while there are nodes, because their entries would be lost, unless its server
 * stops.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/batch.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The role of this node in a topic. */
enum bus_role {
	BUS_NOBODY, /* no leader is known, or this node does not want the topic */
	BUS_LEADS, /* only this node may run the program */
	BUS_FOLLOWS,
};

enum bus_program_state {
	BUS_PROGRAM_NONE, /* no program, or its leader is ending it */
	BUS_PROGRAM_RUNS,
	BUS_PROGRAM_ENDED, /* it has exited by itself */
	BUS_PROGRAM_FAILED, /* it can't be started */
};

/* The program of a topic, as reported by its leader. */
struct bus_program {
	enum bus_program_state state;
	/* 0: none. Changes when all clients must be opened again. A new process keeps the ID if
	 * the previous one had no clients when it ended. */
	uint64_t id;
	pid_t pid; /* process ID on the leader; 0: no process, or no longer */
	uint8_t end; /* ENDED: enum backend_end; VALUE has its details */
	uint8_t value;
	int error; /* FAILED: errno */
};

/*
 * Node numbers are never reused. Bytes are borrowed until the handler returns. No handler is
 * called from inside a function of this header. Handlers may call all functions, including
 * bus_leave().
 */
struct bus_handlers {
	void (*on_role)(void *arg, enum bus_role role);
	/* FOLLOWS: the state of the leader's program. Called once when this node begins to
	 * follow, and for each change. */
	void (*on_program)(void *arg, const struct bus_program *program);
	/* Whole messages of a program on another node, as passed to bus_publish(). BATCH is
	 * followed by BATCH_SLACK bytes and may be modified. */
	void (*on_output)(void *arg, struct batch *batch);
	/* LEADS: NODE has joined (PRESENT) or disconnected. What bus_catch_up() sends during
	 * this call precedes all other output. */
	void (*on_node)(void *arg, uint64_t node, bool present);
	/* LEADS: whole entries of a node that has joined. */
	void (*on_input)(void *arg, uint64_t node, struct span entries);
	/* FOLLOWS: bytes that the leader passed to bus_catch_up(). */
	void (*on_catch_up)(void *arg, struct span bytes);
	/* bus_queued() has decreased. */
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

/* Embedded as the first member of an implementation, which initializes it. */
struct bus_topic {
	const struct bus_topic_ops *ops;
	const struct bus_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: argument of the handlers */
	bool is_open; /* output also reaches nodes that on_node() does not report */
};

/* A shared endpoint. */
struct bus_topic_spec {
	const char *name; /* copied: the path of the endpoint, the same on all nodes */
	/* Nodes with the same NUMBER run the same program. A reload that changes the endpoint
	 * changes the number. */
	uint64_t number;
	uint64_t history; /* number of messages that a late node should get */
	/* On a bus between servers, true: one server runs the program for all. False: each
	 * server runs one; all of them lead and get the output of the others. */
	bool one;
};

struct bus;
struct bus_ops {
	struct bus_topic *(*join)(struct bus *bus, const struct bus_topic_spec *spec,
	    const struct bus_handlers *handlers, void *arg);
};

/* Embedded as the first member of an implementation. */
struct bus {
	const struct bus_ops *ops;
};

/* Joins a topic. HANDLERS and ARG are borrowed. The role is NOBODY until bus_want(). Returns
 * NULL if out of memory. */
__attribute__((warn_unused_result)) static inline struct bus_topic *
bus_join(struct bus *bus, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	return bus->ops->join(bus, spec, handlers, arg);
}

/* Leaves a topic. No handler is called afterwards. Data sent or published before still goes out
 * if possible. Accepts NULL. */
static inline void
bus_leave(struct bus_topic *topic)
{
	if (topic)
		topic->ops->leave(topic);
}

/*
 * Sets whether this node needs the program. If it does, the topic finds a leader, possibly this
 * node. If not, a leader resigns. on_role() reports all changes of the role, except to NOBODY
 * by this call.
 */
static inline void
bus_want(struct bus_topic *topic, bool wants)
{
	topic->ops->want(topic, wants);
}

/* LEADS: reports the state of the program to all nodes, including those that join later. */
static inline void
bus_report(struct bus_topic *topic, const struct bus_program *program)
{
	topic->ops->report(topic, program);
}

/*
 * LEADS: publishes the whole messages of a batch to all nodes; BATCH is not modified. Returns
 * false if this node no longer leads, which on_role() will report. The caller must then not
 * deliver the batch to its own clients either.
 */
__attribute__((warn_unused_result)) static inline bool
bus_publish(struct bus_topic *topic, const struct batch *batch)
{
	return topic->ops->publish(topic, batch);
}

/* LEADS: sends NODE, which is joining, earlier data that still matters. Does nothing on a bus
 * that keeps history itself. */
static inline void
bus_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	topic->ops->catch_up(topic, node, bytes);
}

/* FOLLOWS: sends whole entries to the leader. ENTRIES is empty afterwards. */
static inline void
bus_send_take(struct bus_topic *topic, struct buffer *entries)
{
	topic->ops->send_take(topic, entries);
}

/*
 * Returns the number of bytes queued for the leader, or for the slowest node. Above a limit of
 * its own, the caller pauses its producer until on_drained(). A node that accepts nothing is
 * eventually disconnected.
 */
static inline size_t
bus_queued(const struct bus_topic *topic)
{
	return topic->ops->queued(topic);
}

/* LEADS: allows or stops calls of on_input(), which are allowed at first. While stopped, the
 * queues of the nodes grow. */
static inline void
bus_set_reading(struct bus_topic *topic, bool on)
{
	topic->ops->set_reading(topic, on);
}

/* LEADS: returns true if a node that on_node() does not report may have the client ID. */
static inline bool
bus_may_have(const struct bus_topic *topic, uint64_t id)
{
	return topic->ops->may_have && topic->ops->may_have(topic, id);
}

/* Reports that this node has OWN clients, including those that wait. Returns the number of
 * clients of all nodes, as far as known. */
static inline size_t
bus_count(struct bus_topic *topic, size_t own)
{
	return topic->ops->count(topic, own);
}

#endif
