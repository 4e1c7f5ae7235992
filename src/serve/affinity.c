/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes requests to a particular worker. */
#include "serve/affinity.h"

#include <stdio.h>
#include <stdlib.h>

/* The last digits of an ID encode the worker's number, modulo the number of workers. */
enum { AFFINITY_DIGITS = 4 };

bool
affinity_make_id(const struct affinity *affinity, char id[ENV_UNIQUE_ID_LEN + 1])
{
	char *end = id + ENV_UNIQUE_ID_LEN - AFFINITY_DIGITS;
	unsigned long number;

	do {
		if (!env_make_unique_id(id))
			return false;
		number = strtoul(end, NULL, 16);
		number += affinity->worker - number % affinity->workers;
	} while (number >= 1UL << (4 * AFFINITY_DIGITS));
	snprintf(end, AFFINITY_DIGITS + 1, "%0*lx", AFFINITY_DIGITS, number);
	return true;
}

size_t
affinity_of_id(const struct affinity *affinity, struct span id)
{
	size_t number = 0;

	for (size_t i = ENV_UNIQUE_ID_LEN - AFFINITY_DIGITS; i < ENV_UNIQUE_ID_LEN; i++)
		number = number * 16 + ((size_t)util_hex_value((unsigned char)id.data[i]) & 15);
	return number % affinity->workers;
}

size_t
affinity_of_path(const struct affinity *affinity, const char *path)
{
	size_t sum = 0;

	for (; *path; path++)
		sum += (unsigned char)*path;
	return sum % affinity->workers;
}

enum affinity_result
affinity_relay(const struct affinity *affinity, size_t worker, struct exchange *exchange)
{
	if (worker == affinity->worker)
		return AFFINITY_OWN;
	return affinity->relay(affinity->arg, worker, exchange) ? AFFINITY_RELAYED
								: AFFINITY_UNREACHABLE;
}
