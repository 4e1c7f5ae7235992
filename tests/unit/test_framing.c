/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and streams: whole, byte by byte and split at every position. */
#include "child/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What came out: each message as its text, parts marked with '+', between bars. */
struct transcript {
	struct buffer text;
};

static void
put(struct transcript *t, const void *bytes, size_t len)
{
	assert_true(buffer_append(&t->text, bytes, len));
}

static void
note(struct transcript *t, enum framing_event event, const struct message *m)
{
	assert_true(event == FRAMING_MESSAGE || event == FRAMING_PART);
	if (m->len > 0)
		put(t, m->data, m->len);
	put(t, event == FRAMING_MESSAGE ? "|" : "+", 1);
}

/* Feeds a copy of LEN bytes, of exactly that size, so that a sanitizer sees each step beyond it. */
static void
feed(struct framing_reader *r, struct transcript *t, const char *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct message m;
	enum framing_event event;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	framing_feed(r, copy, len);
	while ((event = framing_next(r, &m)) != FRAMING_MORE)
		note(t, event, &m);
	free(copy);
}

static void
finish(struct framing_reader *r, struct transcript *t)
{
	struct message m;

	if (framing_end(r, &m) == FRAMING_MESSAGE)
		note(t, FRAMING_MESSAGE, &m);
	assert_int_equal(framing_end(r, &m), FRAMING_MORE);
	framing_clear(r);
	put(t, "", 1);
}

static void
expect(struct transcript *t, const char *expected)
{
	assert_string_equal((const char *)buffer_data(&t->text), expected);
	buffer_clear(&t->text);
}

static void
test_lines_split_everywhere(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{"", ""},
		{"one\n", "one|"},
		{"one\ntwo\n", "one|two|"},
		{"one\r\ntwo\r\n", "one|two|"},
		{"\n\n", "||"},
		{"\r\n", "|"},
		{"a\rb\n", "a\rb|"},
		{"a\r\r\n", "a\r|"},
		{"last", "last|"},
		{"one\nlast", "one|last|"},
		{"last\r", "last\r|"},
		{"\r", "\r|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].in);

		for (size_t cut = 0; cut <= len; cut++) {
			struct framing_reader r;
			struct transcript t = {0};

			framing_init(&r, FRAMING_LINES);
			feed(&r, &t, cases[i].in, cut);
			feed(&r, &t, cases[i].in + cut, len - cut);
			finish(&r, &t);
			expect(&t, cases[i].out);
		}
		struct framing_reader r;
		struct transcript t = {0};

		framing_init(&r, FRAMING_LINES);
		for (size_t k = 0; k < len; k++)
			feed(&r, &t, cases[i].in + k, 1);
		finish(&r, &t);
		expect(&t, cases[i].out);
	}
}

static void
test_a_line_that_was_read_whole_is_not_copied(void **state)
{
	uint8_t bytes[] = "one\ntwo\n";
	struct framing_reader r;
	struct message m;

	(void)state;
	framing_init(&r, FRAMING_LINES);
	framing_feed(&r, bytes, sizeof(bytes) - 1);
	assert_int_equal(framing_next(&r, &m), FRAMING_MESSAGE);
	assert_ptr_equal(m.data, bytes);
	assert_int_equal(m.type, MESSAGE_TEXT);
	assert_int_equal(framing_next(&r, &m), FRAMING_MESSAGE);
	assert_ptr_equal(m.data, bytes + 4);
	assert_int_equal(framing_next(&r, &m), FRAMING_MORE);
	assert_null(r.held.block);
}

/* Feeds N times C in pieces, then TAIL; returns the parts and how long they were together. */
static size_t
feed_long(size_t n, size_t piece, const char *tail, unsigned int *parts, unsigned int *messages)
{
	struct framing_reader r;
	struct message m;
	enum framing_event event;
	uint8_t *block = malloc(piece);
	size_t total = 0;
	size_t tail_len = strlen(tail);

	assert_non_null(block);
	*parts = *messages = 0;
	framing_init(&r, FRAMING_LINES);
	for (size_t fed = 0; fed <= n; fed += piece) {
		size_t len = fed < n ? (n - fed < piece ? n - fed : piece) : tail_len;

		if (fed < n)
			memset(block, 'x', len);
		else
			memcpy(block, tail, len);
		framing_feed(&r, block, len);
		while ((event = framing_next(&r, &m)) != FRAMING_MORE) {
			*parts += event == FRAMING_PART;
			*messages += event == FRAMING_MESSAGE;
			assert_true(m.len <= FRAMING_PART_MAX);
			total += m.len;
		}
		assert_true(buffer_len(&r.held) < FRAMING_PART_MAX);
		if (fed >= n)
			break;
		if (n - fed <= piece)
			fed = n - piece;
	}
	free(block);
	framing_clear(&r);
	return total;
}

static void
test_a_long_line_leaves_in_parts(void **state)
{
	unsigned int parts;
	unsigned int messages;

	(void)state;
	assert_int_equal(feed_long(FRAMING_PART_MAX - 1, 1000, "\n", &parts, &messages), FRAMING_PART_MAX - 1);
	assert_int_equal(parts, 0);
	assert_int_equal(messages, 1);
	assert_int_equal(feed_long(FRAMING_PART_MAX, 4096, "\n", &parts, &messages), FRAMING_PART_MAX);
	assert_int_equal(parts, 1);
	assert_int_equal(messages, 1);
	assert_int_equal(feed_long(10 * FRAMING_PART_MAX + 7, 65536, "\n", &parts, &messages),
	    10 * FRAMING_PART_MAX + 7);
	assert_int_equal(parts, 10);
	assert_int_equal(messages, 1);
}

static void
test_a_cr_at_the_cut_of_a_long_line_belongs_to_its_end(void **state)
{
	for (size_t before = FRAMING_PART_MAX - 2; before <= FRAMING_PART_MAX; before++) {
		unsigned int parts;
		unsigned int messages;

		(void)state;
		assert_int_equal(feed_long(before, before, "\r\n", &parts, &messages), before);
		assert_int_equal(messages, 1);
	}
}

static void
test_a_long_line_without_an_end_ends_as_a_message(void **state)
{
	struct framing_reader r;
	struct transcript t = {0};
	char *bytes = malloc(FRAMING_PART_MAX);
	struct message m;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'y', FRAMING_PART_MAX);
	framing_init(&r, FRAMING_LINES);
	feed(&r, &t, bytes, FRAMING_PART_MAX);
	assert_int_equal(buffer_len(&t.text), FRAMING_PART_MAX + 1);
	assert_int_equal(framing_end(&r, &m), FRAMING_MESSAGE);
	assert_int_equal(m.len, 0);
	framing_clear(&r);
	buffer_clear(&t.text);
	free(bytes);
}

static void
test_a_stream_passes_what_comes(void **state)
{
	uint8_t bytes[] = "a\nb\0c";
	struct framing_reader r;
	struct message m;

	(void)state;
	framing_init(&r, FRAMING_STREAM);
	framing_feed(&r, bytes, 5);
	assert_int_equal(framing_next(&r, &m), FRAMING_MESSAGE);
	assert_int_equal(m.type, MESSAGE_BINARY);
	assert_int_equal(m.len, 5);
	assert_ptr_equal(m.data, bytes);
	assert_int_equal(framing_next(&r, &m), FRAMING_MORE);
	assert_int_equal(framing_end(&r, &m), FRAMING_MORE);
}

static void
test_suffixes(void **state)
{
	(void)state;
	assert_true(span_equal(framing_suffix(FRAMING_LINES), SPAN("\n")));
	assert_int_equal(framing_suffix(FRAMING_STREAM).len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_split_everywhere),
		cmocka_unit_test(test_a_line_that_was_read_whole_is_not_copied),
		cmocka_unit_test(test_a_long_line_leaves_in_parts),
		cmocka_unit_test(test_a_cr_at_the_cut_of_a_long_line_belongs_to_its_end),
		cmocka_unit_test(test_a_long_line_without_an_end_ends_as_a_message),
		cmocka_unit_test(test_a_stream_passes_what_comes),
		cmocka_unit_test(test_suffixes),
	};

	return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
