/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Divides up the descriptors that the system allows: connections without a program leave
 * enough for programs, and programs leave enough for connections that get an error response
 * because of the limit.
 */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server_budget {
	size_t programs; /* that may run; at least 1 */
	size_t others; /* connections without a program; at least 1 */
};

/* Of a LIMIT of open files, USED of them already. FILES: a connection may send a file. */
struct server_budget server_budget_of(uint64_t limit, size_t used, bool files);

/* Whether one program can be started at all. */
bool server_budget_suffices(uint64_t limit, size_t used);

/* How many descriptors are open now, of which LIMIT are possible. To be asked at the start,
 * where they have low numbers: from 4096 on they are not looked for. */
size_t server_budget_used(uint64_t limit);

#endif
