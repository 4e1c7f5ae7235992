/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists the programs of --dir, for --describe. */
#ifndef SERVER_DESCRIBE_PROGRAMS_H
#define SERVER_DESCRIBE_PROGRAMS_H

#include "options/served.h"

#include <stdio.h>

enum {
	DESCRIBE_PROGRAMS_MAX = 10000,
	DESCRIBE_DEPTH_MAX = 32, /* maximum depth of directories */
};

/* An open directory of programs, and their names relative to it, sorted. */
struct describe_programs {
	int root; /* owned */
	struct options_list names; /* owned */
};

/*
 * Finds all programs that clients of the endpoint SERVED can start. Symbolic links to
 * directories are not followed. Returns false after reporting the error to ERR. Clear OUT in
 * both cases.
 */
bool describe_programs_find(const struct options_served *served, struct describe_programs *out,
    FILE *err) __attribute__((warn_unused_result));

void describe_programs_clear(struct describe_programs *programs);

#endif
