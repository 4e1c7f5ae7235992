/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs tests once for each implementation of simd/simd.h that this processor supports. */
#ifndef TESTS_UNIT_EACH_SIMD_H
#define TESTS_UNIT_EACH_SIMD_H

#include "simd/simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int
use_simd(void **state)
{
	simd = *state;
	return 0;
}

static int
run_for_each_simd(const struct CMUnitTest *tests, size_t len)
{
	const struct simd *list[SIMD_LIST_MAX];
	const size_t lists = simd_list(list);
	struct CMUnitTest all[lists * len];
	char names[lists * len][80];

	for (size_t i = 0; i < lists * len; i++) {
		const struct simd *way = list[i / len];

		snprintf(names[i], sizeof(names[i]), "%s: %s", way->name, tests[i % len].name);
		all[i] = tests[i % len];
		all[i].name = names[i];
		all[i].setup_func = use_simd;
		all[i].initial_state = (void *)(uintptr_t)way;
	}
	return cmocka_run_group_tests(all, NULL, NULL);
}

#endif
