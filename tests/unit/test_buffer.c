/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of bytes, also compared with a plain array over many random steps. */
#include "base/buffer.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
assert_holds(const struct buffer *b, const char *text)
{
	assert_int_equal(buffer_len(b), strlen(text));
	assert_memory_equal(buffer_data(b), text, strlen(text));
}

static void
assert_owns_nothing(const struct buffer *b)
{
	static const struct buffer empty = {0};

	assert_memory_equal(b, &empty, sizeof(empty));
	assert_int_equal(buffer_len(b), 0);
	assert_null(buffer_data(b));
}

static void
test_append_and_consume(void **state)
{
	struct buffer b = {0};

	(void)state;
	assert_owns_nothing(&b);
	assert_true(buffer_append(&b, NULL, 0));
	assert_owns_nothing(&b);
	assert_true(buffer_append(&b, "hello", 5));
	assert_true(buffer_append(&b, " world", 6));
	assert_holds(&b, "hello world");
	buffer_consume(&b, 0);
	assert_holds(&b, "hello world");
	buffer_consume(&b, 6);
	assert_holds(&b, "world");
	assert_true(buffer_append(&b, "s", 1));
	assert_holds(&b, "worlds");
	/* What stands behind can be taken off again. */
	assert_true(buffer_append(&b, "more", 4));
	buffer_cut(&b, 6);
	assert_holds(&b, "worlds");
	/* The last byte takes the memory with it. */
	buffer_consume(&b, 6);
	assert_owns_nothing(&b);
	assert_true(buffer_append(&b, "again", 5));
	assert_holds(&b, "again");
	buffer_clear(&b);
	assert_owns_nothing(&b);
	buffer_clear(&b);
	buffer_consume(&b, 0);
	assert_owns_nothing(&b);
}

static void
test_reserve_and_commit(void **state)
{
	struct buffer b = {0};
	uint8_t *to = buffer_reserve(&b, 1000);

	(void)state;
	assert_non_null(to);
	assert_int_equal(buffer_len(&b), 0);
	memset(to, 'x', 1000);
	memcpy(to, "abc", 3);
	buffer_commit(&b, 3);
	assert_holds(&b, "abc");
	/* What is there stays where it is while there is room behind it. */
	assert_ptr_equal(buffer_reserve(&b, 1), buffer_data(&b) + 3);
	buffer_commit(&b, 0);
	assert_holds(&b, "abc");
	buffer_clear(&b);
}

static void
test_move(void **state)
{
	struct buffer a = {0}, b = {0};
	const uint8_t *data;

	(void)state;
	assert_true(buffer_append(&a, "xabc", 4));
	buffer_consume(&a, 1);
	data = buffer_data(&a);
	buffer_move(&b, &a);
	assert_owns_nothing(&a);
	assert_holds(&b, "abc");
	assert_ptr_equal(buffer_data(&b), data);
	buffer_clear(&b);
	buffer_move(&b, &a);
	assert_owns_nothing(&b);
}

static void
test_no_memory_changes_nothing(void **state)
{
	struct buffer b = {0};

	(void)state;
	assert_null(buffer_reserve(&b, SIZE_MAX));
	assert_owns_nothing(&b);
	assert_true(buffer_append(&b, "abc", 3));
	assert_null(buffer_reserve(&b, SIZE_MAX));
	assert_null(buffer_reserve(&b, SIZE_MAX - 3));
	assert_null(buffer_reserve(&b, SIZE_MAX / 2));
	assert_holds(&b, "abc");
	buffer_consume(&b, 1);
	assert_null(buffer_reserve(&b, SIZE_MAX - 3));
	assert_holds(&b, "bc");
	buffer_clear(&b);
}

/* A queue that stays at any length must not copy itself for every byte that passes, nor grow
 * without end. */
static void
test_cost_of_a_queue_that_stays_full(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 5000; len += 61) {
		struct buffer b = {0};
		size_t copied = 0;

		for (size_t i = 0; i < len; i++)
			assert_true(buffer_append(&b, "x", 1));
		for (size_t i = 0; i < 20000; i++) {
			const uint8_t *data;

			buffer_consume(&b, 1);
			data = buffer_data(&b);
			assert_true(buffer_append(&b, "y", 1));
			if (data && buffer_data(&b) != data)
				copied += buffer_len(&b);
		}
		assert_int_equal(buffer_len(&b), len);
		assert_true(copied <= 4 * 20000);
		assert_true(b.block->capacity <= 256 || b.block->capacity < 3 * len);
		buffer_clear(&b);
	}
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
test_against_a_plain_array(void **state)
{
	enum { SIZE = 1 << 20 };
	uint8_t *model = malloc(SIZE);
	struct buffer b = {0};
	size_t head = 0, tail = 0;
	uint32_t seed = 1;

	(void)state;
	assert_non_null(model);
	for (int step = 0; step < 20000; step++) {
		size_t n = next_random(&seed) % 700;

		if (next_random(&seed) % 2 == 0 && tail + n <= SIZE) {
			uint8_t *to;

			for (size_t i = 0; i < n; i++)
				model[tail + i] = (uint8_t)next_random(&seed);
			if (next_random(&seed) % 2 == 0) {
				assert_true(buffer_append(&b, model + tail, n));
			} else {
				to = buffer_reserve(&b, n + 10);
				assert_non_null(to);
				memcpy(to, model + tail, n);
				buffer_commit(&b, n);
			}
			tail += n;
		} else {
			if (n > tail - head)
				n = tail - head;
			buffer_consume(&b, n);
			head += n;
		}
		assert_int_equal(buffer_len(&b), tail - head);
		if (tail > head)
			assert_memory_equal(buffer_data(&b), model + head, tail - head);
		if (head == tail)
			head = tail = 0;
	}
	buffer_clear(&b);
	free(model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_append_and_consume),
	    cmocka_unit_test(test_reserve_and_commit),
	    cmocka_unit_test(test_move),
	    cmocka_unit_test(test_no_memory_changes_nothing),
	    cmocka_unit_test(test_cost_of_a_queue_that_stays_full),
	    cmocka_unit_test(test_against_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
