/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder. Each case is bytes from a client and the events they must give,
 * written down as words; it is fed whole, byte by byte, and cut at every place, and
 * must say the same each time. The names in brackets are rows of the list of
 * attacks that the decoder stands against.
 */
#include "websocket/decoder.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FIN = 0x80, MAX_MESSAGE = 1000, TRACE_SHORT = 40 };

/* What a client sends. */
struct wire {
	uint8_t bytes[70000];
	size_t len;
};

/* What the decoder said: "text(hi) ping() fail(1002)". */
struct trace {
	char text[4096];
	size_t len;
	size_t end_at; /* how many bytes were fed when CLOSE or FAIL came; 0 when none did */
};

/* Memory runs out when this comes to 0; below 0 it never does. */
static int reserves_left = -1;

uint8_t *__real_buffer_reserve(struct buffer *b, size_t len);
uint8_t *__wrap_buffer_reserve(struct buffer *b, size_t len);

uint8_t *
__wrap_buffer_reserve(struct buffer *b, size_t len)
{
	if (reserves_left == 0)
		return NULL;
	if (reserves_left > 0)
		reserves_left--;
	return __real_buffer_reserve(b, len);
}

/* Likewise. */
bool __real_buffer_append(struct buffer *b, const void *bytes, size_t len);
bool __wrap_buffer_append(struct buffer *b, const void *bytes, size_t len);

bool
__wrap_buffer_append(struct buffer *b, const void *bytes, size_t len)
{
	return reserves_left != 0 && __real_buffer_append(b, bytes, len);
}

static void
add_raw(struct wire *w, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(w->bytes) - w->len);
	memcpy(w->bytes + w->len, bytes, len);
	w->len += len;
}

/* A masked frame, or the header of one of which only the first CAME bytes come. */
static void
add_part(struct wire *w, uint8_t first, const void *payload, size_t len, size_t came)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t header[FRAME_SERVER_HEADER_MAX];
	size_t size = frame_write_header(header, false, 0, FRAME_CONTINUATION, len);

	header[0] = first;
	header[1] |= 0x80;
	add_raw(w, header, size);
	add_raw(w, mask, sizeof(mask));
	add_raw(w, payload, came);
	simd->unmask(w->bytes + w->len - came, w->bytes + w->len - came, came, mask, 0);
}

static void
add(struct wire *w, uint8_t first, const void *payload, size_t len)
{
	add_part(w, first, payload, len, len);
}

static void
add_text(struct wire *w, uint8_t first, const char *payload)
{
	add(w, first, payload, strlen(payload));
}

static void __attribute__((format(printf, 2, 3)))
tell(struct trace *trace, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(trace->text + trace->len, sizeof(trace->text) - trace->len, format, args);
	va_end(args);
	assert_true(n >= 0 && (size_t)n < sizeof(trace->text) - trace->len);
	trace->len += (size_t)n;
}

static void
tell_bytes(struct trace *trace, const char *what, const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	assert_non_null(data);
	tell(trace, "%s%s(", trace->len ? " " : "", what);
	if (len > TRACE_SHORT) {
		for (size_t i = 0; i < len; i++)
			sum = sum * 31 + data[i];
		tell(trace, "%zu bytes, %08" PRIx32, len, sum);
	}
	for (size_t i = 0; len <= TRACE_SHORT && i < len; i++)
		tell(trace, data[i] > ' ' && data[i] < 0x7f ? "%c" : "\\%02x", data[i]);
	tell(trace, ")");
}

/* One in place lies in BLOCK, and its user overwrites the 6 bytes before it and itself. */
static void
tell_message(
    struct trace *trace, const struct decoder_item *item, const uint8_t *block, size_t len)
{
	const struct message *m = &item->message;
	bool inside = m->data >= block && m->data <= block + len;

	assert_int_equal(item->in_place, inside);
	tell_bytes(trace, m->type == MESSAGE_TEXT ? "text" : "binary", m->data, m->len);
	if (inside) {
		assert_true(m->data - block >= 6);
		assert_true(m->len <= (size_t)(block + len - m->data));
		memset(m->data - 6, 0xee, 6 + m->len);
	} else if (m->len > 0) {
		memset(m->data, 0xee, m->len);
	}
}

static void
tell_event(struct trace *trace, enum decoder_event event, const struct decoder_item *item,
    const uint8_t *block, size_t len)
{
	switch (event) {
	case DECODER_MORE:
		break;
	case DECODER_MESSAGE:
		tell_message(trace, item, block, len);
		break;
	case DECODER_PART:
		fail();
		break;
	case DECODER_PING:
		tell_bytes(trace, "ping", item->payload.data, item->payload.len);
		break;
	case DECODER_PONG:
		tell_bytes(trace, "pong", item->payload.data, item->payload.len);
		break;
	case DECODER_CLOSE:
		tell(trace, "%sclose(%u)", trace->len ? " " : "", item->code);
		tell_bytes(trace, "reason", item->payload.data, item->payload.len);
		break;
	case DECODER_FAIL:
		assert_non_null(item->reason);
		tell(trace, "%sfail(%u %s)", trace->len ? " " : "", item->code, item->reason);
		break;
	}
}

/* Feeds bytes in a block of exactly their size, which is gone afterwards. */
static void
feed(
    struct decoder *d, struct trace *trace, const uint8_t *bytes, size_t len, size_t fed_before)
{
	uint8_t *block = malloc(len ? len : 1);
	struct decoder_item item;
	enum decoder_event event;

	assert_non_null(block);
	memcpy(block, bytes, len);
	decoder_feed(d, block, len);
	while ((event = decoder_next(d, &item)) != DECODER_MORE) {
		assert_int_equal(trace->end_at, 0);
		tell_event(trace, event, &item, block, len);
		if (event == DECODER_CLOSE || event == DECODER_FAIL)
			trace->end_at = fed_before + len;
	}
	assert_int_equal(d->len, 0);
	/* An idle decoder owns no memory. */
	if (!d->begun.opcode || trace->end_at)
		assert_null(d->partial.block);
	free(block);
}

static void
compare(const struct trace *trace, const char *want, const char *how, size_t at)
{
	if (strcmp(trace->text, want) != 0)
		fail_msg("fed %s %zu:\n  got  %s\n  want %s", how, at, trace->text, want);
}

/* With permessage-deflate when COMPRESSION points to what was agreed. */
static const struct deflate_agreed *compression;

static void
begin(struct decoder *d, uint64_t max_message)
{
	decoder_init(d, max_message);
	if (compression)
		d->rules.inflater = inflater_new(compression);
}

static void
end(struct decoder *d)
{
	inflater_free(d->rules.inflater);
	d->rules.inflater = NULL;
	decoder_clear(d);
	decoder_clear(d);
}

/*
 * The bytes give WANT, however they are cut. END_AT: how many of them it takes until the CLOSE
 * or FAIL comes when they come one by one; 0: neither comes.
 */
static void
check_limit(const struct wire *w, uint64_t max_message, const char *want, size_t end_at)
{
	struct decoder d;
	struct trace trace = {0};

	begin(&d, max_message);
	feed(&d, &trace, w->bytes, w->len, 0);
	compare(&trace, want, "whole", 0);
	end(&d);

	memset(&trace, 0, sizeof(trace));
	begin(&d, max_message);
	for (size_t i = 0; i < w->len; i++)
		feed(&d, &trace, w->bytes + i, 1, i);
	compare(&trace, want, "by bytes", 0);
	assert_int_equal(trace.end_at, end_at);
	end(&d);

	for (size_t cut = 0; cut <= w->len && w->len < 4096; cut++) {
		memset(&trace, 0, sizeof(trace));
		begin(&d, max_message);
		feed(&d, &trace, w->bytes, cut, 0);
		feed(&d, &trace, w->bytes + cut, w->len - cut, cut);
		compare(&trace, want, "cut at", cut);
		end(&d);
	}
}

static void
check(const struct wire *w, const char *want, size_t end_at)
{
	check_limit(w, MAX_MESSAGE, want, end_at);
}

/* The shortest way to a failure: raw bytes, of which the last one shows it. */
static void
check_fails_at_last(const void *bytes, size_t len, const char *want)
{
	struct wire w = {.len = 0};

	add_raw(&w, bytes, len);
	check(&w, want, len);
	/* What comes behind does not matter. */
	add_text(&w, FIN | FRAME_TEXT, "late");
	check(&w, want, len);
}

static void
text_and_binary_messages(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "hello");
	add(&w, FIN | FRAME_BINARY, "\x00\xff", 2);
	add_text(&w, FIN | FRAME_TEXT, "gr\xc3\xbc\xc3\x9f");
	check(&w, "text(hello) binary(\\00\\ff) text(gr\\c3\\bc\\c3\\9f)", 0);
}

static void
example_of_the_rfc(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_raw(&w, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
	check(&w, "text(Hello)", 0);
}

static void
empty_messages(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "");
	add_text(&w, FIN | FRAME_BINARY, "");
	add_text(&w, FRAME_TEXT, "");
	add_text(&w, FRAME_CONTINUATION, "");
	add_text(&w, FIN | FRAME_CONTINUATION, "");
	add_text(&w, FIN | FRAME_TEXT, "x");
	check(&w, "text() binary() text() text(x)", 0);
}

static void
lengths_in_2_and_8_bytes(void **state)
{
	static const char *const wants[] = {
	    "125 bytes", "126 bytes", "65535 bytes", "65536 bytes"};
	static const size_t lens[] = {125, 126, 65535, 65536};
	static uint8_t payload[65536];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	for (size_t i = 0; i < 4; i++) {
		struct wire w = {.len = 0};
		struct decoder d;
		struct trace trace = {0};

		add(&w, FIN | FRAME_BINARY, payload, lens[i]);
		decoder_init(&d, 0);
		feed(&d, &trace, w.bytes, w.len, 0);
		assert_non_null(strstr(trace.text, wants[i]));
		check_limit(&w, lens[i], trace.text, 0);
		decoder_clear(&d);
	}
}

static void
fragments_are_joined(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FRAME_TEXT, "one ");
	add_text(&w, FRAME_CONTINUATION, "");
	add_text(&w, FRAME_CONTINUATION, "two ");
	add_text(&w, FIN | FRAME_CONTINUATION, "three");
	add_text(&w, FRAME_BINARY, "\xff");
	add_text(&w, FIN | FRAME_CONTINUATION, "\xfe");
	check(&w, "text(one\\20two\\20three) binary(\\ff\\fe)", 0);
}

static void
characters_cut_between_fragments(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	struct wire w = {.len = 0};

	(void)state;
	add(&w, FRAME_TEXT, text, 1);
	for (size_t i = 1; i < sizeof(text) - 1; i++) {
		add(&w, FRAME_CONTINUATION, text + i, 1);
		add_text(&w, FIN | FRAME_PING, "");
	}
	add_text(&w, FIN | FRAME_CONTINUATION, "");
	check(&w,
	    "ping() ping() ping() ping() ping() ping() ping() ping() ping() ping() "
	    "text(a\\c3\\a4\\e2\\82\\ac\\f0\\9f\\98\\80z)",
	    0);
}

static void
control_frames_between_fragments(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FRAME_TEXT, "be");
	add_text(&w, FIN | FRAME_PING, "p1");
	add_text(&w, FIN | FRAME_PONG, "");
	add_text(&w, FIN | FRAME_PONG, "p2");
	add_text(&w, FIN | FRAME_CONTINUATION, "gin");
	check(&w, "ping(p1) pong() pong(p2) text(begin)", 0);
}

static void
largest_control_frame(void **state)
{
	char payload[FRAME_CONTROL_MAX + 1] = "";
	struct wire w = {.len = 0};

	(void)state;
	memset(payload, 'p', FRAME_CONTROL_MAX);
	add_text(&w, FIN | FRAME_PING, payload);
	add_text(&w, FIN | FRAME_TEXT, "x");
	check(&w, "ping(125 bytes, 69cb9c70) text(x)", 0);
}

static void
close_in_the_middle_of_a_message(void **state)
{
	struct wire w = {.len = 0};
	size_t end;

	(void)state;
	add_text(&w, FRAME_TEXT, "never done");
	add_text(&w, FIN | FRAME_CLOSE,
	    "\x03\xe9"
	    "bye");
	end = w.len;
	add_text(&w, FIN | FRAME_CONTINUATION, "late");
	check(&w, "close(1001) reason(bye)", end);
}

static void
good_close_codes(void **state)
{
	static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
	    1012, 1013, 1014, 3000, 3999, 4000, 4999};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct wire w = {.len = 0};
		char want[64];
		uint8_t body[2] = {(uint8_t)(codes[i] >> 8), (uint8_t)codes[i]};

		add(&w, FIN | FRAME_CLOSE, body, 2);
		snprintf(want, sizeof(want), "close(%u) reason()", codes[i]);
		check(&w, want, w.len);
	}
}

static void
close_without_a_code(void **state)
{
	struct wire w = {.len = 0};
	size_t end;

	(void)state;
	add_text(&w, FIN | FRAME_CLOSE, "");
	end = w.len;
	add_text(&w, FIN | FRAME_PING, "late");
	check(&w, "close(1005) reason()", end);
}

static void
unmasked_frame_fails_at_byte_2(void **state)
{
	(void)state;
	check_fails_at_last("\x81\x05", 2, "fail(1002 frame not masked)");
	check_fails_at_last("\x89\x00", 2, "fail(1002 frame not masked)");
	check_fails_at_last("\x82\x7f", 2, "fail(1002 frame not masked)");
}

static void
reserved_bit_fails_at_byte_1(void **state)
{
	(void)state;
	check_fails_at_last("\xc1", 1, "fail(1002 reserved bit set)");
	check_fails_at_last("\xa1", 1, "fail(1002 reserved bit set)");
	check_fails_at_last("\x92", 1, "fail(1002 reserved bit set)");
	check_fails_at_last("\xc9", 1, "fail(1002 reserved bit set)");
	check_fails_at_last("\xf8", 1, "fail(1002 reserved bit set)");
}

static void
reserved_bit_on_a_continuation(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FRAME_TEXT, "x");
	add_raw(&w, "\xc0", 1);
	check(&w, "fail(1002 reserved bit set)", w.len);
}

static void
reserved_opcode_fails_at_byte_1(void **state)
{
	static const uint8_t opcodes[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};

	(void)state;
	for (size_t i = 0; i < sizeof(opcodes); i++) {
		uint8_t byte = FIN | opcodes[i];

		check_fails_at_last(&byte, 1, "fail(1002 reserved opcode)");
		check_fails_at_last(&opcodes[i], 1, "fail(1002 reserved opcode)");
	}
}

static void
length_with_top_bit_fails_at_its_first_byte(void **state)
{
	(void)state;
	check_fails_at_last("\x82\xff\x80", 3, "fail(1002 invalid payload length)");
	check_fails_at_last("\x82\xff\xff", 3, "fail(1002 invalid payload length)");
}

static void
length_not_shortest(void **state)
{
	(void)state;
	check_fails_at_last("\x82\xfe\x00\x7d", 4, "fail(1002 invalid payload length)");
	check_fails_at_last("\x81\xfe\x00\x00", 4, "fail(1002 invalid payload length)");
	check_fails_at_last(
	    "\x82\xff\0\0\0\0\0\0\xff\xff", 10, "fail(1002 invalid payload length)");
}

static void
message_too_big_by_its_header(void **state)
{
	(void)state;
	check_fails_at_last("\x82\xfe\x03\xe9", 4, "fail(1009 message too big)");
	check_fails_at_last("\x01\xfe\xff\xff", 4, "fail(1009 message too big)");
	check_fails_at_last("\x82\xff\x40\0\0\0\0\0\0\0", 10, "fail(1009 message too big)");
	check_fails_at_last(
	    "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10, "fail(1009 message too big)");
}

static void
message_of_exactly_the_limit(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "12345");
	add_text(&w, FRAME_TEXT, "123");
	add_text(&w, FIN | FRAME_CONTINUATION, "45");
	check_limit(&w, 5, "text(12345) text(12345)", 0);
}

static void
fragments_too_big_together(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FRAME_TEXT, "123");
	add_text(&w, FIN | FRAME_PING, "longer than that");
	add_raw(&w, "\x80\x83", 2);
	check_limit(&w, 5, "ping(longer\\20than\\20that) fail(1009 message too big)", w.len);
}

static void
fragment_lengths_that_would_overflow(void **state)
{
	static const uint64_t limits[] = {1, MAX_MESSAGE, UINT64_MAX / 2};
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FRAME_BINARY, "1");
	add_raw(&w, "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10);
	for (size_t i = 0; i < 3; i++)
		check_limit(&w, limits[i], "fail(1009 message too big)", w.len);
}

static void
no_limit(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FRAME_BINARY, "1");
	add_raw(&w, "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4some", 18);
	check_limit(&w, 0, "", 0);
}

static void
control_frame_too_long_fails_at_byte_2(void **state)
{
	(void)state;
	check_fails_at_last("\x89\xfe", 2, "fail(1002 control frame too long)");
	check_fails_at_last("\x8a\xff", 2, "fail(1002 control frame too long)");
	check_fails_at_last("\x88\xfe", 2, "fail(1002 control frame too long)");
}

static void
fragmented_control_frame_fails_at_byte_1(void **state)
{
	(void)state;
	check_fails_at_last("\x08", 1, "fail(1002 fragmented control frame)");
	check_fails_at_last("\x09", 1, "fail(1002 fragmented control frame)");
	check_fails_at_last("\x0a", 1, "fail(1002 fragmented control frame)");
}

static void
continuation_without_a_message(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	check_fails_at_last("\x80", 1, "fail(1002 continuation without a message)");
	check_fails_at_last("\x00", 1, "fail(1002 continuation without a message)");
	add_text(&w, FIN | FRAME_TEXT, "x");
	add_raw(&w, "\x80", 1);
	check(&w, "text(x) fail(1002 continuation without a message)", w.len);
	w.len = 0;
	add_text(&w, FRAME_TEXT, "x");
	add_text(&w, FIN | FRAME_CONTINUATION, "y");
	add_raw(&w, "\x80", 1);
	check(&w, "text(xy) fail(1002 continuation without a message)", w.len);
}

static void
new_message_within_a_message(void **state)
{
	static const uint8_t firsts[] = {
	    FIN | FRAME_TEXT, FRAME_TEXT, FIN | FRAME_BINARY, FRAME_BINARY};

	(void)state;
	for (size_t i = 0; i < sizeof(firsts); i++) {
		struct wire w = {.len = 0};

		add_text(&w, FRAME_TEXT, i & 1 ? "" : "x");
		add_raw(&w, &firsts[i], 1);
		check(&w, "fail(1002 new message within a message)", w.len);
	}
}

static void
close_body_of_one_byte(void **state)
{
	(void)state;
	check_fails_at_last("\x88\x81", 2, "fail(1002 close frame with a payload of 1 byte)");
}

static void
bad_close_codes(void **state)
{
	static const uint16_t codes[] = {
	    0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct wire w = {.len = 0};
		uint8_t body[4] = {(uint8_t)(codes[i] >> 8), (uint8_t)codes[i], 'x', 'y'};

		add(&w, FIN | FRAME_CLOSE, body, i & 1 ? 4 : 2);
		check(&w, "fail(1002 invalid close code)", w.len);
	}
}

static void
close_reason_not_utf8(void **state)
{
	static const char *const bodies[] = {
	    "\x03\xe8\xff", "\x03\xe8ok\xc3", "\x03\xe8\xed\xa0\x80"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct wire w = {.len = 0};

		add_text(&w, FIN | FRAME_CLOSE, bodies[i]);
		check(&w, "fail(1007 close reason is not UTF-8)", w.len);
	}
}

/*
 * A message of as many fragments as allowed, all empty, and of EXTRA more. EXTRA_END: where
 * behind the last but one allowed fragment the failure comes; 0: none does.
 */
static void
check_fragments(uint8_t opcode, size_t extra, const char *want, size_t extra_end)
{
	struct wire w = {.len = 0};
	size_t end;

	add_text(&w, opcode, "");
	for (size_t i = 2; i < DECODER_EMPTY_FRAGMENTS_INITIAL; i++)
		add_text(&w, FRAME_CONTINUATION, "");
	end = w.len;
	for (size_t i = 0; i < extra; i++)
		add_text(&w, FRAME_CONTINUATION, "");
	add_text(&w, FIN | FRAME_CONTINUATION, "");
	check(&w, want, extra_end ? end + extra_end : 0);
}

static void
as_many_fragments_as_allowed(void **state)
{
	(void)state;
	check_fragments(FRAME_TEXT, 0, "text()", 0);
	check_fragments(FRAME_BINARY, 0, "binary()", 0);
}

static void
fragments_are_counted_for_each_message(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		add_text(&w, FRAME_TEXT, "");
		for (size_t k = 2; k < DECODER_EMPTY_FRAGMENTS_INITIAL; k++)
			add_text(&w, FRAME_CONTINUATION, "");
		add_text(&w, FIN | FRAME_CONTINUATION, "");
	}
	check(&w, "text() text()", 0);
}

static void
too_many_fragments(void **state)
{
	(void)state;
	/* The byte with the length, of the first fragment that is not allowed. */
	check_fragments(FRAME_TEXT, 1, "fail(1008 too many empty fragments)", 6 + 2);
	check_fragments(FRAME_BINARY, 5, "fail(1008 too many empty fragments)", 6 + 2);
}

/* The last byte of TEXT is impossible; more text is announced. */
static void
check_impossible(const char *text)
{
	struct wire w = {.len = 0};
	size_t len = strlen(text);

	add_part(&w, FIN | FRAME_TEXT, text, 100, len);
	check(&w, "fail(1007 text is not UTF-8)", w.len);
	w.len = 0;
	add_part(&w, FRAME_TEXT, text, len, len);
	check(&w, "fail(1007 text is not UTF-8)", w.len);
	/* Cut between two fragments right before the byte. */
	w.len = 0;
	add_part(&w, FRAME_TEXT, text, len - 1, len - 1);
	add_text(&w, FIN | FRAME_PING, "p");
	add_part(&w, FRAME_CONTINUATION, text + len - 1, 100, 1);
	check(&w, "ping(p) fail(1007 text is not UTF-8)", w.len);
}

static void
text_fails_at_the_first_impossible_byte(void **state)
{
	static const char *const texts[] = {"\x80", "abc\xff", "ab\xc0", "ab\xc1",
	    "\xf5", /* bytes that begin nothing */
	    "\xe0\x9f", "\xf0\x8f", /* overlong */
	    "\xed\xa0", /* a surrogate */
	    "\xf4\x90", /* above U+10FFFF */
	    "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(", "\xc3\xa4\xa4", /* cut short, or too long */
	    "long enough for the words: eight bytes a step \xe2\x28"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_impossible(texts[i]);
}

static void
text_ends_inside_a_character(void **state)
{
	static const char *const texts[] = {"\xc3", "ok \xe2\x82", "\xf0\x9f\x98"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct wire w = {.len = 0};

		add_text(&w, FIN | FRAME_TEXT, texts[i]);
		check(&w, "fail(1007 text is not UTF-8)", w.len);
		/* The header of an empty last fragment shows it. */
		w.len = 0;
		add_text(&w, FRAME_TEXT, texts[i]);
		add_text(&w, FIN | FRAME_CONTINUATION, "");
		check(&w, "fail(1007 text is not UTF-8)", w.len);
	}
}

static void
text_after_bad_binary_is_fresh(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FIN | FRAME_BINARY, "\xc3");
	add_text(&w, FRAME_BINARY, "\xe2");
	add_text(&w, FIN | FRAME_CONTINUATION, "\x82");
	add_text(&w, FRAME_TEXT, "a");
	add_text(&w, FIN | FRAME_CONTINUATION, "b");
	check(&w, "binary(\\c3) binary(\\e2\\82) text(ab)", 0);
}

static void
events_before_a_failure_come_out(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "one");
	add_text(&w, FIN | FRAME_PING, "two");
	add_raw(&w, "\x83", 1);
	check(&w, "text(one) ping(two) fail(1002 reserved opcode)", w.len);
}

static void
message_in_one_piece_is_not_copied(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct decoder_item item;

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "one");
	add_text(&w, FIN | FRAME_BINARY, "two");
	decoder_init(&d, MAX_MESSAGE);
	reserves_left = 0;
	decoder_feed(&d, w.bytes, w.len);
	assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
	assert_true(item.in_place);
	assert_ptr_equal(item.message.data, w.bytes + 6);
	assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
	assert_true(item.in_place);
	assert_ptr_equal(item.message.data, w.bytes + 15);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
	reserves_left = -1;
}

static void
message_begun_in_an_earlier_feed_is_not_in_place(void **state)
{
	(void)state;
	/* Also when only its header, or a part of it, came earlier. */
	for (size_t cut = 1; cut < 9; cut++) {
		struct wire w = {.len = 0};
		struct decoder d;
		struct decoder_item item;

		add_text(&w, FIN | FRAME_TEXT, "one");
		decoder_init(&d, MAX_MESSAGE);
		decoder_feed(&d, w.bytes, cut);
		assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
		decoder_feed(&d, w.bytes + cut, w.len - cut);
		assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
		assert_false(item.in_place);
		assert_memory_equal(item.message.data, "one", 3);
		assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
		assert_null(d.partial.block);
	}
}

static void
gathered_message_can_be_taken(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct decoder_item item;
	struct buffer mine = {0};

	(void)state;
	add_text(&w, FRAME_TEXT, "to ");
	add_text(&w, FIN | FRAME_CONTINUATION, "keep");
	add_text(&w, FIN | FRAME_TEXT, "next");
	decoder_init(&d, MAX_MESSAGE);
	decoder_feed(&d, w.bytes, w.len);
	assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
	assert_false(item.in_place);
	decoder_take(&d, &mine);
	assert_null(d.partial.block);
	assert_ptr_equal(item.message.data, buffer_data(&mine));
	assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
	assert_memory_equal(item.message.data, "next", 4);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
	decoder_clear(&d);
	assert_int_equal(buffer_len(&mine), 7);
	assert_memory_equal(buffer_data(&mine), "to keep", 7);
	buffer_clear(&mine);
}

static void
empty_gathered_message_can_be_taken(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct decoder_item item;
	struct buffer mine = {0};

	(void)state;
	add_text(&w, FRAME_TEXT, "");
	add_text(&w, FIN | FRAME_CONTINUATION, "");
	decoder_init(&d, MAX_MESSAGE);
	decoder_feed(&d, w.bytes, w.len);
	assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
	assert_non_null(item.message.data);
	assert_int_equal(item.message.len, 0);
	decoder_take(&d, &mine);
	assert_int_equal(buffer_len(&mine), 0);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
}

static void
memory_follows_what_came_not_what_is_announced(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct trace trace = {0};

	(void)state;
	add_part(&w, FIN | FRAME_BINARY, "0123456789", 1 << 20, 10);
	decoder_init(&d, 1 << 20);
	feed(&d, &trace, w.bytes, w.len, 0);
	assert_string_equal(trace.text, "");
	assert_int_equal(buffer_len(&d.partial), 10);
	assert_true(d.partial.block->capacity <= 4096);
	decoder_clear(&d);
	assert_null(d.partial.block);
}

/* Only empty fragments are counted; the others cost what is in them, and linear time.
 */
static void
tiny_fragments_cost_their_bytes(void **state)
{
	enum { FRAGMENTS = 1 << 20, BLOCK = 10000 };
	struct decoder d;
	struct decoder_item item;
	struct trace trace = {0};
	size_t capacity = 0, grown = 0, sent = 0;

	(void)state;
	decoder_init(&d, FRAGMENTS);
	while (sent < FRAGMENTS) {
		struct wire w = {.len = 0};

		for (size_t i = 0; i < BLOCK && sent < FRAGMENTS; i++)
			add_text(&w, sent++ == 0 ? FRAME_TEXT : FRAME_CONTINUATION, "x");
		feed(&d, &trace, w.bytes, w.len, 0);
		assert_int_equal(buffer_len(&d.partial), sent);
		assert_true(d.partial.block->capacity <= 2 * sent);
		/* What is there was copied at most when the buffer grew. */
		grown += d.partial.block->capacity != capacity;
		capacity = d.partial.block->capacity;
	}
	assert_true(grown <= 20);
	assert_string_equal(trace.text, "");
	/* The end of the message. */
	{
		uint8_t end[] = {0x80, 0x80, 0, 0, 0, 0};

		decoder_feed(&d, end, sizeof(end));
		assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
		assert_int_equal(item.message.len, FRAGMENTS);
	}
	decoder_clear(&d);
}

static void
another_limit_of_empty_fragments(void **state)
{
	static const struct {
		uint32_t max;
		size_t empty;
		const char *want;
	} cases[] = {
	    {1, 1, "binary(x)"},
	    {1, 2, "fail(1008 too many empty fragments)"},
	    {5, 5, "binary(x)"},
	    {5, 6, "fail(1008 too many empty fragments)"},
	    {0, 10000, "binary(x)"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(cases); i++) {
		struct wire w = {.len = 0};
		struct decoder d;
		struct trace trace = {0};

		add_text(&w, FRAME_BINARY, "");
		for (size_t k = 1; k < cases[i].empty; k++)
			add_text(&w, FRAME_CONTINUATION, "");
		add_text(&w, FIN | FRAME_CONTINUATION, "x");
		decoder_init(&d, 1 << 20);
		d.rules.max_empty_fragments = cases[i].max;
		feed(&d, &trace, w.bytes, w.len, 0);
		assert_string_equal(trace.text, cases[i].want);
		decoder_clear(&d);
	}
}

static void
memory_is_freed_after_each_message(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct trace trace = {0};

	(void)state;
	add_text(&w, FRAME_TEXT, "a");
	add_text(&w, FIN | FRAME_CONTINUATION, "b");
	decoder_init(&d, MAX_MESSAGE);
	/* feed() checks it after each DECODER_MORE. */
	for (size_t i = 0; i < 3; i++)
		feed(&d, &trace, w.bytes, w.len, 0);
	assert_string_equal(trace.text, "text(ab) text(ab) text(ab)");
	assert_null(d.partial.block);
}

static void
no_memory_ends_the_connection(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct trace trace = {0};

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "in place");
	add_text(&w, FRAME_TEXT, "first");
	add_text(&w, FRAME_CONTINUATION, "second");
	decoder_init(&d, MAX_MESSAGE);
	reserves_left = 1;
	feed(&d, &trace, w.bytes, w.len, 0);
	reserves_left = -1;
	assert_string_equal(trace.text, "text(in\\20place) fail(1011 out of memory)");
	assert_null(d.partial.block);
}

static void
no_memory_to_keep_input_ends_the_connection(void **state)
{
	struct wire w = {.len = 0};
	struct decoder d;
	struct decoder_item item;
	struct buffer rest = {0};

	(void)state;
	add_text(&w, FIN | FRAME_TEXT, "wanted");
	add_text(&w, FIN | FRAME_TEXT, "kept");
	decoder_init(&d, MAX_MESSAGE);
	decoder_feed(&d, w.bytes, w.len);
	assert_int_equal(decoder_next(&d, &item), DECODER_MESSAGE);
	reserves_left = 0;
	assert_false(decoder_stop(&d, &rest));
	reserves_left = -1;
	decoder_feed(&d, w.bytes, w.len);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
	decoder_clear(&d);
}

static void
nothing_comes_after_the_end(void **state)
{
	static const char *const firsts[] = {"\x88\x80\1\2\3\4", "\x83\x80\1\2\3\4"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wire w = {.len = 0};
		struct decoder d;
		struct decoder_item item;

		add_raw(&w, firsts[i], 6);
		add_text(&w, FIN | FRAME_TEXT, "late");
		decoder_init(&d, MAX_MESSAGE);
		decoder_feed(&d, w.bytes, w.len);
		assert_int_equal(decoder_next(&d, &item), i ? DECODER_FAIL : DECODER_CLOSE);
		/* It may be fed again without asking in between. */
		for (size_t k = 0; k < 3; k++)
			decoder_feed(&d, w.bytes + 6, w.len - 6);
		assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
		assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
		decoder_clear(&d);
	}
}

static void
nothing_fed_is_nothing_said(void **state)
{
	struct decoder d;
	struct decoder_item item;

	(void)state;
	decoder_init(&d, MAX_MESSAGE);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
	decoder_feed(&d, NULL, 0);
	assert_int_equal(decoder_next(&d, &item), DECODER_MORE);
	decoder_clear(&d);
}

/* permessage-deflate */

enum { RSV1 = 0x40 };

static const struct deflate_agreed with_takeover = {
    .server_bits = 15, .client_bits = 15, .server_takeover = true, .client_takeover = true};
static const struct deflate_agreed without_takeover = {.server_bits = 15, .client_bits = 15};

/* Compresses as a client would; LEN is set to the length. The result lives until the next call.
 */
static uint8_t *
compress(struct deflater *d, const void *bytes, size_t n, size_t *len)
{
	static uint8_t wire[200000];

	assert_true(deflater_bound(n) <= sizeof(wire));
	*len = deflater_put(d, bytes, n, true, wire);
	assert_true(*len > 0);
	return wire;
}

/* A compressed message in one frame. */
static void
add_compressed(struct wire *w, struct deflater *d, uint8_t first, const char *text)
{
	size_t len;
	uint8_t *wire = compress(d, text, strlen(text), &len);

	add(w, FIN | RSV1 | first, wire, len);
}

static void
check_compressed(const struct deflate_agreed *agreed, const struct wire *w,
    uint64_t max_message, const char *want, size_t end_at)
{
	compression = agreed;
	check_limit(w, max_message, want, end_at);
	compression = NULL;
}

static void
compressed_messages(void **state)
{
	static const struct deflate_agreed *const agreements[] = {
	    &with_takeover, &without_takeover};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct deflater *d = deflater_new(agreements[i], 6);
		struct wire w = {.len = 0};

		add_compressed(&w, d, FRAME_TEXT, "hello hello hello");
		add_text(&w, FIN | FRAME_TEXT, "plain");
		add_compressed(&w, d, FRAME_TEXT, "hello hello hello");
		add_compressed(&w, d, FRAME_BINARY, "\xff\xfe");
		add_compressed(&w, d, FRAME_TEXT, "");
		add_compressed(&w, d, FRAME_TEXT, "gr\xc3\xbc\xc3\x9f");
		check_compressed(agreements[i], &w, MAX_MESSAGE,
		    "text(hello\\20hello\\20hello) text(plain) text(hello\\20hello\\20hello) "
		    "binary(\\ff\\fe) "
		    "text() text(gr\\c3\\bc\\c3\\9f)",
		    0);
		deflater_free(d);
	}
}

static void
rsv1_is_refused_without_the_extension(void **state)
{
	struct deflater *d = deflater_new(&with_takeover, 6);
	struct wire w = {.len = 0};

	(void)state;
	add_compressed(&w, d, FRAME_TEXT, "x");
	check(&w, "fail(1002 reserved bit set)", 1);
	deflater_free(d);
}

/* RFC 7692, section 6: on the first frame of a message, and nowhere else. */
static void
rsv1_where_it_must_not_be(void **state)
{
	static const uint8_t firsts[] = {
	    0xc0, 0x40, 0xc8, 0xc9, 0xca, 0xc3, 0xcb, 0xe1, 0xd2, 0xf1, 0xa1, 0x91};

	(void)state;
	compression = &with_takeover;
	for (size_t i = 0; i < sizeof(firsts); i++)
		check_fails_at_last(&firsts[i], 1, "fail(1002 reserved bit set)");
	compression = NULL;
	for (size_t i = 0; i < 2; i++) {
		struct wire w = {.len = 0};

		/* Neither in a compressed message nor in a plain one. */
		add(&w, i ? FRAME_TEXT : RSV1 | FRAME_TEXT, "\xf2", i ? 0 : 1);
		add_raw(&w, "\xc0", 1);
		check_compressed(
		    &with_takeover, &w, MAX_MESSAGE, "fail(1002 reserved bit set)", w.len);
	}
}

/* Cut into fragments at every place, with a control frame in between. */
static void
compressed_fragments(void **state)
{
	struct deflater *d = deflater_new(&without_takeover, 6);
	uint8_t wire[256];
	size_t len;

	(void)state;
	memcpy(wire, compress(d, "gr\xc3\xbc\xc3\x9f", 6, &len), 64);
	for (size_t cut = 0; cut <= len; cut++) {
		struct wire w = {.len = 0};

		add(&w, RSV1 | FRAME_TEXT, wire, cut);
		add_text(&w, FIN | FRAME_PING, "p");
		add(&w, FRAME_CONTINUATION, wire + cut, len - cut);
		add_text(&w, FIN | FRAME_PONG, "");
		add_text(&w, FIN | FRAME_CONTINUATION, "");
		check_compressed(&with_takeover, &w, MAX_MESSAGE,
		    "ping(p) pong() text(gr\\c3\\bc\\c3\\9f)", 0);
	}
	deflater_free(d);
}

static void
limit_holds_for_what_is_decompressed(void **state)
{
	char text[MAX_MESSAGE + 2] = "";
	struct deflater *d = deflater_new(&without_takeover, 6);

	(void)state;
	for (size_t len = MAX_MESSAGE - 1; len <= MAX_MESSAGE + 1; len++) {
		struct wire w = {.len = 0};
		struct trace trace = {0};

		memset(text, 'a', len);
		add_compressed(&w, d, FRAME_BINARY, text);
		assert_true(w.len < 40);
		if (len > MAX_MESSAGE)
			tell(&trace, "fail(1009 message too big)");
		else
			tell_bytes(&trace, "binary", (const uint8_t *)text, len);
		check_compressed(&without_takeover, &w, MAX_MESSAGE, trace.text,
		    len > MAX_MESSAGE ? w.len - 1 : 0);
	}
	deflater_free(d);
}

/* A thousandfold bomb: what it would become is never in memory. */
static void
bomb_takes_no_memory(void **state)
{
	static uint8_t zeros[100000];
	struct deflater *deflater = deflater_new(&without_takeover, 9);
	struct wire w = {.len = 0};
	struct decoder d;
	struct decoder_item item;
	size_t len;
	uint8_t *wire = compress(deflater, zeros, sizeof(zeros), &len);

	(void)state;
	add(&w, FIN | RSV1 | FRAME_BINARY, wire, len);
	assert_true(w.len < 400);
	compression = &without_takeover;
	begin(&d, 5000);
	compression = NULL;
	/* Byte by byte the buffer can be looked at each time. */
	for (size_t i = 0; i < w.len; i++) {
		enum decoder_event event;

		decoder_feed(&d, w.bytes + i, 1);
		event = decoder_next(&d, &item);
		assert_true(!d.partial.block || d.partial.block->capacity <= 16384);
		if (event == DECODER_FAIL)
			break;
		assert_int_equal(event, DECODER_MORE);
	}
	assert_true(d.over);
	assert_int_equal(item.code, 1009);
	assert_null(d.partial.block);
	end(&d);
	deflater_free(deflater);
}

/* Blocks without content: the header alone shows that it is far more than the limit could need.
 */
static void
compressed_frames_are_limited_too(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add(&w, RSV1 | FRAME_BINARY, "\0\0\0\xff\xff\0\0\0\xff\xff", 10);
	add_raw(&w, "\x80\xfe\x04\x01", 4); /* 10 + 1025 > 2 * 5 + 1024 */
	check_compressed(&with_takeover, &w, 5, "fail(1009 message too big)", w.len);
	w.len = 0;
	add_raw(&w, "\xc2\xff\x40\0\0\0\0\0\0\0", 10);
	check_compressed(&with_takeover, &w, MAX_MESSAGE, "fail(1009 message too big)", w.len);
	check_compressed(&with_takeover, &w, UINT64_MAX / 2, "", 0);
}

/* Stored blocks show each byte as it comes. */
static void
decompressed_text_fails_at_the_first_impossible_byte(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	add_part(&w, FIN | RSV1 | FRAME_TEXT,
	    "\x00\x05\x00\xfa\xff"
	    "ab\xc3(c",
	    11, 9);
	check_compressed(
	    &with_takeover, &w, MAX_MESSAGE, "fail(1007 text is not UTF-8)", w.len);
	w.len = 0;
	/* A character that is cut between two frames, and one that the end cuts. */
	add_part(&w, RSV1 | FRAME_TEXT, "\x00\x02\x00\xfd\xff\xc3", 6, 6);
	add_part(&w, FIN | FRAME_CONTINUATION, "\xa4\x00", 2, 2);
	check_compressed(&with_takeover, &w, MAX_MESSAGE, "text(\\c3\\a4)", 0);
	w.len = 0;
	add(&w, FIN | RSV1 | FRAME_TEXT, "\x00\x01\x00\xfe\xff\xc3\x00", 7);
	check_compressed(
	    &with_takeover, &w, MAX_MESSAGE, "fail(1007 text is not UTF-8)", w.len);
	w.len = 0;
	add(&w, FIN | RSV1 | FRAME_BINARY, "\x00\x01\x00\xfe\xff\xc3\x00", 7);
	check_compressed(&with_takeover, &w, MAX_MESSAGE, "binary(\\c3)", 0);
}

static void
damaged_data_fails_with_1007(void **state)
{
	struct wire w = {.len = 0};

	(void)state;
	/* A block of a type that there is not: at its first byte. */
	add_part(&w, FIN | RSV1 | FRAME_BINARY, "\x06", 10, 1);
	check_compressed(
	    &with_takeover, &w, MAX_MESSAGE, "fail(1007 corrupt compressed data)", w.len);
	/* Data that is not complete, or is none. */
	w.len = 0;
	add(&w, FIN | RSV1 | FRAME_BINARY, "\x00\x05\x00\xfa\xffHell", 9);
	check_compressed(
	    &with_takeover, &w, MAX_MESSAGE, "fail(1007 corrupt compressed data)", w.len);
	w.len = 0;
	add_text(&w, FIN | RSV1 | FRAME_TEXT, "");
	check_compressed(
	    &with_takeover, &w, MAX_MESSAGE, "fail(1007 corrupt compressed data)", w.len);
	/* What came out before it is judged first. */
	w.len = 0;
	add(&w, FIN | RSV1 | FRAME_TEXT, "\x00\x01\x00\xfe\xff\xff\x06", 7);
	check_compressed(
	    &with_takeover, &w, MAX_MESSAGE, "fail(1007 text is not UTF-8)", w.len - 1);
}

static void
no_memory_for_what_is_decompressed(void **state)
{
	struct deflater *deflater = deflater_new(&with_takeover, 6);
	struct wire w = {.len = 0};
	struct decoder d;
	struct trace trace = {0};

	(void)state;
	add_compressed(&w, deflater, FRAME_TEXT, "first");
	compression = &with_takeover;
	begin(&d, MAX_MESSAGE);
	compression = NULL;
	reserves_left = 0;
	feed(&d, &trace, w.bytes, w.len, 0);
	reserves_left = -1;
	assert_string_equal(trace.text, "fail(1011 out of memory)");
	end(&d);
	deflater_free(deflater);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_and_binary_messages),
	    cmocka_unit_test(example_of_the_rfc),
	    cmocka_unit_test(empty_messages),
	    cmocka_unit_test(lengths_in_2_and_8_bytes),
	    cmocka_unit_test(fragments_are_joined),
	    cmocka_unit_test(characters_cut_between_fragments),
	    cmocka_unit_test(control_frames_between_fragments),
	    cmocka_unit_test(largest_control_frame),
	    cmocka_unit_test(close_in_the_middle_of_a_message),
	    cmocka_unit_test(good_close_codes),
	    cmocka_unit_test(close_without_a_code),
	    cmocka_unit_test(unmasked_frame_fails_at_byte_2),
	    cmocka_unit_test(reserved_bit_fails_at_byte_1),
	    cmocka_unit_test(reserved_bit_on_a_continuation),
	    cmocka_unit_test(reserved_opcode_fails_at_byte_1),
	    cmocka_unit_test(length_with_top_bit_fails_at_its_first_byte),
	    cmocka_unit_test(length_not_shortest),
	    cmocka_unit_test(message_too_big_by_its_header),
	    cmocka_unit_test(message_of_exactly_the_limit),
	    cmocka_unit_test(fragments_too_big_together),
	    cmocka_unit_test(fragment_lengths_that_would_overflow),
	    cmocka_unit_test(no_limit),
	    cmocka_unit_test(control_frame_too_long_fails_at_byte_2),
	    cmocka_unit_test(fragmented_control_frame_fails_at_byte_1),
	    cmocka_unit_test(continuation_without_a_message),
	    cmocka_unit_test(new_message_within_a_message),
	    cmocka_unit_test(close_body_of_one_byte),
	    cmocka_unit_test(bad_close_codes),
	    cmocka_unit_test(close_reason_not_utf8),
	    cmocka_unit_test(as_many_fragments_as_allowed),
	    cmocka_unit_test(fragments_are_counted_for_each_message),
	    cmocka_unit_test(too_many_fragments),
	    cmocka_unit_test(text_fails_at_the_first_impossible_byte),
	    cmocka_unit_test(text_ends_inside_a_character),
	    cmocka_unit_test(text_after_bad_binary_is_fresh),
	    cmocka_unit_test(events_before_a_failure_come_out),
	    cmocka_unit_test(message_in_one_piece_is_not_copied),
	    cmocka_unit_test(message_begun_in_an_earlier_feed_is_not_in_place),
	    cmocka_unit_test(gathered_message_can_be_taken),
	    cmocka_unit_test(empty_gathered_message_can_be_taken),
	    cmocka_unit_test(memory_follows_what_came_not_what_is_announced),
	    cmocka_unit_test(tiny_fragments_cost_their_bytes),
	    cmocka_unit_test(another_limit_of_empty_fragments),
	    cmocka_unit_test(memory_is_freed_after_each_message),
	    cmocka_unit_test(no_memory_ends_the_connection),
	    cmocka_unit_test(no_memory_to_keep_input_ends_the_connection),
	    cmocka_unit_test(nothing_comes_after_the_end),
	    cmocka_unit_test(nothing_fed_is_nothing_said),
	    cmocka_unit_test(compressed_messages),
	    cmocka_unit_test(rsv1_is_refused_without_the_extension),
	    cmocka_unit_test(rsv1_where_it_must_not_be),
	    cmocka_unit_test(compressed_fragments),
	    cmocka_unit_test(limit_holds_for_what_is_decompressed),
	    cmocka_unit_test(bomb_takes_no_memory),
	    cmocka_unit_test(compressed_frames_are_limited_too),
	    cmocka_unit_test(decompressed_text_fails_at_the_first_impossible_byte),
	    cmocka_unit_test(damaged_data_fails_with_1007),
	    cmocka_unit_test(no_memory_for_what_is_decompressed),
	};

	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
