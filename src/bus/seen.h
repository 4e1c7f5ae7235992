/* SPDX-License-Identifier: BSD-2-Clause */
/* The last sequence number received from each node, to detect duplicates and gaps. Pure. */
#ifndef BUS_SEEN_H
#define BUS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEN_NODES_MAX = 1024 }; /* above this, the node that was silent longest is removed */

struct seen_node {
	uint64_t node;
	uint64_t seq;
};

/* Zero bytes ({0}) are an empty table. */
struct seen {
	struct seen_node *nodes; /* owned: most recently heard node first */
	size_t count;
	size_t capacity;
};

/* Returns true if a record is new, with the number of records missing before it in *MISSED. If
 * out of memory, all records of further nodes are new. */
bool seen_add(struct seen *seen, uint64_t node, uint64_t seq, uint64_t *missed)
    __attribute__((warn_unused_result));

/* Returns the sequence number of the last record of a node, or UINT64_MAX if there was none. */
uint64_t seen_last(const struct seen *seen, uint64_t node);

void seen_clear(struct seen *seen);

#endif
