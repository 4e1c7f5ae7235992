/* SPDX-License-Identifier: BSD-2-Clause */
/* Content codings that a client accepts. */
#include "http/encoding.h"

#include <string.h>

/* Parses a weight (section 12.4.2) such as "0.5" or "1" in thousandths; 0 if malformed. */
static int
encoding_read_weight(struct span text)
{
	int weight = 0;
	int scale = 1000;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
	    (text.len > 1 && text.data[1] != '.'))
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (i == 1)
			continue;
		if (!util_is_digit((unsigned char)text.data[i]))
			return 0;
		weight += (text.data[i] - '0') * scale;
		scale /= 10;
	}
	return weight <= 1000 ? weight : 0;
}

/* Splits "gzip;q=0.5". */
static struct span
encoding_split(struct span element, int *weight)
{
	const char *semicolon = memchr(element.data, ';', element.len);
	struct span name = element;
	struct span rest;

	*weight = 1000;
	if (!semicolon)
		return name;
	name.len = (size_t)(semicolon - element.data);
	rest = span_trim((struct span){semicolon + 1, element.len - name.len - 1});
	if (rest.len >= 2 && util_lower(rest.data[0]) == 'q' && rest.data[1] == '=')
		*weight = encoding_read_weight((struct span){rest.data + 2, rest.len - 2});
	else
		*weight = 0;
	return span_trim(name);
}

int
encoding_weight(const struct head *head, const char *coding)
{
	struct span name = span_of(coding);
	struct span element;
	size_t cursor = 0;
	int any = -1;
	int weight;

	while (head_next_element(head, "Accept-Encoding", &cursor, &element)) {
		element = encoding_split(element, &weight);
		/* RFC 9110, section 8.4.1.3. */
		if (span_equal_nocase(element, SPAN("x-gzip")))
			element = SPAN("gzip");
		if (span_equal_nocase(element, name))
			return weight;
		if (span_equal(element, SPAN("*")) && any == -1)
			any = weight;
	}
	return any;
}
