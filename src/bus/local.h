/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bus between the workers of a server. The leader of a topic is the one that holds a lock
 * on its place in a file that all workers have: the kernel releases it when a worker dies,
 * however that happens, and names its holder. The others are connected to the leader, each with
 * a socket (bus/link) for each topic.
 */
#ifndef BUS_LOCAL_H
#define BUS_LOCAL_H

#include "bus/bus.h"
#include "bus/place.h"
#include "net/loop.h"

struct local_settings {
	struct loop *loop; /* borrowed, as all of these */
	int file; /* of local_file() */
	struct place_workers workers;
	/* Whether a program, or what its dead worker left of it, still runs. */
	bool (*program_runs)(void *arg, pid_t pid);
	void *arg;
};

/* NULL with errno. */
struct bus *local_new(const struct local_settings *settings)
    __attribute__((warn_unused_result));

/* All topics have been left. Accepts NULL. */
void local_free(struct bus *bus);

#endif
