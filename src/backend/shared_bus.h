/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other nodes of a shared program (bus/bus.h), as backend/shared sees them: whether this
 * node may start the program, or where it runs; what the others' clients send; and who needs
 * it. Without a bus (TOPIC is NULL) there are none, and all of it costs a comparison.
 */
#ifndef BACKEND_SHARED_BUS_H
#define BACKEND_SHARED_BUS_H

#include "backend/history.h"
#include "backend/remote.h"
#include "backend/shared_nodes.h"

enum {
	/* Bytes for the slowest node; above it the program waits. */
	SHARED_BUS_HIGH = 256 * 1024,
	SHARED_BUS_LOW = 64 * 1024,
};

/* None is called from inside a function of this header. */
struct shared_bus_handlers {
	/* A result of the functions below, or the state of another node's program, has changed.
	 * The last handler in a call from the bus; it may free the shared program. */
	void (*on_changed)(void *arg);
	void (*on_output)(void *arg, struct batch *batch);
	/* LEADS: OPEN, RECORDS or CLOSE for the program. Those of one call of the bus are
	 * followed by on_flush(). */
	void (*on_entry)(void *arg, const struct entry *entry);
	void (*on_flush)(void *arg);
	/* FOLLOWS: the program could not be started. */
	void (*on_failed)(void *arg, int error);
	/* FOLLOWS: contact was lost and is back with the same program, which was told that all
	 * clients of this node have left. */
	void (*on_cut_off)(void *arg);
	void (*on_drained)(void *arg);
};

/* What its user has and needs; the bus is told of a change. */
struct shared_bus_needs {
	size_t clients; /* with those that wait */
	bool wants; /* any use for the program */
	bool waits; /* clients that wait for one */
	bool blocked; /* a client reads too slowly */
};

struct shared_bus {
	struct bus_topic *topic; /* owned; NULL: there is no bus */
	const struct shared_bus_handlers *handlers; /* borrowed, as the next two */
	void *arg;
	struct history *history;
	uint64_t history_max;
	enum bus_role role;
	struct bus_program program; /* of the leader */
	struct backend *remote; /* borrowed from its user; NULL: no program of another node */
	uint64_t lost; /* the program that this node has lost contact with */
	struct shared_nodes nodes; /* LEADS */
	struct buffer entries; /* owned: a state */
	uint64_t sent_program; /* FOLLOWS: in the last STATE */
	uint8_t sent_state; /* likewise */
	bool wants;
	bool congested; /* LEADS: a node is too far behind */
	bool paused; /* LEADS: input of the nodes */
	/* LEADS: entries for the program have come while none runs; its user resets it if this
	 * node leads no more. */
	bool late;
};

/* Without a BUS it only is empty. False without memory. */
bool shared_bus_init(struct shared_bus *b, struct bus *bus, const struct bus_topic_spec *spec,
    struct history *history, const struct shared_bus_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));
void shared_bus_clear(struct shared_bus *b);

/* Whether this node runs the program, if any does. */
static inline bool
shared_bus_leads(const struct shared_bus *b)
{
	return !b->topic || b->role == BUS_LEADS;
}

/* Whether another node runs it: shared_bus_follow(). */
static inline bool
shared_bus_has_program(const struct shared_bus *b)
{
	return b->topic && b->role == BUS_FOLLOWS && b->program.state == BUS_PROGRAM_RUNS;
}

/* LEADS: whether the others need a program, if none runs. */
static inline bool
shared_bus_is_due(const struct shared_bus *b)
{
	return b->nodes.needing > 0 || b->nodes.clients > 0 || b->late || b->paused;
}

/* That program, as a backend; it ends when contact is lost (BACKEND_LOST), too. It remains
 * while the leader starts another process that has all that was written to it. NULL without
 * memory.
 */
struct backend *shared_bus_follow(struct shared_bus *b, struct loop *loop,
    const struct framed_rules *rules, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Its user has freed it. */
void shared_bus_unfollow(struct shared_bus *b);

/* LEADS: the program runs here, or is being ended, has ended by itself, or could not be
 * started. Its ID is set by this; it stays the same until shared_bus_forget(). */
void shared_bus_report(struct shared_bus *b, const struct bus_program *program);

/* LEADS: the next program gets nothing of what the clients of other nodes have sent until they
 * know it: they open all of them again. */
void shared_bus_forget(struct shared_bus *b);

void shared_bus_update(struct shared_bus *b, const struct shared_bus_needs *needs);

/* Clients of all nodes, OWN of them here. */
static inline size_t
shared_bus_count(const struct shared_bus *b, size_t own)
{
	return b->topic ? bus_count(b->topic, own) : own;
}

/* LEADS: output of the program, before anything is done with it; as bus_publish(). */
bool shared_bus_publish(struct shared_bus *b, const struct batch *batch);

/* LEADS: pauses the input of other nodes, or resumes it. */
void shared_bus_pause(struct shared_bus *b, bool pause);

#endif
