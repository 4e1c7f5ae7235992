/* SPDX-License-Identifier: BSD-2-Clause */
/* Common code for credential files. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "auth/digest.h"

#include <openssl/sha.h>
#include <string.h>

/* Uses the functions beneath EVP, as in websocket/negotiate: EVP would first load all of
 * OpenSSL's configuration and algorithms. They can't fail. */
void
digest_of(uint8_t digest[DIGEST_LEN], const struct span *parts, size_t count)
{
	SHA256_CTX sum;

	SHA256_Init(&sum);
	for (size_t i = 0; i < count; i++) {
		uint64_t len = parts[i].len;

		SHA256_Update(&sum, &len, sizeof(len));
		SHA256_Update(&sum, parts[i].data, parts[i].len);
	}
	SHA256_Final(digest, &sum);
	explicit_bzero(&sum, sizeof(sum));
}

bool
digest_next_line(struct digest_lines *lines, struct span *line)
{
	struct span *rest = &lines->rest;

	while (rest->len > 0) {
		const char *end = memchr(rest->data, '\n', rest->len);
		size_t len = end ? (size_t)(end - rest->data) : rest->len;

		*line = (struct span){rest->data, len};
		len += end != NULL;
		*rest = (struct span){rest->data + len, rest->len - len};
		lines->number++;
		if (line->len > 0 && line->data[line->len - 1] == '\r')
			line->len--;
		*line = span_trim(*line);
		if (line->len > 0 && line->data[0] != '#')
			return true;
	}
	return false;
}
