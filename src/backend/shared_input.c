/* SPDX-License-Identifier: BSD-2-Clause */
/* Input of the clients of a shared program. */
#include "backend/shared_input.h"

#include <assert.h>

static void
shared_input_end_entry(struct shared_input *in)
{
	if (in->is_open)
		entry_end(&in->bytes, in->records);
	in->is_open = false;
}

/* Returns false if out of memory. */
static bool
shared_input_put(struct shared_input *in, const struct entry *entry)
{
	shared_input_end_entry(in);
	return entry_put(&in->bytes, entry);
}

void
shared_input_use_entries(struct shared_input *in)
{
	assert(buffer_len(&in->bytes) == 0 || in->has_entries);
	in->has_entries = true;
}

void
shared_input_use_bytes(struct shared_input *in)
{
	struct buffer entries = {0};
	struct entry entry;
	struct span rest;

	if (!in->has_entries)
		return;
	shared_input_end_entry(in);
	in->has_entries = false;
	buffer_move(&entries, &in->bytes);
	rest = (struct span){(char *)buffer_data(&entries), buffer_len(&entries)};
	while (entry_next(&rest, &entry) == ENTRY_OK)
		shared_input_entry(in, &entry);
	buffer_clear(&entries);
}

enum backend_result
shared_input_write(
    struct shared_input *in, const struct batch *batch, uint64_t sender, const char **why)
{
	if (in->has_entries && !in->is_open) {
		in->records = entry_begin(&in->bytes);
		if (in->records == SIZE_MAX)
			return BACKEND_WRITE_NO_MEMORY;
		in->is_open = true;
	}
	return framed_wrap(in->rules, batch, sender, &in->bytes, why);
}

bool
shared_input_open(struct shared_input *in, uint64_t id, struct span record)
{
	struct entry entry = {.kind = ENTRY_OPEN, .id = id, .bytes = record};

	return in->has_entries ? shared_input_put(in, &entry)
			       : buffer_append(&in->bytes, record.data, record.len);
}

void
shared_input_close(struct shared_input *in, uint64_t id, uint16_t code, struct span reason)
{
	struct entry entry = {.kind = ENTRY_CLOSE, .id = id, .code = code, .bytes = reason};

	if (!(in->has_entries ? shared_input_put(in, &entry)
			      : framed_put_close(in->rules, id, code, reason, &in->bytes)))
		in->unread++;
}

void
shared_input_entry(struct shared_input *in, const struct entry *entry)
{
	bool ok = true;

	if (entry->kind == ENTRY_CLOSE)
		shared_input_close(in, entry->id, entry->code, entry->bytes);
	else if (in->has_entries)
		ok = shared_input_put(in, entry);
	else if (entry->kind != ENTRY_STATE)
		ok = buffer_append(&in->bytes, entry->bytes.data, entry->bytes.len);
	in->unread += !ok;
}

struct buffer *
shared_input_bytes(struct shared_input *in)
{
	shared_input_end_entry(in);
	return &in->bytes;
}

void
shared_input_cut(struct shared_input *in, size_t len)
{
	if (in->is_open && len <= in->records)
		in->is_open = false;
	buffer_cut(&in->bytes, len);
}

void
shared_input_clear(struct shared_input *in)
{
	in->is_open = false;
	buffer_clear(&in->bytes);
}
