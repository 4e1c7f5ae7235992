/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways to check UTF-8 on x86-64. */
#include "base/utf8_vector.h"

#include "base/util.h"

const struct utf8_vector utf8_vectors[] = {
    {"avx2", utf8_avx2_supported, utf8_avx2_valid},
    {"ssse3", utf8_ssse3_supported, utf8_ssse3_valid},
    {"portable", utf8_portable_supported, utf8_portable_valid},
};
const size_t utf8_vectors_len = UTIL_LEN(utf8_vectors);
