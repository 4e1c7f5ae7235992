/* SPDX-License-Identifier: BSD-2-Clause */
/* The client that sent a request. */
#include "http/client.h"

#include "http/forwarded.h"
#include "http/uri.h"
#include "net/listener.h"

#include <string.h>

void
client_init(struct client *client, const struct stream *stream)
{
	*client = (struct client){
	    .name = stream_peer_name(stream),
	    .secure = stream_is_secure(stream),
	    .anonymous = stream_is_anonymous(stream),
	};
	stream_peer_address(stream, &client->address);
}

/*
 * The hops listed in the fields, first one first. A hop that is not trusted invalidates those
 * before it: it may have invented them.
 */
struct client_hops {
	const struct client_rules *rules;
	struct sockaddr_storage address; /* address of the client, as far as known */
	bool known; /* ADDRESS is set */
	struct span host;
	struct span proto;
};

/* Adds the next hop. */
static void
client_add_hop(struct client_hops *hops, const struct forwarded *hop)
{
	struct sockaddr_storage address;
	bool valid = forwarded_parse_node(hop->node, &address);

	if (!valid || !cidr_list_covers(&hops->rules->trusted, &address)) {
		hops->known = valid;
		hops->address = address;
		hops->host = hop->host;
		hops->proto = hop->proto;
		return;
	}
	if (!hops->known)
		hops->address = address;
	hops->known = true;
	if (hops->host.len == 0)
		hops->host = hop->host;
	if (hops->proto.len == 0)
		hops->proto = hop->proto;
}

/* Removes the next element from the front of REST. Quotes have no meaning in these fields;
 * otherwise a client could use one to hide what proxies append. */
static bool
client_next(struct span *rest, struct span *element)
{
	const char *comma;

	if (!rest->data)
		return false;
	comma = memchr(rest->data, ',', rest->len);
	*element = span_trim(
	    (struct span){rest->data, comma ? (size_t)(comma - rest->data) : rest->len});
	*rest = comma ? (struct span){comma + 1, rest->len - (size_t)(comma + 1 - rest->data)}
		      : (struct span){0};
	return true;
}

/* Reads X-Forwarded-For, which may span several fields; of the other two, the last element
 * counts. */
static void
client_read_x_forwarded(struct client_hops *hops, const struct head *head)
{
	struct span host = {0}, proto = {0};

	for (size_t i = 0; i < head_field_count(head); i++) {
		struct head_field field = head_field(head, i);
		bool is_for = span_equal_nocase(field.name, SPAN("X-Forwarded-For"));
		struct span *last =
		    span_equal_nocase(field.name, SPAN("X-Forwarded-Host"))    ? &host
		    : span_equal_nocase(field.name, SPAN("X-Forwarded-Proto")) ? &proto
									       : NULL;
		struct span element;

		while ((is_for || last) && client_next(&field.value, &element)) {
			if (is_for)
				client_add_hop(hops, &(struct forwarded){.node = element});
			else
				*last = element;
		}
	}
	hops->host = host;
	hops->proto = proto;
}

static bool
client_read_forwarded(struct client_hops *hops, const struct head *head)
{
	struct forwarded hop;
	struct span element;
	size_t cursor = 0;

	while (head_next_element(head, "Forwarded", &cursor, &element)) {
		if (!forwarded_parse(element, &hop))
			return false;
		if (element.len > 0)
			client_add_hop(hops, &hop);
	}
	return true;
}

const char *
client_resolve(struct client *client, const struct client_rules *rules, const struct head *head,
    struct span *host)
{
	struct client_hops hops = {.rules = rules};
	struct uri_authority authority;

	client->trusted =
	    !client->anonymous && cidr_list_covers(&rules->trusted, &client->address);
	if (!client->trusted)
		return NULL;
	if (rules->fields == CLIENT_X_FORWARDED)
		client_read_x_forwarded(&hops, head);
	else if (!client_read_forwarded(&hops, head))
		return "the field Forwarded of the trusted proxy is malformed";
	if (hops.known) {
		client->address = hops.address;
		client->name = NULL;
	}
	if (hops.host.len > 0 && !uri_parse_authority(hops.host, &authority))
		return "the host that the trusted proxy reports is not valid";
	if (hops.host.len > 0)
		*host = hops.host;
	if (span_equal_nocase(hops.proto, SPAN("https")) ||
	    span_equal_nocase(hops.proto, SPAN("wss")))
		client->secure = true;
	else if (span_equal_nocase(hops.proto, SPAN("http")) ||
		 span_equal_nocase(hops.proto, SPAN("ws")))
		client->secure = false;
	return NULL;
}

bool
client_is_local(const struct client *client, const struct head *head)
{
	static const char *const forwarded[] = {
	    "Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};

	if (client->trusted || client->anonymous)
		return false;
	for (size_t i = 0; i < UTIL_LEN(forwarded) && head; i++) {
		if (head_find(head, forwarded[i], NULL) > 0)
			return false;
	}
	return listener_is_loopback(&client->address);
}
