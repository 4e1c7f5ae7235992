/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks for all places of a byte, in text where they may be so close together that memchr()
 * would be called for every few bytes.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Puts where in BYTES a C stands to PLACES, the first MAX of them in their order, and returns
 * how many. LEN is at most UINT32_MAX. *ASCII: all up to the last of them is ASCII; it may be
 * false though it is, when something behind it is not.
 */
size_t scan_places(
    const uint8_t *bytes, size_t len, uint8_t c, uint32_t places[], size_t max, bool *ascii);

#endif
