/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks the options for communicating with and starting a program. Pure. */
#ifndef OPTIONS_CHECK_PROGRAM_H
#define OPTIONS_CHECK_PROGRAM_H

#include "options/options.h"

/* Sets the framing of both directions. Returns the error, also for an option that would have no
 * effect, or NULL. */
const char *options_check_framing(const struct options_server *server,
    struct options_endpoint *endpoint) __attribute__((warn_unused_result));

/* Checks --prespawn: a parked program can only learn about its client from an event. Returns
 * the error, or NULL. */
const char *options_check_prespawn(const struct options_endpoint *endpoint)
    __attribute__((warn_unused_result));

#endif
