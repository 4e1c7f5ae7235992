/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers for all layers. */
#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

struct span
span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
span_equal_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (util_lower(a.data[i]) != util_lower(b.data[i]))
			return false;
	}
	return true;
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

char *
util_put_number(char *to, uint64_t number, size_t width)
{
	char digits[UTIL_NUMBER_MAX];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0 || sizeof(digits) - at < width);
	while (at < sizeof(digits))
		*to++ = digits[at++];
	return to;
}

char *
span_dup(struct span s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return copy;
}

int
util_hide_memory(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int64_t
util_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *
util_parse_number(struct span text, int64_t min, int64_t max, int64_t *out)
{
	static char error[96];
	struct span digits = text;
	bool negative = text.len > 0 && text.data[0] == '-';
	int64_t value = 0;

	if (negative) {
		digits.data++;
		digits.len--;
	}
	if (digits.len == 0)
		goto bad;
	for (size_t i = 0; i < digits.len; i++) {
		int64_t digit = digits.data[i] - '0';

		if (digit < 0 || digit > 9)
			goto bad;
		if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			goto bad;
	}
	/* The value is negative so far, because the negative range is larger. */
	if (!negative) {
		if (value == INT64_MIN)
			goto bad;
		value = -value;
	}
	if (value < min || value > max)
		goto bad;
	*out = value;
	return NULL;
bad:
	snprintf(
	    error, sizeof(error), "must be a number from %" PRId64 " to %" PRId64, min, max);
	return error;
}

const char *
util_signal_name(int number)
{
	static char digits[16];
	const char *name = sigabbrev_np(number);

	if (name)
		return name;
	snprintf(digits, sizeof(digits), "%d", number);
	return digits;
}

bool
util_is_token_char(unsigned char c)
{
	return util_is_alpha(c) || util_is_digit(c) ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool
util_is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!util_is_token_char((unsigned char)s.data[i]))
			return false;
	}
	return s.len > 0;
}

int
util_hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
