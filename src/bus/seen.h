/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last sequence number of each node whose records were read, so that one which comes twice
 * is recognized, and a gap as well. Pure.
 */
#ifndef BUS_SEEN_H
#define BUS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEN_NODES_MAX = 1024 }; /* then the one that was silent for longest is forgotten */

struct seen_node {
	uint64_t node;
	uint64_t seq;
};

/* Zero bytes ({0}) are an empty one. */
struct seen {
	struct seen_node *nodes; /* owned: the one that was read last comes first */
	size_t count;
	size_t capacity;
};

/* Whether a record is new. *MISSED is the number of those that should have come before it.
 * Without memory all records of further nodes are new. */
bool seen_add(struct seen *seen, uint64_t node, uint64_t seq, uint64_t *missed)
    __attribute__((warn_unused_result));

/* The sequence number of the last record of a node; UINT64_MAX: none came. */
uint64_t seen_last(const struct seen *seen, uint64_t node);

void seen_clear(struct seen *seen);

#endif
