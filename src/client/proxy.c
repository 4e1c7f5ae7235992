/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP proxy from the environment. */
#include "client/proxy.h"

#include <stdio.h>
#include <string.h>

/* Returns the value of the first variable that is set and not empty. */
static const char *
proxy_variable(char *(*get)(const char *name), const char *const *names, const char **name)
{
	const char *value = NULL;

	for (; *names && (!value || *value == '\0'); names++) {
		value = get(*names);
		*name = *names;
	}
	return value && *value ? value : NULL;
}

/* Reports whether an entry of no_proxy covers the host: the same name or address, or a parent
 * domain. The entry may have a port, and a domain a leading dot. */
static bool
proxy_covers(struct span entry, const struct url *url)
{
	const char *colon = memrchr(entry.data, ':', entry.len);
	struct span host = url->host;
	int64_t port;

	if (span_equal(entry, SPAN("*")))
		return true;
	/* Not inside an IPv6 address without brackets. */
	if (colon && (memchr(entry.data, ':', entry.len) == colon || colon[-1] == ']') &&
	    !util_parse_number(
		(struct span){colon + 1, entry.len - (size_t)(colon - entry.data) - 1}, 1,
		UINT16_MAX, &port)) {
		if (port != url->port)
			return false;
		entry.len = (size_t)(colon - entry.data);
	}
	if (entry.len > 2 && entry.data[0] == '[' && entry.data[entry.len - 1] == ']')
		entry = (struct span){entry.data + 1, entry.len - 2};
	if (entry.len > 0 && entry.data[0] == '.')
		entry = (struct span){entry.data + 1, entry.len - 1};
	if (entry.len == 0 || entry.len > host.len)
		return false;
	if (host.len > entry.len && host.data[host.len - entry.len - 1] != '.')
		return false;
	host.data += host.len - entry.len;
	host.len = entry.len;
	return span_equal_nocase(host, entry);
}

static bool
proxy_is_bypassed(const struct url *url, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ", \t");

		if (len > 0 && proxy_covers((struct span){list, len}, url))
			return true;
		list += len + strspn(list + len, ", \t");
	}
	return false;
}

enum proxy_result
proxy_find(const struct url *url, char *(*get)(const char *name), struct url *proxy,
    const char **name, const char **why)
{
	static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const secure[] = {
	    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
	const char *value, *list, *ignored;

	value = proxy_variable(get, url->secure ? secure : plain, name);
	list = proxy_variable(get, none, &ignored);
	if (!value || (list && proxy_is_bypassed(url, list)))
		return PROXY_NONE;
	*why = url_parse_proxy(value, proxy);
	return *why ? PROXY_BAD : PROXY_FOUND;
}

bool
proxy_put_request(const struct url *url, const char *authorization, struct buffer *out)
{
	bool is_ipv6 = memchr(url->host.data, ':', url->host.len);
	char target[300]; /* a host has at most 253 bytes */
	char text[2 * sizeof(target) + 64];
	int len;

	snprintf(target, sizeof(target), "%s%.*s%s:%u", is_ipv6 ? "[" : "", (int)url->host.len,
	    url->host.data, is_ipv6 ? "]" : "", url->port);
	len =
	    snprintf(text, sizeof(text), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target);
	return buffer_append(out, text, (size_t)len) &&
	       (!authorization || buffer_append(out, authorization, strlen(authorization))) &&
	       buffer_append(out, "\r\n", 2);
}
