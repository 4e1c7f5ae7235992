/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other nodes of a shared program (bus/bus.h), as seen by backend/shared: whether this node
 * may start the program, or which node runs it; input of the other nodes' clients; and whether
 * they need the program. Without a bus (TOPIC is NULL), there are no other nodes, at the cost
 * of a comparison.
 */
#ifndef BACKEND_SHARED_BUS_H
#define BACKEND_SHARED_BUS_H

#include "backend/history.h"
#include "backend/remote.h"
#include "backend/shared_nodes.h"

enum {
	/* Bytes queued for the slowest node above which the program is paused, and below which
	 * it is resumed. */
	SHARED_BUS_HIGH = 256 * 1024,
	SHARED_BUS_LOW = 64 * 1024,
};

/* No handler is called from inside a function of this header. */
struct shared_bus_handlers {
	/* A result of the functions below, or the state of another node's program, has changed.
	 * This is the last handler of a call from the bus; it may free the shared program. */
	void (*on_changed)(void *arg);
	void (*on_output)(void *arg, struct batch *batch);
	/* LEADS: OPEN, RECORDS or CLOSE for the program. on_flush() follows the entries of one
	 * call from the bus. */
	void (*on_entry)(void *arg, const struct entry *entry);
	void (*on_flush)(void *arg);
	/* FOLLOWS: the leader can't start the program. */
	void (*on_failed)(void *arg, int error);
	/* FOLLOWS: contact was lost, and is back with the same program, which was told that all
	 * clients of this node had left. */
	void (*on_cut_off)(void *arg);
	void (*on_drained)(void *arg);
};

/* The needs of this node; the bus is told when they change. */
struct shared_bus_needs {
	size_t clients; /* including those that wait */
	bool wants; /* this node needs the program for any reason */
	bool waits; /* clients wait for a program */
	bool blocked; /* a client reads too slowly */
};

struct shared_bus {
	struct bus_topic *topic; /* owned; NULL: no bus */
	const struct shared_bus_handlers *handlers; /* borrowed, as the next two */
	void *arg;
	struct history *history;
	uint64_t history_max;
	enum bus_role role;
	struct bus_program program; /* of the leader */
	struct backend *remote; /* borrowed from the user; NULL: no program of another node */
	uint64_t lost; /* ID of the program that this node has lost contact with */
	struct shared_nodes nodes; /* LEADS */
	struct buffer entries; /* owned: scratch buffer for a STATE */
	uint64_t sent_program; /* FOLLOWS: program ID in the last STATE */
	uint8_t sent_state; /* FOLLOWS: state in the last STATE */
	bool wants;
	bool congested; /* LEADS: a node is too far behind */
	bool paused; /* LEADS: input of the nodes is paused */
	/* LEADS: entries for the program arrived while none was running. The user clears it
	 * when this node no longer leads. */
	bool late;
};

/* Joins the topic; without a BUS only initializes B. Returns false if out of memory. */
bool shared_bus_init(struct shared_bus *b, struct bus *bus, const struct bus_topic_spec *spec,
    struct history *history, const struct shared_bus_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));
void shared_bus_clear(struct shared_bus *b);

/* Returns true if this node is the one that may run the program. */
static inline bool
shared_bus_leads(const struct shared_bus *b)
{
	return !b->topic || b->role == BUS_LEADS;
}

/* Returns true if another node runs the program: call shared_bus_follow(). */
static inline bool
shared_bus_has_program(const struct shared_bus *b)
{
	return b->topic && b->role == BUS_FOLLOWS && b->program.state == BUS_PROGRAM_RUNS;
}

/* LEADS: returns true if other nodes need a program, should none be running. */
static inline bool
shared_bus_is_due(const struct shared_bus *b)
{
	return b->nodes.needing > 0 || b->nodes.clients > 0 || b->late || b->paused;
}

/*
 * Returns the program of the other node as a backend. It also ends if contact is lost
 * (BACKEND_LOST). It persists if the leader starts another process that gets all that was
 * written to the previous one. Returns NULL if out of memory.
 */
struct backend *shared_bus_follow(struct shared_bus *b, struct loop *loop,
    const struct framed_rules *rules, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Must be called when the user has freed the remote program. */
void shared_bus_unfollow(struct shared_bus *b);

/* LEADS: reports that the program runs here, is being ended, has exited, or can't be started.
 * Assigns its ID, which remains the same until shared_bus_forget(). */
void shared_bus_report(struct shared_bus *b, const struct bus_program *program);

/* LEADS: gives up the program ID. Input of other nodes is then ignored until they know the next
 * program, for which they open all clients again. */
void shared_bus_forget(struct shared_bus *b);

void shared_bus_update(struct shared_bus *b, const struct shared_bus_needs *needs);

/* Returns the number of clients of all nodes; OWN is the number of this node. */
static inline size_t
shared_bus_count(const struct shared_bus *b, size_t own)
{
	return b->topic ? bus_count(b->topic, own) : own;
}

/* LEADS: publishes output of the program, before it is processed locally. As bus_publish(). */
bool shared_bus_publish(struct shared_bus *b, const struct batch *batch);

/* LEADS: pauses or resumes the input of other nodes. */
void shared_bus_pause(struct shared_bus *b, bool pause);

#endif
