/* SPDX-License-Identifier: BSD-2-Clause */
/* Divides the descriptors. */
#include "server/budget.h"

#include "net/limit.h"

#include <fcntl.h>

enum {
	BUDGET_LOOK = 4096,
	/* Used temporarily: one pipe end while a program starts, or the directories on the path
	 * to it, or a certificate being read; and one more. */
	BUDGET_SPARE = 4,
	BUDGET_SESSION = LIMIT_SESSION,
	/* Connections without a program get 1/N of the descriptors. */
	BUDGET_OTHERS_PART = 8,
	BUDGET_OTHERS_MIN = 8, /* minimum number of such connections */
	/* Maximum number, whatever the limit: an unfinished TLS handshake uses about 40 KiB. */
	BUDGET_OTHERS_MAX = 4096,
};

struct server_budget
server_budget_of(uint64_t limit, size_t used, bool files)
{
	uint64_t each = files ? 2 : 1; /* descriptors per connection without a program */
	uint64_t left = limit > used + BUDGET_SPARE ? limit - used - BUDGET_SPARE : 0;
	uint64_t others = left / BUDGET_OTHERS_PART / each;
	uint64_t programs;

	if (others < BUDGET_OTHERS_MIN)
		others = BUDGET_OTHERS_MIN;
	if (others > BUDGET_OTHERS_MAX)
		others = BUDGET_OTHERS_MAX;
	/* With very few left, allow at least one session and one other connection. */
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
	/* Both ends of a pipe are open while a program starts. */
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
