/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatches requests. */
#include "serve/route.h"

#include "serve/console.h"
#include "serve/plain.h"
#include "serve/streams_script.h"

#include <string.h>

/* Not logged, because it is requested every few seconds. */
static void
route_serve_health(struct exchange *exchange)
{
	const struct request *request = exchange_request(exchange);

	if (request->is_head || span_equal(request->method, SPAN("GET"))) {
		exchange_set_logged(exchange);
		exchange_reply_status(exchange, 200, "Cache-Control: no-store\r\n", NULL);
	} else {
		exchange_reply_status(exchange, 405, "Allow: GET, HEAD\r\n",
		    "--health-path accepts GET and HEAD only");
	}
}

/* A web page can't connect to a Unix socket, so a request over one comes from a proxy, which
 * forwards the Host that it serves. */
const char *
route_refuse_host(const struct endpoint *endpoint, const struct stream *stream,
    struct span host, char reason[ORIGIN_REASON_MAX])
{
	struct sockaddr_storage peer;
	bool local;

	stream_peer_address(stream, &peer);
	local = endpoint->local_only && !endpoint->compat && peer.ss_family != AF_UNIX;
	if (host.len == 0 || (endpoint->host_count == 0 && !local))
		return NULL;
	return origin_host_refused(
	    host, endpoint->local_only, endpoint->hosts, endpoint->host_count, reason);
}

/*
 * Returns why a path is rejected, or NULL. A COMMAND serves every path that can be passed in
 * variables (RFC 3875, section 4.1.5): no file is looked up, so dot segments and the like do no
 * harm.
 */
static const char *
route_check_path(bool lookup, enum uri_path_result result)
{
	switch (result) {
	case URI_PATH_OK:
		break;
	case URI_PATH_ODD:
		if (lookup)
			return "the path has an escaped slash or a backslash";
		break;
	case URI_PATH_UNCLEAN:
		if (lookup)
			return "the path has an empty, '.' or '..' segment";
		break;
	case URI_PATH_BAD:
		return "the path has an invalid escape, a control character or invalid UTF-8";
	}
	return NULL;
}

static bool
route_is_upgrade(const struct endpoint *endpoint, const struct head *head)
{
	return endpoint->kind != ENDPOINT_FILES && upgrade_is_wanted(head);
}

/* Redirects as websocketd does: to the decoded PATH, which is modified, without empty and dot
 * segments, and with the query. */
static void
route_redirect(struct exchange *exchange, char *path, const struct uri *uri)
{
	struct buffer field = {0};
	bool ok;

	uri_clean_path(path);
	ok = buffer_append(&field, "Location: ", 10) && uri_put_path(&field, path) &&
	     (!uri->has_query || (buffer_append(&field, "?", 1) &&
				     buffer_append(&field, uri->query.data, uri->query.len))) &&
	     buffer_append(&field, "\r\n", sizeof("\r\n"));
	exchange_reply_status(
	    exchange, ok ? 301 : 503, ok ? (const char *)buffer_data(&field) : NULL, NULL);
	buffer_clear(&field);
}

/* Serves the decoded PATH of an endpoint; RESULT is the result of decoding it. */
static void
route_open(const struct route *route, struct endpoint *endpoint, struct exchange *exchange,
    enum uri_path_result result, char *path)
{
	const struct request *request = exchange_request(exchange);
	const struct head *head = request->head;
	bool handshake = plain_is_handshake(head);
	bool upgrade = route_is_upgrade(endpoint, head);
	bool plain = !upgrade && endpoint->kind != ENDPOINT_FILES && !endpoint->compat &&
		     (endpoint->files.root == -1 || handshake);
	/* As in websocketd, a failed handshake gets none of the user's header lines. */
	const char *headers = upgrade ? NULL : endpoint->files.headers;
	const char *refused;
	bool lookup;

	/* A COMMAND serves every path; files check their own. */
	lookup = (endpoint->kind != ENDPOINT_COMMAND && endpoint->kind != ENDPOINT_SOCKET) ||
		 !(upgrade || (plain && endpoint->cgi == -1));
	refused = route_check_path(lookup, result);
	if (result == URI_PATH_UNCLEAN && endpoint->compat)
		route_redirect(exchange, path, &request->uri);
	else if (refused)
		exchange_reply_status(exchange, 400, headers, refused);
	else if (upgrade)
		upgrade_serve(&route->openings, endpoint, exchange, path);
	else if (!handshake && plain_serve_token(endpoint, exchange, path))
		return;
	else if (!handshake && mcp_serve(route->mcp, endpoint, exchange, path))
		return;
	else if (!handshake &&
		 (streams_script_serve(endpoint, exchange, path) ||
		     streams_serve(route->streams, &route->openings, endpoint, exchange, path)))
		return;
	else if (!handshake && console_covers(endpoint, head, path))
		console_serve(endpoint, exchange, path);
	else if (!(plain && handshake) && cgi_serve(&route->scripts, endpoint, exchange, path))
		return;
	else if (plain)
		plain_serve(endpoint, exchange, path, headers);
	else if (endpoint->cgi != -1 && endpoint->files.root == -1 && !endpoint->compat)
		exchange_reply_status(
		    exchange, 404, headers, "no CGI script in --cgidir has this path");
	else
		files_serve(&endpoint->files, exchange, endpoint_rest(endpoint, path));
}

/* Relays a request to another worker if necessary. That worker makes all further checks, so
 * that none is made twice. */
static bool
route_relay(const struct route *route, struct endpoint *endpoint, struct exchange *exchange,
    const char *path)
{
	const struct head *head = exchange_request(exchange)->head;

	if (route_is_upgrade(endpoint, head) || plain_is_handshake(head))
		return false;
	if (mcp_covers(endpoint, exchange, path))
		return mcp_relay(route->mcp, endpoint, exchange);
	return streams_relay(route->streams, endpoint, exchange, path);
}

/* Continues with an admitted request. */
static void
route_on_admitted(void *arg, struct endpoint *endpoint, struct exchange *exchange)
{
	char path[HEAD_MAX_LINE + 1];
	enum uri_path_result result =
	    uri_decode_path(exchange_request(exchange)->uri.path, path);

	route_open(arg, endpoint, exchange, result, path);
}

/* Checks a request for the endpoint, in this order. */
static void
route_to(const struct route *route, struct endpoint *endpoint, struct exchange *exchange,
    enum uri_path_result result, char *path)
{
	const struct request *request = exchange_request(exchange);
	bool upgrade = route_is_upgrade(endpoint, request->head);
	char reason[ORIGIN_REASON_MAX];
	const char *refused =
	    route_refuse_host(endpoint, exchange_stream(exchange), request->host, reason);

	if (refused)
		exchange_reply_status(
		    exchange, 421, upgrade ? NULL : endpoint->files.headers, refused);
	else if (result == URI_PATH_OK && (mcp_preflight(endpoint, exchange, path) ||
					      streams_preflight(endpoint, exchange, path)))
		return;
	else if (result != URI_PATH_BAD && route_relay(route, endpoint, exchange, path))
		return;
	else if (!endpoint->access)
		route_open(route, endpoint, exchange, result, path);
	else if (!upgrade || upgrade_accept(&route->openings, endpoint, exchange))
		admit_check(&route->admit, endpoint, exchange, route_on_admitted,
		    (void *)(uintptr_t)route);
}

struct endpoint *
route_find(
    const struct route *route, struct span path, char *decoded, enum uri_path_result *result)
{
	*result = uri_decode_path(path, decoded);
	return endpoints_find(route->endpoints, *result == URI_PATH_BAD ? "/" : decoded);
}

void
route_serve(void *arg, struct exchange *exchange)
{
	const struct request *request = exchange_request(exchange);
	const struct route *route = arg;
	char path[HEAD_MAX_LINE + 1];
	enum uri_path_result result;
	struct endpoint *endpoint;

	/* Before all other checks: a load balancer may send any Host. */
	if (route->health_path && span_equal(request->uri.path, span_of(route->health_path)) &&
	    !upgrade_is_wanted(request->head)) {
		route_serve_health(exchange);
		return;
	}
	endpoint = route_find(route, request->uri.path, path, &result);
	if (endpoint)
		route_to(route, endpoint, exchange, result, path);
	else
		exchange_reply_status(exchange, 404, NULL, "nothing is served at this path");
}
