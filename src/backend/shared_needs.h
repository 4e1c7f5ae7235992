/* SPDX-License-Identifier: BSD-2-Clause */
/* Decides whether a shared program is needed. All answers follow from the facts alone. */
#ifndef BACKEND_SHARED_NEEDS_H
#define BACKEND_SHARED_NEEDS_H

#include "backend/shared_program.h"

/* Embedded in the user, which keeps it up to date. */
struct shared_facts {
	const struct shared_program *program; /* borrowed */
	size_t waiting; /* number of clients that wait for it */
	bool stopped; /* no program may be started any more */
	int64_t due_ms; /* when the next start or end is due; 0: none */
	int64_t backoff_ms; /* delay after the last exit by itself; 0: none */
};

/* Returns true if there are clients, here or on other nodes, or the program must always run. */
bool shared_is_needed(const struct shared_facts *f);

/* Returns true if a program must be started, if none runs. Clients that are about to be closed
 * don't count. */
bool shared_is_due(const struct shared_facts *f);

/* Returns true if the user must be kept alive. Other nodes may need another program from it. */
bool shared_holds(const struct shared_facts *f);

/* Returns what the other nodes must know. */
struct shared_bus_needs shared_bus_needs(const struct shared_facts *f);

#endif
