/* SPDX-License-Identifier: BSD-2-Clause */
/* Serves --redirport. */
#include "serve/redirect.h"

#include "http/uri.h"

#include <stdio.h>
#include <stdlib.h>

/* Returns the Location field for a request, which the caller frees, or NULL if memory runs
 * out. */
static char *
redirect_location(
    const struct redirect *redirect, const struct uri_authority *host, const struct uri *uri)
{
	char port[sizeof(":65535")] = "";
	char *field;

	if (redirect->port != (redirect->secure ? 443 : 80))
		snprintf(port, sizeof(port), ":%d", redirect->port);
	if (asprintf(&field, "Location: http%s://%s%.*s%s%s%.*s%s%.*s\r\n",
		redirect->secure ? "s" : "", host->is_ipv6 ? "[" : "", (int)host->host.len,
		host->host.data, host->is_ipv6 ? "]" : "", port, (int)uri->path.len,
		uri->path.data, uri->has_query ? "?" : "", (int)uri->query.len,
		uri->has_query ? uri->query.data : "") == -1)
		return NULL;
	return field;
}

void
redirect_serve(void *arg, struct exchange *exchange)
{
	const struct request *request = exchange_request(exchange);
	const struct redirect *redirect = arg;
	bool is_get = request->is_head || span_equal(request->method, SPAN("GET"));
	char reason[ORIGIN_REASON_MAX];
	struct uri_authority authority;
	char path[HEAD_MAX_LINE + 1];
	enum uri_path_result result;
	const struct endpoint *endpoint;
	const char *refused;
	char *location;

	if (!uri_parse_authority(request->host, &authority)) {
		exchange_reply_status(
		    exchange, 400, NULL, "a request without a Host can't be redirected");
		return;
	}
	endpoint = route_find(redirect->route, request->uri.path, path, &result);
	if (!endpoint) {
		exchange_reply_status(exchange, 404, NULL, "nothing is served at this path");
		return;
	}
	refused = route_refuse_host(endpoint, exchange_stream(exchange), request->host, reason);
	if (refused) {
		exchange_reply_status(exchange, 421, NULL, refused);
		return;
	}
	location = redirect_location(redirect, &authority, &request->uri);
	/* Only 308 preserves the method and the body (RFC 9110, section 15.4). */
	exchange_reply_status(exchange, !location ? 503 : is_get ? 301 : 308, location, NULL);
	free(location);
}
