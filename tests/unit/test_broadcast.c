/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that are encoded once for many clients. */
#include "websocket/broadcast.h"
#include "websocket/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t scratch[BROADCAST_SCRATCH];

/* The payloads of a form, decompressed, each with a bar after it, or with a plus sign if its
 * message goes on. */
static void
show(const struct broadcast_form *form, struct buffer *out)
{
	struct deflate_agreed agreed = {.client_bits = 15};
	struct inflater *inflater = inflater_new(&agreed);
	struct frame_header header;
	bool compressed = false, first = true;
	uint64_t payload = 0;

	for (size_t i = 0; i < form->len; i += (size_t)header.len) {
		uint8_t text[4096];
		size_t n;

		i += (size_t)frame_read_header(form->bytes + i, form->len - i, &header);
		assert_false(header.masked);
		assert_int_equal(header.opcode == FRAME_CONTINUATION, !first);
		payload += header.len;
		if (first)
			compressed = header.rsv == 4;
		if (first && compressed)
			assert_true(inflater_begin(inflater));
		if (compressed) {
			inflater_feed(inflater, form->bytes + i, (size_t)header.len);
			while (inflater_next(inflater, text, sizeof(text), &n) == INFLATER_FULL)
				assert_true(buffer_append(out, text, n));
			assert_true(buffer_append(out, text, n));
			if (header.fin) {
				assert_true(inflater_end(inflater));
				while (inflater_next(inflater, text, sizeof(text), &n) ==
				       INFLATER_FULL)
					assert_true(buffer_append(out, text, n));
				assert_true(buffer_append(out, text, n));
			}
		} else {
			assert_true(buffer_append(out, form->bytes + i, (size_t)header.len));
		}
		assert_true(buffer_append(out, header.fin ? "|" : "+", 1));
		first = header.fin;
	}
	assert_true(first);
	assert_int_equal(payload, form->payload);
	inflater_free(inflater);
}

static void
expect(struct broadcast_form form, const char *text)
{
	struct buffer out = {0};

	show(&form, &out);
	assert_int_equal(buffer_len(&out), strlen(text));
	assert_memory_equal(buffer_data(&out), text, strlen(text));
	buffer_clear(&out);
}

/* A batch of TEXT in memory with room for the loops. */
static struct batch
batch_of(const char *text, char *memory)
{
	strcpy(memory, text);
	return (struct batch){
	    .data = (uint8_t *)memory, .len = strlen(text), .separator = '\n', .cr = true};
}

static void
test_records_are_encoded_up_to_what_is_not_utf8(void **state)
{
	char memory[128 + BATCH_SLACK];
	struct batch batch = batch_of("one\ntwo\r\n\nbad\xff\nlast\n", memory);
	struct broadcast *b = broadcast_of_records(&batch, scratch);

	(void)state;
	/* Those that are encoded in one loop with the bad one are left as well. */
	assert_null(b);
	assert_int_equal(batch.len, 20);
	batch = batch_of("one\ntwo\r\n\n", memory);
	b = broadcast_of_records(&batch, scratch);
	assert_non_null(b);
	assert_int_equal(batch.len, 0);
	assert_int_equal(b->messages, 3);
	assert_int_equal(b->bytes, 6);
	expect(broadcast_plain(b), "one|two||");
	broadcast_unref(b);
}

static void
test_many_records_are_several_broadcasts(void **state)
{
	enum { COUNT = 200000 };
	size_t messages = 0;
	char *memory = malloc(2 * COUNT + BATCH_SLACK);
	struct batch batch = {
	    .data = (uint8_t *)memory, .len = 2 * COUNT, .separator = '\n', .cr = true};

	(void)state;
	assert_non_null(memory);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(memory + 2 * i, "x\n", 2);
	while (batch.len > 0) {
		struct broadcast *b = broadcast_of_records(&batch, scratch);

		assert_non_null(b);
		assert_int_equal(b->len, 3 * b->messages);
		messages += b->messages;
		broadcast_unref(b);
	}
	assert_int_equal(messages, COUNT);
	free(memory);
}

static void
test_messages_are_joined_up_to_a_limit(void **state)
{
	char memory[128 + BATCH_SLACK];
	struct batch batch = batch_of("one\ntwo\n", memory);
	struct broadcast *first = broadcast_of_records(&batch, scratch);
	struct broadcast *more =
	    broadcast_of_message(MESSAGE_TEXT, (const uint8_t *)"three", 5);
	struct broadcast *joined = first;

	(void)state;
	assert_true(first && more);
	/* One that others refer to stays as it is. */
	(void)broadcast_ref(first);
	assert_true(broadcast_join(&joined, more));
	assert_ptr_not_equal(joined, first);
	assert_int_equal(first->refs, 1);
	expect(broadcast_plain(first), "one|two|");
	expect(broadcast_plain(joined), "one|two|three|");
	assert_int_equal(joined->messages, 3);
	assert_int_equal(joined->refs, 1);
	while (joined->len + more->len <= BROADCAST_JOINED_MAX)
		assert_true(broadcast_join(&joined, more));
	assert_false(broadcast_join(&joined, more));
	assert_int_equal(joined->bytes, 6 + 5 * (joined->messages - 2));
	assert_int_equal(joined->len, joined->bytes + 2 * joined->messages);
	broadcast_unref(first);
	broadcast_unref(more);
	broadcast_unref(joined);
}

static void
test_a_long_message_is_fragmented_and_sent_in_pieces(void **state)
{
	size_t len = 5 * BROADCAST_FRAME_MAX + 7;
	uint8_t *bytes = calloc(1, len);
	struct broadcast *b;
	struct broadcast_form form;
	size_t left, pieces = 0, frames = 0;

	(void)state;
	assert_non_null(bytes);
	b = broadcast_of_message(MESSAGE_BINARY, bytes, len);
	assert_non_null(b);
	form = broadcast_plain(b);
	for (left = form.len; left > 0; pieces++) {
		size_t n = broadcast_piece(&form, left);

		assert_true(n > 0 && n <= BROADCAST_PIECE_MAX);
		for (size_t i = 0; i < n; frames++) {
			struct frame_header header;
			const uint8_t *frame = form.bytes + form.len - left + i;

			i += (size_t)frame_read_header(frame, n - i, &header);
			i += (size_t)header.len;
			assert_true(i <= n); /* no frame is cut */
			assert_int_equal(header.opcode, frames == 0 ? FRAME_BINARY : 0);
		}
		left -= n;
	}
	assert_int_equal(frames, 6);
	assert_true(pieces > 1);
	broadcast_unref(b);
	free(bytes);
}

static void
test_the_compressed_form_has_the_same_messages(void **state)
{
	struct deflate_agreed agreed = {.server_bits = 11};
	struct deflater *d = deflater_new(&agreed, 4);
	char memory[512 + BATCH_SLACK];
	char text[400];
	struct broadcast *b;
	struct batch batch;
	struct broadcast_form form;

	(void)state;
	memset(text, 'x', 300);
	strcpy(text + 300, "\nshort\n\n");
	batch = batch_of(text, memory);
	b = broadcast_of_records(&batch, scratch);
	assert_non_null(b);
	form = broadcast_deflated(b, d, 64);
	assert_true(form.len < 40);
	memset(text, 'x', 300);
	strcpy(text + 300, "|short||");
	expect(form, text);
	/* Once for all. */
	assert_ptr_equal(broadcast_deflated(b, NULL, 64).bytes, form.bytes);
	expect(broadcast_plain(b), text);
	broadcast_unref(b);
	deflater_free(d);
}

static void
test_a_long_message_is_compressed_in_its_fragments(void **state)
{
	struct deflate_agreed agreed = {.server_bits = 15};
	struct deflater *d = deflater_new(&agreed, 4);
	size_t len = 3 * BROADCAST_FRAME_MAX;
	uint8_t *bytes = malloc(len);
	struct buffer out = {0};
	struct broadcast *b;
	struct broadcast_form form;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i % 251);
	b = broadcast_of_message(MESSAGE_BINARY, bytes, len);
	assert_non_null(b);
	form = broadcast_deflated(b, d, 64);
	assert_true(form.len < len / 4);
	show(&form, &out);
	assert_int_equal(buffer_len(&out), len + 3);
	assert_memory_equal(buffer_data(&out), bytes, BROADCAST_FRAME_MAX);
	buffer_clear(&out);
	broadcast_unref(b);
	deflater_free(d);
	free(bytes);
}

static void
test_a_tail_is_the_last_messages(void **state)
{
	char memory[128 + BATCH_SLACK];
	struct batch batch = batch_of("1\n22\n333\n", memory);
	struct broadcast *b = broadcast_of_records(&batch, scratch);
	struct broadcast *tail;

	(void)state;
	assert_non_null(b);
	tail = broadcast_tail(b, 2);
	assert_non_null(tail);
	assert_int_equal(tail->messages, 2);
	assert_int_equal(tail->bytes, 5);
	broadcast_unref(b);
	expect(broadcast_plain(tail), "22|333|");
	broadcast_unref(tail);
	broadcast_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_records_are_encoded_up_to_what_is_not_utf8),
	    cmocka_unit_test(test_many_records_are_several_broadcasts),
	    cmocka_unit_test(test_messages_are_joined_up_to_a_limit),
	    cmocka_unit_test(test_a_long_message_is_fragmented_and_sent_in_pieces),
	    cmocka_unit_test(test_the_compressed_form_has_the_same_messages),
	    cmocka_unit_test(test_a_long_message_is_compressed_in_its_fragments),
	    cmocka_unit_test(test_a_tail_is_the_last_messages),
	};

	return cmocka_run_group_tests_name("broadcast", tests, NULL, NULL);
}
