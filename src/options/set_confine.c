/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of the options that confine programs. */
#include "options/set.h"
#include "options/value.h"

#include <stdio.h>
#include <string.h>

enum { SET_NOFILE_MIN = 4 }; /* descriptors 0 to 2, and one to load the program */

const char *
option_set_umask(const struct option_set *set)
{
	struct confine_number *target = set->target;
	int64_t mode = 0;

	for (size_t i = 0; i < set->value.len && mode <= 0777; i++) {
		char c = set->value.data[i];

		mode = c < '0' || c > '7' ? 0777 + 1 : mode * 8 + (c - '0');
	}
	if (set->value.len == 0 || mode > 0777)
		return "must be an octal number from 0 to 777";
	*target = (struct confine_number){true, mode};
	return NULL;
}

const char *
option_set_optional_number(const struct option_set *set)
{
	struct confine_number *target = set->target;
	const char *wrong =
	    util_parse_number(set->value, set->row->min, set->row->max, &target->value);

	target->given = !wrong;
	return wrong;
}

/* Returns the names as "as, core, ...". */
static const char *
limit_names(void)
{
	static char names[128];
	size_t len = 0;

	for (size_t i = 0; i < CONFINE_LIMITS && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
		    i == 0 ? "" : ", ", confine_limit_names[i].name);
	return names;
}

/* Parses a time in seconds, rounded up. */
static const char *
set_seconds(const struct option_set *set)
{
	static const struct option_row row = {.max = INT64_C(1000) * INT32_MAX};
	int64_t *seconds = set->target;
	const char *wrong =
	    option_set_duration(&(struct option_set){&row, seconds, set->compat, set->value});

	*seconds = (*seconds + 999) / 1000;
	return wrong;
}

/* Parses one NAME=VALUE. Returns the error, or NULL. */
static const char *
set_limit(const struct option_set *set, struct confine_number limits[CONFINE_LIMITS],
    struct span part)
{
	static char error[256];
	const char *equals = memchr(part.data, '=', part.len);
	size_t name_len = equals ? (size_t)(equals - part.data) : part.len;
	struct span name = {part.data, name_len};
	struct span value = {part.data + name_len + 1, equals ? part.len - name_len - 1 : 0};
	struct confine_number number = {true, -1};
	const struct option_set one = {set->row, &number.value, set->compat, value};
	const char *wrong = NULL;
	size_t i = 0;

	while (i < CONFINE_LIMITS && !span_equal(name, span_of(confine_limit_names[i].name)))
		i++;
	if (i == CONFINE_LIMITS || !equals) {
		snprintf(error, sizeof(error),
		    "must be a list of NAME=VALUE separated by commas; the names are %s",
		    limit_names());
		return error;
	}
	if (span_equal(value, SPAN("unlimited")))
		;
	else if (confine_limit_names[i].bytes)
		wrong = option_set_size(&one);
	else if (i == CONFINE_CPU)
		wrong = set_seconds(&one);
	else
		wrong = util_parse_number(
		    value, i == CONFINE_NOFILE ? SET_NOFILE_MIN : 0, INT32_MAX, &number.value);
	if (wrong) {
		snprintf(error, sizeof(error), "%s %s, or 'unlimited'",
		    confine_limit_names[i].name, wrong);
		return error;
	}
	limits[i] = number;
	return NULL;
}

/* Each value replaces all limits of the previous one. */
const char *
option_set_limits(const struct option_set *set)
{
	struct confine_number limits[CONFINE_LIMITS] = {{.given = false}};
	struct span rest = set->value, part;
	const char *wrong = NULL;

	while (!wrong && options_next_part(&rest, &part))
		wrong = set_limit(set, limits, part);
	if (!wrong)
		memcpy(set->target, limits, sizeof(limits));
	return wrong;
}
