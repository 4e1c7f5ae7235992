/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small helpers that every layer needs: the clock, numbers
 * from users, and character classes that do not depend on the locale.
 */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTIL_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A span of bytes that belongs to somebody else; not terminated. */
struct span {
	const char *data;
	size_t len;
};

/* The span of a C string, and of a string literal at compile time. */
struct span span_of(const char *text);
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

bool span_equal(struct span a, struct span b);
/* As span_equal, but ASCII letters match in either case. */
bool span_equal_nocase(struct span a, struct span b);
/* Without the blanks and tabs at both ends: OWS of RFC 9110, section 5.6.3. */
struct span span_trim(struct span s);
/* A fresh, terminated copy; NULL without memory. The caller frees it. */
char *span_dup(struct span s);

/*
 * Keeps this process's memory out of core dumps and from other processes of its user; who is
 * executed from here is not hidden. What the process has in /proc is root's from then on, so
 * log_setup() must come before. -1 with errno when the system refuses.
 */
int util_hide_memory(void);

/* Milliseconds of a clock that never jumps (CLOCK_MONOTONIC); the origin means nothing. */
int64_t util_clock_ms(void);

/*
 * Reads a decimal number between MIN and MAX from all of TEXT into *OUT.
 * Returns NULL, or what is wrong in words that follow a name: "must be a
 * number from 0 to 65535". The text lives until the next call.
 */
const char *util_parse_number(struct span text, int64_t min, int64_t max, int64_t *out)
    __attribute__((warn_unused_result));

/* Writes NUMBER in decimal, with zeros before it up to WIDTH digits, and returns its end; no
 * NUL follows. At most UTIL_NUMBER_MAX digits. */
enum { UTIL_NUMBER_MAX = 20 };
char *util_put_number(char *to, uint64_t number, size_t width);

/* The plural ending after a count: printf("%zu session%s", n, util_plural(n)). */
static inline const char *
util_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* TERM for SIGTERM; the number of one without a name, as a realtime signal. Lives until the
 * next call. */
const char *util_signal_name(int number);

/* True for the characters of a token: RFC 9110, section 5.6.2. */
bool util_is_token_char(unsigned char c);
bool util_is_token(struct span s);

/* ASCII only, whatever the locale. */
static inline bool
util_is_alpha(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
util_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static inline char
util_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of a hexadecimal digit, or -1. */
int util_hex_value(unsigned char c);

#endif
