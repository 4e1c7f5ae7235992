/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages from a fixed seed: every run measures with the same ones. */
#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MESSAGES = 64, JSON_SIZE_MIN = 256, JSON_ITEM_MAX = 120 };

static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void
fill_utf8(uint8_t *to, size_t size)
{
	static const char cycle[] =
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"; /* 2, 3 and 4 bytes */
	static const char *const rest[] = {"", "x", "\xc3\xa9", "\xe2\x82\xac",
	    "\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xf0\x9f\x98\x80",
	    "\xe2\x82\xac\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80"};
	size_t at = 0;

	for (; size - at >= sizeof(cycle) - 1; at += sizeof(cycle) - 1)
		memcpy(to + at, cycle, sizeof(cycle) - 1);
	memcpy(to + at, rest[size - at], size - at);
}

/* An answer as servers give it: the same names again and again, the values differ. */
static void
fill_json(uint8_t *to, size_t size, uint32_t *state)
{
	static const char *const names[] = {
	    "hammer", "nail", "saw", "drill", "screw", "plane", "chisel", "vice"};
	char item[JSON_ITEM_MAX + 1];
	size_t at = (size_t)snprintf((char *)to, size, "{\"id\":%u,\"items\":[",
	    (unsigned)(next_random(state) % 1000000));

	while (size - at > JSON_ITEM_MAX + 32) {
		uint32_t a = next_random(state);
		uint32_t b = next_random(state);
		int len = snprintf(item, sizeof(item),
		    "{\"sku\":\"%08x\",\"name\":\"%s\",\"price\":%u.%02u,\"stock\":%u},",
		    (unsigned)a, names[b % 8], (unsigned)(b >> 8) % 500,
		    (unsigned)(b >> 16) % 100, (unsigned)(a >> 12) % 1000);

		memcpy(to + at, item, (size_t)len);
		at += (size_t)len;
	}
	at += (size_t)snprintf((char *)to + at, size - at, "0],\"note\":\"");
	while (at < size - 2)
		to[at++] = (uint8_t)('a' + next_random(state) % 26);
	memcpy(to + size - 2, "\"}", 2);
}

struct corpus
corpus_new(const char *kind, size_t size)
{
	struct corpus corpus = {.count = 1, .size = size};
	uint32_t state = 2463534242U;

	if (strcmp(kind, "seq") == 0) {
		corpus.count = 0;
		corpus.size = strlen(CORPUS_FIRST_NUMBER);
		return corpus;
	}
	if (strcmp(kind, "json") == 0)
		corpus.count = JSON_MESSAGES;
	if (size == 0 || (corpus.count > 1 && size < JSON_SIZE_MIN)) {
		fprintf(stderr, "bench: %zu bytes are too few for %s\n", size, kind);
		exit(1);
	}
	corpus.bytes = malloc(corpus.count * (size + 1));
	if (!corpus.bytes) {
		perror("bench: malloc");
		exit(1);
	}
	for (size_t i = 0; i < corpus.count; i++) {
		uint8_t *to = corpus.bytes + i * (size + 1);

		if (strcmp(kind, "json") == 0) {
			fill_json(to, size, &state);
		} else if (strcmp(kind, "utf8") == 0) {
			fill_utf8(to, size);
		} else if (strcmp(kind, "ascii") == 0) {
			for (size_t k = 0; k < size; k++)
				to[k] = (uint8_t)('a' + k % 26);
		} else if (strcmp(kind, "bytes") == 0) {
			for (size_t k = 0; k < size; k++)
				to[k] = (uint8_t)(next_random(&state) >> 11);
		} else {
			fprintf(stderr, "bench: no kind of messages %s\n", kind);
			exit(1);
		}
		to[size] = '\n';
	}
	return corpus;
}

const uint8_t *
corpus_message(const struct corpus *corpus, uint64_t index)
{
	return corpus->bytes + index % corpus->count * (corpus->size + 1);
}

void
corpus_count_up(uint8_t *digits, size_t len)
{
	while (len > 0 && digits[len - 1] == '9')
		digits[--len] = '0';
	if (len > 0)
		digits[len - 1]++;
}
