/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message: a type and a span of bytes. It is what the WebSocket side and the
 * child's side have in common; neither knows the other. The bytes are borrowed
 * from whoever handed the message out, until its next call, and may be changed
 * in place by the one who got it.
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
