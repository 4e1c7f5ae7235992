/* SPDX-License-Identifier: BSD-2-Clause */
#include "count_compared.h"

size_t count_compared;

int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len);
int __real_CRYPTO_memcmp(const void *a, const void *b, size_t len);

int
__wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
	count_compared += len;
	return __real_CRYPTO_memcmp(a, b, len);
}
