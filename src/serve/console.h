/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The developer console: a compiled-in page that connects to the programs of this server. It is
 * served at /-/console and, where no static file can be, at / and at the paths of programs;
 * /-/programs lists the programs. While the console is on, paths below /-/ are reserved.
 */
#ifndef SERVE_CONSOLE_H
#define SERVE_CONSOLE_H

#include "http/exchange.h"
#include "serve/endpoint.h"

#include <stdbool.h>

/* Returns true if the console serves a plain request for the decoded PATH, which the endpoint
 * covers. Clients that do not accept HTML, such as curl, get the page at /-/console only. */
bool console_covers(const struct endpoint *endpoint, const struct head *head, const char *path);

/* Responds to a request for which console_covers() returned true. */
void console_serve(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
