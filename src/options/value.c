/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory management of option values, and parsing of their parts. */
#include "options/value.h"

#include "options/words.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Where options_no_memory() jumps to; NULL: it exits. */
static jmp_buf *options_tried;

void
options_no_memory(void)
{
	if (options_tried)
		longjmp(*options_tried, 1);
	fputs("wspipe: out of memory\n", stderr);
	exit(EX_OSERR);
}

bool
options_try(void (*run)(void *arg), void *arg)
{
	jmp_buf here, *outer = options_tried;
	bool ok = false;

	if (setjmp(here) == 0) {
		options_tried = &here;
		run(arg);
		ok = true;
	}
	options_tried = outer;
	return ok;
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
options_format(const char *format, ...)
{
	va_list args;
	char *result;

	va_start(args, format);
	result = options_vformat(format, args);
	va_end(args);
	return result;
}

char *
options_vformat(const char *format, va_list args)
{
	char *result;

	if (vasprintf(&result, format, args) == -1)
		options_no_memory();
	return result;
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

void
options_set_text(char **target, struct span text)
{
	free(*target);
	*target = text.len > 0 ? options_text(text) : NULL;
}

bool
options_next_part(struct span *rest, struct span *part)
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

bool
options_has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return true;
	}
	return false;
}

bool
options_parse_bool(struct span value, bool *flag)
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
