/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the output of an --auth-hook: NAME=VALUE lines for the program's environment. Pure. */
#ifndef SERVE_HOOK_OUTPUT_H
#define SERVE_HOOK_OUTPUT_H

#include "base/util.h"
#include "http/identity.h"

#include <stdbool.h>

enum {
	HOOK_OUTPUT_MAX = 16 * 1024, /* bytes of all lines */
	HOOK_OUTPUT_LINES = 64,
	HOOK_OUTPUT_NAME_MAX = 64,
	HOOK_OUTPUT_WHY_MAX = 160, /* bytes of an error text, including the NUL */
};

/*
 * Sets *IDENTITY from TEXT: REMOTE_USER, AUTH_TYPE and other variables. Rejects control
 * characters, names that env_pass_may_set() rejects and names in TAKEN (an environ), so that
 * data from a client can't become another variable. Returns false with the reason in WHY.
 */
bool hook_output_parse(struct span text, char *const *taken, struct identity *identity,
    char why[HOOK_OUTPUT_WHY_MAX]) __attribute__((warn_unused_result));

#endif
