/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder of request bodies, cut in pieces. The first byte of an input is the length of all
 * pieces but the last (0: one piece); the rest is a chunked body and what follows it.
 */
#include "http/body.h"
#include "require.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct result {
	enum body_result result;
	const char *reason;
	uint8_t *content;
	size_t len;
	size_t used;
};

/* Decodes in pieces of PIECE bytes, each in a block of exactly its size. */
static struct result
decode(const uint8_t *data, size_t size, size_t piece)
{
	struct result r = {.content = malloc(size + 1)};
	struct body body;

	require(r.content != NULL, "memory");
	body_init(&body, BODY_CHUNKED, 0);
	do {
		size_t len = size - r.used < piece ? size - r.used : piece;
		uint8_t *bytes = malloc(len + (len == 0));
		size_t used;
		size_t content;

		require(bytes != NULL, "memory");
		memcpy(bytes, data + r.used, len);
		r.result = body_decode(&body, bytes, len, &used, &content);
		require(used <= len && content <= used, "no more than there is");
		require(used == len || r.result != BODY_MORE, "all is used");
		require(memcmp(bytes + used, data + r.used + used, len - used) == 0,
		    "what follows is not touched");
		memcpy(r.content + r.len, bytes, content);
		r.len += content;
		r.used += used;
		free(bytes);
	} while (r.result == BODY_MORE && r.used < size);
	r.reason = body.reason;
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole;
	struct result pieces;

	if (size == 0)
		return 0;
	whole = decode(data + 1, size - 1, size);
	pieces = decode(data + 1, size - 1, data[0] == 0 ? 1 : data[0]);
	require(whole.result == pieces.result && whole.used == pieces.used,
	    "the result does not depend on the cuts");
	require(
	    whole.len == pieces.len && memcmp(whole.content, pieces.content, whole.len) == 0,
	    "the content does not depend on the cuts");
	require(whole.result != BODY_BAD || strcmp(whole.reason, pieces.reason) == 0,
	    "the reason does not depend on the cuts");
	require(whole.result != BODY_DONE || memcmp(data + whole.used - 1, "\r\n", 2) == 0,
	    "a body ends with CR LF");
	free(whole.content);
	free(pieces.content);
	return 0;
}
