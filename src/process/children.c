/* SPDX-License-Identifier: BSD-2-Clause */
/* All programs of a serving process. */
#include "process/children.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct children *
children_new(struct loop *loop, const struct children_settings *settings)
{
	struct children *children = calloc(1, sizeof(*children));

	if (!children)
		return NULL;
	children->loop = loop;
	children->settings = *settings;
	children->server = getpid();
	list_init(&children->members);
	return children;
}

void
children_set_extra_wait(struct children *children, int64_t ms)
{
	children->settings.extra_wait_ms = ms;
}

void
children_free(struct children *children)
{
	assert(!children || children->count == 0);
	free(children);
}

void
children_add(struct children *children, struct children_member *member)
{
	list_init(&member->node);
	list_append(&children->members, &member->node);
	children->count++;
}

void
children_remove(struct children *children, struct children_member *member)
{
	list_remove(&member->node);
	children->count--;
}

size_t
children_count(const struct children *children)
{
	return children->count;
}

bool
children_are_full(const struct children *children)
{
	return quota_is_full(children->settings.quota);
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
children_kill_all(struct children *children)
{
	const struct list *members = &children->members;

	for (struct list *node = members->next; node != members; node = node->next) {
		struct children_member *member =
		    LIST_ENTRY_OF(node, struct children_member, node);

		(void)termination_signal(&member->termination, SIGKILL);
	}
}
