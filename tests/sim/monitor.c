/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks at the bytes for the client as they are written. */
#include "monitor.h"

#include "bytes.h"
#include "check.h"
#include "frames.h"
#include "model.h"
#include "oracle.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MONITOR_CONTROLS = 4096 };

struct monitor monitor;

static struct {
	struct bytes bytes; /* not parsed yet */
	uint64_t parsed; /* bytes so far */
	size_t head; /* of the handshake, to come */
	struct bytes message;
	int opcode; /* of the begun message; 0: there is none */
	bool compressed;
	bool inflates;
	z_stream z;
	struct control {
		uint64_t end;
		uint8_t opcode;
		uint8_t len;
		uint8_t payload[125];
	} controls[MONITOR_CONTROLS]; /* a ring */
	size_t first;
	size_t count;
} wire;

int __real_inflateInit2_(z_streamp z, int bits, const char *version, int size);

void
monitor_start(size_t head)
{
	wire.head = head;
	if (!world.compresses)
		return;
	memset(&wire.z, 0, sizeof(wire.z));
	check_that(__real_inflateInit2_(&wire.z, -world.deflate.server_bits, ZLIB_VERSION,
		       sizeof(wire.z)) == Z_OK,
	    "zlib works");
	wire.inflates = true;
}

void
monitor_clear(void)
{
	bytes_free(&wire.bytes);
	bytes_free(&wire.message);
	if (wire.inflates)
		inflateEnd(&wire.z);
	memset(&wire, 0, sizeof(wire));
	memset(&monitor, 0, sizeof(monitor));
}

static void
monitor_inflate(struct bytes *out, uint8_t *bytes, size_t len)
{
	int result;

	wire.z.next_in = bytes;
	wire.z.avail_in = (uInt)len;
	do {
		enum { STEP = 16 * 1024 };
		uint8_t *to = bytes_add(out, STEP);

		wire.z.next_out = to;
		wire.z.avail_out = STEP;
		result = inflate(&wire.z, Z_SYNC_FLUSH);
		out->tail -= wire.z.avail_out;
	} while (result == Z_OK && wire.z.avail_out == 0);
	check_that(result == Z_OK || result == Z_BUF_ERROR,
	    "compressed messages can be decompressed: %s", wire.z.msg ? wire.z.msg : "no end");
	check_that(wire.z.avail_in == 0, "compressed messages are read to their end");
}

static void
monitor_end_message(void)
{
	static uint8_t tail[] = {0, 0, 0xff, 0xff};
	struct bytes plain = {0};
	struct bytes *message = &wire.message;

	if (wire.compressed) {
		if (!world.deflate.server_takeover)
			inflateReset(&wire.z);
		monitor_inflate(&plain, bytes_data(message), bytes_len(message));
		monitor_inflate(&plain, tail, sizeof(tail));
		message = &plain;
	}
	check_that(
	    wire.opcode != OP_TEXT || frames_utf8(bytes_data(message), bytes_len(message)),
	    "text messages are UTF-8");
	check_trace(
	    "  message for the client: opcode %d, %zu bytes", wire.opcode, bytes_len(message));
	model_client_got(wire.opcode, bytes_data(message), bytes_len(message));
	bytes_free(&plain);
	bytes_reset(&wire.message);
	wire.opcode = 0;
}

static void
monitor_control(const struct frame_seen *f, const uint8_t *payload)
{
	struct control *control;

	check_that(f->fin, "control frames are not fragmented");
	check_that(f->len <= 125, "control frames are short");
	if (f->opcode == OP_CLOSE) {
		check_that(f->len != 1, "a Close has no payload of 1 byte");
		monitor.closed = true;
		monitor.closed_ms = check.now_ms;
		monitor.close_end = wire.parsed;
		monitor.code = 1005;
		if (f->len > 0)
			monitor.code = (uint16_t)(payload[0] << 8 | payload[1]);
		check_that(f->len < 2 || frames_utf8(payload + 2, f->len - 2),
		    "the reason of a Close is UTF-8");
		check_trace("  Close %u for the client: %.*s", monitor.code,
		    f->len > 2 ? (int)f->len - 2 : 0, f->len > 2 ? (char *)payload + 2 : "");
		oracle_on_close(monitor.code);
	} else if (f->opcode == OP_PING) {
		monitor.pings++;
	} else if (f->opcode == OP_PONG) {
		char number[16] = "";
		uint64_t which;

		memcpy(number, payload, f->len < 15 ? f->len : 15);
		which = strtoull(number, NULL, 10);
		check_that(which > monitor.pong_last && which <= oracle_pings_sent(),
		    "a PONG answers a PING that was sent, once: %llu after %llu",
		    (unsigned long long)which, (unsigned long long)monitor.pong_last);
		monitor.pong_last = which;
		monitor.pongs++;
		return;
	}
	check_that(wire.count < MONITOR_CONTROLS, "the client is not flooded by pings");
	control = &wire.controls[(wire.first + wire.count++) % MONITOR_CONTROLS];
	control->end = wire.parsed;
	control->opcode = f->opcode;
	control->len = (uint8_t)f->len;
	if (f->len > 0)
		memcpy(control->payload, payload, f->len);
}

static void
monitor_data(const struct frame_seen *f, const uint8_t *payload)
{
	if (f->opcode == OP_CONT) {
		check_that(wire.opcode != 0, "a continuation has a message");
		check_that(f->rsv == 0, "a continuation has no RSV bit");
	} else {
		check_that(wire.opcode == 0, "no message begins within another");
		check_that(f->rsv == 0 || (f->rsv == 4 && world.compresses),
		    "RSV bits are those of the extension");
		wire.opcode = f->opcode;
		wire.compressed = f->rsv != 0;
	}
	bytes_append(&wire.message, payload, f->len);
	if (f->fin)
		monitor_end_message();
}

static void
monitor_frame(struct frame_seen *f, uint8_t *payload)
{
	check_that(!monitor.closed, "nothing follows a Close: opcode %d does", f->opcode);
	check_that(f->opcode <= OP_BINARY || (f->opcode >= OP_CLOSE && f->opcode <= OP_PONG),
	    "opcodes are known");
	check_that(f->masked == world.client_role, "frames are masked by clients, only");
	check_that(f->shortest, "lengths are written in the shortest way");
	if (f->masked)
		frames_unmask(payload, f->len, payload - 4);
	if (f->opcode < OP_CLOSE) {
		monitor_data(f, payload);
		return;
	}
	check_that(f->rsv == 0, "control frames have no RSV bit");
	monitor_control(f, payload);
}

void
monitor_take(const uint8_t *bytes, size_t len)
{
	struct frame_seen f;

	bytes_append(&wire.bytes, bytes, len);
	if (wire.head > 0) {
		size_t n =
		    wire.head < bytes_len(&wire.bytes) ? wire.head : bytes_len(&wire.bytes);

		bytes_consume(&wire.bytes, n);
		wire.head -= n;
		wire.parsed += n;
	}
	check_that(!monitor.closed || len == 0, "no byte follows a Close");
	while (frames_header(bytes_data(&wire.bytes), bytes_len(&wire.bytes), &f) &&
	       bytes_len(&wire.bytes) - f.header >= f.len) {
		wire.parsed += f.header + f.len;
		monitor_frame(&f, bytes_data(&wire.bytes) + f.header);
		bytes_consume(&wire.bytes, f.header + f.len);
	}
	check_that(!monitor.closed || bytes_len(&wire.bytes) == 0, "no byte follows a Close");
}

int
monitor_next(uint64_t offset, uint8_t payload[125], size_t *len)
{
	struct control *control = &wire.controls[wire.first % MONITOR_CONTROLS];

	if (wire.count == 0 || control->end > offset)
		return 0;
	wire.first++;
	wire.count--;
	*len = control->len;
	memcpy(payload, control->payload, control->len);
	return control->opcode;
}
