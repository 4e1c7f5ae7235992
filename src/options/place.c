/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of the table's rows at a place. */
#include "options/place.h"

#include "options/value.h"

#include <stdlib.h>
#include <string.h>

struct option_place
option_command_line(struct options *options)
{
	return (struct option_place){
	    .name = "wspipe",
	    .compat = options->server.compat,
	    .scopes = {&options->server, &options->listener, &options->endpoint,
		&options->client},
	};
}

/* Returns the member that ROW sets at PLACE; NULL: its scope is not allowed there. */
static void *
option_target(const struct option_row *row, const struct option_place *place)
{
	char *scope = place->scopes[row->scope];

	return scope ? scope + row->offset : NULL;
}

const char *
option_apply(const struct option_row *row, const struct option_place *place, struct span value)
{
	struct option_set set = {row, option_target(row, place), place->compat, value};

	if (!set.target)
		return "applies to the whole server: write it above the first section";
	/* cppcheck-suppress returnDanglingLifetime; the text is static */
	return row->set(&set);
}

/* Frees what TARGET, the member of a row, owns. */
static void
option_clear_row(const struct option_row *row, void *target)
{
	switch (row->owned) {
	case OPTION_NOTHING:
		break;
	case OPTION_LIST:
		options_list_clear(target);
		break;
	case OPTION_TEXT:
		free(*(char **)target);
		*(char **)target = NULL;
		break;
	case OPTION_WORDS:
		free(*(char ***)target);
		*(char ***)target = NULL;
		break;
	}
}

void
option_reset(const struct option_row *row, const struct option_place *place)
{
	void *target = option_target(row, place);

	if (target)
		option_clear_row(row, target);
}

void
option_apply_initial(const struct option_place *place, bool ssl, bool repeatable)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const char *initial = option_initial(row, place->compat, ssl);
		struct options_list *list =
		    row->owned == OPTION_LIST ? option_target(row, place) : NULL;

		if (!initial || row->repeatable != repeatable || (list && list->count > 0))
			continue;
		/* The defaults in the table are valid. */
		if (option_apply(row, place, span_of(initial)))
			abort();
		if (list)
			list->initial = list->count;
	}
}

void
option_own(enum option_scope scope, void *place)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		void *target = (char *)place + row->offset;

		if (row->scope == scope && row->owned == OPTION_LIST)
			options_list_own(target);
		else if (row->scope == scope && row->owned == OPTION_TEXT)
			*(char **)target = options_text_copy(*(char **)target);
		else if (row->scope == scope && row->owned == OPTION_WORDS)
			*(char ***)target = options_words_copy(*(char ***)target);
	}
}

void
option_clear(enum option_scope scope, void *place)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->scope == scope)
			option_clear_row(row, (char *)place + row->offset);
	}
}

struct options_endpoint *
options_endpoint_copy(const struct options_endpoint *options)
{
	struct options_endpoint *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *options;
	option_own(OPTION_ENDPOINT, copy);
	copy->program = options_text_copy(options->program);
	return copy;
}

/* Reports whether the members of a row are equal. */
static bool
option_equal(const struct option_row *row, const void *a, const void *b)
{
	const struct options_list *x = a, *y = b;
	char *const *v, *const *w;

	switch (row->owned) {
	case OPTION_NOTHING:
		break;
	case OPTION_TEXT:
		v = a, w = b;
		return *v && *w ? strcmp(*v, *w) == 0 : *v == *w;
	case OPTION_LIST:
		for (size_t i = 0; i < x->count && x->count == y->count; i++) {
			if (strcmp(x->items[i], y->items[i]) != 0)
				return false;
		}
		return x->count == y->count;
	case OPTION_WORDS:
		v = *(char *const *const *)a, w = *(char *const *const *)b;
		while (v && w && *v && *w && strcmp(*v, *w) == 0)
			v++, w++;
		return v && w ? !*v && !*w : v == w;
	}
	return memcmp(a, b, row->size) == 0;
}

bool
options_endpoint_same_program(
    const struct options_endpoint *a, const struct options_endpoint *b)
{
	static const char *const headings[] = {
	    "Program", "Shared programs", "Confinement of programs"};
	bool of_program = false;

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		for (size_t k = 0; row->heading && k < UTIL_LEN(headings); k++) {
			of_program = strcmp(row->heading, headings[k]) == 0;
			if (of_program)
				break;
		}
		/* Messages to several clients are compressed once. */
		if (row->scope == OPTION_ENDPOINT &&
		    (of_program || strcmp(row->name, "deflate") == 0) &&
		    !option_equal(
			row, (const char *)a + row->offset, (const char *)b + row->offset))
			return false;
	}
	return a->program && b->program && strcmp(a->program, b->program) == 0;
}

void
options_endpoint_clear(struct options_endpoint *options)
{
	option_clear(OPTION_ENDPOINT, options);
	free(options->program);
	options->program = NULL;
}

void
options_endpoint_free(void *options)
{
	options_endpoint_clear(options);
	free(options);
}
