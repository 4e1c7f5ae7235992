/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as text and back (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends LEN bytes as text. False without memory; OUT may hold a part of it then. */
bool base64_put(struct buffer *out, const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

enum base64_result {
	BASE64_OK,
	BASE64_BAD,
	BASE64_NO_MEMORY,
};

/* Appends the bytes that TEXT stands for: whole quanta, and no other characters. */
enum base64_result base64_read(struct buffer *out, const char *text, size_t len)
    __attribute__((warn_unused_result));

#endif
