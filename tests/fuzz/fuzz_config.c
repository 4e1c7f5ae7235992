/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file. What is found must lie in the text, in the order of its lines; and
 * written again, one item a line, it must be read as the same items.
 */
#include "options/config_file.h"
#include "options/words.h"
#include "require.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The items in canonical form. */
struct found {
	const char *text; /* what is parsed; its end is TEXT + SIZE */
	size_t size;
	size_t line; /* of the last item */
	char *out; /* owned, with room for four times the text */
	size_t len;
};

static void
put(struct found *found, struct span text)
{
	CHECK(text.data >= found->text && text.data + text.len <= found->text + found->size);
	memcpy(found->out + found->len, text.data, text.len);
	found->len += text.len;
}

static void
put_char(struct found *found, char c)
{
	found->out[found->len++] = c;
}

static void
check_words(struct span value)
{
	const char *wrong;
	char **words = words_split(value, &wrong);
	size_t bytes = 0;

	CHECK(!words == !!wrong);
	for (size_t i = 0; words && words[i]; i++)
		bytes += strlen(words[i]) + 1;
	CHECK(bytes <= value.len + 1);
	free(words);
}

static void
on_item(void *arg, const struct config_item *item)
{
	struct found *found = arg;

	CHECK(item->line > found->line);
	found->line = item->line;
	CHECK((item->kind == CONFIG_INVALID) == !!item->wrong);
	if (item->kind == CONFIG_INVALID)
		return;
	CHECK(item->name.len > 0 && span_trim(item->name).len == item->name.len);
	CHECK(span_trim(item->value).len == item->value.len);
	if (item->kind == CONFIG_SECTION)
		put_char(found, '[');
	put(found, item->name);
	put_char(found, item->kind == CONFIG_SECTION ? ']' : '=');
	if (item->kind == CONFIG_KEY) {
		put(found, item->value);
		check_words(item->value);
	}
	put_char(found, '\n');
}

/* Parses LEN bytes of TEXT, in memory of exactly that size. */
static struct found
parse(const void *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	struct found found = {.text = copy, .size = len, .out = malloc(4 * len + 1)};

	CHECK(copy && found.out);
	if (len > 0)
		memcpy(copy, text, len);
	config_file_parse(copy, len, on_item, &found);
	free(copy);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found first = parse(data, size);
	struct found second = parse(first.out, first.len);

	/* A key may begin with what is a comment at the front of a line, or a mark. */
	if (second.len == first.len)
		CHECK(memcmp(first.out, second.out, first.len) == 0);
	CHECK(second.len <= first.len);
	free(first.out);
	free(second.out);
	return 0;
}
