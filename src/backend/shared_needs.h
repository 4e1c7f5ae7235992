/* SPDX-License-Identifier: BSD-2-Clause */
/* What a shared program is needed for by now: the answers follow from the facts alone. */
#ifndef BACKEND_SHARED_NEEDS_H
#define BACKEND_SHARED_NEEDS_H

#include "backend/shared_program.h"

/* Embedded in its user, which keeps them. */
struct shared_facts {
	const struct shared_program *program; /* borrowed */
	size_t waiting; /* clients that wait for it */
	bool stopped; /* none is started any more */
	int64_t due_ms; /* when a start or the end is due; 0: neither is */
	int64_t backoff_ms; /* of the last exit by itself; 0: none */
};

/* Whether there is somebody to run for. */
bool shared_is_needed(const struct shared_facts *f);

/* Whether one has to be started, if none runs. Clients that are about to be closed need none.
 */
bool shared_is_due(const struct shared_facts *f);

/* Whether its user has to live on; other nodes may need another program of it. */
bool shared_holds(const struct shared_facts *f);

/* What the other nodes have to know. */
struct shared_bus_needs shared_bus_needs(const struct shared_facts *f);

#endif
