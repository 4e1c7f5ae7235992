/* SPDX-License-Identifier: BSD-2-Clause */
/* permessage-deflate (RFC 7692) with zlib. */
#include "websocket/deflate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
	DEFLATE_MEMORY_LEVEL =
	    4, /* zlib's memLevel: 2 to the power of 9 + 4 bytes for its hash and queue */
	DEFLATE_TAIL = 4,
};

/* Section 7.2.1: the end of a flush, which is removed from each message and restored by the
 * receiver. */
static const uint8_t deflate_tail[DEFLATE_TAIL] = {0x00, 0x00, 0xff, 0xff};

/* Compression */

struct deflater {
	z_stream z;
	bool live; /* zlib holds memory */
	bool in_message;
	bool takeover;
	int bits;
	int level;
};

struct deflater *
deflater_new(const struct deflate_agreed *agreed, int level)
{
	struct deflater *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->takeover = agreed->server_takeover;
	d->bits = agreed->server_bits;
	d->level = level;
	return d;
}

void
deflater_drop(struct deflater *d)
{
	if (!d)
		return;
	if (d->live)
		deflateEnd(&d->z);
	d->live = false;
}

void
deflater_free(struct deflater *d)
{
	deflater_drop(d);
	free(d);
}

size_t
deflater_bound(size_t len)
{
	/* As deflateBound() for any settings, plus the block that ends a flush. */
	return len + (len + 7) / 8 + (len + 63) / 64 + 32;
}

bool
deflater_is_fresh(const struct deflater *d)
{
	return !d->takeover;
}

/* Prepares the stream for a new message. Negative bits: no zlib header (RFC 1950). */
static bool
deflater_begin(struct deflater *d)
{
	if (d->live)
		return d->takeover || deflateReset(&d->z) == Z_OK;
	memset(&d->z, 0, sizeof(d->z));
	d->live = deflateInit2(&d->z, d->level, Z_DEFLATED, -d->bits, DEFLATE_MEMORY_LEVEL,
		      Z_DEFAULT_STRATEGY) == Z_OK;
	return d->live;
}

size_t
deflater_put(struct deflater *d, const uint8_t *bytes, size_t len, bool last, uint8_t *out)
{
	size_t room = deflater_bound(len);
	size_t n;

	assert(len > 0 || last);
	if (!d->in_message && !deflater_begin(d))
		return 0;
	d->in_message = !last;
	if (len == 0) {
		/*
		 * Section 7.2.3.6: one byte, which is an empty block with the tail restored.
		 * zlib itself writes nothing for a second consecutive flush.
		 */
		out[0] = 0x00;
		return 1;
	}
	d->z.next_in = bytes;
	d->z.avail_in = (uInt)len;
	d->z.next_out = out;
	d->z.avail_out = (uInt)room;
	/* Section 7.2.1: a flush ends with an empty block, whose last four bytes are removed,
	 * once per message. */
	if (deflate(&d->z, Z_SYNC_FLUSH) != Z_OK || d->z.avail_in > 0 || d->z.avail_out == 0)
		return 0;
	n = room - d->z.avail_out;
	if (last) {
		assert(n > DEFLATE_TAIL &&
		       memcmp(out + n - DEFLATE_TAIL, deflate_tail, DEFLATE_TAIL) == 0);
		n -= DEFLATE_TAIL;
	}
	return n;
}

void
deflater_rest(struct deflater *d)
{
	if (!d->takeover && !d->in_message)
		deflater_drop(d);
}

/* Decompression */

struct inflater {
	z_stream z;
	bool live; /* zlib holds memory */
	bool in_message;
	bool takeover;
	bool at_final; /* the last byte fed ended a block with BFINAL set */
	int bits;
};

struct inflater *
inflater_new(const struct deflate_agreed *agreed)
{
	struct inflater *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->takeover = agreed->client_takeover;
	/* A compressor asked for 8 may use 9, as zlib's does; 256 more bytes cover that. */
	f->bits =
	    agreed->client_bits > DEFLATE_WINDOW_MIN ? agreed->client_bits : DEFLATE_WINDOW_MIN;
	return f;
}

void
inflater_drop(struct inflater *f)
{
	if (!f)
		return;
	if (f->live)
		inflateEnd(&f->z);
	f->live = false;
}

void
inflater_free(struct inflater *f)
{
	inflater_drop(f);
	free(f);
}

bool
inflater_begin(struct inflater *f)
{
	f->in_message = true;
	f->at_final = false;
	if (f->live)
		return f->takeover || inflateReset(&f->z) == Z_OK;
	memset(&f->z, 0, sizeof(f->z));
	f->live = inflateInit2(&f->z, -f->bits) == Z_OK;
	return f->live;
}

void
inflater_feed(struct inflater *f, const uint8_t *bytes, size_t len)
{
	assert(f->live && f->z.avail_in == 0);
	f->z.next_in = bytes;
	f->z.avail_in = (uInt)len;
	if (len > 0)
		f->at_final = false;
}

enum inflater_result
inflater_next(struct inflater *f, uint8_t *out, size_t room, size_t *len)
{
	enum inflater_result result = INFLATER_MORE;
	int said;

	f->z.next_out = out;
	f->z.avail_out = (uInt)room;
	do {
		said = inflate(&f->z, Z_SYNC_FLUSH);
		/*
		 * Sections 7.2.1 and 7.2.3.4: any block may have BFINAL set. For zlib the
		 * stream ends there; in this protocol it continues at the next byte, with the
		 * same window.
		 */
		if (said == Z_STREAM_END) {
			f->at_final = f->z.avail_in == 0;
			inflateResetKeep(&f->z);
		}
	} while (said == Z_STREAM_END && f->z.avail_in > 0);
	*len = room - f->z.avail_out;
	if (said == Z_MEM_ERROR)
		result = INFLATER_NOMEM;
	else if (said != Z_OK && said != Z_BUF_ERROR && said != Z_STREAM_END)
		result = INFLATER_BAD;
	else if (f->z.avail_out == 0)
		result = INFLATER_FULL;
	if (result != INFLATER_FULL)
		f->z.avail_in = 0;
	return result;
}

size_t
inflater_take_back(struct inflater *f)
{
	size_t left = f->z.avail_in;

	f->z.avail_in = 0;
	return left;
}

bool
inflater_end(struct inflater *f)
{
	uint8_t none[DEFLATE_TAIL];
	int said;

	f->in_message = false;
	/* The compressor finished its stream and omitted the empty block of section 7.2.1. */
	if (f->at_final)
		return true;
	/* Section 7.2.2: restore the tail. It must complete an empty block and nothing else. */
	f->z.next_in = deflate_tail;
	f->z.avail_in = sizeof(deflate_tail);
	f->z.next_out = none;
	f->z.avail_out = sizeof(none);
	said = inflate(&f->z, Z_SYNC_FLUSH);
	if (f->z.avail_in > 0 || f->z.avail_out < sizeof(none))
		return false;
	/*
	 * Section 7.2.1: "An endpoint MAY use both DEFLATE blocks with the BFINAL bit set to 0
	 * and DEFLATE blocks with the BFINAL bit set to 1", so the empty block may have it set,
	 * as from a compressor that is closed after each message. The next message continues
	 * with the same window.
	 */
	if (said == Z_STREAM_END)
		return inflateResetKeep(&f->z) == Z_OK;
	/* Bit 7 of data_type: between two blocks. */
	return (said == Z_OK || said == Z_BUF_ERROR) && (f->z.data_type & 128);
}

void
inflater_rest(struct inflater *f)
{
	if (!f->takeover && !f->in_message)
		inflater_drop(f);
}
