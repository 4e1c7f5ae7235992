/* SPDX-License-Identifier: BSD-2-Clause */
/* The other nodes of a shared program. */
#include "backend/shared_nodes.h"

#include <stdlib.h>

enum { NODES_TABLE_FIRST = 16 };

struct shared_node {
	struct list node; /* in nodes->list */
	uint64_t id;
	uint64_t program; /* the program that its entries are for */
	uint8_t state; /* enum entry_state */
	/* Its clients: open addressing with linear probing; 0 is a free slot. */
	uint64_t *ids; /* owned */
	size_t size; /* number of slots: a power of 2, or 0 */
	size_t count; /* number of clients; at most half the slots */
};

static struct shared_node *
shared_nodes_find(const struct shared_nodes *nodes, uint64_t id)
{
	for (struct list *at = nodes->list.next; at != &nodes->list; at = at->next) {
		struct shared_node *n = LIST_ENTRY_OF(at, struct shared_node, node);

		if (n->id == id)
			return n;
	}
	return NULL;
}

/* The clients of a node */

/* Returns the preferred slot. IDs are consecutive, with the node in the upper digits. */
static size_t
shared_node_home(const struct shared_node *n, uint64_t id)
{
	return (size_t)id & (n->size - 1);
}

/* Returns the slot of ID, or the free slot for it. There is always a free slot. */
static size_t
shared_node_place(const struct shared_node *n, uint64_t id)
{
	size_t at = shared_node_home(n, id);

	while (n->ids[at] != 0 && n->ids[at] != id)
		at = (at + 1) & (n->size - 1);
	return at;
}

static bool
shared_node_has(const struct shared_node *n, uint64_t id)
{
	return n->size > 0 && n->ids[shared_node_place(n, id)] == id;
}

static bool
shared_node_grow(struct shared_node *n)
{
	struct shared_node old = *n;

	if (2 * (n->count + 1) <= n->size)
		return true;
	n->size = n->size == 0 ? NODES_TABLE_FIRST : 2 * n->size;
	n->ids = calloc(n->size, sizeof(*n->ids));
	if (!n->ids) {
		*n = old;
		return false;
	}
	for (size_t i = 0; i < old.size; i++) {
		if (old.ids[i] != 0)
			n->ids[shared_node_place(n, old.ids[i])] = old.ids[i];
	}
	free(old.ids);
	return true;
}

static bool
shared_node_add(struct shared_nodes *nodes, struct shared_node *n, uint64_t id)
{
	if (id == 0 || shared_node_has(n, id) || !shared_node_grow(n))
		return false;
	n->ids[shared_node_place(n, id)] = id;
	n->count++;
	nodes->clients++;
	return true;
}

static bool
shared_node_drop(struct shared_nodes *nodes, struct shared_node *n, uint64_t id)
{
	size_t hole, at;

	if (id == 0 || !shared_node_has(n, id))
		return false;
	hole = at = shared_node_place(n, id);
	n->ids[hole] = 0;
	n->count--;
	nodes->clients--;
	/* Move later entries up, unless that is before their preferred slot. */
	for (;;) {
		size_t home;

		at = (at + 1) & (n->size - 1);
		if (n->ids[at] == 0)
			return true;
		home = shared_node_home(n, n->ids[at]);
		if (((at - home) & (n->size - 1)) < ((at - hole) & (n->size - 1)))
			continue;
		n->ids[hole] = n->ids[at];
		n->ids[at] = 0;
		hole = at;
	}
}

static void
shared_node_drop_all(struct shared_nodes *nodes, struct shared_node *n)
{
	nodes->clients -= n->count;
	free(n->ids);
	n->ids = NULL;
	n->size = n->count = 0;
}

/* The state of a node */

static void
shared_node_set_state(struct shared_nodes *nodes, struct shared_node *n, uint8_t state)
{
	nodes->needing -= (n->state & ENTRY_NEEDS) != 0;
	nodes->blocked -= (n->state & ENTRY_BLOCKED) != 0;
	n->state = state;
	nodes->needing += (n->state & ENTRY_NEEDS) != 0;
	nodes->blocked += (n->state & ENTRY_BLOCKED) != 0;
}

bool
shared_nodes_accept(
    struct shared_nodes *nodes, uint64_t node, const struct entry *entry, uint64_t program)
{
	struct shared_node *n = shared_nodes_find(nodes, node);
	bool concerns;

	if (!n)
		return false;
	concerns = n->program == 0 || n->program == program;
	switch (entry->kind) {
	case ENTRY_STATE:
		if (entry->id != n->program)
			shared_node_drop_all(nodes, n);
		n->program = entry->id;
		shared_node_set_state(nodes, n, entry->state);
		return false;
	case ENTRY_OPEN:
		return concerns && shared_node_add(nodes, n, entry->id);
	case ENTRY_CLOSE:
		return concerns && shared_node_drop(nodes, n, entry->id);
	case ENTRY_RECORDS:
		break;
	}
	return concerns;
}

uint64_t
shared_nodes_program(const struct shared_nodes *nodes, uint64_t node)
{
	const struct shared_node *n = shared_nodes_find(nodes, node);

	return n ? n->program : 0;
}

void
shared_nodes_forget(struct shared_nodes *nodes)
{
	for (struct list *at = nodes->list.next; at != &nodes->list; at = at->next)
		shared_node_drop_all(nodes, LIST_ENTRY_OF(at, struct shared_node, node));
}

bool
shared_nodes_have(const struct shared_nodes *nodes, uint64_t id)
{
	for (struct list *at = nodes->list.next; at != &nodes->list; at = at->next) {
		if (shared_node_has(LIST_ENTRY_OF(at, struct shared_node, node), id))
			return true;
	}
	return false;
}

/* All nodes */

void
shared_nodes_init(struct shared_nodes *nodes)
{
	*nodes = (struct shared_nodes){.clients = 0};
	list_init(&nodes->list);
}

bool
shared_nodes_add(struct shared_nodes *nodes, uint64_t id)
{
	struct shared_node *n = calloc(1, sizeof(*n));

	if (!n)
		return false;
	n->id = id;
	list_append(&nodes->list, &n->node);
	return true;
}

void
shared_nodes_remove(struct shared_nodes *nodes, uint64_t id, uint64_t program,
    void (*left)(void *arg, uint64_t id), void *arg)
{
	struct shared_node *n = shared_nodes_find(nodes, id);

	if (!n)
		return;
	list_remove(&n->node);
	for (size_t i = 0; program != 0 && n->program == program && i < n->size; i++) {
		if (n->ids[i] != 0)
			left(arg, n->ids[i]);
	}
	shared_node_set_state(nodes, n, 0);
	shared_node_drop_all(nodes, n);
	free(n);
}

void
shared_nodes_clear(struct shared_nodes *nodes)
{
	while (!list_empty(&nodes->list))
		shared_nodes_remove(nodes,
		    LIST_ENTRY_OF(nodes->list.next, struct shared_node, node)->id, 0, NULL,
		    NULL);
}
