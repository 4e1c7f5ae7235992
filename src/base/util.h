/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Helpers for all layers: the clock, numbers from users, and locale-independent character
 * classes.
 */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTIL_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A borrowed span of bytes; not NUL-terminated. */
struct span {
	const char *data;
	size_t len;
};

/* Return the span of a C string, and of a string literal at compile time. */
struct span span_of(const char *text);
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

bool span_equal(struct span a, struct span b);
/* Like span_equal(), but case-insensitive for ASCII letters. */
bool span_equal_nocase(struct span a, struct span b);
/* Removes blanks and tabs at both ends (OWS of RFC 9110, section 5.6.3). */
struct span span_trim(struct span s);
/* Returns a NUL-terminated copy, which the caller frees, or NULL if memory runs out. */
char *span_dup(struct span s);

/*
 * Protects this process's memory from core dumps and from other processes of its user; programs
 * executed from here are not protected. The process's files in /proc belong to root from then
 * on, so log_setup() must be called before. Returns -1 with errno.
 */
int util_hide_memory(void);

/* Returns milliseconds of a monotonic clock (CLOCK_MONOTONIC) with an arbitrary origin. */
int64_t util_clock_ms(void);

/*
 * Parses all of TEXT as a decimal number between MIN and MAX into *OUT. Returns NULL, or the
 * error as text that follows a name: "must be a number from 0 to 65535", valid until the next
 * call.
 */
const char *util_parse_number(struct span text, int64_t min, int64_t max, int64_t *out)
    __attribute__((warn_unused_result));

/* Writes NUMBER in decimal, padded with zeros to WIDTH digits, and returns its end, without a
 * NUL. At most UTIL_NUMBER_MAX digits. */
enum { UTIL_NUMBER_MAX = 20 };
char *util_put_number(char *to, uint64_t number, size_t width);

/* Returns the plural suffix after a count: printf("%zu session%s", n, util_plural(n)). */
static inline const char *
util_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Returns "TERM" for SIGTERM, or the number of a signal without a name, such as a realtime
 * signal. Valid until the next call. */
const char *util_signal_name(int number);

/* Returns true for token characters (RFC 9110, section 5.6.2). */
bool util_is_token_char(unsigned char c);
bool util_is_token(struct span s);

/* ASCII only, regardless of the locale. */
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

/* Returns the value of a hexadecimal digit, or -1. */
int util_hex_value(unsigned char c);

#endif
