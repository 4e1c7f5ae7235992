/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of --framing=json. */
#include "json_text.h"

#include "frames.h"

#include <stdio.h>
#include <string.h>

static const char text_head[] = "{\"type\":\"text\",\"data\":\"";
static const char binary_head[] = "{\"type\":\"binary\",\"data\":\"";
static const char tail[] = "\"}";

/* Bytes with an escape of their own, and its letters. */
static const char plain[] = "\"\\\b\f\n\r\t";
static const char letters[] = "\"\\bfnrt";

/* RFC 4648, section 4. */
static void
json_text_base64(struct bytes *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)bytes[i] << 16 |
				(n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				(n > 2 ? bytes[i + 2] : 0);

		for (size_t j = 0; j < 4; j++)
			bytes_append_byte(
			    out, j <= n ? (uint8_t)digits[bits >> (18 - 6 * j) & 63] : '=');
	}
}

void
json_text_put(struct bytes *out, bool text, const uint8_t *bytes, size_t len)
{
	const char *head = text ? text_head : binary_head;
	const char *letter;
	char code[8];

	bytes_append(out, head, strlen(head));
	if (!text)
		json_text_base64(out, bytes, len);
	for (size_t i = 0; i < len && text; i++) {
		letter = bytes[i] != 0 ? strchr(plain, bytes[i]) : NULL;
		if (letter) {
			bytes_append_byte(out, '\\');
			bytes_append_byte(out, (uint8_t)letters[letter - plain]);
		} else if (bytes[i] < ' ') {
			snprintf(code, sizeof(code), "\\u%04x", bytes[i]);
			bytes_append(out, code, 6);
		} else {
			bytes_append_byte(out, bytes[i]);
		}
	}
	bytes_append(out, tail, sizeof(tail) - 1);
	bytes_append_byte(out, '\n');
}

bool
json_text_take(struct bytes *out, const uint8_t *record, size_t len)
{
	const size_t head = sizeof(text_head) - 1;
	const size_t end = sizeof(tail) - 1;
	unsigned int code;

	if (len < head + end || memcmp(record, text_head, head) != 0 ||
	    memcmp(record + len - end, tail, end) != 0 || !frames_utf8(record, len))
		return false;
	for (size_t i = head; i < len - end; i++) {
		if (record[i] != '\\') {
			bytes_append_byte(out, record[i]);
		} else if (record[i + 1] == 'u') {
			if (sscanf((const char *)record + i + 2, "%4x", &code) != 1)
				return false;
			bytes_append_byte(out, (uint8_t)code);
			i += 5;
		} else {
			bytes_append_byte(
			    out, (uint8_t)plain[strchr(letters, record[i + 1]) - letters]);
			i++;
		}
	}
	return true;
}
