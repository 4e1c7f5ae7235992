/* SPDX-License-Identifier: BSD-2-Clause */
/* All programs of a process that serves: their number, and what they wait for. */
#include "process/children.h"

#include "base/util.h"
#include "process/child_inner.h"

#include <assert.h>
#include <stdlib.h>

struct children {
	struct loop *loop; /* borrowed */
	struct children_settings settings;
	struct list all; /* struct child that are not reaped */
	size_t count; /* of these */
	size_t stuck; /* of these: children_stuck() */
	bool left_behind;
	struct list waiting[CHILD_WAITS]; /* struct child, each in the order of due_ms */
	struct timer timer; /* for the first of these */
};

void
children_wait(struct children *children, struct child *child, enum child_wait wait)
{
	list_remove(&child->wait_node);
	list_append(&children->waiting[wait], &child->wait_node);
	timer_at(&children->timer, child->due_ms);
}

static void
children_on_timer(void *arg)
{
	struct children *children = arg;
	int64_t now = util_clock_ms();

	for (size_t i = 0; i < CHILD_WAITS; i++) {
		struct list *list = &children->waiting[i];

		/* A step may free children, also others, and may have one wait again. */
		while (!list_empty(list)) {
			struct child *child =
			    LIST_ENTRY_OF(list->next, struct child, wait_node);

			if (child->due_ms > now) {
				timer_at(&children->timer, child->due_ms);
				break;
			}
			list_remove(&child->wait_node);
			child_step(child);
		}
	}
}

struct children *
children_new(struct loop *loop, const struct children_settings *settings)
{
	struct children *children = calloc(1, sizeof(*children));

	if (!children)
		return NULL;
	children->loop = loop;
	children->settings = *settings;
	list_init(&children->all);
	for (size_t i = 0; i < CHILD_WAITS; i++)
		list_init(&children->waiting[i]);
	timer_init(&children->timer, &loop->timers, children_on_timer, children);
	return children;
}

void
children_free(struct children *children)
{
	if (!children)
		return;
	assert(children->count == 0);
	timer_stop(&children->timer);
	free(children);
}

size_t
children_count(const struct children *children)
{
	return children->count;
}

size_t
children_stuck(const struct children *children)
{
	return children->stuck;
}

bool
children_left_behind(const struct children *children)
{
	return children->left_behind || children->count > 0;
}

void
children_leave_behind(struct children *children)
{
	children->left_behind = true;
}

bool
children_are_full(const struct children *children)
{
	return quota_is_full(children->settings.quota);
}

bool
children_reserve_slot(struct children *children)
{
	return quota_take(children->settings.quota, children->settings.holder);
}

void
children_release_slot(struct children *children)
{
	quota_give(children->settings.quota, children->settings.holder);
}

struct loop *
children_loop(const struct children *children)
{
	return children->loop;
}

const struct children_settings *
children_settings(const struct children *children)
{
	return &children->settings;
}

void
children_add(struct children *children, struct child *child)
{
	list_init(&child->node);
	list_append(&children->all, &child->node);
	children->count++;
}

void
children_stick(struct children *children)
{
	children->stuck++;
}

void
children_remove(struct children *children, struct child *child)
{
	list_remove(&child->node);
	children->count--;
	children->stuck -= child->stuck;
	children_release_slot(children);
}

void
children_kill_all(struct children *children)
{
	for (struct list *node = children->all.next; node != &children->all; node = node->next)
		child_signal(LIST_ENTRY_OF(node, struct child, node), SIGKILL);
}
