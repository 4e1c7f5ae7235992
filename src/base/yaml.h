/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses YAML into a JSON value, by the core schema of YAML 1.2. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/util.h"

#include <jansson.h>

enum {
	YAML_DEPTH_MAX = 64, /* maximum nesting of collections */
	/* Maximum number of values; those of an alias count each time. */
	YAML_NODES_MAX = 20000,
	YAML_WHY_MAX = 160,
};

struct yaml_error {
	size_t line; /* from 1; 0: no particular line */
	char why[YAML_WHY_MAX];
};

/*
 * Parses TEXT, which must contain one document. Returns NULL with *ERROR set, also for what
 * JSON lacks (keys other than text, infinity), for duplicate keys, and in a build without
 * libyaml.
 */
json_t *yaml_parse(struct span text, struct yaml_error *error)
    __attribute__((warn_unused_result));

#endif
