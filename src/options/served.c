/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoints of the options. */
#include "options/served.h"

#include "options/config_load.h"

size_t
options_served_count(const struct options *options)
{
	return options->serves_root +
	       (options->config ? options->config->section_count - 1 : 0);
}

struct options_served
options_served(const struct options *options, size_t i)
{
	struct config_section *section;

	if (options->serves_root && i == 0)
		return (struct options_served){
		    .path = "/",
		    .endpoint = &options->endpoint,
		    .place = {.name = "wspipe",
			.compat = options->server.compat,
			.config = options->config},
		};
	i += !options->serves_root;
	section = &options->config->sections[i];
	return (struct options_served){
	    .path = section->path,
	    .endpoint = &section->endpoint,
	    .place = {.name = "wspipe", .config = options->config, .section = i},
	};
}
