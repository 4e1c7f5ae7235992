/* SPDX-License-Identifier: BSD-2-Clause */
/* Access rules for web pages that make a browser send requests. */
#include "serve/page.h"

#include <string.h>

static bool
page_check(const struct endpoint *endpoint, const struct exchange *exchange, size_t count,
    struct span origin, struct reject *reject)
{
	const char *refused =
	    origin_refused(&endpoint->origin, exchange_client(exchange)->secure, count, origin,
		exchange_request(exchange)->host, reject->text);

	return !refused || reject_with(reject, 403, NULL, refused);
}

/* Returns the origin at the front of a URL. */
static struct span
page_origin_of(struct span url)
{
	const char *authority = memmem(url.data, url.len, "://", 3);
	size_t from = authority ? (size_t)(authority - url.data) + 3 : 0;
	const char *end = authority ? memchr(authority + 3, '/', url.len - from) : NULL;

	return end ? (struct span){url.data, (size_t)(end - url.data)} : url;
}

bool
page_may_connect(
    const struct endpoint *endpoint, const struct exchange *exchange, struct reject *reject)
{
	struct span origin = {0};
	size_t count = head_find(exchange_request(exchange)->head, "Origin", &origin);

	return page_check(endpoint, exchange, count, origin, reject);
}

bool
page_may_request(
    const struct endpoint *endpoint, const struct exchange *exchange, struct reject *reject)
{
	const struct head *head = exchange_request(exchange)->head;
	struct span origin = {0}, site, referer, agent;
	size_t count = head_find(head, "Origin", &origin);

	if (count == 0 && head_find(head, "Sec-Fetch-Site", &site) > 0) {
		if (span_equal(site, SPAN("same-origin")))
			return true;
		if (!span_equal(site, SPAN("none")))
			return reject_with(reject, 403, NULL,
			    "a page of another site sent the request without an Origin");
	} else if (count == 0 && head_find(head, "Referer", &referer) > 0) {
		return page_check(endpoint, exchange, 1, page_origin_of(referer), reject);
	} else if (count == 0 && head_find(head, "User-Agent", &agent) > 0 && agent.len >= 8 &&
		   memcmp(agent.data, "Mozilla/", 8) == 0) {
		return reject_with(reject, 403, NULL,
		    "a browser sent the request without Origin, Sec-Fetch-Site and Referer");
	}
	return page_check(endpoint, exchange, count, origin, reject);
}
