/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preconditions, ranges and content codings. The first two bytes of an input are the size of
 * the file; the rest is fields of the request. "@" stands for the file's tag.
 */
#include "http/conditional.h"
#include "http/encoding.h"
#include "require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG "\"a-b-c\""

/* A request of METHOD with the fields, in a block of exactly its size. */
static char *
request_of(const char *method, const uint8_t *fields, size_t size, size_t *len)
{
	char *bytes = malloc(64 + size * strlen(TAG));
	char *exact;
	size_t n;

	require(bytes != NULL, "memory");
	n = (size_t)sprintf(bytes, "%s / HTTP/1.1\r\nHost: a\r\n", method);
	for (size_t i = 0; i < size; i++) {
		if (fields[i] == '@')
			n += (size_t)sprintf(bytes + n, "%s", TAG);
		else if (fields[i] == '\n')
			n += (size_t)sprintf(bytes + n, "\r\n");
		else
			bytes[n++] = (char)fields[i];
	}
	n += (size_t)sprintf(bytes + n, "\r\n\r\n");
	exact = malloc(n);
	require(exact != NULL, "memory");
	memcpy(exact, bytes, n);
	free(bytes);
	*len = n;
	return exact;
}

static void
check_codings(const struct head *head)
{
	static const char *const names[] = {"br", "gzip", "identity", "zstd"};
	bool listed = head_find(head, "Accept-Encoding", NULL) > 0;

	for (size_t i = 0; i < UTIL_LEN(names); i++) {
		int weight = encoding_weight(head, names[i]);

		require(weight >= -1 && weight <= 1000, "a weight is a weight");
		require(listed || weight == -1, "nothing is listed");
	}
}

/* What one request asks for. */
static struct conditional
check(const char *method, const struct conditional_file *file, const uint8_t *fields,
    size_t size, bool *valid)
{
	struct conditional part = {0};
	struct request request;
	struct head head;
	const char *reason;
	size_t len;
	char *bytes = request_of(method, fields, size, &len);
	int status;

	head_init(&head);
	*valid = head_parse(&head, bytes, len) == HEAD_DONE &&
		 request_init(&request, &head, &status, &reason);
	if (*valid) {
		part = conditional_check(&request, file);
		check_codings(&head);
		require(part.status == 200 || part.status == 206 || part.status == 304 ||
			    part.status == 412 || part.status == 416,
		    "a status");
		require(part.first >= 0 && part.length >= 0 &&
			    part.first + part.length <= file->size,
		    "a part of the file");
		require(part.status == 206 || (part.first == 0 && part.length == file->size),
		    "all of it, or a range");
		require(part.status != 206 || part.length > 0, "a range is not empty");
		require((part.status != 206 && part.status != 416) ||
			    head_find(&head, "Range", NULL) == 1,
		    "one Range");
	}
	free(bytes);
	return part;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conditional_file file = {.modified = 784111777, .tag = TAG};
	struct conditional get;
	struct conditional head;
	bool valid;

	if (size < 2 || size > 4096)
		return 0;
	file.size = data[0] * 256 + data[1];
	get = check("GET", &file, data + 2, size - 2, &valid);
	head = check("HEAD", &file, data + 2, size - 2, &valid);
	if (!valid)
		return 0;
	require(head.status != 206 && head.status != 416, "HEAD has no range");
	require(get.status == head.status || head.status == 200, "the same but for ranges");
	return 0;
}
