/* SPDX-License-Identifier: BSD-2-Clause */
/* YAML as a value of JSON, by the core schema of YAML 1.2. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/util.h"

#include <jansson.h>

enum {
	YAML_DEPTH_MAX = 64, /* of collections in each other */
	YAML_NODES_MAX = 20000, /* values in all, those of aliases counted at each of them */
	YAML_WHY_MAX = 160,
};

struct yaml_error {
	size_t line; /* from 1; 0: of no line */
	char why[YAML_WHY_MAX];
};

/*
 * Parses the one document in TEXT. NULL: *ERROR is set; also for what JSON does not have (keys
 * that are no text, infinity), for keys that are there twice, and without libyaml.
 */
json_t *yaml_parse(struct span text, struct yaml_error *error)
    __attribute__((warn_unused_result));

#endif
