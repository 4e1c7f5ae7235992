/* SPDX-License-Identifier: BSD-2-Clause */
/* What an --auth-hook prints: NAME=VALUE lines for the environment of the program. Pure. */
#ifndef SERVE_HOOK_OUTPUT_H
#define SERVE_HOOK_OUTPUT_H

#include "base/util.h"
#include "http/identity.h"

#include <stdbool.h>

enum {
	HOOK_OUTPUT_MAX = 16 * 1024, /* bytes of all lines */
	HOOK_OUTPUT_LINES = 64,
	HOOK_OUTPUT_NAME_MAX = 64,
	HOOK_OUTPUT_WHY_MAX = 160, /* bytes of a description, terminated */
};

/*
 * Sets *IDENTITY from TEXT: REMOTE_USER, AUTH_TYPE and other variables. A name that
 * env_pass_may_set() rejects, or that is in TAKEN (an environ), is an error, as is a control
 * character, so that nothing that a client sends can become a variable of another name. False:
 * WHY has the reason.
 */
bool hook_output_parse(struct span text, char *const *taken, struct identity *identity,
    char why[HOOK_OUTPUT_WHY_MAX]) __attribute__((warn_unused_result));

#endif
