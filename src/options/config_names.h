/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a pattern of glob(7) matches. glob(3) itself frees names twice when it is out
 * of memory, and leaves out a directory that it could not open for want of it.
 */
#ifndef OPTIONS_CONFIG_NAMES_H
#define OPTIONS_CONFIG_NAMES_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the names to OUT, sorted, each with its NUL; none if nothing matches. False without
 * memory. */
bool config_names(const char *pattern, FILE *out) __attribute__((warn_unused_result));

#endif
