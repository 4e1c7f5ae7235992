/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of options whose value is a list, or adds to one. */
#include "options/set.h"

#include "http/origin.h"
#include "net/cidr.h"
#include "options/value.h"
#include "serve/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields that wspipe itself sends in a response; a second one would contradict it. */
static const char *const own_headers[] = {
    "Connection",
    "Content-Length",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Transfer-Encoding",
    "Upgrade",
};

/* Returns true if TEXT has characters other than letters, digits and those of ALSO. */
static bool
has_other(struct span text, const char *also)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && (c == '\0' || !strchr(also, c)))
			return true;
	}
	return false;
}

/* websocketd accepts one file: there the last one wins, and an empty name is none. */
const char *
option_set_files(const struct option_set *set)
{
	if (set->value.len == 0 && !set->compat)
		return "must be a file name";
	if (set->compat)
		options_list_clear(set->target);
	if (set->value.len > 0)
		options_list_add(set->target, set->value);
	return NULL;
}

const char *
option_set_address(const struct option_set *set)
{
	struct span value = set->value;
	const char *colon = memchr(value.data, ':', value.len);

	/* For websocketd, an empty address means all interfaces. */
	if (value.len == 0 && set->compat)
		value = SPAN("*");
	if (value.len == 0)
		return "must be an address or '*' for all interfaces";
	if (value.data[0] == '[') {
		if (value.data[value.len - 1] != ']')
			return "must be an address without a port, such as [::1]; set the port "
			       "with --port";
		value.data++;
		value.len -= 2;
	} else if (colon &&
		   !memchr(colon + 1, ':', value.len - (size_t)(colon - value.data) - 1)) {
		return "must be an address without a port; set the port with --port";
	}
	options_list_add(set->target, value);
	return NULL;
}

const char *
option_set_host(const struct option_set *set)
{
	struct span name = set->value;

	if (span_equal(name, SPAN("*")))
		return "must be a host name; to accept any Host, listen with --address, or use "
		       "a proxy that sets Host";
	if (name.len == 0 || has_other(name, "-._") || name.data[0] == '.' ||
	    name.data[name.len - 1] == '.')
		return "must be a host name without a port";
	options_list_add(set->target, name);
	return NULL;
}

const char *
option_set_origin(const struct option_set *set)
{
	static char error[256];
	struct options_list *list = set->target;
	struct span rest = set->value, part;

	options_list_clear(list);
	while (options_next_part(&rest, &part)) {
		struct origin_rule ignored;
		const char *wrong = NULL;

		if (span_equal(part, SPAN("*")))
			part = SPAN("any");
		if (!span_equal(part, SPAN("any")))
			wrong = origin_parse_rule(part, &ignored);
		if (wrong && !set->compat) {
			snprintf(error, sizeof(error), "%.*s %s",
			    (int)(part.len < 64 ? part.len : 64), part.data, wrong);
			return error;
		}
		options_list_add(set->target, part);
	}
	return list->count > 0 || set->compat ? NULL : "must be a list of origins or 'any'";
}

/* Parses a field name that maps to a variable: without '_', which a proxy may confuse with
 * '-'. */
const char *
option_set_field_name(const struct option_set *set)
{
	if (set->value.len == 0 || has_other(set->value, "-"))
		return "must be the name of a header field of letters, digits and '-'";
	options_set_text(set->target, set->value);
	return NULL;
}

/* Returns what is wrong with the variables in TEXT, or NULL: the value of a session can only be
 * in the response that opens it. */
static const char *
check_variables(const struct option_row *row, struct span text)
{
	static const struct span variable = {
	    ENDPOINT_UNIQUE_ID, sizeof(ENDPOINT_UNIQUE_ID) - 1};

	for (size_t i = 0; i + 1 < text.len; i++) {
		size_t left = text.len - i;

		if (text.data[i] != '%' || text.data[i + 1] != '{')
			continue;
		if (strcmp(row->name, "header-ws") != 0)
			return "only --header-ws can contain a variable such "
			       "as " ENDPOINT_UNIQUE_ID;
		if (left < variable.len || memcmp(text.data + i, variable.data, variable.len))
			return "the only variable is " ENDPOINT_UNIQUE_ID;
	}
	return NULL;
}

/* Stores "Name: value" with exactly one blank, ready to be sent. */
const char *
option_set_header(const struct option_set *set)
{
	static char error[80];
	const char *colon = memchr(set->value.data, ':', set->value.len);
	struct span name, text;
	const char *wrong;
	char *line;

	if (!colon)
		return "must be \"Name: value\"";
	name = (struct span){set->value.data, (size_t)(colon - set->value.data)};
	text = span_trim((struct span){colon + 1, set->value.len - name.len - 1});
	if (!util_is_token(name))
		return "must be \"Name: value\" with a name of letters, digits and "
		       "!#$%&'*+-.^_`|~";
	if (options_has_control(text))
		return "must be \"Name: value\" without control characters";
	for (size_t i = 0; i < UTIL_LEN(own_headers); i++) {
		if (span_equal_nocase(name, span_of(own_headers[i]))) {
			snprintf(error, sizeof(error),
			    "wspipe sets %s itself; it can't be overridden", own_headers[i]);
			return error;
		}
	}
	wrong = set->compat ? NULL : check_variables(set->row, text);
	if (wrong)
		return wrong;
	line = options_format("%.*s: %.*s", (int)name.len, name.data, (int)text.len, text.data);
	options_list_add(set->target, span_of(line));
	free(line);
	return NULL;
}

/* Parses variable names; an empty list is valid: none. A leading '+' adds to the existing
 * ones. */
const char *
option_set_names(const struct option_set *set)
{
	struct span rest = set->value, part;

	if (rest.len > 0 && rest.data[0] == '+')
		rest = (struct span){rest.data + 1, rest.len - 1};
	else
		options_list_clear(set->target);
	while (options_next_part(&rest, &part)) {
		/* A blank suggests a forgotten comma; for websocketd it is part of a name. */
		if (memchr(part.data, '=', part.len) || options_has_control(part) ||
		    (memchr(part.data, ' ', part.len) && !set->compat))
			return "must be variable names separated by commas";
		if (part.data[0] == '+')
			return "must be variable names separated by commas, with one '+' "
			       "before all of them to add to the default";
		options_list_add(set->target, part);
	}
	return NULL;
}

/* Parses blocks of IP addresses, and "unix". */
const char *
option_set_cidrs(const struct option_set *set)
{
	static char error[160];
	struct options_list *list = set->target;
	struct span rest = set->value, part;

	if (!set->row->repeatable)
		options_list_clear(list);
	while (options_next_part(&rest, &part)) {
		struct cidr ignored;
		const char *wrong =
		    span_equal(part, SPAN("unix")) ? NULL : cidr_parse(part, &ignored);

		if (wrong) {
			snprintf(error, sizeof(error), "%.*s %s",
			    (int)(part.len < 64 ? part.len : 64), part.data, wrong);
			return error;
		}
		options_list_add(list, part);
	}
	return list->count > 0 ? NULL : "must be a list of IP addresses";
}

/* Parses distinct HTTP tokens; an empty list is valid: none. */
const char *
option_set_tokens(const struct option_set *set)
{
	struct options_list *list = set->target;
	struct span rest = set->value, part;

	options_list_clear(list);
	list->items = calloc(1, sizeof(*list->items));
	if (!list->items)
		options_no_memory();
	while (options_next_part(&rest, &part)) {
		if (!util_is_token(part))
			return "must be names of letters, digits and !#$%&'*+-.^_`|~ separated "
			       "by commas";
		for (size_t i = 0; i < list->count; i++) {
			if (span_equal(part, span_of(list->items[i])))
				return "each name can only be listed once";
		}
		options_list_add(set->target, part);
	}
	return NULL;
}

#define DEFLATE_RULE                                                                           \
	"must be true, false, or a list of window=BITS, level=N, takeover=yes|no and "         \
	"min=BYTES separated by commas"

/* Parses one setting of --deflate. Returns the error, or NULL. */
static const char *
set_deflate_part(struct deflate_settings *settings, struct span part)
{
	static char error[128];
	const struct {
		const char *name;
		int64_t *number; /* NULL: a boolean */
		int64_t min;
		int64_t max;
	} rows[] = {
	    {"window", &settings->window, DEFLATE_WINDOW_MIN, DEFLATE_WINDOW_MAX},
	    {"level", &settings->level, 1, 9},
	    {"min", &settings->min, 0, DEFLATE_MIN_MAX},
	    {"takeover", NULL, 0, 0},
	};
	const char *equals = memchr(part.data, '=', part.len);
	struct span name = {part.data, equals ? (size_t)(equals - part.data) : part.len};
	struct span value = {equals ? equals + 1 : "", equals ? part.len - name.len - 1 : 0};
	size_t i = 0;
	const char *wrong;

	while (i < UTIL_LEN(rows) && !span_equal(name, span_of(rows[i].name)))
		i++;
	if (i == UTIL_LEN(rows))
		return DEFLATE_RULE;
	if (rows[i].number == &settings->min) {
		const struct option_row row = {.max = DEFLATE_MIN_MAX};

		wrong = option_set_bytes(&(struct option_set){
		    .row = &row, .target = &settings->min, .value = value});
	} else if (rows[i].number) {
		wrong = util_parse_number(value, rows[i].min, rows[i].max, rows[i].number);
	} else {
		settings->takeover = span_equal(value, SPAN("yes"));
		wrong = settings->takeover || span_equal(value, SPAN("no"))
			    ? NULL
			    : "must be yes or no";
	}
	if (!wrong)
		return NULL;
	snprintf(error, sizeof(error), "%s %s, not '%.*s'", rows[i].name, wrong,
	    (int)(value.len < 32 ? value.len : 32), value.data);
	return error;
}

/* Parses a boolean, or a list that changes settings, each time starting from the defaults. */
const char *
option_set_deflate(const struct option_set *set)
{
	struct deflate_settings *settings = set->target;
	struct span rest = set->value, part;
	const char *wrong = DEFLATE_RULE;

	*settings = (struct deflate_settings){
	    .takeover = true,
	    .window = DEFLATE_WINDOW_INITIAL,
	    .level = DEFLATE_LEVEL_INITIAL,
	    .min = DEFLATE_MIN_INITIAL,
	};
	if (options_parse_bool(set->value, &settings->on))
		return NULL;
	while (options_next_part(&rest, &part)) {
		wrong = set_deflate_part(settings, part);
		if (wrong)
			break;
	}
	settings->on = !wrong;
	return wrong;
}
