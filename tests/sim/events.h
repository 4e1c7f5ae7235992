/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libevent, replaced: the events that are pending, over the descriptors of kernel.h and the
 * virtual clock. Which of those that are ready runs first is up to the seed.
 */
#ifndef TESTS_SIM_EVENTS_H
#define TESTS_SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void events_reset(void);

/* How many could run now. */
size_t events_ready(void);

/* Runs one of them. */
void events_run(void);

/* When the first timer is due; INT64_MAX: none is. */
int64_t events_next_due(void);

/* How many are pending or active. */
size_t events_count(void);

#endif
