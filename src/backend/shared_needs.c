/* SPDX-License-Identifier: BSD-2-Clause */
/* Decides whether a shared program is needed. */
#include "backend/shared_needs.h"

bool
shared_is_needed(const struct shared_facts *f)
{
	const struct shared_program *p = f->program;

	return shared_program_is_always(p) || p->members.count > 0 || f->waiting > 0 ||
	       p->bus.nodes.clients > 0 || p->bus.nodes.needing > 0;
}

bool
shared_is_due(const struct shared_facts *f)
{
	const struct shared_program *p = f->program;
	bool keeps = p->kept || p->rules->settings.on_exit == SHARED_KEEP;

	return !f->stopped &&
	       (shared_program_is_always(p) || f->waiting > 0 || shared_bus_is_due(&p->bus) ||
		   (keeps && p->members.count > 0));
}

bool
shared_holds(const struct shared_facts *f)
{
	const struct shared_program *p = f->program;

	return p->backend || f->due_ms != 0 || p->members.count > 0 ||
	       (!f->stopped && shared_nodes_exist(&p->bus.nodes));
}

/* Returns true if only this node has certain data while no program runs: input of clients; for
 * a leader also history and back-off. */
static bool
shared_has_past(const struct shared_facts *f)
{
	const struct shared_program *p = f->program;

	return !p->retired && (shared_input_len(&p->input) > 0 ||
				  (p->bus.role == BUS_LEADS &&
				      (p->members.history.messages > 0 || f->backoff_ms > 0)));
}

struct shared_bus_needs
shared_bus_needs(const struct shared_facts *f)
{
	const struct shared_program *p = f->program;
	bool is_due = shared_is_due(f);

	return (struct shared_bus_needs){
	    .clients = p->members.count + f->waiting,
	    .wants = p->backend || is_due ||
		     (!f->stopped && (shared_is_needed(f) || shared_has_past(f) ||
					 shared_nodes_exist(&p->bus.nodes))),
	    .waits = f->waiting > 0 || (!p->backend && is_due),
	    .blocked = p->blocked,
	};
}
