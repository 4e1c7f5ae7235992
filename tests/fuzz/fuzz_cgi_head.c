/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of CGI responses, cut in pieces. The first byte of an input is the length of all
 * pieces but the last (0: 1); the rest is a header and what follows it.
 */
#include "http/cgi_head.h"
#include "require.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses in pieces of PIECE bytes, each in a block of exactly its size. */
static enum cgi_head_result
parse(struct cgi_head *head, const uint8_t *data, size_t size, size_t piece, size_t *used)
{
	enum cgi_head_result result = CGI_HEAD_MORE;

	*used = 0;
	cgi_head_init(head);
	while (result == CGI_HEAD_MORE && *used < size) {
		size_t len = size - *used < piece ? size - *used : piece;
		char *bytes = malloc(len);
		size_t n;

		require(bytes != NULL, "memory");
		memcpy(bytes, data + *used, len);
		result = cgi_head_parse(head, bytes, len, &n);
		require(n <= len && (n == len || result != CGI_HEAD_MORE), "all is used");
		*used += n;
		free(bytes);
	}
	return result;
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
same(const struct buffer *a, const struct buffer *b)
{
	return buffer_len(a) == buffer_len(b) &&
	       (buffer_len(a) == 0 ||
		   memcmp(buffer_data(a), buffer_data(b), buffer_len(a)) == 0);
}

/* What is put into a response: lines with CR LF, and no other control byte. */
static void
require_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		require(c >= 0x20 || c == '\t' ||
			    (c == '\r' && i + 1 < len && text[i + 1] == '\n') ||
			    (c == '\n' && i > 0 && text[i - 1] == '\r'),
		    "no control byte gets into a response");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cgi_head whole, cut;
	size_t used, cut_used;
	enum cgi_head_result result;

	if (size == 0)
		return 0;
	result = parse(&whole, data + 1, size - 1, size, &used);
	require(
	    parse(&cut, data + 1, size - 1, data[0] == 0 ? 1 : data[0], &cut_used) == result,
	    "the result does not depend on the cuts");
	if (result == CGI_HEAD_BAD)
		require(strcmp(whole.reason, cut.reason) == 0, "nor does the reason");
	if (result == CGI_HEAD_DONE) {
		require(used == cut_used && used <= CGI_HEAD_MAX && data[used] == '\n',
		    "it ends with an empty line");
		require(whole.status == cut.status && whole.length == cut.length &&
			    same_text(whole.phrase, cut.phrase) &&
			    same_text(whole.type, cut.type) &&
			    same_text(whole.location, cut.location) &&
			    same(&whole.fields, &cut.fields),
		    "nor do the facts");
		require(cgi_head_status(&whole) >= 200 && cgi_head_status(&whole) <= 599,
		    "it has a status");
		require_clean((char *)buffer_data(&whole.fields), buffer_len(&whole.fields));
		require_clean(whole.type, whole.type ? strlen(whole.type) : 0);
		require_clean(whole.phrase, whole.phrase ? strlen(whole.phrase) : 0);
		require_clean(whole.location, whole.location ? strlen(whole.location) : 0);
	}
	cgi_head_clear(&whole);
	cgi_head_clear(&cut);
	return 0;
}
