/* SPDX-License-Identifier: BSD-2-Clause */
/* What must arrive. */
#include "model.h"

#include "check.h"
#include "frames.h"
#include "json_text.h"
#include "kernel.h"
#include "memory.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model model;

/* The begun record of the program. */
static struct {
	struct bytes bytes;
	struct bytes head; /* length, lsp */
	bool counted; /* LEFT is known */
	uint64_t left;
} record;
static size_t model_capacity;

void
model_reset(void)
{
	bytes_free(&model.to_program);
	bytes_free(&model.to_client);
	memory_real_free(model.ends);
	memory_real_free(model.types);
	memset(&model, 0, sizeof(model));
	bytes_free(&record.bytes);
	bytes_free(&record.head);
	memset(&record, 0, sizeof(record));
	model_capacity = 0;
}

/* To the program */

static bool
model_accepts(bool text)
{
	switch (world.program.to_program.kind) {
	case FRAMING_JSON:
	case FRAMING_LENGTH:
	case FRAMING_LSP:
		return true;
	case FRAMING_STREAM:
		return !text || !world.program.drops_wrong_type;
	default:
		return text;
	}
}

static void
model_put(struct bytes *out, const struct framing *framing, bool text, const uint8_t *bytes,
    size_t len)
{
	char head[64];
	int n = 0;

	if (framing->kind == FRAMING_JSON) {
		json_text_put(out, text, bytes, len);
		return;
	}

	if (framing->kind == FRAMING_LENGTH) {
		for (int i = 24; i >= 0; i -= 8)
			bytes_append_byte(out, (uint8_t)(len >> i));
	} else if (framing->kind == FRAMING_LSP) {
		n = snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", len);
		bytes_append(out, head, (size_t)n);
	}
	bytes_append(out, bytes, len);
	if (framing->kind == FRAMING_LINES)
		bytes_append_byte(out, '\n');
	if (framing->kind == FRAMING_NUL)
		bytes_append_byte(out, '\0');
}

uint16_t
model_send(bool text, const uint8_t *bytes, size_t len)
{
	const struct framing *framing = &world.program.to_program;
	bool newline = framing->kind == FRAMING_LINES && len > 0 && memchr(bytes, '\n', len);
	size_t at = bytes_len(&model.to_program);

	if (!model_accepts(text))
		return world.program.drops_wrong_type ? 0 : 1003;
	if (newline && framing->newline == FRAMING_NEWLINE_REJECT)
		return 1008;
	if (framing->kind == FRAMING_NUL && len > 0 && memchr(bytes, '\0', len))
		return 1008;
	model_put(&model.to_program, framing, text, bytes, len);
	if (newline && framing->newline == FRAMING_NEWLINE_SPACE) {
		for (size_t i = 0; i < len; i++) {
			if (bytes_data(&model.to_program)[at + i] == '\n')
				bytes_data(&model.to_program)[at + i] = ' ';
		}
	}
	model.required = bytes_len(&model.to_program);
	return 0;
}

void
model_send_part(const uint8_t *bytes, size_t len)
{
	if (world.format.parts)
		bytes_append(&model.to_program, bytes, len);
}

void
model_program_read(const uint8_t *bytes, size_t len)
{
	check_that(model.read + len <= bytes_len(&model.to_program) &&
		       memcmp(bytes_data(&model.to_program) + model.read, bytes, len) == 0,
	    "the program reads what the client sent: bytes %zu to %zu of %zu differ",
	    model.read, model.read + len, bytes_len(&model.to_program));
	model.read += len;
}

/* From the program */

static void
model_push(uint8_t type)
{
	if (model.messages == model_capacity) {
		model_capacity = 2 * model_capacity + 64;
		model.ends =
		    memory_real_realloc(model.ends, model_capacity * sizeof(*model.ends));
		model.types = memory_real_realloc(model.types, model_capacity);
		if (!model.ends || !model.types)
			abort();
	}
	model.ends[model.messages] = bytes_len(&model.to_client);
	model.types[model.messages++] = type;
}

/* A line of --framing=json is complete. */
static void
model_json(void)
{
	if (json_text_take(
		&model.to_client, bytes_data(&record.bytes), bytes_len(&record.bytes)))
		model_push(OP_TEXT);
	else
		model.output_bad = true;
	bytes_reset(&record.bytes);
}

/* Another record is. The only byte that the programs use and that is never in UTF-8 is FF. */
static void
model_message(void)
{
	const struct framing *framing = &world.program.from_program;
	uint8_t *bytes = record.bytes.block ? bytes_data(&record.bytes) : NULL;
	size_t len = bytes_len(&record.bytes);
	bool binary = framing->kind == FRAMING_LENGTH && !framing->text;
	bool bad = !binary && len > 0 && memchr(bytes, 0xff, len);

	if (bad && world.session.output.invalid == OUTPUT_CLOSE) {
		model.output_bad = true;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (bad && bytes[i] == 0xff && world.session.output.invalid == OUTPUT_REPLACE)
			bytes_append(&model.to_client, "\xef\xbf\xbd", 3);
		else
			bytes_append_byte(&model.to_client, bytes[i]);
	}
	model_push(binary || (bad && world.session.output.invalid == OUTPUT_BINARY) ? OP_BINARY
										    : OP_TEXT);
	bytes_reset(&record.bytes);
}

/* Length and lsp: true when the head is complete with BYTE. */
static bool
model_take_head(uint8_t byte)
{
	const uint8_t *head;
	size_t len;

	bytes_append_byte(&record.head, byte);
	head = bytes_data(&record.head);
	len = bytes_len(&record.head);
	if (world.program.from_program.kind == FRAMING_LENGTH) {
		if (len < 4)
			return false;
		record.left = (uint64_t)head[0] << 24 | (uint64_t)head[1] << 16 |
			      (uint64_t)head[2] << 8 | head[3];
	} else {
		if (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
			return false;
		bytes_append_byte(&record.head, '\0');
		record.left = strtoull((char *)bytes_data(&record.head) + 16, NULL, 10);
	}
	bytes_reset(&record.head);
	return true;
}

static void
model_take_byte(uint8_t byte)
{
	enum framing_kind kind = world.program.from_program.kind;

	switch (kind) {
	case FRAMING_JSON:
		if (byte == '\n')
			model_json();
		else
			bytes_append_byte(&record.bytes, byte);
		return;
	case FRAMING_LINES:
	case FRAMING_NUL:
		if (byte != (kind == FRAMING_LINES ? '\n' : '\0')) {
			bytes_append_byte(&record.bytes, byte);
			return;
		}
		if (kind == FRAMING_LINES && bytes_len(&record.bytes) > 0 &&
		    bytes_data(&record.bytes)[bytes_len(&record.bytes) - 1] == '\r')
			record.bytes.tail--;
		model_message();
		return;
	default:
		if (!record.counted) {
			record.counted = model_take_head(byte);
		} else {
			bytes_append_byte(&record.bytes, byte);
			record.left--;
		}
		if (record.counted && record.left == 0) {
			record.counted = false;
			model_message();
		}
	}
}

void
model_program_wrote(const uint8_t *bytes, size_t len)
{
	enum framing_kind kind = world.program.from_program.kind;

	if (kind == FRAMING_STREAM || kind == FRAMING_TEXT) {
		bytes_append(&model.to_client, bytes, len);
		return;
	}
	for (size_t i = 0; i < len && !model.output_bad; i++) {
		model.bad_from = kernel.out.written - len + i;
		model_take_byte(bytes[i]);
	}
}

void
model_program_ended(void)
{
	enum framing_kind kind = world.program.from_program.kind;

	if (model.output_over)
		return;
	model.output_over = true;
	if (model.output_bad || kind == FRAMING_STREAM || kind == FRAMING_TEXT)
		return;
	if (kind == FRAMING_JSON) {
		if (bytes_len(&record.bytes) > 0)
			model_json();
	} else if (kind == FRAMING_LINES || kind == FRAMING_NUL) {
		if (bytes_len(&record.bytes) > 0)
			model_message();
	} else if (record.counted || bytes_len(&record.head) > 0) {
		model.output_bad = true;
		model.bad_from = kernel.out.written;
	}
}

void
model_record(struct bytes *out, const uint8_t *bytes, size_t len)
{
	model_put(out, &world.program.from_program, true, bytes, len);
}

/* To the client */

void
model_client_got(int type, const uint8_t *bytes, size_t len)
{
	enum framing_kind kind = world.program.from_program.kind;
	bool stream = kind == FRAMING_STREAM || kind == FRAMING_TEXT;
	size_t end = model.received_bytes + len;

	if (stream) {
		check_that(type == (kind == FRAMING_TEXT ? OP_TEXT : OP_BINARY),
		    "messages have the type of the framing");
	} else {
		check_that(model.received < model.messages,
		    "each message of the client was written by the program: message %zu is not",
		    model.received);
		check_that(
		    type == model.types[model.received] && end == model.ends[model.received],
		    "the client gets what the program wrote: message %zu has type %d and %zu "
		    "bytes, not %d and %zu",
		    model.received, type, len, model.types[model.received],
		    model.ends[model.received] - model.received_bytes);
	}
	check_that(end <= bytes_len(&model.to_client) &&
		       (len == 0 || memcmp(bytes_data(&model.to_client) + model.received_bytes,
					bytes, len) == 0),
	    "the client gets what the program wrote: message %zu differs", model.received);
	model.received_bytes = end;
	model.received++;
}

bool
model_client_has_all(void)
{
	size_t missing = bytes_len(&model.to_client) - model.received_bytes;

	/* A character that is not whole has to wait. */
	if (world.program.from_program.kind == FRAMING_TEXT && !model.output_over)
		return missing < 4;
	return missing == 0 && (model.messages == 0 || model.received == model.messages);
}
