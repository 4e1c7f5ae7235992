/* SPDX-License-Identifier: BSD-2-Clause */
/* How the descriptors are shared out. */
#include "server/budget.h"

#include "net/limit.h"

#include <fcntl.h>

enum {
	BUDGET_LOOK = 4096,
	/* For a moment: an end of a pipe when a program is started, or the directories on the
	 * way to it, or a certificate that is read; and one more. */
	BUDGET_SPARE = 4,
	BUDGET_SESSION = LIMIT_SESSION,
	BUDGET_OTHERS_PART = 8, /* one part in so many is for connections without a program */
	BUDGET_OTHERS_MIN = 8, /* at least so many of them */
	/* At most so many, whatever the limit: a TLS handshake that is never finished holds
	 * some 40 KiB. */
	BUDGET_OTHERS_MAX = 4096,
};

struct server_budget
server_budget_of(uint64_t limit, size_t used, bool files)
{
	uint64_t each = files ? 2 : 1; /* of a connection without a program */
	uint64_t left = limit > used + BUDGET_SPARE ? limit - used - BUDGET_SPARE : 0;
	uint64_t others = left / BUDGET_OTHERS_PART / each;
	uint64_t programs;

	if (others < BUDGET_OTHERS_MIN)
		others = BUDGET_OTHERS_MIN;
	if (others > BUDGET_OTHERS_MAX)
		others = BUDGET_OTHERS_MAX;
	/* With next to nothing at least one session, and who sees to it that it goes on. */
	if (others * each + BUDGET_SESSION > left)
		others = 1;
	programs = left > others * each ? (left - others * each) / BUDGET_SESSION : 0;
	if (programs == 0)
		programs = 1;
	return (struct server_budget){.programs = (size_t)programs, .others = (size_t)others};
}

bool
server_budget_suffices(uint64_t limit, size_t used)
{
	/* While a pipe is made both its ends are there. */
	return limit >= used + BUDGET_SESSION + 1;
}

size_t
server_budget_used(uint64_t limit)
{
	size_t used = 0;

	for (int fd = 0; fd < BUDGET_LOOK && (uint64_t)fd < limit; fd++)
		used += fcntl(fd, F_GETFD) != -1;
	return used;
}
