/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PROXY header that is read. It is complete or bad from some byte on and stays so, whatever
 * follows; and what it reports can be written and read again.
 */
#include "net/proxy_protocol.h"
#include "require.h"

#include <stdint.h>
#include <string.h>

static void
check_done(const struct proxy_protocol *header, const uint8_t *bytes)
{
	uint8_t out[PROXY_PROTOCOL_MAX];
	struct proxy_protocol again;
	size_t len = proxy_protocol_put(out, &header->client, &header->client);
	bool is_ip =
	    header->client.ss_family == AF_INET || header->client.ss_family == AF_INET6;

	require(header->name.len == 0 || (const uint8_t *)header->name.data > bytes,
	    "a name is part of the header");
	require(
	    header->name.len == 0 ||
		(const uint8_t *)header->name.data + header->name.len <= bytes + header->len,
	    "a name ends in the header");
	require(header->name.len == 0 || header->secure, "a certificate is one of TLS");
	require(proxy_protocol_parse(out, len, &again) == PROXY_PROTOCOL_DONE,
	    "what is written can be read");
	require(!is_ip || memcmp(&again.client, &header->client, sizeof(again.client)) == 0,
	    "the address is the same");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum proxy_protocol_result before = PROXY_PROTOCOL_MORE;
	size_t first = 0;

	if (size > 512)
		size = 512;
	for (size_t n = 0; n <= size; n++) {
		/* In a block of exactly its size, so that a read beyond it is seen. */
		uint8_t *copy = malloc(n ? n : 1);
		struct proxy_protocol header;
		enum proxy_protocol_result result;

		require(copy, "there is memory");
		memcpy(copy, data, n);
		result = proxy_protocol_parse(copy, n, &header);
		require(before == PROXY_PROTOCOL_MORE || result == before,
		    "the result stays the same");
		if (result == PROXY_PROTOCOL_DONE) {
			first = first ? first : n;
			require(header.len == first, "it ends with its last byte");
			check_done(&header, copy);
		}
		before = result;
		free(copy);
	}
	return 0;
}
