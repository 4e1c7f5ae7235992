/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bus between the workers of a server. The leader of a topic is the worker that holds a
 * lock on the topic's place in a file shared by all workers. The kernel reports the holder of
 * the lock, and releases it when the worker dies for any reason. The other workers connect to
 * the leader, with one socket (bus/link) per topic.
 */
#ifndef BUS_LOCAL_H
#define BUS_LOCAL_H

#include "bus/bus.h"
#include "bus/place.h"
#include "net/loop.h"

struct local_settings {
	struct loop *loop; /* all pointers are borrowed */
	int file; /* shared memory file, inherited by all workers */
	struct place_workers workers;
	/* Returns true if a program, or what its dead worker left of it, still runs. */
	bool (*program_runs)(void *arg, pid_t pid);
	void *arg;
};

/* Returns NULL with errno. */
struct bus *local_new(const struct local_settings *settings)
    __attribute__((warn_unused_result));

/* Frees the bus; all topics must have been left. Accepts NULL. */
void local_free(struct bus *bus);

#endif
