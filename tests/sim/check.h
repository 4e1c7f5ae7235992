/* SPDX-License-Identifier: BSD-2-Clause */
/* How the simulator fails, and its trace. */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct check_state {
	uint64_t seed;
	uint64_t step; /* of this seed */
	int64_t now_ms; /* the virtual time */
	int64_t start_ms; /* when it began */
	bool traces;
	bool reported;
};
/* Shared with the process that watches the seeds. */
extern struct check_state *check_shared;
#define check (*check_shared)

/* Reports the seed with the invariant, and exits. */
__attribute__((format(printf, 1, 2), noreturn)) void check_fail(const char *invariant, ...);

/* An invariant: what holds, as a format with its arguments. */
#define check_that(condition, ...)                                                             \
	do {                                                                                   \
		if (!(condition))                                                              \
			check_fail(__VA_ARGS__);                                               \
	} while (0)

__attribute__((format(printf, 1, 2))) void check_print(const char *format, ...);

/* An event of --trace. */
#define check_trace(...)                                                                       \
	do {                                                                                   \
		if (check.traces)                                                              \
			check_print(__VA_ARGS__);                                              \
	} while (0)

/* Runs FN in a process of its own, and reports its seed if it crashes or hangs. The exit
 * status. */
int check_watch(void (*fn)(void));

/* As without watching: for a debugger. */
void check_alone(void);

#endif
