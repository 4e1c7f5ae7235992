/* SPDX-License-Identifier: BSD-2-Clause */
/* The computations of the opening handshake (RFC 6455, section 4.2). */
#define OPENSSL_SUPPRESS_DEPRECATED /* see negotiate_sha1() */

#include "websocket/negotiate.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

enum {
	NEGOTIATE_KEY_LEN = 24, /* characters: 16 bytes in base64 */
	NEGOTIATE_SHA1_LEN = 20,
	NEGOTIATE_VERSION = 13,
	NEGOTIATE_VERSION_MAX = 255,
};

/* Section 1.3: appended to the key, so that only a WebSocket server sends this response. */
static const char negotiate_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool
negotiate_key_valid(struct span key)
{
	if (key.len != NEGOTIATE_KEY_LEN)
		return false;
	for (size_t i = 0; i < NEGOTIATE_KEY_LEN - 2; i++) {
		unsigned char c = (unsigned char)key.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && c != '+' && c != '/')
			return false;
	}
	return key.data[NEGOTIATE_KEY_LEN - 2] == '=' && key.data[NEGOTIATE_KEY_LEN - 1] == '=';
}

/*
 * Computes SHA-1 with the functions beneath EVP, which are deprecated since OpenSSL 3.0: for
 * the first digest, EVP reads openssl.cnf and initializes the whole library, which takes
 * milliseconds and memory that a server without TLS never needs, and it adds lookups to each
 * further one. The input is not secret.
 */
static bool
negotiate_sha1(const void *bytes, size_t len, unsigned char digest[NEGOTIATE_SHA1_LEN])
{
	SHA_CTX sum;

	return SHA1_Init(&sum) == 1 && SHA1_Update(&sum, bytes, len) == 1 &&
	       SHA1_Final(digest, &sum) == 1;
}

bool
negotiate_accept(struct span key, char out[NEGOTIATE_ACCEPT_LEN + 1])
{
	char text[NEGOTIATE_KEY_LEN + sizeof(negotiate_guid) - 1];
	unsigned char digest[NEGOTIATE_SHA1_LEN];

	out[0] = '\0';
	if (key.len != NEGOTIATE_KEY_LEN)
		return false;
	/* The key is used as is, not decoded. */
	memcpy(text, key.data, NEGOTIATE_KEY_LEN);
	memcpy(text + NEGOTIATE_KEY_LEN, negotiate_guid, sizeof(negotiate_guid) - 1);
	if (!negotiate_sha1(text, sizeof(text), digest))
		return false;
	return EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest)) ==
	       NEGOTIATE_ACCEPT_LEN;
}

enum negotiate_version
negotiate_version(struct span value)
{
	unsigned int number = 0;

	if (value.len < 1 || value.len > 3 || (value.len > 1 && value.data[0] == '0'))
		return NEGOTIATE_VERSION_BAD;
	for (size_t i = 0; i < value.len; i++) {
		if (!util_is_digit((unsigned char)value.data[i]))
			return NEGOTIATE_VERSION_BAD;
		number = number * 10 + (unsigned int)(value.data[i] - '0');
	}
	if (number > NEGOTIATE_VERSION_MAX)
		return NEGOTIATE_VERSION_BAD;
	return number == NEGOTIATE_VERSION ? NEGOTIATE_VERSION_OK : NEGOTIATE_VERSION_OTHER;
}
