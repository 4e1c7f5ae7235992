/* SPDX-License-Identifier: BSD-2-Clause */
/* Each framing: whole, byte by byte and split at every position; what is malformed, and what is
 * too long. */
#include "framing/framing.h"

#include "base/utf8.h"
#include "framing/framing_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct framing
of_kind(enum framing_kind kind)
{
	return (struct framing){.kind = kind};
}

/*
 * What came out, as text: each message as its bytes and '|', in front of binary ones '#'; the
 * parts of one are joined. "close 4001 why|", "bad why: bytes|", "too big|".
 */
struct transcript {
	struct buffer text;
	bool in_message;
};

static void
put(struct transcript *t, const void *bytes, size_t len)
{
	assert_true(buffer_append(&t->text, bytes, len));
}

static void
put_words(struct transcript *t, const char *words)
{
	put(t, words, strlen(words));
}

static void
note(struct transcript *t, enum framing_event event, const struct framing_item *item)
{
	const struct message *m = &item->message;
	char code[32];

	switch (event) {
	case FRAMING_MORE:
	case FRAMING_NOMEM:
		fail();
		return;
	case FRAMING_MESSAGE:
	case FRAMING_PART:
		if (!t->in_message && m->type == MESSAGE_BINARY)
			put_words(t, "#");
		t->in_message = event == FRAMING_PART;
		break;
	case FRAMING_CLOSE:
		snprintf(code, sizeof(code), "close %u ", item->code);
		put_words(t, code);
		break;
	case FRAMING_BAD:
		put_words(t, "bad ");
		put_words(t, item->why);
		put_words(t, ": ");
		break;
	case FRAMING_TOO_BIG:
		put_words(t, "too big|");
		return;
	}
	put(t, m->data, m->len);
	if (event != FRAMING_PART)
		put_words(t, "|");
}

/* Feeds a copy of LEN bytes, of exactly that size, so that a sanitizer sees each step beyond
 * it. */
static void
feed(struct framing_reader *r, struct transcript *t, const char *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct framing_item item;
	enum framing_event event;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	framing_feed(r, copy, len);
	while ((event = framing_next(r, &item)) != FRAMING_MORE)
		note(t, event, &item);
	free(copy);
}

static void
finish(struct framing_reader *r, struct transcript *t)
{
	struct framing_item item;
	enum framing_event event = framing_end(r, &item);

	if (event != FRAMING_MORE)
		note(t, event, &item);
	if (r->over)
		assert_int_equal(framing_end(r, &item), FRAMING_MORE);
	framing_clear(r);
	framing_clear(r);
}

static void
expect(struct transcript *t, const char *expected, size_t len)
{
	assert_int_equal(buffer_len(&t->text), len);
	if (len > 0)
		assert_memory_equal(buffer_data(&t->text), expected, len);
	buffer_clear(&t->text);
}

/* IN becomes OUT, however it is cut. */
struct read_case {
	struct span in;
	struct span out;
};

static void
check_split_everywhere(const struct framing *framing, const struct read_case *c)
{
	struct framing_reader r;

	for (size_t cut = 0; cut <= c->in.len; cut++) {
		struct transcript t = {0};

		framing_init(&r, framing);
		feed(&r, &t, c->in.data, cut);
		feed(&r, &t, c->in.data + cut, c->in.len - cut);
		finish(&r, &t);
		expect(&t, c->out.data, c->out.len);
	}
	struct transcript t = {0};

	framing_init(&r, framing);
	for (size_t k = 0; k < c->in.len; k++)
		feed(&r, &t, c->in.data + k, 1);
	finish(&r, &t);
	expect(&t, c->out.data, c->out.len);
}

static void
check_cases(struct framing framing, const struct read_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_split_everywhere(&framing, &cases[i]);
}

#define C(in, out)                                                                             \
	{                                                                                      \
		{(in), sizeof(in) - 1},                                                        \
		{                                                                              \
			(out), sizeof(out) - 1                                                 \
		}                                                                              \
	}
#define CHECK_CASES(framing, cases) check_cases((framing), (cases), UTIL_LEN(cases))

static void
lines_are_messages(void **state)
{
	static const struct read_case cases[] = {
	    C("", ""),
	    C("one\n", "one|"),
	    C("one\ntwo\n", "one|two|"),
	    C("one\r\ntwo\r\n", "one|two|"),
	    C("\n\n", "||"),
	    C("\r\n", "|"),
	    C("a\rb\n", "a\rb|"),
	    C("a\r\r\n", "a\r|"),
	    C("last", "last|"),
	    C("one\nlast", "one|last|"),
	    C("last\r", "last\r|"),
	    C("\r", "\r|"),
	};

	(void)state;
	CHECK_CASES(of_kind(FRAMING_LINES), cases);
}

static void
nul_ends_a_record(void **state)
{
	static const struct read_case cases[] = {
	    C("one\0two\nlines\r\n\0", "one|two\nlines\r\n|"),
	    C("\0\0", "||"),
	    C("a\r\0", "a\r|"),
	    C("last", "last|"),
	};

	(void)state;
	CHECK_CASES(of_kind(FRAMING_NUL), cases);
}

static void
length_keeps_bounds(void **state)
{
	static const struct read_case cases[] = {
	    C("\0\0\0\3a\nb", "#a\nb|"),
	    C("\0\0\0\0\0\0\0\1\0", "#|#\0|"),
	    C("\0\0\0\5abc", "bad the output ends in the middle of a record: \0\0\0\5abc|"),
	    C("\0\0", "bad the output ends in the middle of a record: \0\0|"),
	    C("\0\0\0\1", "bad the output ends in the middle of a record: \0\0\0\1|"),
	    C("help", "bad the output ends in the middle of a record: help|"),
	};
	static const struct read_case text[] = {C("\0\0\0\2hi\0\0\0\0", "hi||")};
	struct framing as_text = {.kind = FRAMING_LENGTH, .text = true};

	(void)state;
	CHECK_CASES(of_kind(FRAMING_LENGTH), cases);
	CHECK_CASES(as_text, text);
}

static void
lsp_reads_heads(void **state)
{
	static const struct read_case cases[] = {
	    C("Content-Length: 2\r\n\r\n{}", "{}|"),
	    C("Content-Length: 0\r\n\r\nContent-Length: 1\r\n\r\nx", "|x|"),
	    C("Content-Type: application/vscode-jsonrpc; "
	      "charset=utf-8\r\ncontent-length:3\r\n\r\na\r\n",
		"a\r\n|"),
	    C("Starting...\n", "bad header line does not end with CR LF: Starting...\n|"),
	    C("Starting\r\n", "bad header line without a colon: Starting\r\n|"),
	    C("a b: c\r\n", "bad invalid header name: a b: c\r\n|"),
	    C("\r\n", "bad headers without Content-Length: \r\n|"),
	    C("X: y\r\n\r\n", "bad headers without Content-Length: X: y\r\n\r\n|"),
	    C("Content-Length: 1\r\n\r\nxX: y\r\nz\r\n",
		"x|bad header line without a colon: X: y\r\nz\r\n|"),
	    C("Content-Length: -1\r\n", "bad invalid Content-Length: Content-Length: -1\r\n|"),
	    C("Content-Length: 1\r\nContent-Length: 1\r\n",
		"bad repeated Content-Length: Content-Length: 1\r\nContent-Length: 1\r\n|"),
	    C("Content-Length: 5\r\n\r\nabc",
		"bad the output ends in the middle of a record: Content-Length: 5\r\n\r\nabc|"),
	    C("content-length:5\r\n\r\n",
		"bad the output ends in the middle of a record: Content-Length: 5\r\n\r\n|"),
	    C("Content-Length: 5\r\n",
		"bad the output ends in the middle of a record: Content-Length: 5\r\n|"),
	    C("Content-Length: 5\r\nX: y",
		"bad the output ends in the middle of a record: Content-Length: 5\r\nX: y|"),
	    C("Content-L", "bad the output ends in the middle of a record: Content-L|"),
	};
	/* Only what must be kept whole has a limit. */
	static const struct read_case no_limit[] = {
	    C("Content-Length: 4\r\n\r\nabcd", "abcd|"),
	};
	struct framing limited = {.kind = FRAMING_LSP, .max_record = 3};
	struct transcript t = {0};
	struct framing_reader r;
	char line[300];

	(void)state;
	CHECK_CASES(of_kind(FRAMING_LSP), cases);
	CHECK_CASES(limited, no_limit);

	/* A line that never ends, and a head that never ends. */
	memset(line, 'x', sizeof(line));
	framing_init(&r, &limited);
	feed(&r, &t, line, sizeof(line));
	finish(&r, &t);
	assert_memory_equal(
	    buffer_data(&t.text), "bad header line longer than 256 bytes: xxx", 42);
	buffer_clear(&t.text);
	framing_init(&r, &limited);
	for (int i = 0; i < 17; i++)
		feed(&r, &t, "X: y\r\n", 6);
	finish(&r, &t);
	expect(&t,
	    "bad more than 16 header lines: X: y\r\nX: y\r\nX: y\r\nX: y\r\nX: y\r\nX: y\r\n"
	    "X: y\r\nX: y\r\nX: y\r\nX: y\r\nX: y|",
	    31 + FRAMING_SHOWN_MAX + 1);
}

static void
json_says_type_and_bytes(void **state)
{
	static const struct read_case cases[] = {
	    C("{\"type\":\"text\",\"data\":\"a\\nb\\u0000\"}\n", "a\nb\0|"),
	    C("{\"data\":\"\",\"type\":\"text\",\"more\":[1,{}]}\r\n", "|"),
	    C("\n \r\n{\"type\":\"binary\",\"data\":\"AAEC/w==\"}", "#\0\1\2\xff|"),
	    C("{\"type\":\"binary\",\"data\":\"\"}\n", "#|"),
	    C("{\"type\":\"close\",\"code\":4001,\"reason\":\"enough\"}\n{\n",
		"close 4001 enough|"),
	    C("{\"type\":\"close\"}\n", "close 1000 |"),
	    C("hello\n", "bad invalid JSON: hello\n|"),
	    C("{\"type\":\"text\",\"type\":\"text\",\"data\":\"\"}\n",
		"bad invalid JSON: "
		"{\"type\":\"text\",\"type\":\"text\",\"data\":\"\"}\n|"),
	    C("[]\n", "bad not an object with the \"type\" text, binary or close: []\n|"),
	    C("{}\n", "bad not an object with the \"type\" text, binary or close: {}\n|"),
	    C("{\"type\":1}\n", "bad not an object with the \"type\" text, binary or "
				"close: {\"type\":1}\n|"),
	    C("{\"type\":\"text\"}\n", "bad \"data\" is not a string: {\"type\":\"text\"}\n|"),
	    C("{\"type\":\"text\",\"data\":\"\xff\"}\n",
		"bad invalid JSON: {\"type\":\"text\",\"data\":\"\xff\"}\n|"),
	    C("{\"type\":\"close\",\"code\":5000}\n",
		"bad \"code\" is not a number from 1000 to 4999: "
		"{\"type\":\"close\",\"code\":5000}\n|"),
	    C("{\"type\":\"close\",\"reason\":1}\n", "bad \"reason\" is not a string: "
						     "{\"type\":\"close\",\"reason\":1}\n|"),
	    C("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{\",\"type\":\"text\",\"data\":\"x\"}",
		"x|"),
	    C("[[[[[[[[[[[[[[[[[", "bad invalid JSON: [[[[[[[[[[[[[[[[[|"),
	    C("{\"type\":\"text\"", "bad invalid JSON: {\"type\":\"text\"|"),
	};
	static const struct read_case limit[] = {
	    C("{\"type\":\"text\",\"data\":\"abc\"}\n", "abc|"),
	    C("{\"type\":\"text\",\"data\":\"abcd\"}\n", "too big|"),
	    C("{\"type\":\"text\",\"data\":\"\\u0041\"}\n", "too big|"),
	    C("{\"type\":\"text\",\"data\":\"abcdefghijkl", "too big|"),
	};
	struct framing limited = {.kind = FRAMING_JSON, .max_record = 29};

	(void)state;
	CHECK_CASES(of_kind(FRAMING_JSON), cases);
	CHECK_CASES(limited, limit);
}

/* Reads a line of the framing json, which is all that there is. */
static enum framing_event
read_json(char *line, size_t len, struct framing_reader *r, struct framing_item *item)
{
	static const struct framing framing = {.kind = FRAMING_JSON};

	framing_init(r, &framing);
	framing_feed(r, (uint8_t *)line, len);
	return framing_next(r, item);
}

/* LINE is read as it is by the fast path, after a blank by jansson: with the same result. */
static void
check_json_paths(const char *line, size_t len, bool fast)
{
	char one[128], other[128];
	struct framing_reader r, s;
	struct framing_item a = {0}, b = {0};
	enum framing_event event;

	assert_true(len + 2 < sizeof(one));
	memcpy(one, line, len);
	one[len] = '\n';
	other[0] = ' ';
	memcpy(other + 1, one, len + 1);
	event = read_json(one, len + 1, &r, &a);
	assert_int_equal(event, read_json(other, len + 2, &s, &b));
	assert_int_equal(event != FRAMING_MORE && a.message.data > (uint8_t *)one &&
			     a.message.data < (uint8_t *)one + sizeof(one),
	    fast);
	if (event == FRAMING_MESSAGE) {
		assert_int_equal(a.message.type, b.message.type);
		assert_int_equal(a.message.len, b.message.len);
		if (a.message.len > 0)
			assert_memory_equal(a.message.data, b.message.data, a.message.len);
		assert_int_equal(framing_next(&r, &a), FRAMING_MORE);
	} else if (event == FRAMING_BAD) {
		assert_string_equal(a.why, b.why);
	}
	framing_clear(&r);
	framing_clear(&s);
}

#define TEXT(text) "{\"type\":\"text\",\"data\":\"" text "\"}"

static void
json_is_read_alike_on_both_paths(void **state)
{
	static const struct {
		struct span line;
		bool fast;
	} rows[] = {
#define FAST(text) {{(text), sizeof(text) - 1}, true}
#define SLOW(text)                                                                             \
	{                                                                                      \
		{(text), sizeof(text) - 1}, false                                              \
	}
	    FAST(TEXT("")),
	    FAST(TEXT("a")),
	    FAST(TEXT("fifteen bytes: ")),
	    FAST(TEXT("sixteen bytes:  ")),
	    FAST(TEXT("seventeen bytes: ")),
	    FAST(TEXT("{'a':[1]} / \x7f")),
	    FAST(TEXT("a") " \t\r"),
	    FAST(TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")),
	    FAST(TEXT("\xef\xbf\xbf\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80")),
	    FAST(TEXT("\xe2\x80\xa8\xef\xbb\xbf")),
	    SLOW(TEXT("\xe2\x82")),
	    SLOW(TEXT("\xc0\x80")),
	    SLOW(TEXT("\xe0\x9f\xbf")),
	    SLOW(TEXT("\xed\xa0\x80")),
	    SLOW(TEXT("\xf4\x90\x80\x80")),
	    SLOW(TEXT("\xf0\x8f\xbf\xbf")),
	    SLOW(TEXT("fifteen bytes: \xff sixteen more bytes")),
	    SLOW(TEXT("a\\nb")),
	    SLOW(TEXT("a\\\"")),
	    SLOW(TEXT("\\")),
	    SLOW(TEXT("\\u0041\\ud83d\\ude00")),
	    SLOW(TEXT("\\ud800")),
	    SLOW(TEXT("\\u0000")),
	    SLOW(TEXT("fifteen bytes: \t sixteen more bytes")),
	    SLOW(TEXT("fifteen bytes: \0 sixteen more bytes")),
	    SLOW(TEXT("fifteen bytes: \" sixteen more bytes")),
	    SLOW(TEXT("a\",\"data\":\"b")),
	    SLOW(TEXT("a\",\"type\":\"binary")),
	    SLOW(TEXT("a\",\"more\":\"b")),
	    SLOW(TEXT("a") "}"),
	    SLOW(TEXT("a") "\0"),
	    SLOW(TEXT("a") "\v"),
	    SLOW(TEXT("a") TEXT("b")),
	    SLOW("{\"type\":\"text\",\"data\":\"}"),
	    SLOW("{\"type\":\"text\",\"data\":\""),
	    SLOW("{\"type\":\"text\",\"data\":\"a\""),
	    SLOW("{\"type\":\"text\",\"data\":\"a\" }"),
	    SLOW("{\"type\": \"text\",\"data\":\"a\"}"),
	    SLOW("{\"data\":\"a\",\"type\":\"text\"}"),
	    SLOW("{\"type\":\"text\",\"data\":1}"),
	    SLOW("{\"type\":\"TEXT\",\"data\":\"a\"}"),
	    SLOW("{\"type\":\"binary\",\"data\":\"AAEC\"}"),
	};
	static const char head[] = "{\"type\":\"text\",\"data\":\"";
	char line[64];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		check_json_paths(rows[i].line.data, rows[i].line.len, rows[i].fast);
	/* Each pair of bytes but ends of lines. */
	for (unsigned int pair = 0; pair < 0x10000; pair++) {
		const uint8_t bytes[] = {(uint8_t)(pair >> 8), (uint8_t)pair};
		bool plain = utf8_valid(bytes, 2);

		if (bytes[0] == '\n' || bytes[1] == '\n')
			continue;
		for (int i = 0; i < 2; i++)
			plain =
			    plain && bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\';
		memcpy(line, head, sizeof(head) - 1);
		memcpy(line + sizeof(head) - 1, bytes, 2);
		memcpy(line + sizeof(head) + 1, "\"}", 2);
		check_json_paths(line, sizeof(head) + 3, plain);
	}
}

static void
base64_is_read_strictly(void **state)
{
	static const char *const bad[] = {"A", "AA", "AAA", "A===", "AA=A", "====", "=AAA",
	    "AAAA=", "AA==AAAA", " AAAA", "AAA\\n", "AA-_", "AAAAA"};
	static const char *const good[] = {"", "AAAA", "AA==", "AAA=", "+/+/", "/w=="};

	(void)state;
	for (int is_good = 0; is_good < 2; is_good++) {
		for (size_t i = 0; i < (is_good ? UTIL_LEN(good) : UTIL_LEN(bad)); i++) {
			struct framing framing = of_kind(FRAMING_JSON);
			struct framing_reader r;
			struct framing_item item;
			char line[128];
			int len = snprintf(line, sizeof(line),
			    "{\"type\":\"binary\",\"data\":\"%s\"}\n",
			    is_good ? good[i] : bad[i]);

			framing_init(&r, &framing);
			framing_feed(&r, (uint8_t *)line, (size_t)len);
			assert_int_equal(
			    framing_next(&r, &item), is_good ? FRAMING_MESSAGE : FRAMING_BAD);
			if (!is_good)
				assert_string_equal(item.why, "\"data\" is not valid base64");
			framing_clear(&r);
		}
	}
}

/* A line that never ends is not kept without end. */
static void
json_lines_are_bounded(void **state)
{
	struct framing framing = {.kind = FRAMING_JSON, .max_record = 1000};
	struct framing_reader r;
	struct framing_item item;
	enum framing_event event = FRAMING_MORE;
	uint8_t bytes[64];
	size_t fed = 0;

	(void)state;
	framing_init(&r, &framing);
	while (event == FRAMING_MORE) {
		memset(bytes, ' ', sizeof(bytes));
		framing_feed(&r, bytes, sizeof(bytes));
		event = framing_next(&r, &item);
		fed += sizeof(bytes);
		assert_true(fed <= 1024);
	}
	assert_int_equal(event, FRAMING_TOO_BIG);
	framing_clear(&r);
}

static void
a_line_that_was_read_whole_is_not_copied(void **state)
{
	uint8_t bytes[] = "one\ntwo\n";
	struct framing framing = of_kind(FRAMING_LINES);
	struct framing_reader r;
	struct framing_item item;

	(void)state;
	framing_init(&r, &framing);
	framing_feed(&r, bytes, sizeof(bytes) - 1);
	assert_int_equal(framing_next(&r, &item), FRAMING_MESSAGE);
	assert_ptr_equal(item.message.data, bytes);
	assert_int_equal(item.message.type, MESSAGE_TEXT);
	assert_int_equal(framing_next(&r, &item), FRAMING_MESSAGE);
	assert_ptr_equal(item.message.data, bytes + 4);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	assert_null(buffer_data(&r.partial));
}

/* Feeds N times C in pieces, then TAIL; returns the parts and how long they were together. */
static size_t
feed_long(size_t n, size_t piece, const char *tail, unsigned int *parts, unsigned int *messages)
{
	struct framing framing = of_kind(FRAMING_LINES);
	struct framing_reader r;
	struct framing_item item;
	enum framing_event event;
	uint8_t *block = malloc(piece);
	size_t total = 0;
	size_t tail_len = strlen(tail);

	assert_non_null(block);
	*parts = *messages = 0;
	framing_init(&r, &framing);
	for (size_t fed = 0; fed <= n; fed += piece) {
		size_t len = fed < n ? (n - fed < piece ? n - fed : piece) : tail_len;

		if (fed < n)
			memset(block, 'x', len);
		else
			memcpy(block, tail, len);
		framing_feed(&r, block, len);
		while ((event = framing_next(&r, &item)) != FRAMING_MORE) {
			*parts += event == FRAMING_PART;
			*messages += event == FRAMING_MESSAGE;
			assert_true(item.message.len <= FRAMING_PART_MAX);
			total += item.message.len;
		}
		assert_true(buffer_len(&r.partial) < FRAMING_PART_MAX);
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
a_long_line_leaves_in_parts(void **state)
{
	unsigned int parts;
	unsigned int messages;

	(void)state;
	assert_int_equal(feed_long(FRAMING_PART_MAX - 1, 1000, "\n", &parts, &messages),
	    FRAMING_PART_MAX - 1);
	assert_int_equal(parts, 0);
	assert_int_equal(messages, 1);
	assert_int_equal(
	    feed_long(FRAMING_PART_MAX, 4096, "\n", &parts, &messages), FRAMING_PART_MAX);
	assert_int_equal(parts, 1);
	assert_int_equal(messages, 1);
	assert_int_equal(feed_long(10 * FRAMING_PART_MAX + 7, 65536, "\n", &parts, &messages),
	    10 * FRAMING_PART_MAX + 7);
	assert_int_equal(parts, 10);
	assert_int_equal(messages, 1);
}

static void
a_cr_at_the_cut_of_a_long_line_belongs_to_its_end(void **state)
{
	for (size_t before = FRAMING_PART_MAX - 2; before <= FRAMING_PART_MAX; before++) {
		unsigned int parts;
		unsigned int messages;

		(void)state;
		assert_int_equal(feed_long(before, before, "\r\n", &parts, &messages), before);
		assert_int_equal(messages, 1);
	}
}

/* A part that was read in one piece ends with a whole character, and is not copied. */
static void
a_long_line_is_cut_between_characters(void **state)
{
	struct framing framing = of_kind(FRAMING_LINES);
	struct framing_reader r;
	struct framing_item item;
	static uint8_t bytes[FRAMING_PART_MAX + 3];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t) "\xf0\x9f\x98\x80"[i % 4];
	framing_init(&r, &framing);
	framing_feed(&r, bytes, sizeof(bytes));
	assert_int_equal(framing_next(&r, &item), FRAMING_PART);
	assert_ptr_equal(item.message.data, bytes);
	assert_int_equal(item.message.len, FRAMING_PART_MAX);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	memcpy(bytes, "\x80!\n", 3);
	framing_feed(&r, bytes, 3);
	assert_int_equal(framing_next(&r, &item), FRAMING_MESSAGE);
	assert_int_equal(item.message.len, 5);
	assert_memory_equal(item.message.data, "\xf0\x9f\x98\x80!", 5);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	framing_clear(&r);
}

static void
a_long_line_without_an_end_ends_as_a_message(void **state)
{
	struct framing framing = of_kind(FRAMING_LINES);
	struct framing_reader r;
	struct framing_item item;
	uint8_t *bytes = malloc(FRAMING_PART_MAX);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'y', FRAMING_PART_MAX);
	framing_init(&r, &framing);
	framing_feed(&r, bytes, FRAMING_PART_MAX);
	assert_int_equal(framing_next(&r, &item), FRAMING_PART);
	assert_int_equal(item.message.len, FRAMING_PART_MAX);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	assert_int_equal(framing_end(&r, &item), FRAMING_MESSAGE);
	assert_int_equal(item.message.len, 0);
	framing_clear(&r);
	free(bytes);
}

static void
a_long_record_with_a_length_leaves_in_parts_without_a_copy(void **state)
{
	struct framing framing = of_kind(FRAMING_LENGTH);
	struct framing_reader r;
	struct framing_item item;
	uint8_t bytes[1004] = {0, 1, 0, 1}; /* 65537 */
	size_t got = 0;

	(void)state;
	framing_init(&r, &framing);
	framing_feed(&r, bytes, sizeof(bytes));
	while (framing_next(&r, &item) == FRAMING_PART) {
		assert_null(buffer_data(&r.partial));
		got += item.message.len;
		assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
		framing_feed(&r, bytes, 65537 - got < 1000 ? 65537 - got : 1000);
	}
	assert_int_equal(got, 65000);
	assert_int_equal(item.message.len, 537);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	assert_int_equal(framing_end(&r, &item), FRAMING_MORE);
	framing_clear(&r);
}

/* However long it says it is; what is not whole in the end is malformed, and its head shown. */
static void
a_long_record_of_lsp_leaves_in_parts_without_a_copy(void **state)
{
	static const char head[] = "Content-Length: 9000000000000000000\r\n\r\n";
	struct framing framing = {.kind = FRAMING_LSP, .max_record = 10};
	struct framing_reader r;
	struct framing_item item;
	uint8_t bytes[1000];

	(void)state;
	framing_init(&r, &framing);
	memcpy(bytes, head, sizeof(head) - 1);
	framing_feed(&r, bytes, sizeof(head) - 1);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	for (int i = 0; i < 100; i++) {
		memset(bytes, 'x', sizeof(bytes));
		framing_feed(&r, bytes, sizeof(bytes));
		assert_int_equal(framing_next(&r, &item), FRAMING_PART);
		assert_int_equal(item.message.type, MESSAGE_TEXT);
		assert_ptr_equal(item.message.data, bytes);
		assert_int_equal(item.message.len, sizeof(bytes));
		assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
		assert_null(buffer_data(&r.partial));
	}
	assert_int_equal(framing_end(&r, &item), FRAMING_BAD);
	assert_int_equal(item.message.len, sizeof(head) - 1);
	assert_memory_equal(item.message.data, head, sizeof(head) - 1);
	framing_clear(&r);
}

static void
a_stream_passes_what_comes(void **state)
{
	struct framing framing = of_kind(FRAMING_STREAM);
	uint8_t bytes[] = "a\nb\0c";
	struct framing_reader r;
	struct framing_item item;

	(void)state;
	framing_init(&r, &framing);
	framing_feed(&r, bytes, 5);
	assert_int_equal(framing_next(&r, &item), FRAMING_MESSAGE);
	assert_int_equal(item.message.type, MESSAGE_BINARY);
	assert_int_equal(item.message.len, 5);
	assert_ptr_equal(item.message.data, bytes);
	assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
	assert_int_equal(framing_end(&r, &item), FRAMING_MORE);
}

/* Feeds TEXT cut at CUT; returns the transcript. */
static void
check_text(const char *text, size_t cut, const char *expected)
{
	struct framing framing = of_kind(FRAMING_TEXT);
	struct framing_reader r;
	struct transcript t = {0};

	framing_init(&r, &framing);
	feed(&r, &t, text, cut);
	feed(&r, &t, text + cut, strlen(text) - cut);
	finish(&r, &t);
	expect(&t, expected, strlen(expected));
}

static void
text_is_never_cut_inside_a_character(void **state)
{
	(void)state;
	check_text("> ", 2, "> |");
	check_text("> x", 2, "> |x|");
	check_text("a\xe2\x82\xac", 2, "a|\xe2\x82\xac|");
	check_text("a\xe2\x82\xac", 3, "a|\xe2\x82\xac|");
	check_text("a\xe2\x82\xac!", 4, "a\xe2\x82\xac|!|");
	check_text("\xf0\x9f\x98\x80", 1, "\xf0\x9f\x98\x80|");
	check_text("\xf0\x9f\x98\x80", 3, "\xf0\x9f\x98\x80|");
	/* What can't become a character is not kept back. */
	check_text("a\xff", 2, "a\xff|");
	check_text("\x82\x82\x82\x82", 2, "\x82\x82|\x82\x82|");
	check_text("\xe0\x80x", 2, "\xe0\x80|x|");
	/* The end of the output ends the wait too. */
	check_text("a\xe2\x82", 3, "a|\xe2\x82|");
}

static void
text_byte_by_byte_comes_in_characters(void **state)
{
	static const char text[] = "h\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80.";
	struct framing framing = of_kind(FRAMING_TEXT);
	struct framing_reader r;
	struct transcript t = {0};

	(void)state;
	framing_init(&r, &framing);
	for (size_t i = 0; text[i]; i++)
		feed(&r, &t, text + i, 1);
	finish(&r, &t);
	expect(&t, "h|\xc3\xa4|\xe2\x82\xac|\xf0\x9f\x98\x80|.|", strlen(text) + 5);
}

/* To the child. */

/* What the child reads for a message of LEN bytes; NULL: refused. The caller clears it. */
static struct buffer
wrap(const struct framing *framing, enum message_type type, const char *bytes, size_t len,
    const char **refused)
{
	struct buffer out = {0};
	struct framing_envelope w = {0};
	uint8_t *copy = malloc(len ? len : 1);
	struct message m = {type, copy, len};

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	*refused = NULL;
	assert_true(framing_takes(framing, type));
	switch (framing_wrap(framing, &m, &w, &out)) {
	case FRAMING_AROUND:
		assert_int_equal(m.len, len);
		assert_int_equal(buffer_len(&out), 0);
		assert_true(w.head_len <= FRAMING_HEAD_MAX);
		assert_true(framing->kind == FRAMING_LSP ||
			    w.head_len + w.tail.len <= FRAMING_IN_PLACE_MAX);
		assert_true(buffer_append(&out, w.head, w.head_len) &&
			    buffer_append(&out, copy, len) &&
			    buffer_append(&out, w.tail.data, w.tail.len));
		break;
	case FRAMING_APPENDED:
		break;
	case FRAMING_REFUSED:
		*refused = w.reason;
		break;
	case FRAMING_NO_ROOM:
		fail();
	}
	free(copy);
	return out;
}

static void
messages_become_records(void **state)
{
	static const struct {
		struct framing framing;
		enum message_type type;
		struct span in;
		struct span out;
		const char *refused;
	} rows[] = {
#define W(k, t, in, out)                                                                       \
	{{.kind = (k)}, (t), {(in), sizeof(in) - 1}, {(out), sizeof(out) - 1}, NULL}
#define N(n, in, out, why)                                                                     \
	{                                                                                      \
		{.kind = FRAMING_LINES, .newline = (n)}, MESSAGE_TEXT, {(in), sizeof(in) - 1}, \
		    {(out), sizeof(out) - 1}, (why)                                            \
	}
	    W(FRAMING_LINES, MESSAGE_TEXT, "hi", "hi\n"),
	    W(FRAMING_LINES, MESSAGE_TEXT, "", "\n"),
	    N(FRAMING_NEWLINE_PASS, "a\nb", "a\nb\n", NULL),
	    N(FRAMING_NEWLINE_SPACE, "a\n\r\nb\n", "a \r b \n", NULL),
	    N(FRAMING_NEWLINE_REJECT, "ab", "ab\n", NULL),
	    N(FRAMING_NEWLINE_REJECT, "ab\n", "",
		"message contains a newline (--newline=reject)"),
	    W(FRAMING_STREAM, MESSAGE_BINARY, "a\0b", "a\0b"),
	    W(FRAMING_STREAM, MESSAGE_TEXT, "hi", "hi"),
	    W(FRAMING_TEXT, MESSAGE_TEXT, "hi", "hi"),
	    W(FRAMING_NUL, MESSAGE_TEXT, "a\nb", "a\nb\0"),
	    W(FRAMING_NUL, MESSAGE_TEXT, "", "\0"),
	    {{.kind = FRAMING_NUL}, MESSAGE_TEXT, {"a\0b", 3}, {"", 0},
		"message contains a NUL (--framing-in=nul)"},
	    W(FRAMING_LENGTH, MESSAGE_BINARY, "a\0b", "\0\0\0\3a\0b"),
	    W(FRAMING_LENGTH, MESSAGE_TEXT, "", "\0\0\0\0"),
	    W(FRAMING_LSP, MESSAGE_TEXT, "{}", "Content-Length: 2\r\n\r\n{}"),
	    W(FRAMING_JSON, MESSAGE_TEXT, "a\"\n\0\xc3\xa4<",
		"{\"type\":\"text\",\"data\":\"a\\\"\\n\\u0000\xc3\xa4<\"}\n"),
	    W(FRAMING_JSON, MESSAGE_BINARY, "\0\1\2\xff",
		"{\"type\":\"binary\",\"data\":\"AAEC/w==\"}\n"),
	    W(FRAMING_JSON, MESSAGE_BINARY, "", "{\"type\":\"binary\",\"data\":\"\"}\n"),
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const char *refused;
		struct buffer out = wrap(
		    &rows[i].framing, rows[i].type, rows[i].in.data, rows[i].in.len, &refused);

		if (rows[i].refused)
			assert_string_equal(refused, rows[i].refused);
		else
			assert_null(refused);
		assert_int_equal(buffer_len(&out), rows[i].out.len);
		if (rows[i].out.len > 0)
			assert_memory_equal(
			    buffer_data(&out), rows[i].out.data, rows[i].out.len);
		buffer_clear(&out);
	}
}

static void
binary_messages_are_not_for_all(void **state)
{
	static const bool takes[FRAMING_KINDS] = {[FRAMING_STREAM] = true,
	    [FRAMING_LENGTH] = true,
	    [FRAMING_JSON] = true,
	    [FRAMING_LSP] = true};

	(void)state;
	for (int kind = 0; kind < FRAMING_KINDS; kind++) {
		struct framing framing = of_kind((enum framing_kind)kind);

		assert_true(framing_takes(&framing, MESSAGE_TEXT));
		assert_int_equal(framing_takes(&framing, MESSAGE_BINARY), takes[kind]);
	}
}

/* What is said to a child that says it again comes back: every byte, long ones too. */
static void
json_and_length_are_perfect_echoes(void **state)
{
	static const enum framing_kind kinds[] = {FRAMING_JSON, FRAMING_LENGTH};
	static const size_t sizes[] = {
	    0, 1, 2, 3, 255, 256, 49151, 49152, 49153, 65536, 65537, 300000};

	(void)state;
	for (size_t k = 0; k < UTIL_LEN(kinds); k++) {
		for (size_t i = 0; i < UTIL_LEN(sizes); i++) {
			struct framing framing = of_kind(kinds[k]);
			struct framing_reader r;
			struct framing_item item;
			struct buffer out, got = {0};
			char *bytes = malloc(sizes[i] + 1);
			const char *refused;
			enum framing_event event;

			assert_non_null(bytes);
			for (size_t n = 0; n < sizes[i]; n++)
				bytes[n] = (char)(n * 31 + (n >> 8));
			out = wrap(&framing, MESSAGE_BINARY, bytes, sizes[i], &refused);
			framing_init(&r, &framing);
			framing_feed(&r, buffer_data(&out), buffer_len(&out));
			do {
				event = framing_next(&r, &item);
				assert_int_equal(item.message.type, MESSAGE_BINARY);
				assert_true(
				    buffer_append(&got, item.message.data, item.message.len));
			} while (event == FRAMING_PART);
			assert_int_equal(event, FRAMING_MESSAGE);
			assert_int_equal(buffer_len(&got), sizes[i]);
			if (sizes[i] > 0)
				assert_memory_equal(buffer_data(&got), bytes, sizes[i]);
			assert_int_equal(framing_next(&r, &item), FRAMING_MORE);
			framing_clear(&r);
			buffer_clear(&got);
			buffer_clear(&out);
			free(bytes);
		}
	}
}

static void
events_are_lines_of_json(void **state)
{
	struct buffer out = {0};
	struct framing_json_open open = {
	    .id = 7, .path = SPAN("/a\"b"), .query = SPAN("c=d&e"), .remote = SPAN("[::1]:5")};

	(void)state;
	assert_true(framing_json_put_open(&out, &open));
	open.subprotocol = SPAN("chat");
	assert_true(framing_json_put_open(&out, &open));
	assert_true(framing_json_put_close(&out, 0, 1005, SPAN("")));
	assert_true(buffer_append(&out, "", 1));
	assert_string_equal((const char *)buffer_data(&out),
	    "{\"type\":\"open\",\"id\":7,\"path\":\"/"
	    "a\\\"b\",\"query\":\"c=d&e\",\"remote\":\"[::1]:5\","
	    "\"user\":null,\"subprotocol\":null}\n"
	    "{\"type\":\"open\",\"id\":7,\"path\":\"/"
	    "a\\\"b\",\"query\":\"c=d&e\",\"remote\":\"[::1]:5\","
	    "\"user\":null,\"subprotocol\":\"chat\"}\n"
	    "{\"type\":\"close\",\"code\":1005,\"reason\":\"\"}\n");
	buffer_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_messages),
	    cmocka_unit_test(nul_ends_a_record),
	    cmocka_unit_test(length_keeps_bounds),
	    cmocka_unit_test(lsp_reads_heads),
	    cmocka_unit_test(json_says_type_and_bytes),
	    cmocka_unit_test(base64_is_read_strictly),
	    cmocka_unit_test(json_is_read_alike_on_both_paths),
	    cmocka_unit_test(json_lines_are_bounded),
	    cmocka_unit_test(a_line_that_was_read_whole_is_not_copied),
	    cmocka_unit_test(a_long_line_leaves_in_parts),
	    cmocka_unit_test(a_cr_at_the_cut_of_a_long_line_belongs_to_its_end),
	    cmocka_unit_test(a_long_line_is_cut_between_characters),
	    cmocka_unit_test(a_long_line_without_an_end_ends_as_a_message),
	    cmocka_unit_test(a_long_record_with_a_length_leaves_in_parts_without_a_copy),
	    cmocka_unit_test(a_long_record_of_lsp_leaves_in_parts_without_a_copy),
	    cmocka_unit_test(a_stream_passes_what_comes),
	    cmocka_unit_test(text_is_never_cut_inside_a_character),
	    cmocka_unit_test(text_byte_by_byte_comes_in_characters),
	    cmocka_unit_test(messages_become_records),
	    cmocka_unit_test(binary_messages_are_not_for_all),
	    cmocka_unit_test(json_and_length_are_perfect_echoes),
	    cmocka_unit_test(events_are_lines_of_json),
	};

	return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
