/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An intrusive, circular, doubly linked list. A node that is in no list points to itself, so
 * removing it twice is harmless. The list owns nothing.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

/* Returns the object of type TYPE whose member MEMBER is the node at P. */
#define LIST_ENTRY_OF(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* Makes NODE an empty list, or a node that is in no list. */
static inline void
list_init(struct list *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

/* Adds NODE, which must be in no list, at the tail of HEAD. */
static inline void
list_append(struct list *head, struct list *node)
{
	node->next = head;
	node->prev = head->prev;
	head->prev->next = node;
	head->prev = node;
}

static inline void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves the nodes of FROM, which is empty afterwards, to the uninitialised list TO. */
static inline void
list_move(struct list *to, struct list *from)
{
	list_append(from, to);
	list_remove(from);
}

#endif
