/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks what --staticdir exposes: anyone can download a static file, so no file with secrets
 * may be one, and no program, whose source may contain secrets. The endpoints must be completed
 * by options_check(): their paths are absolute.
 */
#ifndef OPTIONS_EXPOSURE_H
#define OPTIONS_EXPOSURE_H

#include "options/options.h"

#include <stdbool.h>
#include <stdio.h>

/* Reports whether --staticdir of ENDPOINT serves the file PATH, also through a link. */
bool options_serve(const struct options_endpoint *endpoint, const char *path);

/* Returns the first error of a server with ENDPOINT alone, which the caller frees, or NULL. */
char *options_find_exposure(const struct options *options,
    const struct options_endpoint *endpoint) __attribute__((warn_unused_result));

/* For a configuration file: checks all its endpoints, except failed ones, against the static
 * files of all, and reports each error to ERR (option_report()). */
void options_check_exposures(const struct options *options, FILE *err);

#endif
