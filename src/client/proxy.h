/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP proxy from the environment, by curl's rules: https_proxy for wss, http_proxy for ws,
 * else all_proxy; no_proxy lists hosts that are connected directly. All but http_proxy may also
 * be upper case: a CGI server sets HTTP_PROXY to a client's header field.
 */
#ifndef CLIENT_PROXY_H
#define CLIENT_PROXY_H

#include "base/buffer.h"
#include "http/url.h"

#include <stdbool.h>

enum proxy_result {
	PROXY_NONE,
	PROXY_FOUND,
	PROXY_BAD, /* *WHY is text that follows the name of the variable in *NAME */
};

/* Finds the proxy for URL; GET returns the value of a variable. */
enum proxy_result proxy_find(const struct url *url, char *(*get)(const char *name),
    struct url *proxy, const char **name, const char **why);

/* Appends the CONNECT request for URL. AUTHORIZATION is a header line, or NULL. Returns false
 * if memory runs out. */
bool proxy_put_request(const struct url *url, const char *authorization, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
