/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expands a pattern of glob(7). glob(3) itself has a double free when memory runs out, and then
 * omits directories that it could not open.
 */
#ifndef OPTIONS_CONFIG_NAMES_H
#define OPTIONS_CONFIG_NAMES_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the sorted, NUL-terminated names to OUT; none if nothing matches. Returns false if
 * memory runs out. */
bool config_names(const char *pattern, FILE *out) __attribute__((warn_unused_result));

#endif
