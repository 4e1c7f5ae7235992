/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the access control of endpoints from the options and their files. */
#ifndef SERVER_SETUP_ACCESS_H
#define SERVER_SETUP_ACCESS_H

#include "options/served.h"
#include "serve/endpoint.h"
#include "server/server.h"

/* Cache of the files read last, because many endpoints use the same. Zeroed: empty. */
struct setup_files {
	const char *passwords_name; /* borrowed from the options, as the other name */
	struct passwords *passwords; /* a reference, as the tokens */
	const char *tokens_name;
	struct tokens *tokens;
};

void setup_files_clear(struct setup_files *files);

/* Reads the token file NAME, the value of OPTION. Returns NULL after reporting the error, with
 * the exit status in *STATUS. */
struct tokens *setup_read_tokens(const struct server *server,
    const struct options_served *served, const char *option, const char *name, int *status)
    __attribute__((warn_unused_result));

/* Sets the access control of ENDPOINT. Returns 0 or the exit status. */
int setup_access(const struct server *server, struct setup_files *files,
    const struct options_served *served, struct endpoint *endpoint);

/* Reports whether any endpoint uses passwords. */
bool server_needs_hasher(const struct server *server);

/* Starts the password hashing thread if it is needed and not running. Returns false with
 * errno. */
bool server_start_hasher(struct server *server) __attribute__((warn_unused_result));

#endif
