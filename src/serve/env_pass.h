/* SPDX-License-Identifier: BSD-2-Clause */
/* Selects the variables that may be passed from the server's own environment to programs, and
 * from hooks to programs. */
#ifndef SERVE_ENV_PASS_H
#define SERVE_ENV_PASS_H

#include "base/util.h"

/*
 * Picks the variables NAMES from FROM (an environ), as --passenv does: each once, trimmed, with
 * newlines replaced by blanks. Skips empty values, HTTPS, variables that CGI defines, and those
 * of the server's own service manager. A '*' at the end of a name matches any suffix. Returns
 * one block, freed with free(), or NULL if memory runs out.
 */
char **env_pass_pick(char *const *from, char *const *names, size_t count);

/* Reports whether an --auth-hook may set the variable NAME: not one that programs must be able
 * to trust, nor one that changes how programs are loaded or interpreted. */
bool env_pass_may_set(struct span name);

/* Returns why NAME selects no variable, as text to append to the name; NULL: it selects one. */
const char *env_pass_why_not(char *const *from, const char *name);

#endif
