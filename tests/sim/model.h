/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must arrive: the bytes that the program is to read, and the messages that the client is
 * to get. The framings are written here again, from the manual.
 */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model {
	struct bytes to_program; /* all bytes that it may read, as records */
	size_t required; /* of these: of whole messages */
	size_t read; /* of these: so many were */
	struct bytes to_client; /* payloads, one after the other */
	size_t *ends; /* of each message in TO_CLIENT */
	uint8_t *types; /* OP_TEXT, OP_BINARY */
	size_t messages; /* expected so far */
	size_t received; /* whole ones */
	size_t received_bytes;
	bool output_bad; /* what the program wrote can't be sent, from some byte on */
	uint64_t bad_from; /* offset in its output */
	bool output_over;
};
extern struct model model;

void model_reset(void);

/* The result of a message that the client sends: 0, or the code of the Close. */
uint16_t model_send(bool text, const uint8_t *bytes, size_t len);

/* A part of a message that turns out to be bad: it may be delivered or not. */
void model_send_part(const uint8_t *bytes, size_t len);

/* The program has read bytes. */
void model_program_read(const uint8_t *bytes, size_t len);

/* The program has written bytes to its stdout; and the end of it, with what precedes it. */
void model_program_wrote(const uint8_t *bytes, size_t len);
void model_program_ended(void);

/* Appends a record of the program's. */
void model_record(struct bytes *out, const uint8_t *bytes, size_t len);

/* The client got a message. */
void model_client_got(int type, const uint8_t *bytes, size_t len);

/* True if all that was expected came. */
bool model_client_has_all(void);

#endif
