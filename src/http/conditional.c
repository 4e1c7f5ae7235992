/* SPDX-License-Identifier: BSD-2-Clause */
/* Evaluates preconditions and ranges. */
#include "http/conditional.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
conditional_make_tag(
    char tag[CONDITIONAL_TAG_MAX], int64_t size, struct timespec modified, uint64_t inode)
{
	/* Wraps around in the year 2554. */
	uint64_t ns = (uint64_t)modified.tv_sec * 1000000000 + (uint64_t)modified.tv_nsec;

	snprintf(tag, CONDITIONAL_TAG_MAX, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"",
	    (uint64_t)size, ns, inode);
}

void
conditional_put_date(char text[CONDITIONAL_DATE_MAX], int64_t seconds)
{
	time_t time = seconds;
	struct tm tm;

	/* Nothing calls setlocale(), so the names are English. */
	if (!gmtime_r(&time, &tm) ||
	    strftime(text, CONDITIONAL_DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		text[0] = '\0';
}

/* Parses a date in any of the three formats of section 5.6.7. */
static bool
conditional_read_date(struct span text, int64_t *seconds)
{
	static const char *const forms[] = {
	    "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
	char copy[64];

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	for (size_t i = 0; i < UTIL_LEN(forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(copy, forms[i], &tm);

		if (end && *end == '\0') {
			*seconds = timegm(&tm);
			return true;
		}
	}
	return false;
}

/* Reports whether a tag in the fields called NAME matches; a weak one only if WEAK. */
static bool
conditional_matches(const struct head *head, const char *name, const char *tag, bool weak)
{
	struct span element;
	size_t cursor = 0;

	while (head_next_element(head, name, &cursor, &element)) {
		if (weak && element.len > 2 && memcmp(element.data, "W/", 2) == 0)
			element = (struct span){element.data + 2, element.len - 2};
		if (span_equal(element, SPAN("*")) || span_equal(element, span_of(tag)))
			return true;
	}
	return false;
}

/* Compares a date in the only field called NAME with the file's: -1 earlier, 0 equal, 1 later.
 * Returns false if there is no such date. */
static bool
conditional_compare(
    const struct head *head, const char *name, const struct conditional_file *file, int *order)
{
	struct span value;
	int64_t seconds;

	if (head_find(head, name, &value) != 1 || !conditional_read_date(value, &seconds))
		return false;
	*order = (seconds > file->modified) - (seconds < file->modified);
	return true;
}

/* Returns the status of the preconditions, evaluated in the order of section 13.2.2; 200 if all
 * hold. */
static int
conditional_status(const struct head *head, const struct conditional_file *file)
{
	int order;

	if (head_find(head, "If-Match", NULL) > 0) {
		if (!conditional_matches(head, "If-Match", file->tag, false))
			return 412;
	} else if (conditional_compare(head, "If-Unmodified-Since", file, &order) &&
		   order < 0) {
		return 412;
	}
	if (head_find(head, "If-None-Match", NULL) > 0)
		return conditional_matches(head, "If-None-Match", file->tag, true) ? 304 : 200;
	if (conditional_compare(head, "If-Modified-Since", file, &order) && order >= 0)
		return 304;
	return 200;
}

/* Evaluates If-Range (section 13.1.5). */
static bool
conditional_if_range(const struct head *head, const struct conditional_file *file)
{
	struct span value;
	size_t count = head_find(head, "If-Range", &value);
	int order;

	if (count == 0)
		return true;
	if (count == 1 && span_equal(value, span_of(file->tag)))
		return true;
	return conditional_compare(head, "If-Range", file, &order) && order == 0;
}

/* Parses digits at the front of TEXT; a number that is too large is clamped. Returns false if
 * there are none. */
static bool
conditional_read_number(struct span *text, int64_t *number)
{
	size_t i;

	*number = 0;
	for (i = 0; i < text->len && util_is_digit((unsigned char)text->data[i]); i++) {
		int digit = text->data[i] - '0';

		*number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
	}
	text->data += i;
	text->len -= i;
	return i > 0;
}

/* Applies a value of Range (section 14.1.2) to *PART, which is the whole file. */
static void
conditional_apply_range(struct span value, struct conditional *part)
{
	int64_t size = part->length;
	int64_t first;
	int64_t last = INT64_MAX;
	bool suffix;

	if (value.len < 6 || !span_equal_nocase((struct span){value.data, 6}, SPAN("bytes=")))
		return;
	value = span_trim((struct span){value.data + 6, value.len - 6});
	suffix = !conditional_read_number(&value, &first);
	if (value.len == 0 || *value.data != '-')
		return;
	value = (struct span){value.data + 1, value.len - 1};
	if ((!conditional_read_number(&value, &last) && suffix) || value.len > 0)
		return;
	if (suffix) {
		first = last < size ? size - last : 0;
		if (size == 0 && last > 0)
			return; /* an empty file can't have a Content-Range */
		last = INT64_MAX;
	} else if (value.data[-1] == '-') {
		last = INT64_MAX;
	}
	if (last < first)
		return;
	if (first >= size) {
		part->status = 416;
		return;
	}
	part->status = 206;
	part->first = first;
	part->length = (last < size ? last + 1 : size) - first;
}

struct conditional
conditional_check(const struct request *request, const struct conditional_file *file)
{
	const struct head *head = request->head;
	struct conditional part = {
	    .status = conditional_status(head, file), .length = file->size};
	struct span range;

	/* Range is defined for GET only (section 14.2). */
	if (part.status == 200 && !request->is_head && head_find(head, "Range", &range) == 1 &&
	    conditional_if_range(head, file))
		conditional_apply_range(range, &part);
	return part;
}
