/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the framings. The first byte picks the kind and its rules; the rest is what a program
 * writes. Whole, byte by byte, or cut at random, with a batch before each event or without, it
 * must give the same messages; and what is wrapped as a message must, where the framing keeps
 * all bytes, read back as that message. All this with each implementation of simd/simd.h that
 * this processor supports.
 */
#include "base/utf8.h"
#include "framing/framing.h"
#include "trace.h"
#include "websocket/encoder.h"

#include <stdlib.h>
#include <string.h>

enum {
	LIMIT = 200, /* low, so that few bytes pass it */
	BATCH_MAX = 300, /* bytes */
};

/* The events as bytes; the parts of a message are joined. */
struct trace {
	struct buffer text;
	bool in_message;
	bool over;
};

/* Streams have no messages: of them only the bytes must be the same. */
static bool
has_bounds(const struct framing *framing)
{
	return framing->kind != FRAMING_STREAM && framing->kind != FRAMING_TEXT;
}

static void
note_event(struct trace *trace, const struct framing *framing, enum framing_event event,
    const struct framing_item *item)
{
	const struct message *m = &item->message;
	uint8_t kind = (uint8_t)event;
	uint8_t type = (uint8_t)m->type;

	CHECK(!trace->over);
	switch (event) {
	case FRAMING_MORE:
	case FRAMING_NOMEM:
		abort();
	case FRAMING_PART:
	case FRAMING_MESSAGE:
		if (has_bounds(framing) && !trace->in_message)
			trace_add(&trace->text, &type, 1);
		trace_add(&trace->text, m->data, m->len);
		if (has_bounds(framing) && event == FRAMING_MESSAGE)
			trace_add(&trace->text, "|", 1);
		trace->in_message = event == FRAMING_PART;
		CHECK(framing->kind != FRAMING_JSON || m->type != MESSAGE_TEXT ||
		      utf8_valid(m->data, m->len));
		return;
	case FRAMING_CLOSE:
		CHECK(item->code >= 1000 && item->code <= 4999);
		trace_add(&trace->text, &item->code, sizeof(item->code));
		trace_add(&trace->text, m->data, m->len);
		break;
	case FRAMING_BAD:
		CHECK(m->len <= FRAMING_SHOWN_MAX);
		trace_add(&trace->text, item->why, strlen(item->why));
		trace_add(&trace->text, m->data, m->len);
		break;
	case FRAMING_TOO_BIG:
		break;
	}
	trace_add(&trace->text, &kind, 1);
	trace->over = true;
}

/* Reads back a frame that must carry TEXT; returns its length. */
static size_t
check_frame(const uint8_t *frame, size_t left, struct span text)
{
	uint8_t header[FRAME_SERVER_HEADER_MAX];
	size_t head = frame_write_header(header, true, 0, FRAME_TEXT, text.len);

	CHECK(left >= head + text.len);
	CHECK(memcmp(frame, header, head) == 0);
	CHECK(text.len == 0 || memcmp(frame + head, text.data, text.len) == 0);
	return head + text.len;
}

/* Converts the first MAX bytes at most. False: there is nothing to convert. */
static bool
take_batch(struct trace *trace, struct framing_reader *r, size_t max)
{
	struct simd_frames batch = {0};
	bool not_utf8;
	char separator;
	uint8_t *bytes, *frames;
	size_t len, used;
	size_t at = 0;
	size_t put = 0;

	if (!framing_splits(r, &separator, &batch.cr))
		return false;
	len = r->len < max ? r->len : max;
	bytes = malloc(len + SIMD_SLACK);
	frames = malloc(SIMD_FRAMES_ROOM(len) + SIMD_SLACK);
	CHECK(bytes && frames && separator >= 0);
	memcpy(bytes, r->bytes, len);
	memset(bytes + len, 0xff, SIMD_SLACK);
	batch.separator = (uint8_t)separator;
	batch.to = frames;
	used = encoder_batch(&batch, bytes, len, &not_utf8);
	CHECK(used <= len && not_utf8 == !utf8_valid(bytes, used));
	for (size_t i = 0; batch.ascii && i < used; i++)
		CHECK(bytes[i] < 0x80);
	for (size_t end = 0; end < used; end++) {
		struct framing_item item = {
		    .message = {.type = MESSAGE_TEXT, .data = bytes + at}};
		size_t size = end - at;

		if (bytes[end] != separator)
			continue;
		item.message.len = size - (batch.cr && size > 0 && bytes[end - 1] == '\r');
		note_event(trace, r->framing, FRAMING_MESSAGE, &item);
		at = end + 1;
		put += check_frame(frames + put, (size_t)(batch.to - frames) - put,
		    (struct span){(char *)item.message.data, item.message.len});
		batch.count--;
		batch.bytes -= item.message.len;
	}
	CHECK(at == used && batch.to == frames + put && batch.count == 0 && batch.bytes == 0);
	framing_take(r, used);
	free(bytes);
	free(frames);
	return used > 0;
}

/* Feeds a part, in a block of exactly its size; with RUN, batches of as many bytes first. */
static void
feed(
    struct trace *trace, struct framing_reader *r, const uint8_t *data, size_t size, size_t run)
{
	uint8_t *block = malloc(size);
	struct framing_item item;
	enum framing_event event;

	CHECK(block);
	memcpy(block, data, size);
	framing_feed(r, block, size);
	do {
		while (run > 0 && r->len > 0 && take_batch(trace, r, run))
			continue;
		event = framing_next(r, &item);
		if (event != FRAMING_MORE)
			note_event(trace, r->framing, event, &item);
	} while (event != FRAMING_MORE);
	CHECK(r->len == 0);
	/* What is kept follows what came, not what is announced. */
	CHECK(buffer_len(&r->partial) <= FRAMING_PART_MAX + LIMIT);
	free(block);
}

/* Runs the input in parts of at most PART bytes, or of random sizes when it is 0, with runs of
 * at most BYTES. */
static struct trace
run(const struct framing *framing, const uint8_t *data, size_t size, size_t part, size_t bytes,
    uint64_t *seed)
{
	struct trace trace = {0};
	struct framing_reader r;
	struct framing_item item;
	enum framing_event event;
	size_t done = 0;

	framing_init(&r, framing);
	while (done < size) {
		size_t n = part ? part : 1 + next_random(seed) % 24;

		if (n > size - done)
			n = size - done;
		feed(&trace, &r, data + done, n, bytes);
		done += n;
	}
	event = framing_end(&r, &item);
	if (event != FRAMING_MORE)
		note_event(&trace, framing, event, &item);
	framing_clear(&r);
	return trace;
}

/* What the program would read for a message, if it said it again, would be that message. */
static void
check_echo(
    const struct framing *framing, enum message_type type, const uint8_t *data, size_t size)
{
	struct framing_envelope w;
	struct buffer record = {0};
	struct framing_reader r;
	struct framing_item item;
	uint8_t *copy = malloc(size ? size : 1);
	struct message m = {type, copy, size};
	enum framing_wrap_result result;

	CHECK(copy);
	if (size > 0)
		memcpy(copy, data, size);
	result = framing_wrap(framing, &m, &w, &record);
	CHECK(result != FRAMING_NO_ROOM);
	if (result == FRAMING_AROUND)
		CHECK(buffer_append(&record, w.head, w.head_len) &&
		      buffer_append(&record, copy, size) &&
		      buffer_append(&record, w.tail.data, w.tail.len));
	if (result != FRAMING_REFUSED && has_bounds(framing) &&
	    framing->kind != FRAMING_LINES) {
		struct framing unlimited = *framing;

		unlimited.max_record = 0;
		framing_init(&r, &unlimited);
		framing_feed(&r, buffer_data(&record), buffer_len(&record));
		CHECK(framing_next(&r, &item) == FRAMING_MESSAGE);
		/* Of an "initialize" request only the process ID is not what it was. */
		if (framing->kind == FRAMING_LSP && result == FRAMING_APPENDED) {
			CHECK(w.initialize);
		} else {
			CHECK(item.message.len == size);
			CHECK(size == 0 || memcmp(item.message.data, data, size) == 0);
		}
		CHECK(framing->kind != FRAMING_JSON || item.message.type == type);
		CHECK(framing_next(&r, &item) == FRAMING_MORE);
		CHECK(framing_end(&r, &item) == FRAMING_MORE);
		framing_clear(&r);
	}
	buffer_clear(&record);
	free(copy);
}

static void
check(const uint8_t *data, size_t size)
{
	struct framing framing = {.max_record = LIMIT};
	uint64_t seed = 0xcbf29ce484222325u;
	struct trace whole;

	framing.kind = data[0] % FRAMING_KINDS;
	framing.text = data[0] & 0x20;
	framing.null_process_id = framing.text;
	framing.newline = data[0] & 0x40 ? FRAMING_NEWLINE_SPACE : FRAMING_NEWLINE_REJECT;
	data++;
	size--;
	for (size_t i = 0; i < size; i++)
		seed = (seed ^ data[i]) * 0x100000001b3u;
	seed |= 1;
	whole = run(&framing, data, size, size, 0, &seed);
	check_same(&whole.text, run(&framing, data, size, 1, 0, &seed).text);
	for (int k = 0; k < 3; k++)
		check_same(&whole.text, run(&framing, data, size, 0, 0, &seed).text);
	check_same(&whole.text, run(&framing, data, size, size, BATCH_MAX, &seed).text);
	check_same(&whole.text, run(&framing, data, size, size, 3, &seed).text);
	check_same(&whole.text, run(&framing, data, size, 0, BATCH_MAX, &seed).text);
	buffer_clear(&whole.text);

	if (framing_takes(&framing, MESSAGE_BINARY))
		check_echo(&framing, MESSAGE_BINARY, data, size);
	if (utf8_valid(data, size))
		check_echo(&framing, MESSAGE_TEXT, data, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct simd *list[SIMD_LIST_MAX];
	size_t n = size < 2 || size > FRAMING_PART_MAX ? 0 : simd_list(list);

	for (size_t i = 0; i < n; i++) {
		simd = list[i];
		check(data, size);
	}
	return 0;
}
