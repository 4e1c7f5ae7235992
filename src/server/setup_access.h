/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the access control of endpoints from the options, and reads its files. */
#ifndef SERVER_SETUP_ACCESS_H
#define SERVER_SETUP_ACCESS_H

#include "options/served.h"
#include "serve/endpoint.h"
#include "server/server.h"

/* The files that were read last: many endpoints have the same. Zero bytes ({0}) are none. */
struct setup_files {
	const char *tokens_name; /* borrowed from the options */
	struct tokens *tokens; /* a reference */
};

void setup_files_clear(struct setup_files *files);

/* Sets the access control of ENDPOINT. 0, or the exit status. */
int setup_access(const struct server *server, struct setup_files *files,
    const struct options_served *served, struct endpoint *endpoint);

#endif
