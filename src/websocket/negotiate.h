/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The computations of the opening handshake (RFC 6455, section 4.2), over plain strings. Pure;
 * independent of HTTP.
 */
#ifndef WEBSOCKET_NEGOTIATE_H
#define WEBSOCKET_NEGOTIATE_H

#include "base/util.h"

#include <stdbool.h>

enum { NEGOTIATE_ACCEPT_LEN = 28 }; /* characters of Sec-WebSocket-Accept */

/* Returns true for 16 bytes in base64 (section 4.1, item 7): 22 characters of its alphabet and
 * "==". */
bool negotiate_key_valid(struct span key);

/*
 * Computes the Sec-WebSocket-Accept value for a valid KEY (section 4.2.2, item 5.4),
 * NUL-terminated. Returns false if SHA-1 fails.
 */
bool negotiate_accept(struct span key, char out[NEGOTIATE_ACCEPT_LEN + 1])
    __attribute__((warn_unused_result));

enum negotiate_version {
	NEGOTIATE_VERSION_OK, /* 13 */
	NEGOTIATE_VERSION_OTHER, /* a number from 0 to 255 that is not 13: 426 */
	NEGOTIATE_VERSION_BAD, /* syntax error by section 4.3: 400 */
};

/* Checks the value of Sec-WebSocket-Version (no leading zeros, section 4.3). */
enum negotiate_version negotiate_version(struct span value);

#endif
