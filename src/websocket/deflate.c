/* SPDX-License-Identifier: BSD-2-Clause */
/* permessage-deflate (RFC 7692) by zlib. */
#include "websocket/deflate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
	DEFLATE_MEMORY_LEVEL =
	    4, /* of zlib: 2 to the power of 9 + 4 bytes for its hash and queue */
	DEFLATE_TAIL = 4,
};

/* Section 7.2.1: what ends a flush, which is taken off each message and put back by the other
 * side. */
static const uint8_t deflate_tail[DEFLATE_TAIL] = {0x00, 0x00, 0xff, 0xff};

/*
 * Negotiation. The grammar of RFC 6455, section 9.1:
 *
 *	list      = 1#( token *( ";" parameter ) )
 *	parameter = token [ "=" ( token | quoted-string ) ]
 *
 * A quoted string must be a token too, once its backslashes are removed. Blanks may stand
 *around all of these, and elements of a list may be empty (RFC 9110, section 5.6.1.2).
 */

/* A parameter's value, unquoted. No value that means something is longer; a longer one is cut,
 * to another nonsense. */
struct offer_value {
	char text[4];
	size_t len;
};

static void
offer_skip_blanks(struct span *rest)
{
	while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
		rest->data++;
		rest->len--;
	}
}

/* Takes C off the front. */
static bool
offer_take_char(struct span *rest, char c)
{
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	rest->data++;
	rest->len--;
	return true;
}

/* Takes a token off the front and the blanks behind it. */
static bool
offer_take_token(struct span *rest, struct span *token)
{
	*token = (struct span){rest->data, 0};
	while (
	    token->len < rest->len && util_is_token_char((unsigned char)rest->data[token->len]))
		token->len++;
	rest->data += token->len;
	rest->len -= token->len;
	offer_skip_blanks(rest);
	return token->len > 0;
}

static void
offer_add(struct offer_value *value, char c)
{
	if (value->len < sizeof(value->text))
		value->text[value->len++] = c;
}

/* Takes a quoted string, behind its first quote, off the front and the blanks behind it. */
static bool
offer_take_quoted(struct span *rest, struct offer_value *value)
{
	bool some = false;

	while (!offer_take_char(rest, '"')) {
		offer_take_char(rest, '\\');
		if (rest->len == 0 || !util_is_token_char((unsigned char)rest->data[0]))
			return false;
		offer_add(value, rest->data[0]);
		some = true;
		rest->data++;
		rest->len--;
	}
	offer_skip_blanks(rest);
	return some;
}

static bool
offer_take_value(struct span *rest, struct offer_value *value)
{
	struct span token;

	*value = (struct offer_value){.len = 0};
	if (offer_take_char(rest, '"'))
		return offer_take_quoted(rest, value);
	if (!offer_take_token(rest, &token))
		return false;
	for (size_t i = 0; i < token.len && i < sizeof(value->text); i++)
		offer_add(value, token.data[i]);
	return true;
}

/* Section 7.1.2: a number from 8 to 15 without leading zeros. 0 for anything else. */
static uint8_t
offer_bits(const struct offer_value *value)
{
	if (value->len == 1 && (value->text[0] == '8' || value->text[0] == '9'))
		return (uint8_t)(value->text[0] - '0');
	if (value->len == 2 && value->text[0] == '1' && value->text[1] >= '0' &&
	    value->text[1] <= '5')
		return (uint8_t)(10 + value->text[1] - '0');
	return 0;
}

enum offer_parameter {
	OFFER_SERVER_NO_TAKEOVER,
	OFFER_CLIENT_NO_TAKEOVER,
	OFFER_SERVER_BITS,
	OFFER_CLIENT_BITS,
	OFFER_PARAMETERS,
};

static const char *const offer_names[OFFER_PARAMETERS] = {
    [OFFER_SERVER_NO_TAKEOVER] = "server_no_context_takeover",
    [OFFER_CLIENT_NO_TAKEOVER] = "client_no_context_takeover",
    [OFFER_SERVER_BITS] = "server_max_window_bits",
    [OFFER_CLIENT_BITS] = "client_max_window_bits",
};

/* One offer of this extension, as it was read. */
struct offer {
	bool declined;
	bool has[OFFER_PARAMETERS];
	uint8_t server_bits;
	uint8_t client_bits; /* 0: named without a value */
};

/* Section 7.1: a name that is not known, that comes twice, or a value that can't be, declines
 * the offer. */
static void
offer_check(struct offer *offer, struct span name, const struct offer_value *value)
{
	size_t i = 0;

	while (i < OFFER_PARAMETERS && !span_equal(name, span_of(offer_names[i])))
		i++;
	if (i == OFFER_PARAMETERS || offer->has[i]) {
		offer->declined = true;
		return;
	}
	offer->has[i] = true;
	switch ((enum offer_parameter)i) {
	case OFFER_SERVER_NO_TAKEOVER: /* 7.1.1.1: no value */
	case OFFER_CLIENT_NO_TAKEOVER: /* 7.1.1.2: likewise */
		offer->declined = offer->declined || value;
		break;
	case OFFER_SERVER_BITS: /* 7.1.2.1: a value. What zlib can't do is declined. */
		offer->server_bits = value ? offer_bits(value) : 0;
		offer->declined = offer->declined || offer->server_bits < DEFLATE_WINDOW_MIN;
		break;
	case OFFER_CLIENT_BITS: /* 7.1.2.2: a value or none */
		offer->client_bits = value ? offer_bits(value) : 0;
		offer->declined = offer->declined || (value && offer->client_bits == 0);
		break;
	case OFFER_PARAMETERS:
		break;
	}
}

/* Takes one element off the front, with all its parameters. False: it breaks the grammar. */
static bool
offer_take(struct span *rest, struct offer *offer)
{
	struct span name;
	struct offer_value value;

	*offer = (struct offer){.declined = false};
	if (!offer_take_token(rest, &name))
		return false;
	/* Another extension: one that we do not know, or that we know by another name. */
	offer->declined = !span_equal(name, SPAN("permessage-deflate"));
	while (offer_take_char(rest, ';')) {
		bool valued;

		offer_skip_blanks(rest);
		if (!offer_take_token(rest, &name))
			return false;
		valued = offer_take_char(rest, '=');
		offer_skip_blanks(rest);
		if (valued && !offer_take_value(rest, &value))
			return false;
		offer_check(offer, name, valued ? &value : NULL);
	}
	return rest->len == 0 || rest->data[0] == ',';
}

static uint8_t
offer_least(uint8_t bits, int64_t limit)
{
	return bits < limit ? bits : (uint8_t)limit;
}

static void
offer_accept(const struct deflate_settings *settings, const struct offer *offer,
    struct deflate_agreed *out)
{
	uint8_t client_bits = offer->client_bits ? offer->client_bits : DEFLATE_WINDOW_MAX;

	/* 7.1.1: what the client asks of us must be; what it says of itself is taken at its
	 * word. */
	out->server_takeover = settings->takeover && !offer->has[OFFER_SERVER_NO_TAKEOVER];
	out->client_takeover = settings->takeover && !offer->has[OFFER_CLIENT_NO_TAKEOVER];
	/*
	 * 7.1.2.1: ours is never above the client's limit. It is named only to a client that
	 * named one: some reject a parameter they did not offer, and any client can decompress
	 * what a smaller window produced.
	 */
	out->server_bits =
	    offer_least(offer->has[OFFER_SERVER_BITS] ? offer->server_bits : DEFLATE_WINDOW_MAX,
		settings->window);
	out->says_server_bits = offer->has[OFFER_SERVER_BITS];
	/* 7.1.2.2: theirs may be named only to a client that has said that it can be limited.
	 */
	out->says_client_bits = offer->has[OFFER_CLIENT_BITS];
	out->client_bits = out->says_client_bits ? offer_least(client_bits, settings->window)
						 : DEFLATE_WINDOW_MAX;
}

enum deflate_result
deflate_negotiate(const struct deflate_settings *settings, const struct span *values,
    size_t count, struct deflate_agreed *out)
{
	size_t offers = 0;
	bool agreed = false;

	for (size_t i = 0; i < count; i++) {
		struct span rest = values[i];

		for (;;) {
			struct offer offer;

			offer_skip_blanks(&rest);
			if (rest.len == 0)
				break;
			if (offer_take_char(&rest, ','))
				continue;
			if (offers++ == DEFLATE_OFFERS_MAX)
				return agreed ? DEFLATE_AGREED : DEFLATE_NONE;
			if (!offer_take(&rest, &offer))
				return DEFLATE_BROKEN;
			if (!agreed && !offer.declined) {
				offer_accept(settings, &offer, out);
				agreed = true;
			}
		}
	}
	return agreed ? DEFLATE_AGREED : DEFLATE_NONE;
}

size_t
deflate_answer(const struct deflate_agreed *agreed, char out[DEFLATE_ANSWER_MAX])
{
	char server_bits[32] = "";
	char client_bits[32] = "";
	int len;

	if (agreed->says_server_bits)
		snprintf(server_bits, sizeof(server_bits), "; server_max_window_bits=%u",
		    agreed->server_bits);
	if (agreed->says_client_bits)
		snprintf(client_bits, sizeof(client_bits), "; client_max_window_bits=%u",
		    agreed->client_bits);
	len = snprintf(out, DEFLATE_ANSWER_MAX, "permessage-deflate%s%s%s%s",
	    agreed->server_takeover ? "" : "; server_no_context_takeover",
	    agreed->client_takeover ? "" : "; client_no_context_takeover", server_bits,
	    client_bits);
	assert(len > 0 && len < DEFLATE_ANSWER_MAX);
	return (size_t)len;
}

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
	/* As deflateBound() for any settings, and the block that ends a flush. */
	return len + (len + 7) / 8 + (len + 63) / 64 + 32;
}

bool
deflater_is_fresh(const struct deflater *d)
{
	return !d->takeover;
}

/* Makes the stream ready for a new message. Negative bits: without the header of zlib (RFC
 * 1950). */
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
		 * Section 7.2.3.6: one byte, which with the tail put back is an empty block.
		 * zlib itself writes nothing for a second flush in a row.
		 */
		out[0] = 0x00;
		return 1;
	}
	d->z.next_in = bytes;
	d->z.avail_in = (uInt)len;
	d->z.next_out = out;
	d->z.avail_out = (uInt)room;
	/* Section 7.2.1: a flush ends with an empty block, whose last four bytes go, once for a
	 * message. */
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
	/* A compressor that was given 8 may use 9, as zlib's does; 256 bytes more bear
	 * with it. */
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
		 * stream ends there; in this protocol it goes on at the next byte, with the
		 * window as it is.
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
	/* Section 7.2.2: the tail is put back. It must complete an empty block, nothing else.
	 */
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
	 * as with a compressor that is closed after each message. The next message goes on with
	 * the window as it is.
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
