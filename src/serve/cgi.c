/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatches a request to a CGI script, or rejects it. */
#include "serve/cgi.h"

#include "base/log.h"
#include "serve/page.h"

/*
 * A page of another site can make a browser send a POST (a form, or fetch() without CORS), so
 * methods that may change something (RFC 9110, section 9.2.1) are subject to the same origin
 * check as WebSockets. websocketd has no such check.
 */
static bool
cgi_check_origin(
    const struct endpoint *endpoint, const struct exchange *exchange, struct reject *reject)
{
	const struct request *request = exchange_request(exchange);

	return endpoint->compat || request->is_head ||
	       span_equal(request->method, SPAN("GET")) ||
	       span_equal(request->method, SPAN("OPTIONS")) ||
	       head_find(request->head, "Origin", NULL) == 0 ||
	       page_may_request(endpoint, exchange, reject);
}

/* Starts the script, unless the request alone shows that it can't be served. */
static bool
cgi_launch(const struct script_context *context, struct endpoint *endpoint,
    struct exchange *exchange, struct launch *launch, enum endpoint_result found,
    struct reject *reject)
{
	const struct request *request = exchange_request(exchange);

	if (!reject_unless_found(reject, endpoint, found) ||
	    !cgi_check_origin(endpoint, exchange, reject))
		return false;
	if (endpoint->max_body != 0 && request->body == BODY_LENGTH &&
	    (uint64_t)request->length > endpoint->max_body)
		return reject_with(
		    reject, 413, NULL, "the request body is larger than --max-body");
	return launch_prepare_script(launch, reject) &&
	       script_start(context, endpoint, exchange, launch, reject);
}

/* Logs the request in websocketd's format. */
static void
cgi_log_compat(const struct endpoint *endpoint, struct exchange *exchange, const char *program,
    const struct reject *reject)
{
	if (reject->status == 429)
		files_log_compat(&endpoint->files, exchange, LOG_ERROR,
		    SPAN("Fork not allowed since maxforks amount has been reached. CGI was not "
			 "run."),
		    program);
	else
		files_log_compat(&endpoint->files, exchange, LOG_ACCESS, SPAN("CGI"), program);
}

bool
cgi_serve(const struct script_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	const struct request *asked = exchange_request(exchange);
	struct stream_cert client = {0};
	struct env_request request =
	    env_request_of(asked, exchange_client(exchange), exchange_identity(exchange), path);
	struct launch launch = {
	    .launcher = context->launcher, .endpoint = endpoint, .request = &request};
	enum endpoint_result found = endpoint_find_cgi(endpoint, path, &launch.script);
	struct reject reject = {.status = 0};
	bool started = false;

	if (found == ENDPOINT_MISSING)
		return false;
	request.cgi = asked;
	request.client = &client;
	request.traceparent = launch.traceparent;
	if (!stream_client_cert(exchange_stream(exchange), &client))
		(void)reject_with(&reject, 503, REJECT_RETRY_LATER, "out of memory");
	else
		started = cgi_launch(context, endpoint, exchange, &launch, found, &reject);
	if (endpoint->files.compat_scheme)
		cgi_log_compat(endpoint, exchange, launch.script.program, &reject);
	if (!started)
		exchange_reply_status(exchange,
		    endpoint->compat && reject.status == 403 ? 500 : reject.status,
		    reject.headers, reject.reason);
	launch_clear(&launch);
	stream_cert_clear(&client);
	return true;
}
