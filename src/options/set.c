/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of options with a single value: a boolean, number, name or choice. */
#include "options/set.h"

#include "http/url.h"
#include "options/value.h"
#include "options/words.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
option_set_bool(const struct option_set *set)
{
	return options_parse_bool(set->value, set->target) ? NULL : "must be true or false";
}

const char *
option_set_devconsole(const struct option_set *set)
{
	enum options_devconsole *wanted = set->target;
	bool on;

	if (span_equal(set->value, SPAN("auto")))
		*wanted = OPTIONS_CONSOLE_AUTO;
	else if (options_parse_bool(set->value, &on))
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

/* A unit and its factor to the unit of the member. */
struct unit {
	struct span suffix;
	int64_t factor;
};

/* The first one is the default unit. */
static const struct unit times[] = {
    {{"", 0}, 1000}, {{"ms", 2}, 1}, {{"s", 1}, 1000}, {{"m", 1}, 60000}, {{"h", 1}, 3600000}};
static const struct unit sizes[] = {
    {{"", 0}, 1}, {{"k", 1}, 1 << 10}, {{"m", 1}, 1 << 20}, {{"g", 1}, 1 << 30}};

/* Parses a number followed by one of COUNT units. */
static bool
parse_with_unit(
    const struct option_set *set, const struct unit *units, size_t count, int64_t *out)
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
		*out = number * units[i].factor;
		return true;
	}
	return false;
}

const char *
option_set_duration(const struct option_set *set)
{
	static char error[80];

	if (parse_with_unit(set, times, UTIL_LEN(times), set->target) &&
	    *(int64_t *)set->target >= set->row->min)
		return NULL;
	snprintf(error, sizeof(error), "must be a time %s to %dh, such as 500ms, 2s, 5m or 1h",
	    set->row->min > 0 ? "above 0, up" : "up", (int)(set->row->max / 3600000));
	return error;
}

const char *
option_set_reconnect(const struct option_set *set)
{
	bool on;

	if (!options_parse_bool(set->value, &on) || span_equal(set->value, SPAN("1")))
		return option_set_duration(set);
	*(int64_t *)set->target = on ? 30 * 1000 : 0;
	return NULL;
}

const char *
option_set_size(const struct option_set *set)
{
	return parse_with_unit(set, sizes, UTIL_LEN(sizes), set->target)
		   ? NULL
		   : "must be a number of bytes, such as 65536, 512k, 10m or 1g";
}

/* Parses a number with or without a unit; without one it is in the row's unit, which used to be
 * the only one. */
static const char *
parse_number_or_unit(const struct option_set *set, const struct unit *units, size_t count,
    const char *such, int64_t *out)
{
	static char text[128];
	const char *error = parse_number(set, out);

	if (!error || (parse_with_unit(set, units, count, out) && *out >= set->row->min))
		return NULL;
	snprintf(text, sizeof(text), "%s, or %s", error, such);
	return text;
}

const char *
option_set_milliseconds(const struct option_set *set)
{
	return parse_number_or_unit(set, times + 1, UTIL_LEN(times) - 1,
	    "a time such as 500ms, 2s, 5m or 1h", set->target);
}

const char *
option_set_bytes(const struct option_set *set)
{
	return parse_number_or_unit(
	    set, sizes + 1, UTIL_LEN(sizes) - 1, "a size such as 512k, 10m or 1g", set->target);
}

const char *
option_set_given_bytes(const struct option_set *set)
{
	int64_t bytes;
	const struct option_set one = {set->row, &bytes, set->compat, set->value};
	const char *error = option_set_bytes(&one);

	if (!error)
		*(uint64_t *)set->target = UINT64_C(1) + (uint64_t)bytes;
	return error;
}

const char *
option_set_rate(const struct option_set *set)
{
	static const char rule[] =
	    "must be a number of sessions per time, such as 5/s, 30/m or "
	    "100/h, optionally with a burst, such as 5/s:20";
	static const struct unit rates[] = {
	    {{"/s", 2}, 1000000}, {{"/m", 2}, 60000000}, {{"/h", 2}, INT64_C(3600000000)}};
	struct bucket_rate *rate = set->target;
	const char *colon = memchr(set->value.data, ':', set->value.len);
	size_t len = colon ? (size_t)(colon - set->value.data) : set->value.len;
	struct span burst = {colon + 1, set->value.len - len - 1};
	int64_t number;

	*rate = (struct bucket_rate){.interval_us = 0};
	if (span_equal(set->value, SPAN("0")))
		return NULL;
	for (size_t i = 0; i < UTIL_LEN(rates) && len > 2; i++) {
		struct span digits = {set->value.data, len - 2};

		if (!span_equal((struct span){digits.data + digits.len, 2}, rates[i].suffix) ||
		    util_parse_number(digits, 1, 1000000, &number))
			continue;
		*rate = (struct bucket_rate){rates[i].factor / number, 2 * number};
		break;
	}
	if (rate->interval_us == 0 ||
	    (colon && util_parse_number(burst, 1, 1000000, &rate->burst)))
		return rule;
	return NULL;
}

const char *
option_set_linger(const struct option_set *set)
{
	if (!span_equal(set->value, SPAN("forever")))
		return option_set_duration(set) ? "must be a time up to 24h, such as 500ms, "
						  "2s, 5m or 1h, or 'forever'"
						: NULL;
	*(int64_t *)set->target = SHARED_FOREVER;
	return NULL;
}

/* "auto" is the number of CPUs available to this process. */
const char *
option_set_workers(const struct option_set *set)
{
	int64_t *workers = set->target;
	cpu_set_t cpus;

	if (!span_equal(set->value, SPAN("auto")))
		return util_parse_number(set->value, set->row->min, set->row->max, workers)
			   ? "must be 'auto' or a number from 1 to 256"
			   : NULL;
	/* Only fails if there may be more CPUs than the set can represent. */
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
	options_set_text(set->target, set->value);
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
	options_set_text(set->target, set->value);
	return NULL;
}

const char *
option_set_term(const struct option_set *set)
{
	if (!util_is_token(set->value))
		return "must be the name of a terminal type such as xterm-256color";
	options_set_text(set->target, set->value);
	return NULL;
}

const char *
option_set_admin(const struct option_set *set)
{
	return listeners_parse(set->value, set->target);
}

const char *
option_set_bus(const struct option_set *set)
{
	char *text = span_dup(set->value);
	const char *wrong = "out of memory";

	if (!redis_bus_is_built())
		wrong = "this wspipe is built without Redis; build it with hiredis (package "
			"libhiredis-dev)";
	else if (text)
		wrong = redis_url_parse(text, set->target);
	free(text);
	return wrong;
}

const char *
option_set_bus_prefix(const struct option_set *set)
{
	enum { PREFIX_MAX = 128 };

	for (size_t i = 0; i < set->value.len; i++) {
		if (set->value.data[i] <= ' ' || set->value.data[i] == '\x7f')
			return "must be printable and without spaces";
	}
	if (set->value.len == 0 || set->value.len > PREFIX_MAX)
		return "must have 1 to 128 bytes";
	options_set_text(set->target, set->value);
	return NULL;
}

/* Each enum is stored as an unsigned int. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
		   sizeof(enum log_format) == sizeof(unsigned) &&
		   sizeof(enum shared_mode) == sizeof(unsigned) &&
		   sizeof(enum shared_begin) == sizeof(unsigned) &&
		   sizeof(enum shared_on_exit) == sizeof(unsigned) &&
		   sizeof(enum shared_programs) == sizeof(unsigned) &&
		   sizeof(enum member_slow) == sizeof(unsigned) &&
		   sizeof(enum output_invalid) == sizeof(unsigned),
    "option_set_choice() can't store it");

const char *
option_choice_text(const struct option_row *row)
{
	static char words[200];
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
	static char error[224];
	bool on;

	/* Without a value, the first choice is used; "false" selects none. */
	if (set->row->optional && options_parse_bool(set->value, &on)) {
		*(unsigned *)set->target = on ? (unsigned)set->row->min : 0;
		return NULL;
	}
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

/* Not "must be ...", which would print the value: it may contain a password. */
const char *
option_set_url(const struct option_set *set)
{
	static char text[128];
	struct url url;
	const char *wrong;

	options_set_text(set->target, set->value);
	wrong = url_parse(set->value.len > 0 ? *(char **)set->target : "", &url);
	if (!wrong)
		return NULL;
	snprintf(text, sizeof(text), "the URL %s", wrong);
	return text;
}
