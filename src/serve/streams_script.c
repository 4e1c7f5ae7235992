/* SPDX-License-Identifier: BSD-2-Clause */
/* Serves the scripts for pages. */
#include "serve/streams_script.h"

#include "serve/streams_request.h"
#include "serve/wspipe_js.h"

#include <string.h>

bool
streams_script_serve(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	const char *rest = endpoint_rest(endpoint, path);
	bool gzip = head_has_token(request->head, "Accept-Encoding", "gzip");
	const struct wspipe_js *script;
	struct reply reply = {.status = 200,
	    .type = "text/javascript; charset=utf-8",
	    .fields = gzip ? "Cache-Control: no-cache\r\nVary: Accept-Encoding\r\n"
			     "Content-Encoding: gzip\r\n"
			   : "Cache-Control: no-cache\r\nVary: Accept-Encoding\r\n"};
	struct span body;

	if (!endpoint->streams || (!request->is_head && !streams_request_is(request, "GET")))
		return false;
	if (strcmp(rest, "/-/wspipe.js") == 0)
		script = &wspipe_js;
	else if (strcmp(rest, "/-/wspipe.mjs") == 0)
		script = &wspipe_mjs;
	else
		return false;
	body = gzip ? (struct span){(const char *)script->gzip, script->gzip_len}
		    : (struct span){(const char *)script->plain, script->plain_len};
	reply.length = (int64_t)body.len;
	exchange_reply(exchange, &reply, body);
	return true;
}
