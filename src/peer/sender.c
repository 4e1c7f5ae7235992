/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodes messages as frames and writes them to a stream. */
#include "peer/sender.h"

#include "base/utf8.h"
#include "websocket/broadcast.h"

#include <assert.h>
#include <sys/random.h>

enum {
	SENDER_COPY_MAX = 4096, /* bytes; longer messages are not copied */
	SENDER_CONTROL_MAX = 2 + FRAME_MASK_LEN + FRAME_CONTROL_MAX,
	SENDER_PONGS = 1024, /* bytes of pongs that are assembled before they are written */
	/* Bytes of a batch: small enough to be still cached when it is validated. */
	SENDER_RUN = 16 * 1024,
};

_Static_assert(BATCH_SLACK >= (int)SIMD_SLACK, "the loops read beyond a batch");

static void
sender_write(struct sender *s)
{
	size_t len = s->out_len;

	s->out_len = 0;
	if (len > 0 && s->stream && !s->failed && !stream_write(s->stream, s->loop->out, len))
		s->failed = SENDER_LOST;
}

/* Makes room for LEN bytes and a frame header. */
static void
sender_reserve(struct sender *s, size_t len)
{
	if (LOOP_OUT - s->out_len < FRAME_HEADER_MAX + len)
		sender_write(s);
}

/* Sets an unpredictable mask (RFC 6455, section 5.3). Random numbers are fetched for several
 * frames at once. */
static void
sender_choose_mask(struct sender *s)
{
	static uint8_t random[256];
	static size_t left;

	if (!s->encoder.masks)
		return;
	if (left < FRAME_MASK_LEN) {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
			s->failed = SENDER_NO_RANDOM;
			return;
		}
		left = sizeof(random);
	}
	left -= FRAME_MASK_LEN;
	memcpy(s->encoder.mask, random + left, FRAME_MASK_LEN);
}

/* Appends one frame of a compressed message to loop->out: first the payload, then the header in
 * front of it. */
static void
sender_put_deflated(
    struct sender *s, enum message_type type, bool last, const uint8_t *data, size_t len)
{
	bool whole = last && !s->encoder.in_message;
	uint8_t *frame;
	size_t wire;
	size_t header;

	sender_reserve(s, deflater_bound(len));
	frame = s->loop->out + s->out_len;
	wire = deflater_put(s->deflater, data, len, last, frame + FRAME_HEADER_MAX);
	if (wire == 0) {
		/* The peer can't continue: what it has received of this message can't be
		 * completed. */
		s->failed = SENDER_NO_MEMORY;
		return;
	}
	/* Compression gained nothing and no later message will refer to this one: send it
	 * uncompressed. */
	if (whole && wire >= len && deflater_is_fresh(s->deflater)) {
		s->encoder.compressed = false;
		wire = len;
		if (len > 0)
			memcpy(frame + FRAME_HEADER_MAX, data, len);
	}
	header = encoder_header(&s->encoder, frame, type, last, wire);
	memmove(frame + header, frame + FRAME_HEADER_MAX, wire);
	if (s->encoder.masks)
		(void)simd->unmask(frame + header, frame + header, wire, s->encoder.mask, 0);
	s->out_len += (uint32_t)(header + wire);
	s->counts->wire += wire;
}

/* Compresses a message, or returns false if it must be sent uncompressed. The first part
 * decides: a message of several parts is long. */
static bool
sender_deflate(
    struct sender *s, enum message_type type, bool last, const uint8_t *data, size_t len)
{
	if (!s->encoder.in_message)
		s->encoder.compressed = !last || len >= s->deflate_min;
	if (!s->encoder.compressed) {
		s->counts->wire += len;
		return false;
	}
	/* Repaired text can be longer than a batch. Empty parts are skipped, except the
	 * last. */
	for (; len > LOOP_BATCH && !s->failed; data += LOOP_BATCH, len -= LOOP_BATCH) {
		sender_put_deflated(s, type, false, data, LOOP_BATCH);
		sender_choose_mask(s);
	}
	if (!s->failed && (last || len > 0))
		sender_put_deflated(s, type, last, data, len);
	return true;
}

static void
sender_put_masked(struct sender *s, const uint8_t *data, size_t len)
{
	size_t n;

	for (size_t done = 0; done < len; done += n) {
		if (s->out_len == LOOP_OUT)
			sender_write(s);
		n = len - done < LOOP_OUT - s->out_len ? len - done : LOOP_OUT - s->out_len;
		(void)simd->unmask(
		    s->loop->out + s->out_len, data + done, n, s->encoder.mask, done);
		s->out_len += (uint32_t)n;
	}
}

static void
sender_frame(struct sender *s, enum message_type type, bool last, uint8_t *data, size_t len)
{
	struct iovec parts[2];
	bool copy = len <= SENDER_COPY_MAX;

	if (!s->stream || s->failed)
		return;
	sender_choose_mask(s);
	s->counts->bytes += len;
	s->counts->messages += last;
	if (s->deflater && sender_deflate(s, type, last, data, len))
		return;
	sender_reserve(s, copy ? len : 0);
	s->out_len +=
	    (uint32_t)encoder_header(&s->encoder, s->loop->out + s->out_len, type, last, len);
	if (s->encoder.masks) {
		sender_put_masked(s, data, len);
	} else if (copy) {
		if (len > 0)
			memcpy(s->loop->out + s->out_len, data, len);
		s->out_len += (uint32_t)len;
	} else {
		parts[0] = (struct iovec){s->loop->out, s->out_len};
		parts[1] = (struct iovec){data, len};
		s->out_len = 0;
		if (!stream_writev(s->stream, parts, 2))
			s->failed = SENDER_LOST;
	}
}

/* Encodes as much of a batch as the fast path accepts; there is no work per message here.
 * Returns false if the next message needs the slow path. */
static bool
sender_put_batch(struct sender *s, struct batch *batch)
{
	struct simd_frames frames = {.separator = (uint8_t)batch->separator, .cr = batch->cr};
	size_t len = batch->len < SENDER_RUN ? batch->len : SENDER_RUN;
	bool not_utf8;
	size_t used;

	if (s->deflater || s->encoder.masks || s->encoder.in_message || batch->careful > 0)
		return false;
	sender_reserve(s, SIMD_FRAMES_ROOM(len) + SIMD_SLACK);
	frames.to = s->loop->out + s->out_len;
	used = encoder_batch(&frames, batch->data, len, &not_utf8);
	if (not_utf8)
		batch->careful = used;
	if (used == 0 || not_utf8)
		return false;
	batch->data += used;
	batch->len -= used;
	s->out_len = (uint32_t)(frames.to - s->loop->out);
	s->counts->messages += frames.count;
	s->counts->bytes += frames.bytes;
	return true;
}

/* Appends one piece of messages that were encoded for all clients. */
static void
sender_put_broadcast(struct sender *s, struct batch *batch)
{
	struct broadcast *b = batch->broadcast;
	struct broadcast_form form = s->deflates_broadcasts
					 ? broadcast_deflated(b, s->deflater, s->deflate_min)
					 : broadcast_plain(b);
	size_t left = batch->len < form.len ? batch->len : form.len;
	size_t n = broadcast_piece(&form, left);
	struct iovec parts[2] = {[1] = {(void *)(uintptr_t)(form.bytes + form.len - left), n}};

	assert(!s->encoder.masks && !s->encoder.in_message);
	batch->len = left - n;
	if (!s->stream || s->failed)
		return;
	if (n <= SENDER_COPY_MAX) {
		sender_reserve(s, n);
		memcpy(s->loop->out + s->out_len, parts[1].iov_base, n);
		s->out_len += (uint32_t)n;
	} else {
		bool alone = s->out_len == 0;

		parts[0] = (struct iovec){s->loop->out, s->out_len};
		s->out_len = 0;
		if (!stream_writev(s->stream, parts + alone, 2 - alone))
			s->failed = SENDER_LOST;
	}
	if (batch->len > 0)
		return;
	s->counts->messages += b->messages;
	s->counts->bytes += b->bytes;
	s->counts->wire += form.payload;
}

void
sender_send(struct sender *s, struct batch *batch)
{
	if (batch->separator == BATCH_NO_SEPARATOR) {
		sender_frame(s, batch->type, batch->last, batch->data, batch->len);
		batch->len = 0;
		return;
	}
	if (batch->separator == BATCH_BROADCAST) {
		sender_put_broadcast(s, batch);
		return;
	}
	while (batch->len > 0 && s->stream && !s->failed) {
		struct batch rest = *batch;
		struct batch one;

		if (sender_put_batch(s, batch))
			continue;
		rest = *batch;
		one = batch_next(&rest);
		if (!utf8_valid(one.data, one.len))
			return;
		*batch = rest;
		sender_frame(s, MESSAGE_TEXT, true, one.data, one.len);
	}
}

/* Builds a control frame in OUT. Returns its length. */
static size_t
sender_build_control(struct sender *s, uint8_t *out, enum frame_opcode opcode,
    const uint8_t *payload, size_t len)
{
	size_t size = encoder_control(out, opcode, payload, len);

	sender_choose_mask(s);
	return s->encoder.masks ? encoder_mask_control(&s->encoder, out, size) : size;
}

void
sender_control(struct sender *s, enum frame_opcode opcode, const uint8_t *payload, size_t len)
{
	sender_reserve(s, FRAME_CONTROL_MAX);
	s->out_len +=
	    (uint32_t)sender_build_control(s, s->loop->out + s->out_len, opcode, payload, len);
}

bool
sender_pong(struct sender *s, struct span payload)
{
	const uint8_t *bytes = (const uint8_t *)payload.data;
	uint8_t frame[SENDER_CONTROL_MAX];

	if (sender_queued(s) > 0) {
		buffer_clear(&s->pong);
		return buffer_append(&s->pong, frame,
		    sender_build_control(s, frame, FRAME_PONG, bytes, payload.len));
	}
	sender_control(s, FRAME_PONG, bytes, payload.len);
	if (s->out_len >= SENDER_PONGS)
		sender_write(s);
	return true;
}

void
sender_put_pong(struct sender *s)
{
	if (s->stream && !s->failed && !stream_write_take(s->stream, &s->pong))
		s->failed = SENDER_LOST;
	buffer_clear(&s->pong);
}

void
sender_close(struct sender *s, uint16_t code, struct span reason, bool last)
{
	uint8_t frame[SENDER_CONTROL_MAX];
	size_t len = encoder_close(frame, code, reason);

	sender_choose_mask(s);
	if (s->encoder.masks)
		len = encoder_mask_control(&s->encoder, frame, len);
	sender_write(s);
	if (s->stream && !s->failed &&
	    !(last ? stream_write_last(s->stream, frame, len)
		   : stream_write(s->stream, frame, len)))
		s->failed = SENDER_LOST;
	sender_stop(s);
}

void
sender_flush(struct sender *s)
{
	sender_write(s);
	if (s->deflater)
		deflater_rest(s->deflater);
}

const char *
sender_reason(const struct sender *s)
{
	static const char *const reasons[] = {[SENDER_LOST] = "connection lost",
	    [SENDER_NO_MEMORY] = "out of memory",
	    [SENDER_NO_RANDOM] = "no random numbers"};

	return reasons[s->failed];
}

void
sender_stop(struct sender *s)
{
	s->out_len = 0;
	buffer_clear(&s->pong);
	deflater_drop(s->deflater);
}
