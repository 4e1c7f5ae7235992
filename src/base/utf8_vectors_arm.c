/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways to check UTF-8 on 64-bit ARM. */
#include "base/utf8_vector.h"

#include "base/util.h"

const struct utf8_vector utf8_vectors[] = {
    {"neon", utf8_neon_supported, utf8_neon_valid},
    {"portable", utf8_portable_supported, utf8_portable_valid},
};
const size_t utf8_vectors_len = UTIL_LEN(utf8_vectors);
