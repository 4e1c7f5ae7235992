/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The developer console: one compiled-in page that connects to the programs of
 * this server. It is at /-/console and, where no file can be, at / and at the paths of
 * programs; /-/programs lists them for it. While it is on, paths below /-/ are reserved.
 */
#ifndef SERVE_CONSOLE_H
#define SERVE_CONSOLE_H

#include "http/exchange.h"
#include "serve/endpoint.h"

#include <stdbool.h>

/* True when the console responds to a plain request for the decoded PATH, which the endpoint
 * covers. A client that does not accept HTML, such as curl, gets the page at /-/console only.
 */
bool console_covers(const struct endpoint *endpoint, const struct head *head, const char *path);

/* Responds to a request that it covers. */
void console_serve(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
