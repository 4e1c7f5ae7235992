/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts the bytes that CRYPTO_memcmp() compares: link with -Wl,--wrap=CRYPTO_memcmp. */
#ifndef TESTS_COUNT_COMPARED_H
#define TESTS_COUNT_COMPARED_H

#include <stddef.h>

extern size_t count_compared;

#endif
