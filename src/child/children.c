/* SPDX-License-Identifier: BSD-2-Clause */
/* All programs that run, by pid, and the one place that asks the system who ended. */
#include "child/children.h"

#include "base/util.h"
#include "child/child_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { CHILDREN_BUCKETS = 1024 }; /* of the table by pid; a power of two */

struct children {
	struct loop *loop; /* borrowed */
	struct children_settings settings;
	size_t count;
	struct list waiting; /* struct child: those with a due_ms */
	struct timer timer; /* for the first of these */
	/* A list is made when it is first looked for: what is zero costs no memory. */
	struct list by_pid[CHILDREN_BUCKETS];
};

static struct list *
children_bucket(struct children *children, pid_t pid)
{
	struct list *bucket = &children->by_pid[(unsigned int)pid & (CHILDREN_BUCKETS - 1)];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

/* The first of a list that may not be made yet, or its end. */
static struct list *
children_first(struct list *bucket)
{
	return bucket->next ? bucket->next : bucket;
}

void
children_wait(struct children *children, struct child *child)
{
	list_remove(&child->wait_node);
	list_append(&children->waiting, &child->wait_node);
	timer_at(&children->timer, child->due_ms);
}

static void
children_on_timer(void *arg)
{
	struct children *children = arg;
	int64_t now = util_clock_ms();
	struct list waited;

	/* A step may free children, also others. */
	list_move(&waited, &children->waiting);
	while (!list_empty(&waited)) {
		struct child *child = LIST_ENTRY_OF(waited.next, struct child, wait_node);

		list_remove(&child->wait_node);
		if (child->due_ms <= now)
			child_step(child);
		else
			children_wait(children, child);
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
	list_init(&children->waiting);
	timer_init(&children->timer, loop, children_on_timer, children);
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

bool
children_are_full(const struct children *children)
{
	return quota_is_full(children->settings.quota);
}

bool
children_take_place(struct children *children)
{
	return quota_take(children->settings.quota, children->settings.holder);
}

void
children_give_place(struct children *children)
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
children_learn(struct children *children, struct child *child)
{
	list_init(&child->node);
	list_append(children_bucket(children, child->pid), &child->node);
	children->count++;
}

void
children_forget(struct children *children, struct child *child)
{
	list_remove(&child->node);
	children->count--;
	children_give_place(children);
}

static struct child *
children_find(struct children *children, pid_t pid)
{
	struct list *bucket = children_bucket(children, pid);

	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct child *child = LIST_ENTRY_OF(node, struct child, node);

		if (child->pid == pid)
			return child;
	}
	return NULL;
}

/* Asks for each child that is alive. */
static void
children_ask_each(struct children *children)
{
	for (size_t i = 0; i < CHILDREN_BUCKETS; i++) {
		struct list *next;

		for (struct list *node = children_first(&children->by_pid[i]);
		     node != &children->by_pid[i]; node = next) {
			struct child *child = LIST_ENTRY_OF(node, struct child, node);
			siginfo_t info = {0};

			next = node->next;
			if (child->life == CHILD_ALIVE &&
			    waitid(P_PID, (id_t)child->pid, &info,
				WEXITED | WNOHANG | WNOWAIT) == 0 &&
			    info.si_pid == child->pid)
				child_died(child, &info);
		}
	}
}

void
children_reap(struct children *children)
{
	for (;;) {
		siginfo_t info = {0};
		struct child *child;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    info.si_pid == 0)
			return;
		child = children_find(children, info.si_pid);
		if (!child) {
			/* Not ours: an orphan that came to us because we are process 1 or a
			 * subreaper. */
			waitpid(info.si_pid, NULL, WNOHANG);
		} else if (child->life == CHILD_ALIVE) {
			child_died(child, &info);
		} else {
			/* A dead one that is kept for a moment hides those behind it; so each
			 * is asked, in this rare case. */
			children_ask_each(children);
			return;
		}
	}
}

void
children_kill_all(struct children *children)
{
	for (size_t i = 0; i < CHILDREN_BUCKETS; i++) {
		for (struct list *node = children_first(&children->by_pid[i]);
		     node != &children->by_pid[i]; node = node->next)
			child_signal(LIST_ENTRY_OF(node, struct child, node), SIGKILL);
	}
}
