/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages between nodes on a bus between machines. */
#include "bus/record.h"

#include <string.h>

enum {
	RECORD_AT_KIND = 4,
	RECORD_AT_LENGTH = 8,
	RECORD_AT_MESSAGES = 12,
	RECORD_AT_NODE = 16,
	RECORD_AT_CONNECTION = 24,
	RECORD_AT_EPOCH = 32,
	RECORD_AT_SEQ = 40,
	RECORD_PART_LENGTH = 3,
	RECORD_NO_SEPARATOR = 255,
};

static const char record_magic[] = {'w', 's', 'b', '1'};

uint64_t
record_get_number(const uint8_t *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | bytes[i];
	return number;
}

void
record_put_number(uint8_t *bytes, size_t len, uint64_t number)
{
	while (len-- > 0) {
		bytes[len] = (uint8_t)number;
		number >>= 8;
	}
}

/* Returns true if the body of a RECORD_OUTPUT consists of complete parts. */
static bool
record_has_parts(const struct record *r)
{
	struct span body = r->body;
	struct batch batch;

	while (record_next_batch(&body, &batch))
		continue;
	return body.len == 0 && r->body.len > 0 && r->messages > 0;
}

bool
record_parse(struct span bytes, struct record *out)
{
	const uint8_t *at = (const uint8_t *)bytes.data;

	if (bytes.len < RECORD_HEADER || memcmp(at, record_magic, sizeof(record_magic)) != 0 ||
	    at[RECORD_AT_KIND] < RECORD_OUTPUT || at[RECORD_AT_KIND] >= RECORD_KINDS ||
	    record_get_number(at + RECORD_AT_KIND + 1, 3) != 0)
		return false;
	*out = (struct record){
	    .kind = (enum record_kind)at[RECORD_AT_KIND],
	    .messages = (uint32_t)record_get_number(at + RECORD_AT_MESSAGES, 4),
	    .node = record_get_number(at + RECORD_AT_NODE, 8),
	    .connection = record_get_number(at + RECORD_AT_CONNECTION, 8),
	    .epoch = record_get_number(at + RECORD_AT_EPOCH, 8),
	    .seq = record_get_number(at + RECORD_AT_SEQ, 8),
	    .body = {bytes.data + RECORD_HEADER, bytes.len - RECORD_HEADER},
	};
	if (record_get_number(at + RECORD_AT_LENGTH, 4) != out->body.len ||
	    out->body.len > RECORD_MAX || out->node == 0)
		return false;
	return out->kind == RECORD_OUTPUT ? record_has_parts(out) : out->messages == 0;
}

bool
record_next(struct span *records, struct record *out)
{
	struct span first = *records;

	if (records->len < RECORD_HEADER)
		return false;
	first.len = RECORD_HEADER +
		    record_get_number((const uint8_t *)first.data + RECORD_AT_LENGTH, 4);
	if (first.len > records->len || !record_parse(first, out))
		return false;
	records->data += first.len;
	records->len -= first.len;
	return true;
}

void
record_put_header(const struct record *record, uint8_t out[RECORD_HEADER])
{
	memcpy(out, record_magic, sizeof(record_magic));
	record_put_number(out + RECORD_AT_KIND, 4, (uint64_t)record->kind << 24);
	record_put_number(out + RECORD_AT_LENGTH, 4, record->body.len);
	record_put_number(out + RECORD_AT_MESSAGES, 4, record->messages);
	record_put_number(out + RECORD_AT_NODE, 8, record->node);
	record_put_number(out + RECORD_AT_CONNECTION, 8, record->connection);
	record_put_number(out + RECORD_AT_EPOCH, 8, record->epoch);
	record_put_number(out + RECORD_AT_SEQ, 8, record->seq);
}

static uint32_t
record_count(const struct batch *batch)
{
	const uint8_t *at = batch->data, *end = batch->data + batch->len;
	uint32_t count = 0;

	if (batch->separator == BATCH_NO_SEPARATOR)
		return 1;
	while (at < end && (at = memchr(at, batch->separator, (size_t)(end - at)))) {
		at++;
		count++;
	}
	return count;
}

uint32_t
record_put_batch(struct buffer *body, size_t *last, const struct batch *batch)
{
	uint8_t head[RECORD_PART_HEAD] = {
	    (uint8_t)batch->type, (uint8_t)batch->separator, batch->cr};
	size_t before = buffer_len(body);
	uint8_t *begun = *last == SIZE_MAX ? NULL : buffer_data(body) + *last;
	bool joins = begun && batch->separator != BATCH_NO_SEPARATOR &&
		     memcmp(begun, head, RECORD_PART_LENGTH) == 0;
	uint64_t len = batch->len;

	if (joins)
		len += record_get_number(begun + RECORD_PART_LENGTH, 4);
	record_put_number(head + RECORD_PART_LENGTH, 4, len);
	if ((!joins && !buffer_append(body, head, sizeof(head))) ||
	    (batch->len > 0 && !buffer_append(body, batch->data, batch->len))) {
		buffer_cut(body, before);
		return 0;
	}
	if (joins)
		memcpy(buffer_data(body) + *last, head, sizeof(head));
	else
		*last = before;
	return record_count(batch);
}

bool
record_next_batch(struct span *body, struct batch *batch)
{
	uint8_t *at = (uint8_t *)(uintptr_t)body->data;
	size_t len;

	if (body->len < RECORD_PART_HEAD || at[0] > MESSAGE_BINARY || at[2] > 1)
		return false;
	len = (size_t)record_get_number(at + RECORD_PART_LENGTH, 4);
	if (len > body->len - RECORD_PART_HEAD)
		return false;
	*batch = (struct batch){
	    .type = (enum message_type)at[0],
	    .data = at + RECORD_PART_HEAD,
	    .len = len,
	    .separator = at[1] == RECORD_NO_SEPARATOR ? BATCH_NO_SEPARATOR : at[1],
	    .cr = at[2],
	    .first = true,
	    .last = true,
	};
	body->data += RECORD_PART_HEAD + len;
	body->len -= RECORD_PART_HEAD + len;
	/* A part must end with its last message. */
	return batch->separator == BATCH_NO_SEPARATOR ||
	       (len > 0 && batch->data[len - 1] == batch->separator);
}
