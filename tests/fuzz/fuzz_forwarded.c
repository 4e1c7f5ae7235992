/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What proxies report about a client. The input is header lines. Whatever they say: nobody is
 * believed who is not trusted; a client is an address of the fields or the proxy itself; and
 * what a client puts in front of what its proxy appends changes nothing.
 */
#include "http/client.h"
#include "net/listener.h"
#include "require.h"

#include <stdint.h>
#include <string.h>

enum { INPUT_MAX = 2048 };

static struct client
make_client(const char *address)
{
	struct client client = {.secure = false};

	require(cidr_parse_address(span_of(address), &client.address), "it is an address");
	return client;
}

static bool
same(const struct client *a, const struct client *b)
{
	return memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static void
check_head(const struct head *head, struct client_rules *rules)
{
	struct client stranger = make_client("192.0.2.1"), before = stranger;
	struct client proxy = make_client("10.0.0.1"), own = proxy;
	struct span host = SPAN("own.example");

	require(!client_resolve(&stranger, rules, head, &host) && same(&stranger, &before) &&
		    !stranger.secure && span_equal(host, SPAN("own.example")),
	    "nobody else is believed");
	if (client_resolve(&proxy, rules, head, &host))
		return;
	require(proxy.trusted, "the proxy is trusted");
	require(same(&proxy, &own) || proxy.address.ss_family == AF_INET ||
		    proxy.address.ss_family == AF_INET6,
	    "a client has an address");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const appended[] = {
	    [CLIENT_X_FORWARDED] = "X-Forwarded-For: 192.0.2.7\r\n\r\n",
	    [CLIENT_FORWARDED] = "Forwarded: for=192.0.2.7\r\n\r\n",
	};
	struct client_rules rules = {.fields = CLIENT_X_FORWARDED};
	char text[INPUT_MAX + 128];
	size_t start;

	if (size > INPUT_MAX)
		return 0;
	require(cidr_list_add(&rules.trusted, SPAN("10.0.0.0/24")), "there is memory");
	start = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: own.example\r\n");
	memcpy(text + start, data, size);
	start += size;
	if (size > 0 && data[size - 1] != '\n')
		start += (size_t)sprintf(text + start, "\r\n");
	for (size_t kind = 0; kind < 2; kind++) {
		struct client proxy = make_client("10.0.0.1");
		struct client wanted = make_client("192.0.2.7");
		struct span host = {0};
		struct head head;
		size_t len = strlen(appended[kind]);
		const char *reason;

		rules.fields = (enum client_fields)kind;
		memcpy(text + start, appended[kind], len + 1);
		head_init(&head);
		if (head_parse(&head, text, start + len) != HEAD_DONE ||
		    head_len(&head) != start + len)
			continue;
		check_head(&head, &rules);
		reason = client_resolve(&proxy, &rules, &head, &host);
		require(reason || same(&proxy, &wanted), "what is appended counts");
	}
	cidr_list_clear(&rules.trusted);
	return 0;
}
