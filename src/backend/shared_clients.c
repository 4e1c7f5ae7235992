/* SPDX-License-Identifier: BSD-2-Clause */
/* Closes or keeps the clients of a shared program that has ended. */
#include "backend/shared_clients.h"

#include "backend/shared_log.h"
#include "websocket/frame.h"

void
shared_clients_keep(struct members *members, struct shared_input *input)
{
	for (struct member *m = members_first(members); m; m = members_next(members, m)) {
		if (!shared_input_open(input, member_id(m), member_open(m)))
			input->unread++;
		member_backend(m)->pid = 0;
	}
}

void
shared_clients_close(struct members *members, uint16_t code, struct span reason)
{
	for (struct member *m = members_first(members); m; m = members_next(members, m))
		members_close(members, m, code, reason);
}

void
shared_clients_end(struct members *members, const struct backend *program)
{
	bool restarts = program->end != BACKEND_EXIT || program->value != 0;
	char end[SHARED_END_MAX];

	shared_describe_end(program, end);
	shared_clients_close(
	    members, restarts ? CLOSE_SERVICE_RESTART : CLOSE_NORMAL, span_of(end));
}
