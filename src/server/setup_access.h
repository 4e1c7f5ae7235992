/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the access control of endpoints from the options, and reads its files. */
#ifndef SERVER_SETUP_ACCESS_H
#define SERVER_SETUP_ACCESS_H

#include "options/served.h"
#include "serve/endpoint.h"
#include "server/server.h"

/* The files that were read last: many endpoints have the same. Zero bytes ({0}) are none. */
struct setup_files {
	const char *passwords_name; /* borrowed from the options, as the other name */
	struct passwords *passwords; /* a reference, as the tokens */
	const char *tokens_name;
	struct tokens *tokens;
};

void setup_files_clear(struct setup_files *files);

/* Reads the file of tokens NAME, the value of OPTION. NULL: reported, and *STATUS is the exit
 * status. */
struct tokens *setup_read_tokens(const struct server *server,
    const struct options_served *served, const char *option, const char *name, int *status)
    __attribute__((warn_unused_result));

/* Sets the access control of ENDPOINT. 0, or the exit status. */
int setup_access(const struct server *server, struct setup_files *files,
    const struct options_served *served, struct endpoint *endpoint);

/* Whether an endpoint has passwords. */
bool server_needs_hasher(const struct server *server);

/* Starts the thread for passwords, if it is needed and there is none. False with errno. */
bool server_start_hasher(struct server *server) __attribute__((warn_unused_result));

#endif
