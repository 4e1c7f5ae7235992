/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the contents of a configuration file to the options, by the rows of the table. */
#ifndef OPTIONS_CONFIG_APPLY_H
#define OPTIONS_CONFIG_APPLY_H

#include "options/config_load.h"
#include "options/place.h"

/* Apply the entries of the section at PLACE: those of early rows, or all. */
void config_apply_early(struct config *config, const struct option_place *place);
void config_apply(
    struct config *config, size_t section, const struct option_place *place, FILE *err);

#endif
