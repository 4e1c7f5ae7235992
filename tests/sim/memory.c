/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of what is tested. */
#include "memory.h"

#include "check.h"
#include "random.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MEMORY_SLOTS = 1024 }; /* a power of 2, and more than there are blocks */

/* Blocks in use: a hash table with linear probing. A block that libc allocated on its own, as
 * strdup() does, is in none. */
static struct {
	void *blocks[MEMORY_SLOTS];
	size_t count;
	size_t bytes;
	enum memory_failure failure;
	size_t n;
	bool failed;
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
int __real_deflateInit2_(z_streamp z, int level, int method, int bits, int memory_level,
    int strategy, const char *version, int size);
int __real_inflateInit2_(z_streamp z, int bits, const char *version, int size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
int __wrap_deflateInit2_(z_streamp z, int level, int method, int bits, int memory_level,
    int strategy, const char *version, int size);
int __wrap_inflateInit2_(z_streamp z, int bits, const char *version, int size);

static size_t
memory_slot(const void *block)
{
	size_t slot = (size_t)((uintptr_t)block >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 40;

	for (slot %= MEMORY_SLOTS; memory.blocks[slot] && memory.blocks[slot] != block;)
		slot = (slot + 1) % MEMORY_SLOTS;
	return slot;
}

static void *
memory_note(void *block)
{
	if (!block)
		return NULL;
	check_that(
	    memory.count < MEMORY_SLOTS / 2, "at most %d blocks are in use", MEMORY_SLOTS / 2);
	memory.blocks[memory_slot(block)] = block;
	memory.count++;
	memory.bytes += malloc_usable_size(block);
	return block;
}

/* False if it was not in use. */
static bool
memory_forget(void *block)
{
	size_t slot = memory_slot(block);

	if (!memory.blocks[slot])
		return false;
	memory.count--;
	memory.bytes -= malloc_usable_size(block);
	/* Those after it may have to be found without it. */
	memory.blocks[slot] = NULL;
	for (size_t i = (slot + 1) % MEMORY_SLOTS; memory.blocks[i];
	     i = (i + 1) % MEMORY_SLOTS) {
		void *other = memory.blocks[i];

		memory.blocks[i] = NULL;
		memory.blocks[memory_slot(other)] = other;
	}
	return true;
}

void
memory_set_failure(enum memory_failure failure, size_t n)
{
	memory.failure = failure;
	memory.n = n;
}

bool
memory_has_failed(void)
{
	return memory.failed;
}

bool
memory_fails(void)
{
	bool fails = false;

	switch (memory.failure) {
	case MEMORY_NEVER_FAILS:
		break;
	case MEMORY_FAILS_ONCE:
		fails = --memory.n == 0;
		if (fails)
			memory.failure = MEMORY_NEVER_FAILS;
		break;
	case MEMORY_FAILS_FROM:
		memory.n -= memory.n > 1;
		fails = memory.n == 1;
		break;
	case MEMORY_FAILS_OFTEN:
		fails = random_one_in(memory.n);
		break;
	}
	if (fails) {
		check_trace("an allocation fails");
		memory.failed = true;
		errno = ENOMEM;
	}
	return fails;
}

size_t
memory_live_bytes(void)
{
	return memory.bytes;
}

size_t
memory_live_blocks(void)
{
	return memory.count;
}

void
memory_reset(void)
{
	memset(&memory, 0, sizeof(memory));
}

void *
memory_real_realloc(void *block, size_t size)
{
	return __real_realloc(block, size);
}

void
memory_real_free(void *block)
{
	__real_free(block);
}

void *
__wrap_malloc(size_t size)
{
	return memory_fails() ? NULL : memory_note(__real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return memory_fails() ? NULL : memory_note(__real_calloc(n, size));
}

void *
__wrap_realloc(void *block, size_t size)
{
	void *moved;

	if (memory_fails())
		return NULL;
	if (block)
		(void)memory_forget(block);
	moved = __real_realloc(block, size);
	return memory_note(moved);
}

void
__wrap_free(void *block)
{
	if (block)
		(void)memory_forget(block);
	__real_free(block);
}

/* zlib's memory is that of what is tested, too. */
static void *
memory_zlib_alloc(void *opaque, unsigned int n, unsigned int size)
{
	(void)opaque;
	return memory_fails() ? NULL : memory_note(__real_calloc(n, size));
}

static void
memory_zlib_free(void *opaque, void *block)
{
	(void)opaque;
	__wrap_free(block);
}

int
__wrap_deflateInit2_(z_streamp z, int level, int method, int bits, int memory_level,
    int strategy, const char *version, int size)
{
	z->zalloc = memory_zlib_alloc;
	z->zfree = memory_zlib_free;
	return __real_deflateInit2_(
	    z, level, method, bits, memory_level, strategy, version, size);
}

int
__wrap_inflateInit2_(z_streamp z, int bits, const char *version, int size)
{
	z->zalloc = memory_zlib_alloc;
	z->zfree = memory_zlib_free;
	return __real_inflateInit2_(z, bits, version, size);
}
