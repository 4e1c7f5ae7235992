/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The negotiation of permessage-deflate. The input is the values of
 * Sec-WebSocket-Extensions, one a line. What is accepted must be within the
 * settings, and the answer, offered in turn, must be accepted as it is.
 */
#include "require.h"
#include "websocket/deflate_offer.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 100 };

static void
check_agreed(const struct deflate_settings *settings, const struct deflate_agreed *agreed)
{
	char answer[DEFLATE_ANSWER_MAX];
	char second[DEFLATE_ANSWER_MAX];
	struct deflate_agreed again;
	struct span value = {answer, deflate_answer(agreed, answer)};

	CHECK(value.len == strlen(answer));
	CHECK(agreed->server_bits >= DEFLATE_WINDOW_MIN &&
	      agreed->server_bits <= settings->window);
	CHECK(agreed->client_bits >= 8 && agreed->client_bits <= DEFLATE_WINDOW_MAX);
	CHECK(!agreed->says_client_bits || agreed->client_bits <= settings->window);
	CHECK(agreed->says_client_bits || agreed->client_bits == DEFLATE_WINDOW_MAX);
	CHECK(settings->takeover || (!agreed->server_takeover && !agreed->client_takeover));
	CHECK(deflate_negotiate(settings, &value, 1, &again) == DEFLATE_AGREED);
	deflate_answer(&again, second);
	CHECK(strcmp(answer, second) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copies[VALUES_MAX];
	struct span values[VALUES_MAX];
	size_t count = 0;
	size_t begin = 0;

	/* Each in a block of exactly its size, so that a read behind it is seen. */
	while (begin <= size && count < VALUES_MAX) {
		const uint8_t *end =
		    size > begin ? memchr(data + begin, '\n', size - begin) : NULL;
		size_t len = (end ? (size_t)(end - data) : size) - begin;

		copies[count] = malloc(len ? len : 1);
		CHECK(copies[count]);
		if (len > 0)
			memcpy(copies[count], data + begin, len);
		values[count] = (struct span){copies[count], len};
		count++;
		begin += len + 1;
	}
	for (int64_t window = DEFLATE_WINDOW_MIN; window <= DEFLATE_WINDOW_MAX; window++) {
		for (int takeover = 0; takeover < 2; takeover++) {
			struct deflate_settings settings = {
			    .on = true, .takeover = takeover, .window = window, .level = 1};
			struct deflate_agreed agreed;

			if (deflate_negotiate(&settings, values, count, &agreed) ==
			    DEFLATE_AGREED)
				check_agreed(&settings, &agreed);
		}
	}
	while (count > 0)
		free(copies[--count]);
	return 0;
}
