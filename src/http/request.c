/* SPDX-License-Identifier: BSD-2-Clause */
/* Interprets the head of a request. */
#include "http/request.h"

#include <stdlib.h>

/* Checks Transfer-Encoding (RFC 9112, section 6.1). Returns the error, or NULL. */
static const char *
request_check_coding(const struct head *head, int *status)
{
	struct span last = {0};
	size_t cursor = 0;
	size_t chunked = 0;
	size_t count = 0;

	if (head_minor(head) == 0)
		return "Transfer-Encoding in an HTTP/1.0 request";
	while (head_next_element(head, "Transfer-Encoding", &cursor, &last)) {
		if (last.len == 0)
			return "empty element in Transfer-Encoding";
		count++;
		chunked += span_equal_nocase(last, SPAN("chunked"));
	}
	if (!span_equal_nocase(last, SPAN("chunked")))
		return "Transfer-Encoding does not end with chunked";
	if (chunked > 1)
		return "repeated chunked in Transfer-Encoding";
	if (count == 1)
		return NULL;
	*status = 501;
	return "unsupported Transfer-Encoding; only chunked is supported";
}

/* Determines the framing of the body. Returns the error, or NULL. */
static const char *
request_check_body(struct request *request, int *status)
{
	const struct head *head = request->head;
	struct span number;
	size_t codings = head_find(head, "Transfer-Encoding", NULL);
	size_t lengths = head_find(head, "Content-Length", &number);

	*status = 400;
	if (codings > 0) {
		request->body = BODY_CHUNKED;
		return lengths > 0 ? "both Content-Length and Transfer-Encoding"
				   : request_check_coding(head, status);
	}
	if (lengths > 1)
		return "repeated Content-Length";
	if (lengths == 1 && (number.len == 0 || !util_is_digit((unsigned char)number.data[0]) ||
				util_parse_number(number, 0, INT64_MAX, &request->length)))
		return "Content-Length is not a number";
	request->body = request->length > 0 ? BODY_LENGTH : BODY_NONE;
	return NULL;
}

bool
request_init(struct request *request, const struct head *head, int *status, const char **reason)
{
	*request = (struct request){.head = head, .method = head_method(head)};
	*reason = request_check_body(request, status);
	if (*reason)
		return false;
	if (!uri_split(head_target(head), &request->uri)) {
		*reason = "the request target is not a path or a URL";
		return false;
	}
	/* RFC 9112, section 3.2.2: the authority of an absolute target counts, not the Host
	 * field. */
	(void)head_find(head, "Host", &request->host);
	if (request->uri.authority.len > 0)
		request->host = request->uri.authority;
	request->is_head = span_equal(request->method, SPAN("HEAD"));
	/* RFC 9112, section 9.3. After a failed upgrade, what follows may not be HTTP. */
	request->keeps_alive = head_minor(head) == 1 && head_find(head, "Upgrade", NULL) == 0 &&
			       !head_has_token(head, "Connection", "close") &&
			       !head_has_token(head, "Connection", "upgrade");
	/* RFC 9110, section 10.1.1. */
	request->expects_continue = head_minor(head) == 1 && request->body != BODY_NONE &&
				    head_has_token(head, "Expect", "100-continue");
	return true;
}

static bool
request_put(struct buffer *out, struct span text)
{
	return buffer_append(out, text.data, text.len);
}

static bool
request_put_field(struct buffer *out, struct span name, struct span value)
{
	return request_put(out, name) && request_put(out, SPAN(": ")) &&
	       request_put(out, value) && request_put(out, SPAN("\r\n"));
}

/* Reports whether a field must be dropped from a request without a body to the same host. */
static bool
request_is_replaced(struct span name)
{
	static const char *const names[] = {"Host", "Content-Length", "Content-Type",
	    "Content-Encoding", "Transfer-Encoding", "Trailer", "Expect", "Connection",
	    "Upgrade"};

	for (size_t i = 0; i < UTIL_LEN(names); i++) {
		if (span_equal_nocase(name, span_of(names[i])))
			return true;
	}
	return false;
}

bool
request_redirect(struct request_redirect *out, const struct request *from, struct span target)
{
	struct buffer *bytes = &out->bytes;
	const char *reason;
	int status;
	bool ok;

	ok = request_put(bytes, from->is_head ? SPAN("HEAD ") : SPAN("GET ")) &&
	     request_put(bytes, target) &&
	     request_put(bytes,
		 head_minor(from->head) == 0 ? SPAN(" HTTP/1.0\r\n") : SPAN(" HTTP/1.1\r\n"));
	if (from->host.len > 0)
		ok = ok && request_put_field(bytes, SPAN("Host"), from->host);
	for (size_t i = 0; i < head_field_count(from->head) && ok; i++) {
		struct head_field field = head_field(from->head, i);

		if (!request_is_replaced(field.name))
			ok = request_put_field(bytes, field.name, field.value);
	}
	ok = ok && request_put(bytes, SPAN("\r\n"));
	head_init(&out->head);
	return ok &&
	       head_parse(&out->head, (const char *)buffer_data(bytes), buffer_len(bytes)) ==
		   HEAD_DONE &&
	       head_len(&out->head) == buffer_len(bytes) &&
	       request_init(&out->request, &out->head, &status, &reason);
}

void
request_redirect_free(struct request_redirect *redirect)
{
	if (redirect)
		buffer_clear(&redirect->bytes);
	free(redirect);
}
