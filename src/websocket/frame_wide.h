/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masking by wider steps than every machine has. configure chooses the file that this kind of
 * machine can run. Only frame*.c include this.
 */
#ifndef WEBSOCKET_FRAME_WIDE_H
#define WEBSOCKET_FRAME_WIDE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Masks bytes at the front of FROM with KEY, which stands in memory as eight bytes are masked,
 * and writes them to TO, which may be FROM or lie below it. Returns how many, a multiple of 8,
 * at most LEN, and 0 where this machine has no wider step; adds the union of them to *SEEN.
 */
size_t frame_mask_wide(
    uint8_t *to, const uint8_t *from, size_t len, uint64_t key, uint64_t *seen);

#endif
