/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Divides the descriptors that the system allows. Connections without a program leave enough
 * for programs, and programs leave enough for connections that get an error response because of
 * the limit.
 */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server_budget {
	size_t programs; /* maximum number of programs, at least 1 */
	size_t others; /* maximum number of connections without a program, at least 1 */
};

/* Divides a LIMIT of open files, of which USED are open. FILES: connections may send files. */
struct server_budget server_budget_of(uint64_t limit, size_t used, bool files);

/* Reports whether the limit allows at least one program. */
bool server_budget_suffices(uint64_t limit, size_t used);

/* Counts the open descriptors below LIMIT. Only use it at startup, when their numbers are low:
 * numbers from 4096 on are not checked. */
size_t server_budget_used(uint64_t limit);

#endif
