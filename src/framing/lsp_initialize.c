/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the "processId" of an "initialize" request is. The rest is not decoded, only stepped
 * over. */
#include "framing/lsp_initialize.h"

#include <string.h>

static void
scan_blanks(struct span *rest)
{
	while (rest->len > 0 && memchr(" \t\r\n", rest->data[0], 4)) {
		rest->data++;
		rest->len--;
	}
}

/* Takes C, and blanks around it, off the front. */
static bool
scan_char(struct span *rest, char c)
{
	scan_blanks(rest);
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	rest->data++;
	rest->len--;
	scan_blanks(rest);
	return true;
}

/* Takes a string off the front; *TEXT is what its quotes enclose, with its escapes. */
static bool
scan_string(struct span *rest, struct span *text)
{
	size_t len = 1;

	if (rest->len == 0 || rest->data[0] != '"')
		return false;
	while (len < rest->len && rest->data[len] != '"')
		len += rest->data[len] == '\\' ? 2 : 1;
	if (len >= rest->len)
		return false;
	*text = (struct span){rest->data + 1, len - 1};
	rest->data += len + 1;
	rest->len -= len + 1;
	return true;
}

/* Takes a number, true, false or null off the front. */
static bool
scan_word(struct span *rest, struct span *word)
{
	*word = (struct span){rest->data, 0};
	while (
	    word->len < rest->len && (util_is_alpha((unsigned char)rest->data[word->len]) ||
					 util_is_digit((unsigned char)rest->data[word->len]) ||
					 memchr("+-.", rest->data[word->len], 3)))
		word->len++;
	rest->data += word->len;
	rest->len -= word->len;
	return word->len > 0;
}

/* Takes any value off the front. Nesting is counted, so it costs no stack. */
static bool
scan_value(struct span *rest, struct span *value)
{
	const char *start = rest->data;
	size_t depth = 0;
	struct span text;

	do {
		char c;

		scan_blanks(rest);
		if (rest->len == 0)
			return false;
		c = rest->data[0];
		if (c == '"') {
			if (!scan_string(rest, &text))
				return false;
		} else if (memchr("{}[],:", c, 6)) {
			if (c == '{' || c == '[')
				depth++;
			else if (depth == 0)
				return false;
			else if (c == '}' || c == ']')
				depth--;
			rest->data++;
			rest->len--;
		} else if (!scan_word(rest, &text)) {
			return false;
		}
	} while (depth > 0);
	*value = (struct span){start, (size_t)(rest->data - start)};
	return true;
}

/*
 * Steps to the next member of an object, from behind its '{' or a member. Sets *NAME to an
 * empty span behind the last one. False where it is no JSON.
 */
static bool
scan_member(struct span *rest, bool first, struct span *name, struct span *value)
{
	*name = (struct span){0};
	if (scan_char(rest, '}'))
		return true;
	return (first || scan_char(rest, ',')) && scan_string(rest, name) &&
	       scan_char(rest, ':') && scan_value(rest, value);
}

/* Finds the member NAME of OBJECT: of several the last one, as parsers do. Empty: there is
 * none. */
static bool
scan_find(struct span object, const char *wanted, struct span *found)
{
	struct span rest = object;
	struct span name, value;

	*found = (struct span){0};
	if (!scan_char(&rest, '{'))
		return false;
	for (bool first = true;; first = false) {
		if (!scan_member(&rest, first, &name, &value))
			return false;
		if (!name.data)
			return rest.len == 0;
		if (span_equal(name, span_of(wanted)))
			*found = value;
	}
}

bool
lsp_initialize_find(struct span message, struct span *process_id)
{
	struct span method, params;

	*process_id = (struct span){0};
	if (!scan_find(message, "method", &method) ||
	    !span_equal(method, SPAN("\"initialize\"")) ||
	    !scan_find(message, "params", &params))
		return false;
	/* What is null already, or a string, is left as it is. */
	if (!scan_find(params, "processId", process_id) || process_id->len == 0 ||
	    !(util_is_digit((unsigned char)process_id->data[0]) || process_id->data[0] == '-'))
		*process_id = (struct span){0};
	return true;
}
