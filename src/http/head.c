/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the head of an HTTP/1.x message. Each byte is one step of a state machine, so it does
 * not matter how the input was split, and a malformed head is rejected at its first wrong byte.
 */
#include "http/head.h"

#include "http/uri.h"

#include <string.h>

static void
head_fail(struct head *head, int status, const char *reason)
{
	head->result = HEAD_BAD;
	head->status = status;
	head->reason = reason;
}

static struct span
head_span(const struct head *head, struct head_range range)
{
	return (struct span){head->bytes + range.at, range.len};
}

/* Returns an empty range at byte AT. */
static struct head_range
head_range_at(size_t at)
{
	return (struct head_range){.at = (uint16_t)at, .len = 0};
}

void
head_init(struct head *head)
{
	memset(head, 0, sizeof(*head));
	head->state = HEAD_AT_START;
	head->result = HEAD_MORE;
}

void
head_init_response(struct head *head)
{
	head_init(head);
	head->state = HEAD_AT_STATUS;
}

/* Handles the end of the request line. */
static void
head_end_line(struct head *head)
{
	if (head->major == 1) {
		head->state = HEAD_AT_FIELD;
		return;
	}
	/* RFC 9113, section 3.4: the client speaks HTTP/2 and would not understand an HTTP/1.1
	 * response. */
	if (head->major == 2 && head->minor == 0 &&
	    span_equal(head_method(head), SPAN("PRI")) &&
	    span_equal(head_target(head), SPAN("*"))) {
		head->result = HEAD_HTTP2;
		return;
	}
	/* RFC 9110, section 15.6.6. */
	head_fail(head, 505, "unsupported HTTP version");
}

/* Parses the request line: method SP request-target SP HTTP-version (RFC 9112, section 3). */
static void
head_method_byte(struct head *head, size_t i, unsigned char c)
{
	if (util_is_token_char(c)) {
		head->method.len++;
	} else if (c == ' ' && head->method.len > 0) {
		head->target = head_range_at(i + 1);
		head->state = HEAD_AT_TARGET;
	} else {
		head_fail(head, 400, "invalid method in the request line");
	}
}

static void
head_target_byte(struct head *head, size_t i, unsigned char c)
{
	if (c > ' ' && c < 0x7f) {
		head->target.len++;
	} else if (c == ' ' && head->target.len > 0) {
		head->version = i + 1;
		head->state = HEAD_AT_VERSION;
	} else if (c == '\r') {
		head_fail(head, 400, "request line without an HTTP version");
	} else {
		head_fail(head, 400, "invalid or empty request target");
	}
}

static void
head_version_byte(struct head *head, size_t i, unsigned char c)
{
	/* M and m: one digit each (RFC 9112, section 2.3). */
	static const char form[] = "HTTP/M.m\r";
	char wanted = form[i - head->version];

	if (wanted == 'M' && util_is_digit(c))
		head->major = c - '0';
	else if (wanted == 'm' && util_is_digit(c))
		head->minor = c - '0';
	else if (wanted == 'M' || wanted == 'm' || (char)c != wanted)
		head_fail(head, 400, "invalid HTTP version in the request line");
	else if (c == '\r')
		head->state = HEAD_AT_LINE_LF;
}

/* Parses the status line: HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112, section
 * 4). Some servers omit the second space if there is no phrase. */
static void
head_status_byte(struct head *head, size_t i, unsigned char c)
{
	static const char form[] = "HTTP/1.m 123 ";
	char wanted = form[i];

	if (i == 7 && util_is_digit(c)) {
		head->minor = c - '0';
	} else if (i > 8 && wanted != ' ' && util_is_digit(c)) {
		head->code = 10 * head->code + c - '0';
	} else if (i == sizeof(form) - 2 && (c == ' ' || c == '\r') && head->code >= 100 &&
		   head->code <= 599) {
		head->major = 1;
		head->phrase = head_range_at(i + 1);
		head->state = c == ' ' ? HEAD_AT_PHRASE : HEAD_AT_LINE_LF;
	} else if ((char)c != wanted || i == 7 || i > 8) {
		head_fail(head, 502, "invalid status line");
	}
}

static void
head_phrase_byte(struct head *head, unsigned char c)
{
	if (c == '\r')
		head->state = HEAD_AT_LINE_LF;
	else if ((c < ' ' && c != '\t') || c == 0x7f)
		head_fail(head, 502, "control character in the status line");
	else
		head->phrase.len++;
}

static void
head_name_byte(struct head *head, size_t i, unsigned char c)
{
	struct head_range *name = &head->fields[head->field_count].name;

	if (util_is_token_char(c)) {
		name->len++;
	} else if (c == ':' && name->len > 0) {
		head->fields[head->field_count].value = head_range_at(i + 1);
		head->state = HEAD_AT_BLANK;
	} else if (c == ' ' || c == '\t') {
		/* RFC 9112, section 5.1: proxies that ignore the blank and those that do not
		 * would see different fields. */
		head_fail(head, 400, "whitespace before the colon of a header field");
	} else {
		head_fail(head, 400, "invalid header field name");
	}
}

static void
head_value_byte(struct head *head, size_t i, unsigned char c)
{
	struct head_range *value = &head->fields[head->field_count].value;

	if (c == '\r') {
		head->state = HEAD_AT_VALUE_LF;
	} else if (c == ' ' || c == '\t') {
		return; /* counted with the next non-blank byte, if any */
	} else if (c < ' ' || c == 0x7f) {
		/* RFC 9110, section 5.5. */
		head_fail(head, 400,
		    "control character in a header field value, or a line without CR");
	} else {
		value->len = (uint16_t)(i + 1 - value->at);
	}
}

/* Handles the first byte of a line after the request line. */
static void
head_field_byte(struct head *head, size_t i, unsigned char c)
{
	if (c == '\r') {
		head->state = HEAD_AT_END_LF;
	} else if (c == ' ' || c == '\t') {
		/* RFC 9112, sections 2.2 and 5.2. */
		head_fail(head, 400, "folded header field: a line starts with whitespace");
	} else if (head->field_count == HEAD_MAX_FIELDS) {
		head_fail(head, 431, "more than 100 header fields"); /* RFC 6585, section 5 */
	} else {
		head->fields[head->field_count].name = head_range_at(i);
		head->state = HEAD_AT_NAME;
		head_name_byte(head, i, c);
	}
}

/* Checks Host (RFC 9112, section 3.2). */
static bool
head_check_host(const struct head *head)
{
	struct span host;
	struct uri_authority authority;
	size_t count = head_find(head, "Host", &host);

	if (count == 0)
		return head->minor == 0;
	/* The host of an http URI is not empty (RFC 9110, section 4.2.1), so an empty Host is
	 * invalid. */
	return count == 1 && uri_parse_authority(host, &authority);
}

/* Handles the end of the head, with all fields known. */
static void
head_end(struct head *head)
{
	if (head->code == 0 && !head_check_host(head))
		head_fail(head, 400, "missing, repeated or invalid Host");
	else
		head->result = HEAD_DONE;
}

/* Handles the byte after a CR. */
static void
head_lf_byte(struct head *head, size_t i, unsigned char c)
{
	/* RFC 9112, section 2.2. */
	if (c != '\n') {
		head_fail(head, 400, "CR without LF");
		return;
	}
	if (head->state == HEAD_AT_START_LF) {
		head->line = i + 1;
		head->method = head_range_at(i + 1);
		head->state = HEAD_AT_METHOD;
	} else if (head->state == HEAD_AT_LINE_LF) {
		head_end_line(head);
	} else if (head->state == HEAD_AT_VALUE_LF) {
		head->field_count++;
		head->state = HEAD_AT_FIELD;
	} else {
		head_end(head);
	}
}

/* Processes byte I, which is C. */
static void
head_byte(struct head *head, size_t i, unsigned char c)
{
	/*
	 * RFC 9110, section 15.5.15; RFC 9112, section 3, recommends at least 8000 bytes. The
	 * states up to HEAD_AT_VERSION are those of the request line.
	 */
	if (head->state <= HEAD_AT_VERSION && i - head->line >= HEAD_MAX_LINE && c != '\r') {
		head_fail(head, 414,
		    head->code == 0 ? "request line longer than 8192 bytes"
				    : "status line longer than 8192 bytes");
		return;
	}
	switch (head->state) {
	case HEAD_AT_START:
		/* RFC 9112, section 2.2: one empty line before the request line is ignored. */
		if (c == '\r') {
			head->state = HEAD_AT_START_LF;
			break;
		}
		head->state = HEAD_AT_METHOD;
		/* fall through */
	case HEAD_AT_METHOD:
		head_method_byte(head, i, c);
		break;
	case HEAD_AT_STATUS:
		head_status_byte(head, i, c);
		break;
	case HEAD_AT_PHRASE:
		head_phrase_byte(head, c);
		break;
	case HEAD_AT_TARGET:
		head_target_byte(head, i, c);
		break;
	case HEAD_AT_VERSION:
		head_version_byte(head, i, c);
		break;
	case HEAD_AT_FIELD:
		head_field_byte(head, i, c);
		break;
	case HEAD_AT_NAME:
		head_name_byte(head, i, c);
		break;
	case HEAD_AT_BLANK:
		if (c == ' ' || c == '\t')
			break;
		head->fields[head->field_count].value = head_range_at(i);
		head->state = HEAD_AT_VALUE;
		/* fall through */
	case HEAD_AT_VALUE:
		head_value_byte(head, i, c);
		break;
	case HEAD_AT_START_LF:
	case HEAD_AT_LINE_LF:
	case HEAD_AT_VALUE_LF:
	case HEAD_AT_END_LF:
		head_lf_byte(head, i, c);
		break;
	}
}

enum head_result
head_parse(struct head *head, const char *bytes, size_t len)
{
	size_t end = len < HEAD_MAX_BYTES ? len : HEAD_MAX_BYTES;

	head->bytes = bytes;
	while (head->result == HEAD_MORE && head->scanned < end) {
		size_t i = head->scanned++;
		unsigned char c = (unsigned char)bytes[i];

		head_byte(head, i, c);
	}
	if (head->result == HEAD_MORE && head->scanned == HEAD_MAX_BYTES)
		head_fail(head, 431, /* RFC 6585, section 5 */
		    head->code == 0 ? "request headers larger than 16384 bytes"
				    : "response headers larger than 16384 bytes");
	return head->result;
}

int
head_status(const struct head *head)
{
	return head->status;
}

const char *
head_reason(const struct head *head)
{
	return head->reason;
}

size_t
head_len(const struct head *head)
{
	return head->scanned;
}

struct span
head_method(const struct head *head)
{
	return head_span(head, head->method);
}

struct span
head_target(const struct head *head)
{
	return head_span(head, head->target);
}

int
head_code(const struct head *head)
{
	return head->code;
}

struct span
head_phrase(const struct head *head)
{
	return head_span(head, head->phrase);
}

int
head_minor(const struct head *head)
{
	return head->minor == 0 ? 0 : 1;
}

size_t
head_field_count(const struct head *head)
{
	return head->field_count;
}

struct head_field
head_field(const struct head *head, size_t i)
{
	return (struct head_field){
	    head_span(head, head->fields[i].name),
	    head_span(head, head->fields[i].value),
	};
}

size_t
head_find(const struct head *head, const char *name, struct span *value)
{
	struct span wanted = span_of(name);
	size_t count = 0;

	for (size_t i = 0; i < head->field_count; i++) {
		struct head_field field = head_field(head, i);

		if (!span_equal_nocase(field.name, wanted))
			continue;
		if (count == 0 && value)
			*value = field.value;
		count++;
	}
	return count;
}

/* Returns the length of the element at the front of TEXT: up to a comma outside a quoted
 * string. */
static size_t
head_element_len(struct span text)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			quoted = !quoted;
		else if (quoted && text.data[i] == '\\' && i + 1 < text.len)
			i++; /* a quoted pair (RFC 9110, section 5.6.4) */
		else if (!quoted && text.data[i] == ',')
			break;
	}
	return i;
}

/* The cursor: the index of a field, and in the low bits the offset of the next element in its
 * value. So no field and no element is processed twice. */
enum { HEAD_CURSOR_BITS = 16 };
_Static_assert(HEAD_MAX_BYTES < 1 << HEAD_CURSOR_BITS, "a position in a value fits");

bool
head_next_element(
    const struct head *head, const char *name, size_t *cursor, struct span *element)
{
	struct span wanted = span_of(name);
	size_t at = *cursor & ((1 << HEAD_CURSOR_BITS) - 1);

	for (size_t i = *cursor >> HEAD_CURSOR_BITS; i < head->field_count; i++, at = 0) {
		struct span rest = head_span(head, head->fields[i].value);
		size_t len;

		/* Inside a value, the field has already been matched. */
		if (at == 0 &&
		    !span_equal_nocase(head_span(head, head->fields[i].name), wanted))
			continue;
		rest.data += at;
		rest.len -= at;
		len = head_element_len(rest);
		*element = span_trim((struct span){rest.data, len});
		*cursor = len < rest.len ? i << HEAD_CURSOR_BITS | (at + len + 1)
					 : (i + 1) << HEAD_CURSOR_BITS;
		return true;
	}
	return false;
}

bool
head_has_token(const struct head *head, const char *name, const char *token)
{
	struct span wanted = span_of(token);
	struct span element;
	size_t cursor = 0;

	while (head_next_element(head, name, &cursor, &element)) {
		if (span_equal_nocase(element, wanted))
			return true;
	}
	return false;
}
