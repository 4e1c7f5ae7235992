/* SPDX-License-Identifier: BSD-2-Clause */
/* The sender or recipients of records of a shared program. */
#include "framing/address.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
address_clear(struct address *a)
{
	buffer_clear(&a->ids);
	buffer_clear(&a->data);
}

size_t
address_count(const struct address *a)
{
	return buffer_len(&a->ids) / sizeof(uint64_t);
}

uint64_t
address_id(const struct address *a, size_t i)
{
	uint64_t id;

	memcpy(&id, buffer_data(&a->ids) + i * sizeof(id), sizeof(id));
	return id;
}

/* Removes a field and its TAB from the front of REST. Returns false if no TAB follows. */
static bool
address_take(struct span *rest, struct span *field)
{
	const char *tab = rest->len > 0 ? memchr(rest->data, '\t', rest->len) : NULL;

	if (!tab)
		return false;
	*field = (struct span){rest->data, (size_t)(tab - rest->data)};
	rest->len -= field->len + 1;
	rest->data = tab + 1;
	return true;
}

/* Parses a positive number without sign or leading zeros. */
static bool
address_number(struct span text, uint64_t *out)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 19 || text.data[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!util_is_digit((unsigned char)text.data[i]))
			return false;
		n = 10 * n + (uint64_t)(text.data[i] - '0');
	}
	*out = n;
	return true;
}

static void
address_fail(struct address *a, const char *why)
{
	a->kind = ADDRESS_BAD;
	a->why = why;
}

/* Parses "CODE REASON", "CODE" or nothing. */
static void
address_read_close(struct address *a, struct span rest)
{
	struct span code = rest;
	uint64_t n = 1000;

	for (code.len = 0; code.len < rest.len && rest.data[code.len] != ' ';)
		code.len++;
	if (code.len > 0 && (!address_number(code, &n) || n < 1000 || n > 4999)) {
		address_fail(a, "the code of a close is not a number from 1000 to 4999");
		return;
	}
	a->kind = ADDRESS_CLOSE;
	a->code = (uint16_t)n;
	a->text = (struct span){0};
	if (code.len < rest.len)
		a->text = (struct span){rest.data + code.len + 1, rest.len - code.len - 1};
}

void
address_read_line(struct address *a, uint8_t *line, size_t len, bool events)
{
	struct span rest = {(const char *)line, len}, to, verb;
	bool more;
	uint64_t id;

	address_clear(a);
	*a = (struct address){.kind = ADDRESS_MESSAGE};
	if (!address_take(&rest, &to)) {
		address_fail(a, "a line without a TAB");
		return;
	}
	a->all = span_equal(to, SPAN("*"));
	if (!a->all && !address_number(to, &id))
		address_fail(a, "a line that does not begin with the ID of a client or *");
	else if (!a->all && !buffer_append(&a->ids, &id, sizeof(id)))
		a->kind = ADDRESS_NO_MEMORY;
	a->text = rest;
	if (a->kind != ADDRESS_MESSAGE || !events)
		return;
	more = address_take(&rest, &verb);
	if (!more)
		verb = rest;
	if (span_equal(verb, SPAN("text"))) {
		a->text = rest;
		if (!more)
			address_fail(a, "no TAB follows the word text");
	} else if (span_equal(verb, SPAN("close"))) {
		address_read_close(a, more ? rest : (struct span){0});
	} else {
		a->kind = ADDRESS_IGNORED;
	}
}

static bool
address_put(struct buffer *out, uint64_t id, const char *verb)
{
	char head[ADDRESS_HEAD_MAX];
	int len = snprintf(head, sizeof(head), "%" PRIu64 "\t%s\t", id, verb);

	return buffer_append(out, head, (size_t)len);
}

bool
address_put_open(struct buffer *out, uint64_t id, struct span target)
{
	return address_put(out, id, "open") && buffer_append(out, target.data, target.len) &&
	       buffer_append(out, "\n", 1);
}

bool
address_put_close(struct buffer *out, uint64_t id, uint16_t code, struct span reason)
{
	char number[8];
	int len = snprintf(number, sizeof(number), "%u ", code);

	return address_put(out, id, "close") &&
	       buffer_append(out, number, (size_t)len - (reason.len == 0)) &&
	       json_escape(
		   out, (const uint8_t *)reason.data, reason.len, JSON_ESCAPE_MINIMAL) &&
	       buffer_append(out, "\n", 1);
}

size_t
address_head(char out[ADDRESS_HEAD_MAX], uint64_t id, bool events)
{
	return (size_t)snprintf(
	    out, ADDRESS_HEAD_MAX, "%" PRIu64 "\t%s", id, events ? "text\t" : "");
}
