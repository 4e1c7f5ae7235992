/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes UTF-8. Each implementation that this processor supports must find the input, and the
 * input between ASCII, valid when one character at a time finds it so; and however the input is
 * cut, it must be rejected at the same byte.
 */
#include "base/utf8.h"
#include "require.h"
#include "simd/simd.h"

#include <stdlib.h>
#include <string.h>

static bool
is_valid(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_char_len(bytes + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

/* The input behind BEFORE and before AFTER bytes of ASCII, in a block of exactly that size. */
static void
check_between(const uint8_t *data, size_t size, size_t before, size_t after, bool wanted)
{
	size_t len = before + size + after;
	uint8_t *block = malloc(len ? len : 1);

	CHECK(block);
	memset(block, 'x', len);
	if (size > 0)
		memcpy(block + before, data, size);
	CHECK(utf8_valid(block, len) == wanted);
	free(block);
}

/* The bytes that are fed before one is refused, in parts of PART bytes. */
static size_t
fed_in_parts(const uint8_t *data, size_t size, size_t part, bool *complete)
{
	struct utf8 state = {0};
	size_t done = 0;

	while (done < size) {
		size_t n = size - done < part ? size - done : part;

		if (!utf8_feed(&state, data + done, n))
			break;
		done += n;
	}
	*complete = utf8_complete(&state);
	return done;
}

static void
check(const uint8_t *data, size_t size)
{
	static const size_t parts[] = {2, 3, 5, 31, 64, 67, 200, SIZE_MAX};
	bool wanted = is_valid(data, size), complete;
	size_t violation = fed_in_parts(data, size, 1, &complete);

	CHECK(wanted == (violation == size && complete));
	for (size_t before = 0; before < 36; before += 1 + before / 4)
		check_between(data, size, before, 0, wanted);
	check_between(data, size, 29, 40, wanted);
	check_between(data, size, 125, 140, wanted);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool whole;
		size_t done = fed_in_parts(data, size, parts[i], &whole);

		/* The part that is refused is the one with the violation. */
		CHECK(done <= violation && violation - done < parts[i]);
		CHECK((done == size) == (violation == size));
		CHECK(done < size || whole == complete);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct simd *list[SIMD_LIST_MAX];

	for (size_t i = 0, n = simd_list(list); i < n; i++) {
		simd = list[i];
		check(data, size);
	}
	return 0;
}
