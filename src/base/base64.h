/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 encoding and decoding (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends LEN bytes in base64. Returns false if memory runs out; OUT may then contain a
 * part. */
bool base64_put(struct buffer *out, const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

enum base64_result {
	BASE64_OK,
	BASE64_BAD,
	BASE64_NO_MEMORY,
};

/* Appends the decoded TEXT, which must consist of whole quanta without other characters. */
enum base64_result base64_read(struct buffer *out, const char *text, size_t len)
    __attribute__((warn_unused_result));

#endif
