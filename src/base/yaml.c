/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds a value from libyaml's events. An alias is a copy of its anchor's value, and counts
 * against the limit each time, so that a small text can't become a large value.
 */
#include "base/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the current event */
	json_t *anchors; /* owned: values with anchors, by name */
	size_t nodes; /* number of values created */
	size_t depth;
	struct yaml_error *error;
};

/* Records an error and returns NULL, for callers to return. The first error is kept. */
static json_t *__attribute__((format(printf, 2, 3)))
reader_fail(struct reader *reader, const char *format, ...)
{
	va_list args;

	if (reader->error->why[0] != '\0')
		return NULL;
	reader->error->line = reader->event.start_mark.line + 1;
	va_start(args, format);
	vsnprintf(reader->error->why, sizeof(reader->error->why), format, args);
	va_end(args);
	return NULL;
}

static bool
reader_next(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	if (yaml_parser_parse(&reader->parser, &reader->event))
		return true;
	reader->event.start_mark = reader->parser.problem_mark;
	reader_fail(reader, "%s%s%s", reader->parser.problem ? reader->parser.problem : "error",
	    reader->parser.context ? " " : "",
	    reader->parser.context ? reader->parser.context : "");
	return false;
}

static bool
reader_count(struct reader *reader)
{
	return ++reader->nodes <= YAML_NODES_MAX ||
	       reader_fail(
		   reader, "more than %d values, with those of aliases", YAML_NODES_MAX);
}

/* Counts all values in VALUE, which is not nested deeply. */
static bool
reader_count_all(struct reader *reader, const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;
	bool ok = reader_count(reader);

	json_object_foreach((json_t *)value, key, item) ok =
	    ok && reader_count_all(reader, item);
	json_array_foreach(value, i, item) ok = ok && reader_count_all(reader, item);
	return ok;
}

static bool
is_one_of(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0)
		words++;
	return *words;
}

/* Returns a number of the core schema, or NULL: TEXT is not one, or an error was recorded. */
static json_t *
reader_number(struct reader *reader, const char *text)
{
	static const char *const specials[] = {".inf", "-.inf", "+.inf", ".Inf", "-.Inf",
	    "+.Inf", ".INF", "-.INF", "+.INF", ".nan", ".NaN", ".NAN", NULL};
	size_t sign = text[0] == '-' || text[0] == '+';
	size_t digits = strspn(text + sign, "0123456789");
	size_t dot = text[sign + digits] == '.';
	size_t fraction = dot ? strspn(text + sign + digits + 1, "0123456789") : 0;
	const char *rest = text + sign + digits + dot + fraction;
	double real;
	char *end;

	if (is_one_of(text, specials))
		return reader_fail(reader, "JSON has no %s", text);
	errno = 0;
	if (strncmp(text, "0x", 2) == 0 && strspn(text + 2, "0123456789abcdefABCDEF") > 0) {
		long long value = strtoll(text + 2, &end, 16);

		return *end == '\0' && errno == 0 ? json_integer(value) : NULL;
	}
	if (strncmp(text, "0o", 2) == 0 && strspn(text + 2, "01234567") > 0) {
		long long value = strtoll(text + 2, &end, 8);

		return *end == '\0' && errno == 0 ? json_integer(value) : NULL;
	}
	if (digits + fraction == 0)
		return NULL;
	if (!dot && *rest == '\0') {
		long long value = strtoll(text, NULL, 10);

		if (errno == 0)
			return json_integer(value);
	}
	if (*rest == 'e' || *rest == 'E') {
		rest += 1 + (rest[1] == '-' || rest[1] == '+');
		if (*rest == '\0')
			return NULL;
		rest += strspn(rest, "0123456789");
	}
	if (*rest != '\0')
		return NULL;
	real = strtod(text, NULL); /* the locale is "C" */
	return isfinite(real) ? json_real(real)
			      : reader_fail(reader, "the number %s is too large", text);
}

static json_t *
reader_scalar(struct reader *reader)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	const char *text = (const char *)reader->event.data.scalar.value;
	size_t len = reader->event.data.scalar.length;
	const char *tag = (const char *)reader->event.data.scalar.tag;
	json_t *result = NULL;

	if (tag && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, "!") != 0)
		return reader_fail(reader, "the tag %.40s is not supported", tag);
	if (!tag && reader->event.data.scalar.plain_implicit && strlen(text) == len) {
		if (is_one_of(text, nulls))
			result = json_null();
		else if (is_one_of(text, trues))
			result = json_true();
		else if (is_one_of(text, falses))
			result = json_false();
		else
			result = reader_number(reader, text);
	}
	if (!result && reader->error->why[0] == '\0')
		result = json_stringn(text, len);
	return result ? result : reader_fail(reader, "out of memory");
}

static json_t *
reader_alias(struct reader *reader)
{
	const char *name = (const char *)reader->event.data.alias.anchor;
	const json_t *value = json_object_get(reader->anchors, name);
	json_t *copy;

	if (!value)
		return reader_fail(reader, "the alias *%.40s has no anchor before it", name);
	reader->nodes--; /* the alias is counted with its value */
	if (!reader_count_all(reader, value))
		return NULL;
	copy = json_deep_copy(value);
	return copy ? copy : reader_fail(reader, "out of memory");
}

static json_t *reader_value(struct reader *reader);

static bool
reader_sequence(struct reader *reader, json_t *array)
{
	while (reader_next(reader) && reader->event.type != YAML_SEQUENCE_END_EVENT) {
		json_t *item = reader_value(reader);

		if (!item)
			return false;
		if (json_array_append_new(array, item) != 0)
			return reader_fail(reader, "out of memory");
	}
	return reader->event.type == YAML_SEQUENCE_END_EVENT;
}

/* Reads a key into KEY, which the caller frees. */
static bool
reader_key(struct reader *reader, const json_t *object, char **key)
{
	const char *text = (const char *)reader->event.data.scalar.value;

	if (reader->event.type != YAML_SCALAR_EVENT ||
	    strlen(text) != reader->event.data.scalar.length)
		return reader_fail(reader, "a key must be text");
	if (strcmp(text, "<<") == 0)
		return reader_fail(reader, "merge keys (<<) are not supported");
	if (json_object_get(object, text))
		return reader_fail(reader, "duplicate key '%.80s'", text);
	*key = strdup(text);
	return *key || reader_fail(reader, "out of memory");
}

static bool
reader_mapping(struct reader *reader, json_t *object)
{
	char *key = NULL;

	while (reader_next(reader) && reader->event.type != YAML_MAPPING_END_EVENT) {
		json_t *value = NULL;

		if (reader_key(reader, object, &key) && reader_next(reader))
			value = reader_value(reader);
		if (value && json_object_set_new(object, key, value) != 0)
			value = reader_fail(reader, "out of memory");
		free(key);
		key = NULL;
		if (!value)
			return false;
	}
	return reader->event.type == YAML_MAPPING_END_EVENT;
}

/* Reads the collection that begins with the current event, with the tag TAG. */
static json_t *
reader_collection(struct reader *reader, const char *tag, json_t *empty,
    bool (*fill)(struct reader *, json_t *), const char *usual)
{
	if (tag && strcmp(tag, usual) != 0)
		reader_fail(reader, "the tag %.40s is not supported", tag);
	else if (!empty)
		reader_fail(reader, "out of memory");
	else if (reader->depth == YAML_DEPTH_MAX)
		reader_fail(reader, "more than %d levels", YAML_DEPTH_MAX);
	else {
		reader->depth++;
		if (fill(reader, empty)) {
			reader->depth--;
			return empty;
		}
	}
	json_decref(empty);
	return NULL;
}

/* Reads the value that begins with the current event; its last event is then current. */
static json_t *
reader_value(struct reader *reader)
{
	yaml_event_t *event = &reader->event;
	const char *name = NULL;
	char *anchor;
	json_t *value;

	if (!reader_count(reader))
		return NULL;
	if (event->type == YAML_ALIAS_EVENT)
		return reader_alias(reader);
	if (event->type == YAML_SCALAR_EVENT)
		name = (const char *)event->data.scalar.anchor;
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		name = (const char *)event->data.sequence_start.anchor;
	else if (event->type == YAML_MAPPING_START_EVENT)
		name = (const char *)event->data.mapping_start.anchor;
	anchor = name ? strdup(name) : NULL;
	if (name && !anchor)
		return reader_fail(reader, "out of memory");
	if (event->type == YAML_SEQUENCE_START_EVENT)
		value = reader_collection(reader, (const char *)event->data.sequence_start.tag,
		    json_array(), reader_sequence, YAML_SEQ_TAG);
	else if (event->type == YAML_MAPPING_START_EVENT)
		value = reader_collection(reader, (const char *)event->data.mapping_start.tag,
		    json_object(), reader_mapping, YAML_MAP_TAG);
	else
		value = reader_scalar(reader);
	/* Only now, so that no value can contain itself. */
	if (value && anchor && json_object_set(reader->anchors, anchor, value) != 0) {
		json_decref(value);
		value = reader_fail(reader, "out of memory");
	}
	free(anchor);
	return value;
}

/* Reads the document and the events around it. */
static json_t *
reader_document(struct reader *reader)
{
	json_t *value = NULL;

	if (!reader_next(reader) || !reader_next(reader))
		return NULL;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return reader_fail(reader, "it is empty");
	if (reader_next(reader))
		value = reader_value(reader);
	if (value && reader_next(reader) && reader_next(reader)) {
		if (reader->event.type == YAML_STREAM_END_EVENT)
			return value;
		reader_fail(reader, "it has more than one document");
	}
	json_decref(value);
	return NULL;
}

json_t *
yaml_parse(struct span text, struct yaml_error *error)
{
	struct reader reader = {.error = error, .anchors = json_object()};
	json_t *value = NULL;

	*error = (struct yaml_error){0};
	if (!reader.anchors || !yaml_parser_initialize(&reader.parser)) {
		reader_fail(&reader, "out of memory");
	} else {
		yaml_parser_set_input_string(
		    &reader.parser, (const unsigned char *)text.data, text.len);
		value = reader_document(&reader);
		yaml_event_delete(&reader.event);
		yaml_parser_delete(&reader.parser);
	}
	json_decref(reader.anchors);
	return value;
}
