/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages that are sent about: the load generator and the child make the same ones. */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include <stddef.h>
#include <stdint.h>

/* The first line of the kind "seq"; the next ones count up, all of the same length. */
#define CORPUS_FIRST_NUMBER "1000000"

/* COUNT messages of SIZE bytes, with a newline behind each one; they are repeated in turn. */
struct corpus {
	uint8_t *bytes; /* owned, until the process ends */
	size_t count; /* 0 of the kind "seq": see corpus_count_up() */
	size_t size;
};

/*
 * KIND is "ascii" (letters), "utf8" (characters of two to four bytes), "bytes" (any
 * bytes), "json" (64 different objects of at least 256 bytes) or "seq" (numbers; SIZE is then
 * that of CORPUS_FIRST_NUMBER). Ends the process when there is no such KIND.
 */
struct corpus corpus_new(const char *kind, size_t size);

/* The message number INDEX, with its newline; not for "seq". */
const uint8_t *corpus_message(const struct corpus *corpus, uint64_t index);

/* Adds one to a decimal number. */
void corpus_count_up(uint8_t *digits, size_t len);

#endif
