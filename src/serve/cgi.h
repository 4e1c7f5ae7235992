/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CGI/1.1 (RFC 3875): one program below --cgidir per request; serve/script.h runs it.
 *
 * Not supported: NPH scripts, and queries as arguments (RFC 3875, sections 5 and 4.4).
 */
#ifndef SERVE_CGI_H
#define SERVE_CGI_H

#include "serve/script.h"

/* Responds to a request for the decoded PATH. Returns false, with nothing sent, if ENDPOINT has
 * no script there. */
bool cgi_serve(const struct script_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

#endif
