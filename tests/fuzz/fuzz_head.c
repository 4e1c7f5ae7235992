/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of request heads and what looks at its facts: targets, paths,
 * hosts, origins. The first four bytes of an input say where it is cut in three
 * (two positions of 16 bits, modulo the length); the rest is the head.
 */
#include "base/utf8.h"
#include "http/head.h"
#include "http/origin.h"
#include "http/request.h"
#include "http/uri.h"
#include "require.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUTS_LEN = 4, BYTEWISE_MAX = 600 };

/* A copy in a block of exactly its size, so that a read behind it is seen. */
static char *
copy_of(const char *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	require(copy != NULL, "memory");
	memcpy(copy, bytes, len);
	return copy;
}

static void
require_inside(struct span part, struct span whole)
{
	require(part.data >= whole.data && part.len <= whole.len &&
		    (size_t)(part.data - whole.data) <= whole.len - part.len,
	    "a span lies within what was parsed");
}

static void
require_same(const struct head *a, enum head_result a_result, const struct head *b,
    enum head_result b_result)
{
	require(a_result == b_result, "the result does not depend on the cuts");
	if (a_result == HEAD_BAD) {
		require(
		    head_status(a) == head_status(b), "the status does not depend on the cuts");
		require(strcmp(head_reason(a), head_reason(b)) == 0,
		    "the reason does not depend on the cuts");
	}
	if (a_result != HEAD_DONE)
		return;
	require(head_len(a) == head_len(b) && head_minor(a) == head_minor(b) &&
		    head_field_count(a) == head_field_count(b) &&
		    span_equal(head_method(a), head_method(b)) &&
		    span_equal(head_target(a), head_target(b)),
	    "the facts do not depend on the cuts");
	for (size_t i = 0; i < head_field_count(a); i++) {
		require(span_equal(head_field(a, i).name, head_field(b, i).name) &&
			    span_equal(head_field(a, i).value, head_field(b, i).value),
		    "the fields do not depend on the cuts");
	}
}

/* Feeds more and more of INPUT, to the ENDS in turn, each time at another place in memory. */
static void
check_pieces(const struct head *whole, enum head_result wanted, struct span input,
    const size_t *ends, size_t count)
{
	struct head head;

	head_init(&head);
	for (size_t i = 0; i < count; i++) {
		char *bytes = copy_of(input.data, ends[i]);
		enum head_result result = head_parse(&head, bytes, ends[i]);

		if (i == count - 1)
			require_same(whole, wanted, &head, result);
		free(bytes);
	}
}

static void
check_path(struct span path)
{
	char *copy = copy_of(path.data, path.len);
	char *out = malloc(path.len + 1);
	enum uri_path_result result;
	size_t len;

	require(out != NULL, "memory");
	result = uri_decode_path((struct span){copy, path.len}, out);
	if (result == URI_PATH_OK) {
		len = strlen(out);
		require(len > 0 && len <= path.len && out[0] == '/',
		    "a path is absolute and no longer than its code");
		require(!strstr(out, "//") && !strstr(out, "/./") && !strstr(out, "/../"),
		    "no odd segment inside");
		require(
		    len < 2 || strcmp(out + len - 2, "/.") != 0, "no odd segment at the end");
		require(
		    len < 3 || strcmp(out + len - 3, "/..") != 0, "no odd segment at the end");
		require(utf8_valid((const uint8_t *)out, len), "a path is UTF-8");
		for (size_t i = 0; i < len; i++)
			require(
			    (unsigned char)out[i] >= 0x20 && out[i] != 0x7f && out[i] != '\\',
			    "no control byte and no backslash");
	}
	/* A program may get the others too, in variables and lines. */
	for (size_t i = 0; result != URI_PATH_BAD && out[i] != '\0'; i++)
		require((unsigned char)out[i] >= 0x20 && out[i] != 0x7f, "no control byte");
	free(copy);
	free(out);
}

static void
check_target(struct span target)
{
	struct uri uri;

	/* The decoder takes any bytes, so it also gets what uri_split() would have refused. */
	check_path(target);
	if (!uri_split(target, &uri))
		return;
	if (uri.authority.data)
		require_inside(uri.authority, target);
	else
		require(target.data[0] == '/', "only the origin-form has no authority");
	require(uri.path.len > 0 && uri.path.data[0] == '/', "a path begins with a slash");
	if (uri.has_query)
		require_inside(uri.query, target);
	check_path(uri.path);
}

static char reason[ORIGIN_REASON_MAX];

static void
check_authority(struct span text)
{
	static char name[] = "example.com";
	char *names[] = {name};
	struct uri_authority authority;
	bool valid = uri_parse_authority(text, &authority);

	if (valid) {
		require_inside(authority.host, text);
		require(
		    authority.host.len > 0 && authority.port >= 0 && authority.port <= 65535,
		    "a valid authority");
	}
	require(valid || origin_host_refused(text, true, names, 1, reason),
	    "only what is valid is local");
}

static void
check_origin(struct span origin, struct span host)
{
	struct origin_rule rule;
	struct origin_policy policy = {.rules = &rule, .rule_count = 1};
	bool is_null = span_equal(origin, SPAN("null"));
	const char *wrong = origin_parse_rule(origin, &rule);

	if (!wrong)
		require_inside(rule.host, origin);
	for (int bits = 0; bits < 4; bits++) {
		bool secure = bits & 1;

		policy.compat = bits & 2;
		policy.mode = ORIGIN_ANY;
		require(
		    policy.compat || !origin_refused(&policy, secure, 2, origin, host, reason),
		    "any is any");
		policy.mode = ORIGIN_SAME;
		require(origin_refused(&policy, secure, 2, origin, host, reason) != NULL,
		    "two never match");
		require(!is_null || origin_refused(&policy, secure, 1, origin, host, reason),
		    "null is not the same");
		if (wrong)
			continue;
		policy.mode = ORIGIN_LIST;
		require(!is_null || origin_refused(&policy, secure, 1, origin, host, reason),
		    "null is in no list");
		/* What has the form of a rule for one host is let in by that rule. */
		if (rule.scheme.len == 0)
			require(
			    origin_refused(&policy, secure, 1, origin, host, reason) != NULL,
			    "an origin has a scheme");
		else if (!rule.any_subdomain)
			require(!origin_refused(&policy, secure, 1, origin, host, reason),
			    "an origin matches itself");
	}
}

static void
check_facts(const struct head *head, struct span input)
{
	struct span bytes = {input.data, head_len(head)};
	struct span host = {NULL, 0};
	struct span element;

	require(head_len(head) >= 4 && head_len(head) <= input.len,
	    "the head lies within what came");
	require(memcmp(input.data + head_len(head) - 4, "\r\n\r\n", 4) == 0,
	    "an empty line ends the head");
	require_inside(head_method(head), bytes);
	require_inside(head_target(head), bytes);
	require(head_find(head, "host", &host) <= 1, "one Host");
	for (size_t i = 0; i < head_field_count(head); i++) {
		struct head_field field = head_field(head, i);
		char name[64];
		size_t cursor = 0;

		require_inside(field.name, bytes);
		require_inside(field.value, bytes);
		require(util_is_token(field.name), "a name is a token");
		for (size_t k = 0; k < field.value.len; k++) {
			unsigned char c = (unsigned char)field.value.data[k];

			require((c >= 0x20 || c == '\t') && c != 0x7f,
			    "no control byte in a value");
		}
		require(span_equal(span_trim(field.value), field.value), "a value is trimmed");
		check_authority(field.value);
		check_origin(field.value, host);
		if (field.name.len >= sizeof(name))
			continue;
		memcpy(name, field.name.data, field.name.len);
		name[field.name.len] = '\0';
		require(head_find(head, name, NULL) > 0, "a field that is there is found");
		for (size_t count = 0; head_next_element(head, name, &cursor, &element);
		     count++) {
			require(count <= bytes.len, "a walk over elements ends");
			require_inside(element, bytes);
		}
	}
	check_target(head_target(head));
}

/* What a head means for the bytes after it. */
static void
check_request(const struct head *head)
{
	struct request request;
	size_t lengths = head_find(head, "Content-Length", NULL);
	size_t codings = head_find(head, "Transfer-Encoding", NULL);
	const char *why;
	int status;

	if (!request_init(&request, head, &status, &why)) {
		require(why && (status == 400 || status == 501), "a rejection has a reason");
		return;
	}
	require(lengths + codings <= 1, "one framing");
	require(codings == 0 || (request.body == BODY_CHUNKED && head_minor(head) == 1),
	    "chunked in HTTP/1.1");
	require((request.body == BODY_LENGTH) == (request.length > 0), "a length is above 0");
	require(request.uri.path.len > 0 && request.uri.path.data[0] == '/', "a path");
	require(head_minor(head) == 1 || (!request.keeps_alive && !request.expects_continue),
	    "HTTP/1.0 closes");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t ends[BYTEWISE_MAX + 1];
	struct head head;
	struct span input;
	char *bytes;
	enum head_result result;

	if (size < CUTS_LEN)
		return 0;
	input.len = size - CUTS_LEN;
	bytes = copy_of((const char *)data + CUTS_LEN, input.len);
	input.data = bytes;
	head_init(&head);
	result = head_parse(&head, input.data, input.len);
	require(head_parse(&head, input.data, input.len) == result,
	    "what is decided stays decided");

	ends[0] = (data[0] * 256u + data[1]) % (input.len + 1);
	ends[1] = (data[2] * 256u + data[3]) % (input.len + 1);
	if (ends[0] > ends[1]) {
		size_t swap = ends[0];

		ends[0] = ends[1];
		ends[1] = swap;
	}
	ends[2] = input.len;
	check_pieces(&head, result, input, ends, 3);
	if (input.len > 0 && input.len <= BYTEWISE_MAX) {
		for (size_t i = 0; i < input.len; i++)
			ends[i] = i + 1;
		check_pieces(&head, result, input, ends, input.len);
	}
	if (result == HEAD_DONE) {
		check_facts(&head, input);
		check_request(&head);
	}
	free(bytes);
	return 0;
}
