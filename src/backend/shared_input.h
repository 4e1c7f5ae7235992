/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the clients of a shared program send, on its way to it: their records and the events
 * between them, in one order. They are bytes for its stdin; or, if another node may run it,
 * entries (bus/entry).
 */
#ifndef BACKEND_SHARED_INPUT_H
#define BACKEND_SHARED_INPUT_H

#include "backend/framed.h"
#include "bus/entry.h"

/* Zero bytes ({0}) but for RULES are its beginning. */
struct shared_input {
	const struct framed_rules *rules; /* borrowed */
	struct buffer bytes; /* owned */
	uint64_t unread; /* messages that no program read */
	size_t records; /* where the last entry begins, if it is open */
	bool has_entries;
	bool is_open; /* records may be appended to the last entry */
};

static inline size_t
shared_input_len(const struct shared_input *in)
{
	return buffer_len(&in->bytes);
}

/* What it holds becomes entries, which needs it to be empty; or bytes. Records and events that
 * get lost without memory are counted, as by all of these. */
void shared_input_use_entries(struct shared_input *in);
void shared_input_use_bytes(struct shared_input *in);

/* The messages of a batch; with SENDER 0 without one. */
enum backend_result shared_input_write(
    struct shared_input *in, const struct batch *batch, uint64_t sender, const char **why);

/* A client comes, which RECORD announces. False without memory. */
bool shared_input_open(struct shared_input *in, uint64_t id, struct span record)
    __attribute__((warn_unused_result));
void shared_input_close(
    struct shared_input *in, uint64_t id, uint16_t code, struct span reason);

/* What another node sent: OPEN, RECORDS or CLOSE. */
void shared_input_entry(struct shared_input *in, const struct entry *entry);

/* What it holds, to be taken by the caller as a whole. */
struct buffer *shared_input_bytes(struct shared_input *in);

/* Drops all but the first LEN bytes, or all. */
void shared_input_cut(struct shared_input *in, size_t len);
void shared_input_clear(struct shared_input *in);

#endif
