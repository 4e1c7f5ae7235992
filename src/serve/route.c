/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a request goes. */
#include "serve/route.h"

#include <string.h>

void
route_serve(void *arg, struct connection *connection, const struct head *head)
{
	const struct route *route = arg;
	const struct endpoint *endpoint = route->upgrade.endpoint;
	char path[HEAD_MAX_LINE + 1];
	struct uri uri;
	struct span host = {0};
	bool upgrade = route->has_endpoint && upgrade_is_wanted(head);
	/* As with websocketd, a handshake that fails gets none of the user's header lines. */
	const char *headers = upgrade ? NULL : route->files.headers;

	if (!uri_split(head_target(head), &uri)) {
		connection_reply(
		    connection, 400, headers, "the request's target is not a path");
		return;
	}
	/* RFC 9112, section 3.2.2: the authority of an absolute target counts, not the Host
	 * field. */
	(void)head_find(head, "Host", &host);
	if (uri.authority.len > 0)
		host = uri.authority;
	if (endpoint->local_only && !endpoint->compat && host.len > 0 &&
	    !origin_host_is_local(host, endpoint->hosts, endpoint->host_count)) {
		connection_reply(connection, 421, headers,
		    "the Host is not local, as only loopback is listened on; --host=NAME "
		    "allows it");
		return;
	}
	switch (uri_decode_path(uri.path, path)) {
	case URI_PATH_OK:
		break;
	case URI_PATH_BAD:
		connection_reply(connection, 400, headers, "the path can't be decoded");
		return;
	case URI_PATH_MISSING:
		connection_reply(
		    connection, 404, headers, "the path has an empty, \".\" or \"..\" segment");
		return;
	}
	if (upgrade)
		upgrade_serve(&route->upgrade, connection, head, &uri, host, path);
	else
		files_serve(&route->files, connection, head, path);
}
