/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the options that say how a program is talked to, and when it starts. Pure. */
#ifndef OPTIONS_CHECK_PROGRAM_H
#define OPTIONS_CHECK_PROGRAM_H

#include "options/options.h"

/* Sets the framing of both directions. Returns NULL, or what is wrong, also with an option that
 * would have no effect. */
const char *options_check_framing(const struct options_server *server,
    struct options_endpoint *endpoint) __attribute__((warn_unused_result));

/* A program that is started before its client learns of it by an event only. NULL, or what is
 * wrong. */
const char *options_check_prespawn(const struct options_endpoint *endpoint)
    __attribute__((warn_unused_result));

#endif
