/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulator: whole sessions over a scripted client, a scripted program and a virtual clock,
 * each driven by a seed.
 *
 *	sim [COUNT]		runs the seeds 1 to COUNT
 *	sim --seed=N [--trace]	runs one, and prints what happens
 */
#include "base/log.h"
#include "check.h"
#include "simd/simd.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t first = 1;
static uint64_t count = 2000;

static void
run(void)
{
	for (uint64_t seed = first; seed - first < count; seed++)
		world_run(seed);
	printf("ok 1 - %llu sessions\n", (unsigned long long)count);
}

int
main(int argc, char **argv)
{
	bool traces = false;
	bool alone = false;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--seed=", 7) == 0) {
			first = strtoull(argv[i] + 7, NULL, 10);
			count = 1;
		} else if (strcmp(argv[i], "--trace") == 0) {
			traces = alone = true;
		} else if (argv[i][0] != '-') {
			count = strtoull(argv[i], NULL, 10);
		} else {
			fprintf(stderr, "usage: sim [COUNT | --seed=N [--trace]]\n");
			return 64;
		}
	}
	simd_init();
	log_setup(2, LOG_TEXT, LOG_NONE);
	printf("1..1\n");
	if (!alone)
		return check_watch(run);
	check_alone();
	check.traces = traces;
	run();
	return 0;
}
