/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the messages of ttyd's protocol (subprotocol "tty") between a terminal and a page that
 * displays it. Pure. The first byte of a message is its kind:
 *
 *	from the client	0 input, 1 a size as JSON, 2 pause output, 3 resume output
 *	to the client	0 output, 1 the title, 2 preferences as JSON
 *
 * The client's first message has no kind: it is an object with the optional members AuthToken,
 * columns and rows.
 */
#ifndef FRAMING_TTYD_H
#define FRAMING_TTYD_H

#include <stddef.h>
#include <stdint.h>

#define TTYD_SUBPROTOCOL "tty"

enum { TTYD_OUTPUT = '0', TTYD_TITLE = '1', TTYD_PREFERENCES = '2' };

enum ttyd_kind {
	TTYD_INPUT, /* the bytes after the first one */
	TTYD_RESIZE,
	TTYD_PAUSE,
	TTYD_RESUME,
	TTYD_BAD,
	TTYD_NO_MEMORY,
};

enum { TTYD_SIZE_MAX = 1000 };

struct ttyd_message {
	enum ttyd_kind kind;
	uint16_t columns; /* RESIZE; 0 in the first message: not given */
	uint16_t rows;
	const char *why; /* BAD; constant */
};

/* Parses the client's first message: RESIZE, or one of the last two kinds. */
struct ttyd_message ttyd_read_first(const uint8_t *bytes, size_t len);

/* Parses any other message of the client. */
struct ttyd_message ttyd_read(const uint8_t *bytes, size_t len);

#endif
