/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces yaml.c in builds without libyaml. */
#include "base/yaml.h"

#include <stdio.h>

json_t *
yaml_parse(struct span text, struct yaml_error *error)
{
	(void)text;
	error->line = 0;
	snprintf(error->why, sizeof(error->why),
	    "built without libyaml, so it must be .asyncapi.json");
	return NULL;
}
