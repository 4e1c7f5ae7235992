/* SPDX-License-Identifier: BSD-2-Clause */
/* The port of --redirport. */
#include "serve/redirect.h"

#include "http/uri.h"

#include <stdio.h>
#include <stdlib.h>

/* The Location field for a request, which the caller frees. NULL without memory. */
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
redirect_serve(void *arg, struct connection *connection, const struct head *head)
{
	const struct redirect *redirect = arg;
	struct span method = head_method(head);
	bool is_get = span_equal(method, SPAN("GET")) || span_equal(method, SPAN("HEAD"));
	char reason[ORIGIN_REASON_MAX];
	struct uri_authority authority;
	struct uri uri;
	struct span host = {0};
	char path[HEAD_MAX_LINE + 1];
	enum uri_path_result result;
	const struct endpoint *endpoint;
	const char *refused;
	char *location;

	if (!uri_split(head_target(head), &uri)) {
		connection_reply(
		    connection, 400, NULL, "the request target is not a path or a URL");
		return;
	}
	(void)head_find(head, "Host", &host);
	if (uri.authority.len > 0)
		host = uri.authority;
	if (!uri_parse_authority(host, &authority)) {
		connection_reply(connection, 400, NULL, "without a Host there is no redirect");
		return;
	}
	endpoint = route_find(redirect->route, uri.path, path, &result);
	if (!endpoint) {
		connection_reply(connection, 404, NULL, "nothing is served at this path");
		return;
	}
	refused = route_refuse_host(endpoint, connection_stream(connection), host, reason);
	if (refused) {
		connection_reply(connection, 421, NULL, refused);
		return;
	}
	location = redirect_location(redirect, &authority, &uri);
	/* Only with 308 the method and the body stay (RFC 9110, section 15.4). */
	connection_reply(connection, !location ? 503 : is_get ? 301 : 308, location, NULL);
	free(location);
}
