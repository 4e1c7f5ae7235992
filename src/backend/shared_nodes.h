/* SPDX-License-Identifier: BSD-2-Clause */
/* The other nodes of a shared program, as seen by the leader: their clients, by ID, and their
 * state. */
#ifndef BACKEND_SHARED_NODES_H
#define BACKEND_SHARED_NODES_H

#include "base/list.h"
#include "bus/entry.h"

#include <stddef.h>

/* Embedded in its user. */
struct shared_nodes {
	struct list list; /* owned: struct shared_node */
	size_t clients; /* number of clients of all nodes */
	size_t needing; /* number of nodes with ENTRY_NEEDS */
	size_t blocked; /* number of nodes with ENTRY_BLOCKED */
};

void shared_nodes_init(struct shared_nodes *nodes);

/* Returns false if out of memory; input of this node is ignored then. */
bool shared_nodes_add(struct shared_nodes *nodes, uint64_t node)
    __attribute__((warn_unused_result));

/* Calls LEFT for each client of the node, if the node knows PROGRAM. */
void shared_nodes_remove(struct shared_nodes *nodes, uint64_t node, uint64_t program,
    void (*left)(void *arg, uint64_t id), void *arg);
void shared_nodes_clear(struct shared_nodes *nodes);

static inline bool
shared_nodes_exist(const struct shared_nodes *nodes)
{
	return !list_empty(&nodes->list);
}

/*
 * Records an entry of a node. Returns true if it is for the program with the ID PROGRAM (0:
 * none runs), or from a node that knows no program and so for the next one. Returns false for a
 * STATE, for a client that is opened twice, and for a CLOSE of an unknown client.
 */
bool shared_nodes_accept(struct shared_nodes *nodes, uint64_t node, const struct entry *entry,
    uint64_t program) __attribute__((warn_unused_result));

/* Returns the ID of the program that a node knows, or 0. */
uint64_t shared_nodes_program(const struct shared_nodes *nodes, uint64_t node);

/* Drops all clients, because the next program knows none. */
void shared_nodes_forget(struct shared_nodes *nodes);

/* Returns true if a node has the client ID. */
bool shared_nodes_have(const struct shared_nodes *nodes, uint64_t id);

#endif
