/* SPDX-License-Identifier: BSD-2-Clause */
/* For each type of an option's value the function that reads, checks and stores it. */
#include "options/set.h"

#include "http/origin.h"
#include "options/words.h"
#include "serve/endpoint.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* What wspipe itself writes into an answer; a second one would contradict it. */
static const char *const own_headers[] = {
    "Connection",
    "Content-Length",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Transfer-Encoding",
    "Upgrade",
};

void
options_no_memory(void)
{
	fputs("wspipe: out of memory\n", stderr);
	exit(EX_OSERR);
}

char *
options_text(struct span text)
{
	char *result = span_dup(text);

	if (!result)
		options_no_memory();
	return result;
}

char *
options_vtext(const char *format, va_list args)
{
	char *result;

	if (vasprintf(&result, format, args) == -1)
		options_no_memory();
	return result;
}

/* Makes TEXT the value; empty text is NULL. */
static void
store_text(const struct option_set *set, struct span text)
{
	char **target = set->target;

	free(*target);
	*target = text.len > 0 ? options_text(text) : NULL;
}

void
options_list_add(struct options_list *list, struct span text)
{
	char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		options_no_memory();
	items[list->count++] = options_text(text);
	list->items = items;
}

/* Adds TEXT to the list. */
static void
store_item(const struct option_set *set, struct span text)
{
	options_list_add(set->target, text);
}

char *
options_text_copy(const char *text)
{
	return text ? options_text(span_of(text)) : NULL;
}

char **
options_words_copy(char *const *words)
{
	char **result = words ? words_copy(words) : NULL;

	if (words && !result)
		options_no_memory();
	return result;
}

void
options_list_own(struct options_list *list)
{
	struct options_list from = *list;

	*list = (struct options_list){.initial = from.initial};
	for (size_t i = 0; i < from.count; i++)
		options_list_add(list, span_of(from.items[i]));
}

void
options_list_clear(struct options_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct options_list){0};
}

/* Takes the next of the comma-separated parts that are not empty off the front of REST,
 * trimmed. False: there is none. */
static bool
next_part(struct span *rest, struct span *part)
{
	do {
		const char *comma = rest->len > 0 ? memchr(rest->data, ',', rest->len) : NULL;
		size_t len = comma ? (size_t)(comma - rest->data) : rest->len;

		if (rest->len == 0)
			return false;
		*part = span_trim((struct span){rest->data, len});
		len += comma != NULL;
		*rest = (struct span){rest->data + len, rest->len - len};
	} while (part->len == 0);
	return true;
}

/* True if TEXT has characters other than letters, digits and those of ALSO. */
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

static bool
has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return true;
	}
	return false;
}

/* False when VALUE is not a boolean. */
static bool
parse_bool(struct span value, bool *flag)
{
	static const char *const words[] = {
	    "0", "1", "f", "t", "F", "T", "false", "true", "FALSE", "TRUE", "False", "True"};

	for (size_t i = 0; i < UTIL_LEN(words); i++) {
		if (span_equal(value, span_of(words[i]))) {
			*flag = i % 2 == 1;
			return true;
		}
	}
	return false;
}

const char *
option_set_bool(const struct option_set *set)
{
	return parse_bool(set->value, set->target) ? NULL : "must be true or false";
}

const char *
option_set_devconsole(const struct option_set *set)
{
	enum options_devconsole *wanted = set->target;
	bool on;

	if (span_equal(set->value, SPAN("auto")))
		*wanted = OPTIONS_CONSOLE_AUTO;
	else if (parse_bool(set->value, &on))
		*wanted = on ? OPTIONS_CONSOLE_ON : OPTIONS_CONSOLE_OFF;
	else
		return "must be true, false or auto";
	return NULL;
}

static const char *
parse_number(const struct option_set *set, int64_t *number)
{
	int64_t ignored;

	if (set->compat && set->row->compat_negative &&
	    !util_parse_number(set->value, INT64_MIN, -1, &ignored)) {
		*number = 0;
		return NULL;
	}
	return util_parse_number(set->value, set->row->min, set->row->max, number);
}

const char *
option_set_number(const struct option_set *set)
{
	return parse_number(set, set->target);
}

const char *
option_set_given_number(const struct option_set *set)
{
	int64_t number;
	const char *error = parse_number(set, &number);

	if (!error)
		*(uint64_t *)set->target = UINT64_C(1) + (uint64_t)number;
	return error;
}

/* A unit, and how many of the member's there are in one. */
struct unit {
	struct span suffix;
	int64_t factor;
};

/* Reads a number with one of COUNT units after it. */
static bool
parse_with_unit(const struct option_set *set, const struct unit *units, size_t count)
{
	size_t digits = 0;
	struct span suffix;
	int64_t number;

	while (digits < set->value.len && util_is_digit((unsigned char)set->value.data[digits]))
		digits++;
	suffix = (struct span){set->value.data + digits, set->value.len - digits};
	for (size_t i = 0; i < count; i++) {
		if (!span_equal_nocase(suffix, units[i].suffix) ||
		    util_parse_number((struct span){set->value.data, digits}, 0,
			set->row->max / units[i].factor, &number))
			continue;
		*(int64_t *)set->target = number * units[i].factor;
		return true;
	}
	return false;
}

const char *
option_set_duration(const struct option_set *set)
{
	static const struct unit units[] = {{{"", 0}, 1000}, {{"ms", 2}, 1}, {{"s", 1}, 1000},
	    {{"m", 1}, 60000}, {{"h", 1}, 3600000}};

	return parse_with_unit(set, units, UTIL_LEN(units))
		   ? NULL
		   : "must be a time up to 24h, as 500ms, 2s, 5m or 1h";
}

const char *
option_set_size(const struct option_set *set)
{
	static const struct unit units[] = {
	    {{"", 0}, 1}, {{"k", 1}, 1 << 10}, {{"m", 1}, 1 << 20}, {{"g", 1}, 1 << 30}};

	return parse_with_unit(set, units, UTIL_LEN(units))
		   ? NULL
		   : "must be a number of bytes, as 65536, 512k, 10m or 1g";
}

/* "auto" is the number of CPUs that this process may run on. */
const char *
option_set_workers(const struct option_set *set)
{
	int64_t *workers = set->target;
	cpu_set_t cpus;

	if (!span_equal(set->value, SPAN("auto")))
		return util_parse_number(set->value, set->row->min, set->row->max, workers)
			   ? "must be 'auto' or a number from 1 to 256"
			   : NULL;
	/* It fails only where there may be more CPUs than the set holds. */
	*workers =
	    sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : set->row->max;
	if (*workers > set->row->max)
		*workers = set->row->max;
	return NULL;
}

const char *
option_set_mode(const struct option_set *set)
{
	int64_t mode = 0;

	for (size_t i = 0; i < set->value.len && mode <= 0777; i++) {
		char c = set->value.data[i];

		mode = c < '0' || c > '7' ? 0777 + 1 : mode * 8 + (c - '0');
	}
	if (mode < 1 || mode > 0777)
		return "must be an octal number from 1 to 777";
	*(int64_t *)set->target = mode;
	return NULL;
}

const char *
option_set_path(const struct option_set *set)
{
	if (set->value.len == 0 && !set->compat)
		return strcmp(set->row->argument, "DIR") == 0	  ? "must be a directory"
		       : strcmp(set->row->argument, "OWNER") == 0 ? "must be USER or USER:GROUP"
								  : "must be a file name";
	store_text(set, set->value);
	return NULL;
}

const char *
option_set_url_path(const struct option_set *set)
{
	for (size_t i = 0; i < set->value.len; i++) {
		unsigned char c = (unsigned char)set->value.data[i];

		if (c <= ' ' || c >= 0x7f || c == '?' || c == '#')
			return "must be a URL path such as /name";
	}
	if (set->value.len == 0 || set->value.data[0] != '/')
		return "must be a URL path such as /name";
	store_text(set, set->value);
	return NULL;
}

/* websocketd takes one file: there the last one wins, and one without a name is none. */
const char *
option_set_files(const struct option_set *set)
{
	if (set->value.len == 0 && !set->compat)
		return "must be a file name";
	if (set->compat)
		options_list_clear(set->target);
	if (set->value.len > 0)
		store_item(set, set->value);
	return NULL;
}

const char *
option_set_address(const struct option_set *set)
{
	struct span value = set->value;
	const char *colon = memchr(value.data, ':', value.len);

	/* To websocketd an address without text is that of all interfaces. */
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
	store_item(set, value);
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
	store_item(set, name);
	return NULL;
}

const char *
option_set_origin(const struct option_set *set)
{
	static char error[256];
	struct options_list *list = set->target;
	struct span rest = set->value, part;

	options_list_clear(list);
	while (next_part(&rest, &part)) {
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
		store_item(set, part);
	}
	return list->count > 0 || set->compat ? NULL : "must be a list of origins or 'any'";
}

/* What is wrong with the variables in TEXT, or NULL: a session's value goes into the response
 * that opens it. */
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

/* Keeps "Name: value" with exactly one blank, so that it can be sent as it is. */
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
	if (has_control(text))
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
	if (asprintf(&line, "%.*s: %.*s", (int)name.len, name.data, (int)text.len, text.data) ==
	    -1)
		options_no_memory();
	store_item(set, span_of(line));
	free(line);
	return NULL;
}

/* Names of variables; an empty list is one: none. A '+' in front adds to those that there are.
 */
const char *
option_set_names(const struct option_set *set)
{
	struct span rest = set->value, part;

	if (rest.len > 0 && rest.data[0] == '+')
		rest = (struct span){rest.data + 1, rest.len - 1};
	else
		options_list_clear(set->target);
	while (next_part(&rest, &part)) {
		/* A blank is a comma that was forgotten; to websocketd it is a name. */
		if (memchr(part.data, '=', part.len) || has_control(part) ||
		    (memchr(part.data, ' ', part.len) && !set->compat))
			return "must be variable names separated by commas";
		if (part.data[0] == '+')
			return "must be variable names separated by commas, with one '+' "
			       "before all of them to add to the default";
		store_item(set, part);
	}
	return NULL;
}

/* Tokens of HTTP, each once; an empty list is one: none. */
const char *
option_set_tokens(const struct option_set *set)
{
	struct options_list *list = set->target;
	struct span rest = set->value, part;

	options_list_clear(list);
	while (next_part(&rest, &part)) {
		if (!util_is_token(part))
			return "must be names of letters, digits and !#$%&'*+-.^_`|~ separated "
			       "by commas";
		for (size_t i = 0; i < list->count; i++) {
			if (span_equal(part, span_of(list->items[i])))
				return "each name can only be listed once";
		}
		store_item(set, part);
	}
	return NULL;
}

#define DEFLATE_RULE                                                                           \
	"must be true, false, or a list of window=BITS, level=N, takeover=yes|no and "         \
	"min=BYTES separated by commas"

/* One of the settings in the list of --deflate. NULL, or what is wrong. */
static const char *
set_deflate_part(struct deflate_settings *settings, struct span part)
{
	static char error[128];
	const struct {
		const char *name;
		int64_t *number; /* NULL: yes or no */
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
	if (rows[i].number) {
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

/* A boolean, or a list that changes the settings: it starts from the defaults each time. */
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
	if (parse_bool(set->value, &settings->on))
		return NULL;
	while (next_part(&rest, &part)) {
		wrong = set_deflate_part(settings, part);
		if (wrong)
			break;
	}
	settings->on = !wrong;
	return wrong;
}

/* Each enum is stored as an unsigned int. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
		   sizeof(enum log_format) == sizeof(unsigned) &&
		   sizeof(enum framing_newline) == sizeof(unsigned) &&
		   sizeof(enum output_invalid) == sizeof(unsigned),
    "option_set_choice() can't store it");

const char *
option_choice_text(const struct option_row *row)
{
	static char words[80];
	size_t len = 0;

	words[0] = '\0';
	for (size_t i = 0; row->choices[i] && len < sizeof(words); i++) {
		const char *gap = i == 0 ? "" : row->choices[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(
		    words + len, sizeof(words) - len, "%s%s", gap, row->choices[i]);
	}
	return words;
}

const char *
option_set_choice(const struct option_set *set)
{
	static char error[96];

	for (unsigned i = 0; set->row->choices[i]; i++) {
		if (span_equal(set->value, span_of(set->row->choices[i]))) {
			*(unsigned *)set->target = (unsigned)set->row->min + i;
			return NULL;
		}
	}
	snprintf(error, sizeof(error), set->row->choices[1] ? "must be %s" : "must be '%s'",
	    option_choice_text(set->row));
	return error;
}

const char *
option_set_command(const struct option_set *set)
{
	const char *wrong;
	char **words = words_split(set->value, &wrong);

	if (!words && !wrong)
		options_no_memory();
	if (!words)
		return wrong;
	free(*(char ***)set->target);
	*(char ***)set->target = words;
	return NULL;
}
