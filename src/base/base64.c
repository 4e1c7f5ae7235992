/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 encoding and decoding with libcrypto's functions, in steps, because their lengths are
 * int. */
#include "base/base64.h"

#include "base/util.h"

#include <openssl/evp.h>

enum { BASE64_STEP = 48 * 1024 }; /* bytes; a multiple of 3 and of 4 */

bool
base64_put(struct buffer *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += BASE64_STEP) {
		size_t n = len - i < BASE64_STEP ? len - i : BASE64_STEP;
		uint8_t *to =
		    buffer_reserve(out, (n + 2) / 3 * 4 + 1); /* with room for a NUL */

		if (!to)
			return false;
		buffer_commit(out, (size_t)EVP_EncodeBlock(to, bytes + i, (int)n));
	}
	return true;
}

enum base64_result
base64_read(struct buffer *out, const char *text, size_t len)
{
	size_t padding = 0;

	if (len % 4 != 0)
		return BASE64_BAD;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len - padding; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && c != '+' && c != '/')
			return BASE64_BAD;
	}
	for (size_t i = 0; i < len; i += BASE64_STEP) {
		size_t n = len - i < BASE64_STEP ? len - i : BASE64_STEP;
		uint8_t *to = buffer_reserve(out, n / 4 * 3);

		if (!to)
			return BASE64_NO_MEMORY;
		if (EVP_DecodeBlock(to, (const unsigned char *)text + i, (int)n) !=
		    (int)(n / 4 * 3))
			return BASE64_BAD;
		buffer_commit(out, n / 4 * 3 - (i + n == len ? padding : 0));
	}
	return BASE64_OK;
}
