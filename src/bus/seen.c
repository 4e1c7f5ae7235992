/* SPDX-License-Identifier: BSD-2-Clause */
/* The last sequence number received from each node. */
#include "bus/seen.h"

#include <stdlib.h>
#include <string.h>

/* Moves NODE to the front; entries before AT move by one. */
static void
seen_put(struct seen *s, size_t at, struct seen_node node)
{
	memmove(s->nodes + 1, s->nodes, at * sizeof(*s->nodes));
	s->nodes[0] = node;
}

static bool
seen_grow(struct seen *s)
{
	size_t capacity = s->capacity == 0 ? 8 : 2 * s->capacity;
	struct seen_node *nodes;

	if (s->count < s->capacity)
		return true;
	if (s->count == SEEN_NODES_MAX) {
		s->count--;
		return true;
	}
	nodes = reallocarray(s->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return false;
	s->nodes = nodes;
	s->capacity = capacity;
	return true;
}

bool
seen_add(struct seen *s, uint64_t node, uint64_t seq, uint64_t *missed)
{
	size_t i = 0;
	uint64_t last;

	*missed = 0;
	while (i < s->count && s->nodes[i].node != node)
		i++;
	if (i == s->count) {
		if (!seen_grow(s))
			return true;
		seen_put(s, s->count++, (struct seen_node){node, seq});
		return true;
	}
	last = s->nodes[i].seq;
	seen_put(s, i, (struct seen_node){node, seq > last ? seq : last});
	if (seq <= last)
		return false;
	*missed = seq - last - 1;
	return true;
}

uint64_t
seen_last(const struct seen *s, uint64_t node)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->nodes[i].node == node)
			return s->nodes[i].seq;
	}
	return UINT64_MAX;
}

void
seen_clear(struct seen *s)
{
	free(s->nodes);
	*s = (struct seen){0};
}
