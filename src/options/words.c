/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits a command into words. */
#include "options/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Reports whether a backslash in double quotes escapes C (POSIX, Shell Command Language,
 * 2.2.3). */
static bool
words_is_escapable(char c)
{
	return c == '"' || c == '\\' || c == '$' || c == '`';
}

/* Copies the word at *IN, which ends before END, to OUT without quotes, and returns the end of
 * the copy. Returns NULL with the reason in *WRONG. */
static char *
words_take(const char **in, const char *end, char *out, const char **wrong)
{
	const char *p = *in;
	char quote = '\0';

	for (; p < end && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && quote != '\'' &&
		    (!quote || (p + 1 < end && words_is_escapable(p[1])))) {
			if (p + 1 == end) {
				*wrong =
				    "there is nothing after the last backslash: remove it, "
				    "or quote it";
				return NULL;
			}
			*out++ = *++p;
		} else if (quote ? *p == quote : (*p == '\'' || *p == '"')) {
			quote = quote ? '\0' : *p;
		} else {
			*out++ = *p;
		}
	}
	if (quote) {
		*wrong = quote == '"' ? "the closing double quote is missing: add it"
				      : "the closing single quote is missing: add it";
		return NULL;
	}
	*in = p;
	return out;
}

char **
words_split(struct span text, const char **wrong)
{
	const char *in = text.data;
	const char *end = text.data + text.len;
	size_t most = text.len / 2 + 1; /* most words: each one byte and a blank */
	char **words = malloc((most + 1) * sizeof(*words) + text.len + 1);
	char *out = (char *)(words + most + 1);
	size_t count = 0;

	*wrong = NULL;
	while (words && !*wrong) {
		while (in < end && (*in == ' ' || *in == '\t'))
			in++;
		if (in == end)
			break;
		words[count++] = out;
		out = words_take(&in, end, out, wrong);
		if (out)
			*out++ = '\0';
	}
	if (words && count == 0)
		*wrong = "there is no program: write command = PROGRAM ARGUMENT...";
	if (words && *wrong) {
		free(words);
		return NULL;
	}
	if (words)
		words[count] = NULL;
	return words;
}

char **
words_copy(char *const *words)
{
	size_t count = 0, bytes = 0;
	char **copy;
	char *out;

	while (words[count])
		bytes += strlen(words[count++]) + 1;
	copy = malloc((count + 1) * sizeof(*copy) + bytes);
	if (!copy)
		return NULL;
	out = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		copy[i] = out;
		out = stpcpy(out, words[i]) + 1;
	}
	copy[count] = NULL;
	return copy;
}
