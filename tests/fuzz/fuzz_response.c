/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The response to the handshake of a client: its head, its check, and the texts that are shown
 * of it. The first byte of an input selects the offer, the next two where the rest is cut.
 */
#include "base/utf8.h"
#include "client/handshake.h"
#include "require.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CUT_LEN = 3 };

/* RFC 6455, section 1.3: the seeds have the answer to it. */
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";

/* What is shown is terminated, and has nothing that controls a terminal. */
static void
require_shown(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	require(len < room, "the text is terminated");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		require(c >= ' ' && c != 0x7f, "no control character is shown");
		require(c != 0xc2 || (unsigned char)text[i + 1] >= 0xa0, "nor one of C1");
	}
}

static void
check(const struct head *head, const struct handshake_offer *offer)
{
	char text[HANDSHAKE_WHY_MAX], small[16];
	struct handshake_agreed agreed;

	require(head_code(head) >= 100 && head_code(head) <= 599, "the code has a class");
	handshake_describe(head, text);
	require_shown(text, sizeof(text));
	handshake_show(head_phrase(head), small, sizeof(small));
	require_shown(small, sizeof(small));
	if (!handshake_check(offer, key, head, &agreed, text)) {
		require_shown(text, sizeof(text));
		return;
	}
	require(!agreed.deflates || offer->deflate->on, "no compression without an offer");
	if (agreed.deflates)
		require(agreed.deflate.server_bits >= DEFLATE_WINDOW_MIN &&
			    agreed.deflate.server_bits <= offer->deflate->window &&
			    agreed.deflate.client_bits <= DEFLATE_WINDOW_MAX,
		    "the windows are those of zlib, and within the offer");
	require(agreed.subprotocol.len == 0 || offer->subprotocol_count > 0,
	    "no subprotocol without an offer");
	require(!offer->require_subprotocol || agreed.subprotocol.len > 0,
	    "a subprotocol that is required");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const subprotocols[] = {"chat", "superchat"};
	struct deflate_settings deflate = {.on = true, .window = 11};
	struct handshake_offer offer = {.deflate = &deflate, .subprotocols = subprotocols};
	enum head_result whole_result, result;
	struct head whole, cut;
	size_t at, len;
	char *copy;

	if (size < CUT_LEN)
		return 0;
	deflate.on = data[0] & 1;
	deflate.takeover = data[0] & 2;
	deflate.window = data[0] & 4 ? 15 : 11;
	offer.subprotocol_count = data[0] & 8 ? 2 : 0;
	offer.require_subprotocol = data[0] & 16;
	len = size - CUT_LEN;
	at = len > 0 ? ((size_t)data[1] << 8 | data[2]) % len : 0;
	/* In blocks of exactly their size, so that a read beyond them is detected. */
	copy = malloc(len > 0 ? len : 1);
	require(copy != NULL, "memory");
	memcpy(copy, data + CUT_LEN, len);
	head_init_response(&whole);
	whole_result = head_parse(&whole, copy, len);
	head_init_response(&cut);
	result = head_parse(&cut, copy, at);
	if (result == HEAD_MORE)
		result = head_parse(&cut, copy, len);
	require(result == whole_result, "the result does not depend on the cut");
	if (result == HEAD_BAD)
		require(
		    strcmp(head_reason(&whole), head_reason(&cut)) == 0, "nor does the reason");
	if (result == HEAD_DONE) {
		require(head_len(&whole) == head_len(&cut) && head_len(&cut) <= len,
		    "nor does the length");
		check(&whole, &offer);
		check(&cut, &offer);
	}
	free(copy);
	return 0;
}
