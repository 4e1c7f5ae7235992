/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restrictions for a program: limits, user, directory and files. They are prepared once per
 * endpoint and applied to each of its programs between fork and exec. If one of them can't be
 * applied, the program is not started.
 */
#ifndef PROCESS_CONFINE_H
#define PROCESS_CONFINE_H

#include "process/account.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The supported limits of setrlimit(2). */
enum {
	CONFINE_AS,
	CONFINE_CORE,
	CONFINE_CPU,
	CONFINE_DATA,
	CONFINE_FSIZE,
	CONFINE_MEMLOCK,
	CONFINE_MSGQUEUE,
	CONFINE_NOFILE,
	CONFINE_NPROC,
	CONFINE_STACK,
	CONFINE_LIMITS,
};

extern const struct confine_limit_name {
	const char *name; /* as in the argument of --rlimit */
	bool bytes; /* the number may have a suffix k, m or g */
} confine_limit_names[CONFINE_LIMITS];

struct confine_number {
	bool given;
	int64_t value;
};

/* The numeric settings, as given by options. Owns nothing. */
struct confine_settings {
	struct confine_number umask;
	struct confine_number nice;
	struct confine_number oom_score;
	struct confine_number limits[CONFINE_LIMITS]; /* -1: unlimited */
	bool no_new_privs;
};

struct confine {
	struct confine_settings settings;
	const char *directory; /* borrowed: working directory; NULL: unchanged */
	struct account account; /* owned */
	bool has_account;
	int ruleset; /* owned: Landlock ruleset; -1: none */
};

/* Restricts nothing. */
#define CONFINE_NONE ((struct confine){.ruleset = -1})

/* Frees what CONFINE owns. */
void confine_clear(struct confine *confine);

/*
 * Applies everything except the directory, which is entered last, to the calling process, which
 * is about to execute a program. Uses only system calls. The caller must set PR_SET_PDEATHSIG
 * again afterwards, because a change of the user clears it. Returns NULL, or the option that
 * can't be applied with errno; the program must not be executed then.
 */
const char *confine_apply(const struct confine *confine);

/* Returns the option that explains why exec failed with ERROR, or NULL. */
const char *confine_blame(const struct confine *confine, int error);

#endif
