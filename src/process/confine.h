/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program may do: its limits, its user, its directory and its files. All of it is made
 * ready once for an endpoint, and is applied to each of its programs between fork and exec. If
 * a part of it can't be applied, the program is not started.
 */
#ifndef PROCESS_CONFINE_H
#define PROCESS_CONFINE_H

#include "process/account.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The limits of setrlimit(2) that can be set. */
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
	const char *name; /* as in the value of --rlimit */
	bool bytes; /* k, m and g may follow the number */
} confine_limit_names[CONFINE_LIMITS];

struct confine_number {
	bool given;
	int64_t value;
};

/* The settings that are numbers, as options give them; no ownership. */
struct confine_settings {
	struct confine_number umask;
	struct confine_number nice;
	struct confine_number oom_score;
	struct confine_number limits[CONFINE_LIMITS]; /* -1: unlimited */
	bool no_new_privs;
};

struct confine {
	struct confine_settings settings;
	const char *directory; /* borrowed: the working directory; NULL: none is set */
	struct account account; /* owned */
	bool has_account;
	int ruleset; /* owned: of Landlock; -1: none */
};

/* Nothing is confined. */
#define CONFINE_NONE ((struct confine){.ruleset = -1})

/* Frees what it owns. */
void confine_clear(struct confine *confine);

/*
 * Applies all of it but the directory, which is entered last, to the calling process, which is
 * to become a program: system calls only. Afterwards the signal of PR_SET_PDEATHSIG is to be
 * set again, since a change of the user clears it. NULL; or the option that can't be applied,
 * with errno, and then the process must not become a program.
 */
const char *confine_apply(const struct confine *confine);

/* The option that is to blame when exec fails with ERROR, or NULL. */
const char *confine_blame(const struct confine *confine, int error);

#endif
