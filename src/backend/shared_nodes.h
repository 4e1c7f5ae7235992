/* SPDX-License-Identifier: BSD-2-Clause */
/* The other nodes of a shared program, as the one that runs it sees them: their clients, by ID,
 * and their state. */
#ifndef BACKEND_SHARED_NODES_H
#define BACKEND_SHARED_NODES_H

#include "base/list.h"
#include "bus/entry.h"

#include <stddef.h>

/* Embedded in its user. */
struct shared_nodes {
	struct list list; /* struct shared_node, owned */
	size_t clients; /* of all nodes */
	size_t needing; /* nodes with ENTRY_NEEDS */
	size_t blocked; /* nodes with ENTRY_BLOCKED */
};

void shared_nodes_init(struct shared_nodes *nodes);

/* False without memory: what it sends is ignored. */
bool shared_nodes_add(struct shared_nodes *nodes, uint64_t node)
    __attribute__((warn_unused_result));

/* Each of its clients that PROGRAM knows is reported to LEFT. */
void shared_nodes_remove(struct shared_nodes *nodes, uint64_t node, uint64_t program,
    void (*left)(void *arg, uint64_t id), void *arg);
void shared_nodes_clear(struct shared_nodes *nodes);

static inline bool
shared_nodes_exist(const struct shared_nodes *nodes)
{
	return !list_empty(&nodes->list);
}

/* Notes what a node has sent. True if it is for the program with the ID PROGRAM (0: there is
 * none), or for the next one, as of a node that knows none: of clients that have left since the
 * last one. STATE never is, nor is a client that comes twice. */
bool shared_nodes_accept(struct shared_nodes *nodes, uint64_t node, const struct entry *entry,
    uint64_t program) __attribute__((warn_unused_result));

/* The ID of the program that a node knows; 0: none. */
uint64_t shared_nodes_program(const struct shared_nodes *nodes, uint64_t node);

/* The next program knows no client. */
void shared_nodes_forget(struct shared_nodes *nodes);

/* Whether a node has the client ID. */
bool shared_nodes_have(const struct shared_nodes *nodes, uint64_t id);

#endif
