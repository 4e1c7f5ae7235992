/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Negotiates permessage-deflate. The grammar of RFC 6455, section 9.1:
 *
 *	list      = 1#( token *( ";" parameter ) )
 *	parameter = token [ "=" ( token | quoted-string ) ]
 *
 * Without its backslashes, a quoted string must be a token, too. All of these may be surrounded
 * by blanks, and list elements may be empty (RFC 9110, section 5.6.1.2).
 */
#include "websocket/deflate_offer.h"

#include <assert.h>
#include <stdio.h>

static void
offer_skip_blanks(struct span *rest)
{
	while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
		rest->data++;
		rest->len--;
	}
}

/* Removes C from the front. */
static bool
offer_take_char(struct span *rest, char c)
{
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	rest->data++;
	rest->len--;
	return true;
}

/* Removes a token and the following blanks from the front. */
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

/* Removes a value from the front, without its quotes; backslashes stay, because no known value
 * needs one. */
static bool
offer_take_value(struct span *rest, struct span *value)
{
	size_t len = 0;

	if (!offer_take_char(rest, '"'))
		return offer_take_token(rest, value);
	while (len < rest->len &&
	       (util_is_token_char((unsigned char)rest->data[len]) || rest->data[len] == '\\'))
		len++;
	*value = (struct span){rest->data, len};
	rest->data += len;
	rest->len -= len;
	if (len == 0 || !offer_take_char(rest, '"'))
		return false;
	offer_skip_blanks(rest);
	return true;
}

/* Parses a number from 8 to 15 without leading zeros (section 7.1.2); 0 for anything else. */
static uint8_t
offer_bits(struct span value)
{
	int64_t bits;

	if (value.len == 0 || value.data[0] == '0' || util_parse_number(value, 8, 15, &bits))
		return 0;
	return (uint8_t)bits;
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

/* A parsed offer of this extension. */
struct offer {
	bool declined;
	bool has[OFFER_PARAMETERS];
	uint8_t server_bits;
	uint8_t client_bits; /* 0: named without a value */
};

/* Section 7.1: an unknown or repeated name, or an invalid value, declines the offer. */
static void
offer_check(struct offer *offer, struct span name, const struct span *value)
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
	case OFFER_CLIENT_NO_TAKEOVER: /* 7.1.1.2: no value */
		offer->declined = offer->declined || value;
		break;
	case OFFER_SERVER_BITS: /* 7.1.2.1: a value. What zlib can't do is declined. */
		offer->server_bits = value ? offer_bits(*value) : 0;
		offer->declined = offer->declined || offer->server_bits < DEFLATE_WINDOW_MIN;
		break;
	case OFFER_CLIENT_BITS: /* 7.1.2.2: a value or none */
		offer->client_bits = value ? offer_bits(*value) : 0;
		offer->declined = offer->declined || (value && offer->client_bits == 0);
		break;
	case OFFER_PARAMETERS:
		break;
	}
}

/* Removes one element with all its parameters from the front. Returns false on a syntax
 * error. */
static bool
offer_take(struct span *rest, struct offer *offer)
{
	struct span name;
	struct span value;

	*offer = (struct offer){.declined = false};
	if (!offer_take_token(rest, &name))
		return false;
	/* Another extension, unknown or known by another name. */
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

	/* 7.1.1: what the client requests of us is mandatory; what it announces for itself is
	 * accepted. */
	out->server_takeover =
	    settings->takeover && !settings->shares && !offer->has[OFFER_SERVER_NO_TAKEOVER];
	out->client_takeover = settings->takeover && !offer->has[OFFER_CLIENT_NO_TAKEOVER];
	/*
	 * 7.1.2.1: our window never exceeds the client's limit. It is only named if the client
	 * named one: some clients reject a parameter they did not offer, and any client can
	 * decompress the output of a smaller window.
	 */
	out->server_bits =
	    offer_least(offer->has[OFFER_SERVER_BITS] ? offer->server_bits : DEFLATE_WINDOW_MAX,
		settings->window);
	out->says_server_bits = offer->has[OFFER_SERVER_BITS];
	/* 7.1.2.2: the client's window may only be limited if the client has offered that. */
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

void
deflate_offer(const struct deflate_settings *settings, char out[DEFLATE_OFFER_MAX])
{
	char bits[64] = "; client_max_window_bits";
	int len;

	if (settings->window < DEFLATE_WINDOW_MAX)
		snprintf(bits, sizeof(bits),
		    "; server_max_window_bits=%d; client_max_window_bits=%d",
		    (int)settings->window, (int)settings->window);
	len = snprintf(out, DEFLATE_OFFER_MAX, "permessage-deflate%s%s",
	    settings->takeover ? ""
			       : "; server_no_context_takeover; client_no_context_takeover",
	    bits);
	assert(len > 0 && len < DEFLATE_OFFER_MAX);
}

bool
deflate_accept(
    const struct deflate_settings *settings, struct span value, struct deflate_agreed *out)
{
	struct span rest = span_trim(value);
	struct offer response;

	if (!offer_take(&rest, &response) || rest.len > 0 || response.declined)
		return false;
	/* Section 7.1.2.1: at most ours; 7.1.2.2: in a response it has a value. Whatever the
	 * server omits, the inflater can read. */
	if (response.has[OFFER_SERVER_BITS] && response.server_bits > settings->window)
		return false;
	if (response.has[OFFER_CLIENT_BITS] && (response.client_bits < DEFLATE_WINDOW_MIN ||
						   response.client_bits > settings->window))
		return false;
	*out = (struct deflate_agreed){
	    .server_bits = response.has[OFFER_CLIENT_BITS] ? response.client_bits
							   : (uint8_t)settings->window,
	    .client_bits =
		response.has[OFFER_SERVER_BITS] ? response.server_bits : DEFLATE_WINDOW_MAX,
	    .server_takeover = settings->takeover && !response.has[OFFER_CLIENT_NO_TAKEOVER],
	    .client_takeover = !response.has[OFFER_SERVER_NO_TAKEOVER],
	};
	return true;
}
