/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the confinement of an endpoint's programs from its options. */
#ifndef SERVER_CONFINE_H
#define SERVER_CONFINE_H

#include "server/server.h"

struct options_endpoint;
struct options_served;

/* Sets ENDPOINT->confine; what the endpoint runs must be known. Returns 0 or the exit
 * status. */
int server_set_confine(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
    __attribute__((warn_unused_result));

/* Returns the environment variables that --passenv selects for ENDPOINT's programs, from the
 * server's own environment or that of --child-user. Memory as for env_pass_pick(). */
char **server_pick_env(const struct options_endpoint *options, const struct endpoint *endpoint);

#endif
