/* SPDX-License-Identifier: BSD-2-Clause */
/* Which variables may pass: from the server's own environment to programs, and from hooks. */
#ifndef SERVE_ENV_PASS_H
#define SERVE_ENV_PASS_H

#include "base/util.h"

/*
 * Picks the variables called NAMES out of FROM (an environ), as --passenv does: each once,
 * trimmed, newlines made blanks, empty ones left out; never HTTPS, those that CGI defines, and
 * those that belong to the server's own service manager. A '*' at the end of a name matches
 * the rest. One block, freed with free(); NULL without memory.
 */
char **env_pass_pick(char *const *from, char *const *names, size_t count);

/* Whether an --auth-hook may set the variable NAME: it is none of those that a program must be
 * able to trust, nor one that changes how programs are loaded or interpreted. */
bool env_pass_may_set(struct span name);

/* Why NAME picks nothing, as text that follows the name; NULL: it picks something. */
const char *env_pass_why_not(char *const *from, const char *name);

#endif
