/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds what confines the programs of an endpoint from its options. */
#ifndef SERVER_CONFINE_H
#define SERVER_CONFINE_H

#include "server/server.h"

struct options_endpoint;
struct options_served;

/* Sets ENDPOINT->confine, after what it runs is known. 0, or the exit status. */
int server_set_confine(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
    __attribute__((warn_unused_result));

/* The variables of the environment for ENDPOINT's programs that --passenv selects: the server's
 * own, or those of --child-user. As env_pass_pick(). */
char **server_pick_env(const struct options_endpoint *options, const struct endpoint *endpoint);

#endif
