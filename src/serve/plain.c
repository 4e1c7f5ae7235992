/* SPDX-License-Identifier: BSD-2-Clause */
/* Responds to plain HTTP requests where only WebSocket is served. */
#include "serve/plain.h"

#include "framing/ttyd.h"
#include "http/uri.h"
#include "serve/reject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLAIN_NAME_MAX = 253, /* bytes of the host and of the path in the text */
	PLAIN_URL_MAX = 2 * PLAIN_NAME_MAX + 64,
};

#define PLAIN_UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

bool
plain_is_handshake(const struct head *head)
{
	return head_find(head, "Sec-WebSocket-Key", NULL) > 0;
}

/* Returns true if TEXT needs no quoting in a JavaScript string or on a command line. */
static bool
plain_is_safe(struct span text, const char *also)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && !strchr("-._", c) &&
		    !strchr(also, c))
			return false;
	}
	return text.len > 0 && text.len <= PLAIN_NAME_MAX;
}

/* Builds the URL to connect to. Returns false if the request contains none that can be
 * shown. */
static bool
plain_url(char url[PLAIN_URL_MAX], bool secure, struct span host, const char *path)
{
	const char *scheme = secure ? "wss" : "ws";
	struct uri_authority authority;
	char port[16] = "";

	if (!uri_parse_authority(host, &authority) ||
	    !plain_is_safe(authority.host, authority.is_ipv6 ? ":" : ""))
		return false;
	if (authority.port != 0)
		snprintf(port, sizeof(port), ":%d", authority.port);
	snprintf(url, PLAIN_URL_MAX, authority.is_ipv6 ? "%s://[%.*s]%s%s" : "%s://%.*s%s%s",
	    scheme, (int)authority.host.len, authority.host.data, port,
	    plain_is_safe(span_of(path), "/") ? path : "/");
	return true;
}

/* Returns the body of the 426, which the caller frees, or NULL if memory runs out. */
static char *
plain_text(bool secure, struct span host, const char *path)
{
	char url[PLAIN_URL_MAX];
	char *text;
	int len;

	if (!plain_url(url, secure, host, path))
		len = asprintf(&text, "This is a WebSocket server (wspipe), not a web page.");
	else
		len = asprintf(&text,
		    "This is a WebSocket server (wspipe), not a web page: it runs a program\n"
		    "for each connection and exchanges messages with it.\n"
		    "\n"
		    "To try it, open this address in a browser, press F12 for the browser's\n"
		    "console, and paste:\n"
		    "\n"
		    "    const ws = new WebSocket(\"%s\");\n"
		    "    ws.onmessage = (event) => console.log(event.data);\n"
		    "    ws.onclose = (event) => console.log(event.code, event.reason);\n"
		    "\n"
		    "Then send the program a message:\n"
		    "\n"
		    "    ws.send(\"hello\");\n"
		    "\n"
		    "To serve a page from this address too, start wspipe with "
		    "--staticdir=DIR.",
		    url);
	return len == -1 ? NULL : text;
}

static bool
plain_accept(struct reject *reject, const struct endpoint *endpoint, const struct head *head,
    const char *path)
{
	struct endpoint_script script = ENDPOINT_NO_SCRIPT;
	struct span method = head_method(head);
	bool found;

	if (endpoint->streams &&
	    (span_equal(method, SPAN("POST")) || span_equal(method, SPAN("DELETE"))))
		return reject_format(reject, 405, "Allow: GET, HEAD, OPTIONS\r\n",
		    "%.*s needs the session of an event stream, in Wspipe-Session or ?session=",
		    (int)method.len, method.data);
	if (!span_equal(method, SPAN("GET")) && !span_equal(method, SPAN("HEAD")))
		return reject_format(reject, 405, "Allow: GET, HEAD, OPTIONS\r\n",
		    "%.*s is not supported: only WebSocket handshakes (and GET/HEAD with "
		    "--staticdir)",
		    (int)(method.len < 32 ? method.len : 32), method.data);
	found = reject_unless_found(reject, endpoint, endpoint_find(endpoint, path, &script));
	endpoint_script_clear(&script);
	return found;
}

void
plain_serve(const struct endpoint *endpoint, struct exchange *exchange, const char *path,
    const char *headers)
{
	const struct request *request = exchange_request(exchange);
	struct reject reject = {.status = 0};
	char *text = NULL;
	char *lines = NULL;

	/* The default health check of HAProxy. */
	if (span_equal(request->method, SPAN("OPTIONS"))) {
		exchange_reply_status(exchange, 204, "Allow: GET, HEAD, OPTIONS\r\n", NULL);
		return;
	}
	if (plain_accept(&reject, endpoint, request->head, path)) {
		(void)reject_with(&reject, 426, PLAIN_UPGRADE,
		    plain_is_handshake(request->head)
			? "WebSocket handshake without 'Upgrade: websocket'; a proxy may have "
			  "removed it (nginx: proxy_set_header Upgrade $http_upgrade)"
			: "plain HTTP request where only WebSocket is served (add "
			  "--staticdir=DIR to serve files)");
		text = plain_text(exchange_client(exchange)->secure, request->host, path);
	}
	if (asprintf(&lines, "%s%s", reject.headers ? reject.headers : "", headers) == -1)
		lines = NULL;
	exchange_reply_text(
	    exchange, reject.status, lines ? lines : reject.headers, reject.reason, text);
	free(lines);
	free(text);
}

bool
plain_speaks_tty(const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->subprotocol_count; i++) {
		if (strcmp(endpoint->subprotocols[i], TTYD_SUBPROTOCOL) == 0)
			return endpoint->pty == PTY_TERMINAL;
	}
	return false;
}

/* Checks the end of PATH, because the page does not know which part of it is the endpoint. */
bool
plain_serve_token(const struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	static const char body[] = "{\"token\":\"\"}";
	static const char name[] = "/token";
	const struct request *request = exchange_request(exchange);
	size_t len = strlen(path), tail = sizeof(name) - 1;
	struct reply reply = {.status = 200,
	    .type = "application/json",
	    .length = sizeof(body) - 1,
	    .fields = "Cache-Control: no-store\r\n"};

	if (len < tail || strcmp(path + len - tail, name) != 0 || !plain_speaks_tty(endpoint) ||
	    !(request->is_head || span_equal(request->method, SPAN("GET"))))
		return false;
	exchange_reply(exchange, &reply, span_of(body));
	return true;
}
