/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways to check a whole text, one file each: configure chooses the files that this kind of
 * machine can run, utf8.c the first of the table that this very machine supports. Only utf8*.c
 * and their tests include this.
 */
#ifndef BASE_UTF8_VECTOR_H
#define BASE_UTF8_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8_vector {
	const char *name;
	/* True when this machine has the instructions. */
	bool (*supported)(void);
	/* True when the LEN bytes are a whole valid text; any length, any alignment. */
	bool (*valid)(const uint8_t *bytes, size_t len);
};

/* The fastest first; the last one, "portable", is supported by every machine. */
extern const struct utf8_vector utf8_vectors[];
extern const size_t utf8_vectors_len;

/* The functions of the rows; those of another kind of machine are not linked. */
bool utf8_avx2_supported(void);
bool utf8_avx2_valid(const uint8_t *bytes, size_t len);
bool utf8_ssse3_supported(void);
bool utf8_ssse3_valid(const uint8_t *bytes, size_t len);
bool utf8_neon_supported(void);
bool utf8_neon_valid(const uint8_t *bytes, size_t len);
bool utf8_portable_supported(void);
bool utf8_portable_valid(const uint8_t *bytes, size_t len);

#endif
