/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Describes an endpoint as a channel. Its address is the URL path, in which braces are escaped,
 * so that it has no parameters. The operation "receive" is what clients send.
 */
#include "server/describe_channel.h"

#include "framing/ttyd.h"
#include "http/uri.h"
#include "options/value.h"
#include "server/describe_json.h"
#include "server/describe_messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns PATH encoded for a URL; the caller frees it. */
static char *
encode(const char *path)
{
	struct buffer out = {0};
	char *text;

	if (!uri_put_path(&out, path) || !buffer_append(&out, "", 1))
		options_no_memory();
	text = options_text_copy((char *)buffer_data(&out));
	buffer_clear(&out);
	return text;
}

/* Returns an unused key in CHANNELS for PATH; the caller frees it. */
static char *
key_of(const json_t *channels, const char *path)
{
	char *name = options_text_copy(path[1] == '\0' ? "root" : path + 1);
	char *key = options_text_copy(name);

	for (char *c = name; *c; c++) {
		if (!util_is_alpha((unsigned char)*c) && !util_is_digit((unsigned char)*c) &&
		    !strchr("-._", *c))
			*c = '_';
	}
	memcpy(key, name, strlen(name));
	for (int i = 2; json_object_get(channels, key); i++) {
		free(key);
		if (asprintf(&key, "%s_%d", name, i) == -1)
			options_no_memory();
	}
	free(name);
	return key;
}

/* Adds SCHEME as NAME to SECURITY, the alternative schemes of the endpoint, and to those of
 * DOCUMENT. Takes SCHEME. */
static void
add_scheme(json_t *document, json_t *security, const char *name, json_t *scheme)
{
	describe_set(
	    json_object_get(json_object_get(document, "components"), "securitySchemes"), name,
	    scheme);
	describe_append(security, describe_ref("#/components/securitySchemes/%s", name));
}

static json_t *
key_scheme(const char *in, const char *name, const char *description)
{
	return describe_pack("{s:s, s:s, s:s, s:s}", "type", "httpApiKey", "in", in, "name",
	    name, "description", description);
}

/* Returns the security schemes of the endpoint. The scheme of a proxy's header field is named
 * after the field, because endpoints can have different ones. */
static json_t *
describe_security(json_t *document, const struct access_settings *access)
{
	json_t *security = describe_pack("[]");
	char *name;

	if (access->basic)
		add_scheme(document, security, "basic",
		    describe_pack("{s:s, s:s}", "type", "http", "scheme", "basic"));
	if (access->token) {
		add_scheme(document, security, "bearer",
		    describe_pack("{s:s, s:s, s:s}", "type", "http", "scheme", "bearer",
			"description",
			"Pages send it as the subprotocols \"bearer\" and the token."));
		add_scheme(document, security, "tokenCookie",
		    key_scheme("cookie", "wspipe_token", "The bearer token."));
		add_scheme(document, security, "tokenQuery",
		    key_scheme("query", "token", "The bearer token; URLs are often logged."));
	}
	if (access->header) {
		if (asprintf(&name, "proxy-%s", access->header) == -1)
			options_no_memory();
		for (char *c = name; *c; c++)
			*c = strchr("!#$%&'*+^`|~", *c) ? '_' : *c;
		add_scheme(document, security, name,
		    key_scheme("header", access->header,
			"Set by the proxy, which authenticates the client."));
		free(name);
	}
	if (access->cert)
		add_scheme(document, security, "certificate",
		    describe_pack(
			"{s:s, s:s}", "type", "X509", "description", "A client certificate."));
	/* A hook may also check anything else; if there are other schemes, it only authorizes
	 * clients that these have authenticated. */
	if (access->hook && json_array_size(security) == 0)
		add_scheme(document, security, "hook",
		    key_scheme("header", "Authorization",
			"A program of the server decides about each request, usually by this "
			"field."));
	return security;
}

static json_t *
text_of(const char *type)
{
	return describe_pack("{s:s}", "type", type);
}

/* Returns the WebSocket binding: what the request must contain. */
static json_t *
describe_binding(const struct options_endpoint *endpoint)
{
	json_t *binding =
	    describe_pack("{s:s, s:s}", "method", "GET", "bindingVersion", "0.1.0");
	json_t *required = describe_pack("[]"), *properties = describe_pack("{}");
	json_t *names = describe_pack("[]");
	static const char protocol[] = "Sec-WebSocket-Protocol";

	for (size_t i = 0; i < endpoint->subprotocol.count; i++)
		describe_append(names, describe_text(endpoint->subprotocol.items[i]));
	if (endpoint->subprotocol.count > 0)
		describe_set(properties, protocol,
		    describe_pack("{s:s, s:o}", "type", "string", "examples", names));
	else
		json_decref(names);
	if (endpoint->require_subprotocol)
		describe_append(required, json_string(protocol));
	if (endpoint->require_origin || endpoint->sameorigin) {
		describe_set(properties, "Origin", text_of("string"));
		describe_append(required, json_string("Origin"));
	}
	if (json_object_size(properties) > 0)
		describe_set(binding, "headers",
		    describe_pack("{s:s, s:O, s:O}", "type", "object", "required", required,
			"properties", properties));
	json_decref(required);
	json_decref(properties);
	if (endpoint->pty)
		describe_set(binding, "query",
		    describe_pack("{s:s, s:{s:{s:s, s:i, s:i}, s:{s:s, s:i, s:i}}}", "type",
			"object", "properties", "cols", "type", "integer", "minimum", 1,
			"maximum", 1000, "rows", "type", "integer", "minimum", 1, "maximum",
			1000));
	return describe_pack("{s:o}", "ws", binding);
}

static const char *
description_of(const struct options_endpoint *endpoint)
{
	if (endpoint->pty && endpoint->readonly)
		return "A terminal that clients watch.";
	if (endpoint->pty)
		return "A terminal. Clients that offer the subprotocol " TTYD_SUBPROTOCOL
		       " speak the protocol of ttyd.";
	if (endpoint->shared.mode == SHARED_BROADCAST)
		return "One program for all clients; each message that it sends goes to all of "
		       "them.";
	if (endpoint->shared.mode == SHARED_ADDRESSED)
		return "One program for all clients; it chooses the clients that get a "
		       "message.";
	if (endpoint->target.kind != CONNECT_NOTHING)
		return "Each client has a connection of its own to a service.";
	return "Each client has a program of its own.";
}

bool
describe_has_streams(
    const struct options_server *server, const struct options_endpoint *endpoint)
{
	return endpoint->sse && (endpoint->command || endpoint->dir) && !server->compat &&
	       server->workers == 1;
}

/* Returns the WebSocket servers of DOCUMENT. */
static json_t *
describe_websockets(const json_t *document)
{
	json_t *refs = describe_pack("[]"), *server;
	const char *name;

	json_object_foreach(json_object_get(document, "servers"), name, server)
	{
		if (strncmp(json_string_value(json_object_get(server, "protocol")), "ws", 2) ==
		    0)
			describe_append(refs, describe_ref("#/servers/%s", name));
	}
	return refs;
}

/* Describes how a client without a WebSocket sends or receives messages. */
static json_t *
describe_http(bool sends)
{
	json_t *http = describe_pack(
	    "{s:s, s:s}", "method", sends ? "POST" : "GET", "bindingVersion", "0.3.0");

	if (sends)
		describe_set(http, "query",
		    describe_pack("{s:s, s:{s:{s:s, s:s}}}", "type", "object", "properties",
			"session", "type", "string", "description",
			"The session that the event \"open\" names; the header field "
			"Wspipe-Session may contain it instead."));
	return describe_pack("{s:o}", "http", http);
}

/* Adds the operation ACTION for the channel's messages whose names begin with PREFIX. Takes
 * BINDINGS, which may be NULL. */
static void
add_operation(json_t *document, const char *key, const char *action, const char *prefix,
    const json_t *messages, const json_t *security, json_t *bindings)
{
	json_t *refs = describe_pack("[]"), *operation;
	const char *name;
	json_t *value;
	char *id;

	json_object_foreach((json_t *)messages, name, value)
	{
		if (strncmp(name, prefix, strlen(prefix)) == 0)
			describe_append(
			    refs, describe_ref("#/channels/%s/messages/%s", key, name));
	}
	operation = describe_pack("{s:s, s:o, s:o}", "action", action, "channel",
	    describe_ref("#/channels/%s", key), "messages", refs);
	if (json_array_size(security) > 0)
		describe_set(operation, "security", json_deep_copy(security));
	if (bindings)
		describe_set(operation, "bindings", bindings);
	if (asprintf(&id, "%s-%s", action, key) == -1)
		options_no_memory();
	describe_set(json_object_get(document, "operations"), id, operation);
	free(id);
}

void
describe_channel(
    json_t *document, const struct options_endpoint *endpoint, const char *path, bool streams)
{
	json_t *channels = json_object_get(document, "channels");
	json_t *out = describe_messages_out(endpoint);
	json_t *messages =
	    endpoint->readonly ? describe_pack("{}") : describe_messages_in(endpoint);
	json_t *security = describe_security(document, &endpoint->access);
	char *key = key_of(channels, path), *address = encode(path);

	if (json_object_update(messages, out) != 0)
		options_no_memory();
	describe_set(channels, key,
	    describe_pack("{s:s, s:s, s:s, s:O, s:o, s:o}", "address", address, "title",
		address, "description", description_of(endpoint), "messages", messages,
		"bindings", describe_binding(endpoint), "x-program",
		describe_program(endpoint)));
	if (!endpoint->readonly)
		add_operation(document, key, "receive", "in", messages, security,
		    streams ? describe_http(true) : NULL);
	add_operation(document, key, "send", "out", messages, security,
	    streams ? describe_http(false) : NULL);
	if (!streams)
		describe_set(
		    json_object_get(channels, key), "servers", describe_websockets(document));
	json_decref(security);
	json_decref(messages);
	json_decref(out);
	free(address);
	free(key);
}
