/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message: a type and a span of bytes. It is the only type that the WebSocket side and the
 * program side share. The bytes are borrowed from the sender until its next call; the receiver
 * may modify them in place.
 */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum message_type {
	MESSAGE_TEXT,
	MESSAGE_BINARY,
};

struct message {
	enum message_type type;
	uint8_t *data;
	size_t len;
};

#endif
