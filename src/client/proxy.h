/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP proxy that the environment names, as curl reads it: https_proxy for wss, http_proxy
 * for ws, else all_proxy; no_proxy lists hosts to which no proxy leads. All but http_proxy also
 * in upper case: a CGI server sets HTTP_PROXY to what a client sends.
 */
#ifndef CLIENT_PROXY_H
#define CLIENT_PROXY_H

#include "base/buffer.h"
#include "http/url.h"

#include <stdbool.h>

enum proxy_result {
	PROXY_NONE,
	PROXY_FOUND,
	PROXY_BAD, /* *WHY follows the name of the variable, in *NAME */
};

/* The proxy for URL, by the variables that GET returns. */
enum proxy_result proxy_find(const struct url *url, char *(*get)(const char *name),
    struct url *proxy, const char **name, const char **why);

/* Appends the request for a connection to URL. AUTHORIZATION is a header line, or NULL. False
 * without memory. */
bool proxy_put_request(const struct url *url, const char *authorization, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
