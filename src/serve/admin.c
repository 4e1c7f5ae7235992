/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's interface. */
#include "serve/admin.h"

#include "http/credentials.h"
#include "http/origin.h"
#include "serve/admin_metrics.h"
#include "serve/admin_sessions.h"

#include <stdio.h>
#include <string.h>

enum { ADMIN_TEXT_MAX = 128 };

#define ADMIN_FIELDS "Cache-Control: no-store\r\n"
#define ADMIN_TEXT "text/plain; charset=utf-8"

static void
admin_reply(struct exchange *exchange, int status, const char *type, struct span body)
{
	struct reply reply = {
	    .status = status,
	    .type = type,
	    .length = (int64_t)body.len,
	    .fields = ADMIN_FIELDS,
	};

	exchange_reply(exchange, &reply, body);
}

/* Health checks are not logged, because they arrive every few seconds. */
static void
admin_reply_check(struct exchange *exchange, int status, const char *text)
{
	char line[ADMIN_TEXT_MAX];
	int len = snprintf(line, sizeof(line), "%s\n", text);

	exchange_set_logged(exchange);
	admin_reply(exchange, status, ADMIN_TEXT, (struct span){line, (size_t)len});
}

static void
admin_serve_healthy(const struct admin *admin, struct exchange *exchange)
{
	(void)admin;
	admin_reply_check(exchange, 200, "healthy");
}

static void
admin_serve_ready(const struct admin *admin, struct exchange *exchange)
{
	struct admin_facts facts;

	admin->look(admin->arg, &facts);
	admin_reply_check(exchange, facts.unready ? 503 : 200,
	    facts.unready		      ? facts.unready
	    : facts.bus.used && !facts.bus.up ? "ready, but the bus is unavailable"
					      : "ready");
}

static void
admin_serve_metrics(const struct admin *admin, struct exchange *exchange)
{
	struct admin_facts facts;
	struct buffer text = {0};

	admin->look(admin->arg, &facts);
	exchange_set_logged(exchange);
	if (admin_metrics(&text, admin->registry, &facts))
		admin_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
		    (struct span){(const char *)buffer_data(&text), buffer_len(&text)});
	else
		exchange_reply_status(exchange, 503, ADMIN_FIELDS, "out of memory");
	buffer_clear(&text);
}

static void
admin_serve_sessions(const struct admin *admin, struct exchange *exchange)
{
	exchange_set_logged(exchange);
	admin_sessions_serve(admin->registry, exchange);
}

static void
admin_serve_close(const struct admin *admin, struct exchange *exchange, struct span id)
{
	int64_t number;

	if (util_parse_number(id, 1, INT64_MAX, &number) ||
	    !registry_ask_close(admin->registry, (uint64_t)number)) {
		exchange_reply_status(exchange, 404, ADMIN_FIELDS, "there is no such session");
		return;
	}
	admin->close(admin->arg);
	admin_reply(exchange, 202, ADMIN_TEXT, SPAN("closing\n"));
}

/* Finds the resource at PATH: the handler of GET and HEAD, or for POST, in *ID, the session to
 * close. */
typedef void admin_handler(const struct admin *admin, struct exchange *exchange);

static admin_handler *
admin_find(struct span path, struct span *id)
{
	static const struct {
		const char *path;
		admin_handler *serve;
	} rows[] = {
	    {"/-/healthy", admin_serve_healthy},
	    {"/-/ready", admin_serve_ready},
	    {"/metrics", admin_serve_metrics},
	    {"/sessions", admin_serve_sessions},
	};
	static const struct span before = {"/sessions/", 10}, after = {"/close", 6};

	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (span_equal(path, span_of(rows[i].path)))
			return rows[i].serve;
	}
	if (path.len > before.len + after.len &&
	    memcmp(path.data, before.data, before.len) == 0 &&
	    memcmp(path.data + path.len - after.len, after.data, after.len) == 0)
		*id = (struct span){path.data + before.len, path.len - before.len - after.len};
	return NULL;
}

/* Bearer: RFC 6750, section 2.1. */
static bool
admin_has_token(const struct admin *admin, const struct head *head)
{
	struct span token;

	return head_find(head, "Authorization", &token) == 1 &&
	       credentials_bearer(token, &token) && tokens_find(admin->tokens, token, NULL);
}

/* Rejects requests that a web page may have caused: from another origin, or through a host name
 * that resolves to this address (DNS rebinding). Returns the reason, or NULL. */
static const char *
admin_refuse_host(const struct admin *admin, const struct request *request)
{
	char ignored[ORIGIN_REASON_MAX];

	/* A web page has no token, and can't connect to a Unix socket. */
	if (admin->is_unix || admin->tokens || request->host.len == 0 ||
	    !origin_host_refused(request->host, true, NULL, 0, ignored))
		return NULL;
	return "the Host of a request to --admin must be an IP address or localhost";
}

static const char *
admin_refuse_origin(const struct request *request)
{
	struct origin_policy policy = {.mode = ORIGIN_SAME};
	char ignored[ORIGIN_REASON_MAX];
	struct span origin = {0};
	size_t count = head_find(request->head, "Origin", &origin);

	if (count == 0 ||
	    !origin_refused(&policy, false, count, origin, request->host, ignored))
		return NULL;
	return "a page of another origin can't change anything here";
}

void
admin_serve(void *arg, struct exchange *exchange)
{
	const struct admin *admin = arg;
	const struct request *request = exchange_request(exchange);
	bool reads = request->is_head || span_equal(request->method, SPAN("GET"));
	bool posts = span_equal(request->method, SPAN("POST"));
	const char *refused = admin_refuse_host(admin, request);
	struct span id = {0};
	admin_handler *serve = admin_find(request->uri.path, &id);

	if (refused)
		exchange_reply_status(exchange, 421, ADMIN_FIELDS, refused);
	else if (admin->tokens && !admin_has_token(admin, request->head))
		exchange_reply_status(exchange, 401,
		    ADMIN_FIELDS "WWW-Authenticate: Bearer realm=\"wspipe\"\r\n",
		    "a request to --admin needs a token in --admin-token");
	else if (!serve && id.len == 0)
		exchange_reply_status(
		    exchange, 404, ADMIN_FIELDS, "nothing is served at this path");
	else if (serve && !reads)
		exchange_reply_status(exchange, 405, ADMIN_FIELDS "Allow: GET, HEAD\r\n",
		    "this path accepts GET and HEAD only");
	else if (!serve && !posts)
		exchange_reply_status(exchange, 405, ADMIN_FIELDS "Allow: POST\r\n",
		    "this path accepts POST only");
	else if (serve)
		serve(admin, exchange);
	else if ((refused = admin_refuse_origin(request)))
		exchange_reply_status(exchange, 403, ADMIN_FIELDS, refused);
	else
		admin_serve_close(admin, exchange, id);
}
