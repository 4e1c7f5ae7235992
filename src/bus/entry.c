/* SPDX-License-Identifier: BSD-2-Clause */
/* The format of client input for a program on another node. */
#include "bus/entry.h"

#include <assert.h>
#include <string.h>

enum { ENTRY_ID = 8, ENTRY_CODE = 2 };

static void
entry_put_number(uint8_t *out, uint64_t number, size_t len)
{
	while (len-- > 0) {
		out[len] = (uint8_t)number;
		number >>= 8;
	}
}

static uint64_t
entry_number(const char *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | (uint8_t)bytes[i];
	return number;
}

/* Returns the length of the fields between the head and the bytes of an entry. */
static size_t
entry_fields(enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_OPEN:
		return ENTRY_ID;
	case ENTRY_CLOSE:
		return ENTRY_ID + ENTRY_CODE;
	case ENTRY_STATE:
		return ENTRY_ID + 1;
	case ENTRY_RECORDS:
		break;
	}
	return 0;
}

bool
entry_put(struct buffer *out, const struct entry *entry)
{
	uint8_t head[ENTRY_HEAD + ENTRY_ID + ENTRY_CODE];
	size_t fields = entry_fields(entry->kind), before = buffer_len(out);

	assert(entry->bytes.len <= UINT32_MAX - sizeof(head));
	head[0] = (uint8_t)entry->kind;
	entry_put_number(head + 1, fields + entry->bytes.len, ENTRY_HEAD - 1);
	if (fields > 0)
		entry_put_number(head + ENTRY_HEAD, entry->id, ENTRY_ID);
	if (entry->kind == ENTRY_STATE)
		head[ENTRY_HEAD + ENTRY_ID] = entry->state;
	else if (entry->kind == ENTRY_CLOSE)
		entry_put_number(head + ENTRY_HEAD + ENTRY_ID, entry->code, ENTRY_CODE);
	if (buffer_append(out, head, ENTRY_HEAD + fields) &&
	    buffer_append(out, entry->bytes.data, entry->bytes.len))
		return true;
	buffer_cut(out, before);
	return false;
}

size_t
entry_begin(struct buffer *out)
{
	size_t at = buffer_len(out);
	struct entry entry = {.kind = ENTRY_RECORDS};

	return entry_put(out, &entry) ? at : SIZE_MAX;
}

void
entry_end(struct buffer *out, size_t at)
{
	size_t len = buffer_len(out) - at - ENTRY_HEAD;

	assert(len <= UINT32_MAX);
	if (len == 0)
		buffer_cut(out, at);
	else
		entry_put_number(buffer_data(out) + at + 1, len, ENTRY_HEAD - 1);
}

enum entry_result
entry_next(struct span *bytes, struct entry *entry)
{
	size_t fields, len;
	const char *at;

	if (bytes->len < ENTRY_HEAD)
		return ENTRY_MORE;
	*entry = (struct entry){.kind = (enum entry_kind)(uint8_t)bytes->data[0]};
	len = (size_t)entry_number(bytes->data + 1, ENTRY_HEAD - 1);
	fields = entry_fields(entry->kind);
	if (entry->kind < ENTRY_OPEN || entry->kind > ENTRY_STATE || len < fields ||
	    (entry->kind == ENTRY_STATE && len != fields))
		return ENTRY_BAD;
	if (bytes->len - ENTRY_HEAD < len)
		return ENTRY_MORE;
	at = bytes->data + ENTRY_HEAD;
	if (fields > 0)
		entry->id = entry_number(at, ENTRY_ID);
	if (entry->kind == ENTRY_STATE)
		entry->state = (uint8_t)at[ENTRY_ID];
	else if (entry->kind == ENTRY_CLOSE)
		entry->code = (uint16_t)entry_number(at + ENTRY_ID, ENTRY_CODE);
	entry->bytes = (struct span){at + fields, len - fields};
	bytes->data += ENTRY_HEAD + len;
	bytes->len -= ENTRY_HEAD + len;
	return ENTRY_OK;
}
