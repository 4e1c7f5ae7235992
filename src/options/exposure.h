/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What --staticdir exposes: anyone can download a static file, so no file with secrets may be
 * one, and no program, whose source may contain secrets. Endpoints are as options_check() has
 * completed them: their paths are absolute.
 */
#ifndef OPTIONS_EXPOSURE_H
#define OPTIONS_EXPOSURE_H

#include "options/options.h"

#include <stdbool.h>
#include <stdio.h>

/* Whether PATH is a file that --staticdir of ENDPOINT serves, also through a link. */
bool options_serve(const struct options_endpoint *endpoint, const char *path);

/* For a server with ENDPOINT alone: the first error, a text that the caller frees, or NULL. */
char *options_find_exposure(const struct options *options,
    const struct options_endpoint *endpoint) __attribute__((warn_unused_result));

/* For a configuration file: checks all of its endpoints, but those that have failed, against
 * the static files of all, and reports each error to ERR (option_report()). */
void options_check_exposures(const struct options *options, FILE *err);

#endif
