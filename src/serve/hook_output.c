/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the output of an --auth-hook. */
#include "serve/hook_output.h"

#include "serve/env_pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NUL-terminated lines. */
struct hook_lines {
	char *texts; /* owned */
	char *items[HOOK_OUTPUT_LINES];
	size_t count;
};

static bool
hook_output_is_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (!util_is_alpha(c) && c != '_' && (i == 0 || !util_is_digit(c)))
			return false;
	}
	return name.len > 0 && name.len <= HOOK_OUTPUT_NAME_MAX;
}

static bool
hook_output_is_value(const char *value)
{
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	}
	return true;
}

/* Reports whether one of COUNT items has the same name as LINE, whose name has LEN bytes. */
static bool
hook_output_has(char *const *items, size_t count, const char *line, size_t len)
{
	for (size_t i = 0; i < count && items[i]; i++) {
		if (strncmp(items[i], line, len + 1) == 0)
			return true;
	}
	return false;
}

/* Returns the error in LINE, which follows COUNT others, or NULL. */
static const char *
hook_output_check(const struct hook_lines *lines, const char *line, char *const *taken)
{
	struct span name = {line, strcspn(line, "=")};

	if (line[name.len] != '=' || !hook_output_is_name(name))
		return "is not NAME=VALUE";
	if (!hook_output_is_value(line + name.len + 1))
		return "has a control character";
	if (!env_pass_may_set(name) || hook_output_has(taken, SIZE_MAX, line, name.len))
		return "sets a variable that a hook can't set";
	if (strncmp(line, "AUTH_TYPE=", 10) == 0 && strlen(line + 10) >= IDENTITY_TYPE_MAX)
		return "is too long";
	if (hook_output_has(lines->items, lines->count, line, name.len))
		return "sets a variable for the second time";
	return lines->count < HOOK_OUTPUT_LINES ? NULL : "is one too many";
}

static bool
hook_output_split(struct hook_lines *lines, struct span text, char *const *taken,
    char why[HOOK_OUTPUT_WHY_MAX])
{
	char *next;

	lines->texts = span_dup(text);
	if (!lines->texts || memchr(text.data, '\0', text.len)) {
		snprintf(why, HOOK_OUTPUT_WHY_MAX, "%s",
		    lines->texts ? "the output contains a NUL" : "out of memory");
		return false;
	}
	for (char *line = strtok_r(lines->texts, "\n", &next); line;
	     line = strtok_r(NULL, "\n", &next)) {
		const char *wrong = hook_output_check(lines, line, taken);

		if (wrong) {
			/* Without the value, which may be a secret. */
			size_t len = strcspn(line, "=");

			snprintf(why, HOOK_OUTPUT_WHY_MAX, "the line '%.*s...' %s",
			    (int)(len < 64 ? len : 64), line, wrong);
			return false;
		}
		lines->items[lines->count++] = line;
	}
	return true;
}

/* Stores the variables, except members of the identity, in one block. */
static bool
hook_output_store(const struct hook_lines *lines, size_t len, struct identity *identity)
{
	size_t table = (lines->count + 1) * sizeof(char *), kept = 0;
	char **block = calloc(1, table + len + 1);
	char *to;

	if (!block)
		return false;
	to = (char *)block + table;
	identity->variables = block;
	for (size_t i = 0; i < lines->count; i++) {
		const char *line = lines->items[i];

		if (strncmp(line, "REMOTE_USER=", 12) == 0) {
			identity->user = strdup(line + 12);
			if (!identity->user)
				return false;
		} else if (strncmp(line, "AUTH_TYPE=", 10) == 0) {
			snprintf(identity->type, sizeof(identity->type), "%s", line + 10);
		} else {
			block[kept++] = to;
			to = stpcpy(to, line) + 1;
		}
	}
	return true;
}

bool
hook_output_parse(struct span text, char *const *taken, struct identity *identity,
    char why[HOOK_OUTPUT_WHY_MAX])
{
	struct hook_lines lines = {.count = 0};
	bool ok;

	*identity = (struct identity){.user = NULL};
	if (text.len == 0)
		return true;
	ok = hook_output_split(&lines, text, taken, why);
	if (ok && !hook_output_store(&lines, text.len, identity)) {
		identity_clear(identity);
		snprintf(why, HOOK_OUTPUT_WHY_MAX, "out of memory");
		ok = false;
	}
	free(lines.texts);
	return ok;
}
