/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client sends. */
#include "script.h"

#include "check.h"
#include "client.h"
#include "frames.h"
#include "memory.h"
#include "model.h"
#include "random.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	FIN = 0x80,
	RSV1 = 0x40,
	SCRIPT_FRAGMENTS = 6,
	SCRIPT_BOMB = 600 * 1000, /* bytes of messages that are short when compressed */
	SCRIPT_BOMB_SIZE = 20000, /* of one */
	SCRIPT_BOMB_MESSAGES = 200,
};

/* Where a message ends in the stream, and what the program has read by then. */
struct mark {
	uint64_t end;
	size_t delivered;
};

static struct {
	struct mark *marks;
	size_t count;
	size_t capacity;
	struct bytes message;
	struct bytes packed;
	z_stream z;
	bool deflates;
} state;

int __real_deflateInit2_(z_streamp z, int level, int method, int bits, int memory_level,
    int strategy, const char *version, int size);

void
script_start(void)
{
	if (!world.compresses)
		return;
	memset(&state.z, 0, sizeof(state.z));
	/* zlib can't compress with 8 bits. */
	check_that(__real_deflateInit2_(&state.z, (int)random_below(10), Z_DEFLATED,
		       world.deflate.client_bits < 9 ? -9 : -world.deflate.client_bits,
		       (int)random_between(1, 9), Z_DEFAULT_STRATEGY, ZLIB_VERSION,
		       sizeof(state.z)) == Z_OK,
	    "zlib works");
	state.deflates = true;
}

void
script_clear(void)
{
	memory_real_free(state.marks);
	bytes_free(&state.message);
	bytes_free(&state.packed);
	if (state.deflates)
		deflateEnd(&state.z);
	memset(&state, 0, sizeof(state));
}

static void
script_mark(uint64_t end)
{
	if (state.count == state.capacity) {
		state.capacity = 2 * state.capacity + 16;
		state.marks =
		    memory_real_realloc(state.marks, state.capacity * sizeof(*state.marks));
		if (!state.marks)
			abort();
	}
	state.marks[state.count++] = (struct mark){end, model.required};
}

size_t
script_delivered_at(uint64_t offset)
{
	for (size_t i = state.count; i > 0; i--) {
		if (state.marks[i - 1].end <= offset)
			return state.marks[i - 1].delivered;
	}
	return 0;
}

void
script_cut(uint64_t offset)
{
	model.required = script_delivered_at(offset);
	if (!world.format.parts)
		bytes_cut(&model.to_program, model.required);
	while (state.count > 0 && state.marks[state.count - 1].end > offset)
		state.count--;
}

/* Whether the client masks its frames: it is the server, if we are the client. */
static bool
script_masks(void)
{
	return !world.client_role;
}

static void
script_put(struct bytes *out, int first, const void *payload, size_t len)
{
	frames_put(out, (uint8_t)first, script_masks(), payload, len, 0);
}

static void
script_ping(struct bytes *out)
{
	size_t max = world.websocket.max_pings ? world.websocket.max_pings : 20;
	char payload[125];
	int n;

	if (client.pings_sent >= max || random_one_in(3)) {
		script_put(out, FIN | OP_PONG, "unasked", random_below(8));
		return;
	}
	memset(payload, '.', sizeof(payload));
	n = snprintf(
	    payload, sizeof(payload), "%llu:", (unsigned long long)++client.pings_sent);
	script_put(
	    out, FIN | OP_PING, payload, random_one_in(4) ? 125 : (size_t)n + random_below(20));
}

/* Compresses a message (RFC 7692, section 7.2.1). */
static void
script_deflate(const uint8_t *bytes, size_t len)
{
	uint8_t *to;
	size_t room = len + len / 8 + 1024;

	bytes_reset(&state.packed);
	if (!world.deflate.client_takeover)
		deflateReset(&state.z);
	if (len == 0) {
		bytes_append_byte(&state.packed, 0);
		return;
	}
	to = bytes_add(&state.packed, room);
	state.z.next_in = (uint8_t *)(uintptr_t)bytes;
	state.z.avail_in = (uInt)len;
	state.z.next_out = to;
	state.z.avail_out = (uInt)room;
	check_that(
	    deflate(&state.z, Z_SYNC_FLUSH) == Z_OK && state.z.avail_out > 0, "zlib works");
	bytes_cut(&state.packed, room - state.z.avail_out - 4);
}

/* Frames of a message; control frames come between them. */
static void
script_put_message(struct bytes *out, int opcode, const uint8_t *bytes, size_t len)
{
	size_t fragments = random_one_in(3) ? random_between(1, SCRIPT_FRAGMENTS) : 1;
	uint32_t max_empty = world.websocket.max_empty_fragments;
	uint32_t empty = 0;
	int first = opcode;

	if (world.compresses && !random_one_in(4)) {
		script_deflate(bytes, len);
		bytes = bytes_data(&state.packed);
		len = bytes_len(&state.packed);
		first |= RSV1;
	}
	for (size_t i = 0; i < fragments; i++) {
		size_t n = random_one_in(4) ? 0 : random_below(len + 1);

		if (n == 0 && max_empty != 0 && empty + 1 >= max_empty)
			n = len;
		empty += n == 0;
		if (i == fragments - 1 || n == len) {
			script_put(out, FIN | first, bytes, len);
			return;
		}
		script_put(out, first, bytes, n);
		bytes += n;
		len -= n;
		first = OP_CONT;
		if (random_one_in(4))
			script_ping(out);
	}
}

static size_t
script_size(void)
{
	static const size_t sizes[] = {
	    0, 1, 2, 3, 124, 125, 126, 127, 1000, 4095, 4096, 4097, 65535, 65536, 65537};
	uint64_t max = world.websocket.max_message;
	size_t size = random_below(300);

	if (random_one_in(3))
		size = RANDOM_OF(sizes);
	if (random_one_in(8))
		size = random_below(10000);
	if (random_one_in(30))
		size = random_below(200000);
	if (max != 0 && random_one_in(8))
		size = (size_t)max - random_below(max < 3 ? max : 3);
	/* Too big is what script_violation() sends. */
	if (max != 0 && size > max)
		size = random_below((size_t)max + 1);
	return size < world.budget ? size : world.budget;
}

uint16_t
script_message(struct bytes *out, size_t *used, uint64_t from)
{
	bool text = random_one_in(6) ? !world.format.text : world.format.text;
	struct bytes *m = &state.message;
	size_t repeat = random_one_in(6) ? random_below(40) : 1;
	bool bomb = world.compresses && random_one_in(8);
	size_t most = bomb ? SCRIPT_BOMB : 2 * world.budget;
	uint64_t max = world.websocket.max_message;
	uint16_t code = 0;

	if (random_one_in(8)) {
		script_ping(out);
		return 0;
	}
	/* Before a message of the wrong type others arrive, mostly. */
	if (text != world.format.text && !world.program.drops_wrong_type &&
	    !(world.format.text && world.format.binary) && !random_one_in(8))
		text = !text;
	if (bomb)
		repeat = SCRIPT_BOMB_MESSAGES;
	while (repeat-- > 0 && code == 0 && *used < most) {
		size_t size = script_size();

		/* Short messages come in bursts, and those that are much shorter compressed. */
		if (bomb)
			size =
			    max == 0 || max > SCRIPT_BOMB_SIZE ? SCRIPT_BOMB_SIZE : (size_t)max;
		else if (repeat > 0)
			size %= 40;
		bytes_reset(m);
		if (bomb)
			memset(bytes_add(m, size), 'a', size);
		else
			world_fill(m, size, text);
		script_put_message(out, text ? OP_TEXT : OP_BINARY, bytes_data(m), size);
		*used += size + 6;
		code = model_send(text, bytes_data(m), size);
		check_trace("the client has a message: %s, %zu bytes, up to %llu",
		    text ? "text" : "binary", size,
		    (unsigned long long)(from + bytes_len(out)));
		if (code == 0)
			script_mark(from + bytes_len(out));
	}
	return code;
}

uint16_t
script_close(struct bytes *out)
{
	static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
	    1012, 1013, 1014, 3000, 3999, 4000, 4999};
	uint16_t code = RANDOM_OF(codes);
	uint8_t body[125] = {(uint8_t)(code >> 8), (uint8_t)code};

	if (random_one_in(4)) {
		script_put(out, FIN | OP_CLOSE, body, 0);
		return 1005;
	}
	memcpy(body + 2, "bye \xe2\x82\xac", 7);
	memset(body + 9, '!', sizeof(body) - 9);
	script_put(out, FIN | OP_CLOSE, body,
	    random_one_in(3)   ? 2
	    : random_one_in(3) ? 125
			       : 2 + 4);
	return code;
}

/* A text that is not UTF-8, in fragments. */
static void
script_bad_text(struct bytes *out)
{
	static const uint8_t bad[] = {0xff, 0xc0, 0x80, 0xf8};
	struct bytes *m = &state.message;
	size_t max = world.websocket.max_message ? (size_t)world.websocket.max_message : 400;
	size_t size = random_between(1, max < 400 ? max : 400);
	size_t at = random_below(size);

	bytes_reset(m);
	world_fill(m, size, true);
	/* Or a character that its end cuts. A byte may fit by chance. */
	if (random_one_in(3))
		bytes_data(m)[size - 1] = 0xc3;
	else
		bytes_data(m)[at] = RANDOM_OF(bad);
	if (frames_utf8(bytes_data(m), size))
		bytes_data(m)[at] = 0xff;
	if (world.format.text)
		model_send_part(bytes_data(m), size);
	script_put_message(out, OP_TEXT, bytes_data(m), size);
}

/* A message above the limit, of which no more is sent than shows it. */
static void
script_too_big(struct bytes *out)
{
	struct bytes *m = &state.message;
	size_t max = (size_t)world.websocket.max_message;
	int opcode = world.format.text ? OP_TEXT : OP_BINARY;

	bytes_reset(m);
	world_fill(m, max + 1 + (random_one_in(2) ? 0 : random_below(20)), world.format.text);
	model_send_part(bytes_data(m), bytes_len(m));
	script_put_message(out, opcode, bytes_data(m), bytes_len(m));
}

/* A message that begins, and what must not follow. */
static void
script_begin(struct bytes *out)
{
	model_send_part((const uint8_t *)"b", 1);
	script_put(out, world.format.text ? OP_TEXT : OP_BINARY, "b", 1);
}

uint16_t
script_violation(struct bytes *out)
{
	static const uint16_t bad_codes[] = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535};
	static const int opcodes[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
	int opcode = world.format.text ? OP_TEXT : OP_BINARY;
	uint8_t body[200];
	uint32_t n;
	int form;

	memset(body, 'x', sizeof(body));
	switch (random_below(22)) {
	case 0:
	case 1:
		check_trace("violation: the wrong masking");
		frames_put(out, (uint8_t)(FIN | opcode), !script_masks(), body,
		    world.websocket.max_message == 0 || world.websocket.max_message > 50
			? random_below(50)
			: 0,
		    0);
		return 1002;
	case 2:
		check_trace("violation: a reserved bit");
		script_put(out,
		    FIN | opcode |
			(world.compresses ? 0x20 : RANDOM_OF(((int[]){0x40, 0x20, 0x10}))),
		    body, 1);
		return 1002;
	case 3:
		check_trace("violation: a reserved opcode");
		script_put(out, FIN | RANDOM_OF(opcodes), body, 1);
		return 1002;
	case 4:
		check_trace("violation: a fragmented control frame");
		script_put(out, random_one_in(2) ? OP_PING : OP_PONG, body, 1);
		return 1002;
	case 5:
		check_trace("violation: a control frame of 126 bytes");
		script_put(out, FIN | (random_one_in(2) ? OP_PING : OP_CLOSE), body, 126);
		return 1002;
	case 6:
		check_trace("violation: a Close of one byte");
		script_put(out, FIN | OP_CLOSE, body, 1);
		return 1002;
	case 7:
		n = RANDOM_OF(bad_codes);
		check_trace("violation: a Close with code %u", n);
		body[0] = (uint8_t)(n >> 8);
		body[1] = (uint8_t)n;
		script_put(out, FIN | OP_CLOSE, body, random_between(2, 100));
		return 1002;
	case 8:
		check_trace("violation: the reason of a Close is not UTF-8");
		memcpy(body, "\x03\xe8ok\xff", 5);
		script_put(out, FIN | OP_CLOSE, body, 5);
		return 1007;
	case 9:
		check_trace("violation: a continuation without a message");
		script_put(out, (random_one_in(2) ? FIN : 0) | OP_CONT, body, random_below(2));
		return 1002;
	case 10:
		check_trace("violation: a message in a message");
		script_begin(out);
		script_put(out, FIN | opcode, body, 1);
		return 1002;
	case 11:
		check_trace("violation: a length that is too long");
		form = random_one_in(2) ? 16 : 64;
		frames_put(out, (uint8_t)(FIN | opcode), script_masks(), body, 1, form);
		return 1002;
	case 12:
		check_trace("violation: a continuation with RSV1");
		script_begin(out);
		script_put(out, FIN | RSV1 | OP_CONT, body, 1);
		return 1002;
	case 13:
		n = world.websocket.max_empty_fragments;
		if (n == 0 || n > 100)
			break;
		check_trace("violation: too many empty fragments");
		script_begin(out);
		while (n-- > 0)
			script_put(out, OP_CONT, body, 0);
		script_put(out, random_one_in(2) ? OP_CONT : FIN | OP_CONT, body, 0);
		return 1008;
	case 14:
		if (!world.compresses)
			break;
		check_trace("violation: corrupt compressed data");
		memset(body, 0xff, 20);
		script_put(out, FIN | RSV1 | opcode, body, 20);
		return 1007;
	case 15:
	case 16:
	case 17:
	case 18:
	case 19:
		if (world.websocket.max_message == 0 || world.websocket.max_message > 200000)
			break;
		check_trace("violation: a message above the limit");
		script_too_big(out);
		return 1009;
	default:
		break;
	}
	check_trace("violation: text that is not UTF-8");
	script_bad_text(out);
	return 1007;
}

void
script_garbage(struct bytes *out)
{
	uint8_t body[64];

	memset(body, 'g', sizeof(body));
	if (random_one_in(3))
		script_put(out, FIN | OP_PING, "999999:", 7);
	else if (random_one_in(3))
		script_put(out, FIN | OP_CLOSE, "\x03\xe8", 2);
	else
		script_put(out, FIN | OP_TEXT, body, random_below(sizeof(body)));
}
