/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks for a byte in a block, for text with separators so close together that memchr() would
 * be called for every few bytes. One of two files is built: scan_sse2.c on x86-64, which always
 * has that instruction, scan_portable.c elsewhere.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdint.h>

enum { SCAN_BLOCK = 64 };

/* Bit N of the result is set where BYTES[N] is C. All SCAN_BLOCK bytes are read. */
uint64_t scan_block(const uint8_t *bytes, uint8_t c);

#endif
