/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoints of the options: that of the command line, and those of the file. */
#ifndef OPTIONS_SERVED_H
#define OPTIONS_SERVED_H

#include "options/place.h"

/* An endpoint of the options. */
struct options_served {
	const char *path; /* borrowed, like the next one */
	const struct options_endpoint *endpoint;
	struct option_place place; /* for error messages: option_report() */
};

/* Return the number of endpoints, and each of them. */
size_t options_served_count(const struct options *options);
struct options_served options_served(const struct options *options, size_t i);

#endif
