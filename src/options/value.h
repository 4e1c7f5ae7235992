/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of option values: texts, words and lists that the options own, and functions that
 * parse parts of a value. If memory runs out, the process exits with 71, unless inside
 * options_try().
 */
#ifndef OPTIONS_VALUE_H
#define OPTIONS_VALUE_H

#include "base/util.h"
#include "options/options.h"

#include <stdarg.h>
#include <stdbool.h>

/* Reports that memory ran out and exits with 71. */
__attribute__((noreturn)) void options_no_memory(void);

/* Calls RUN(ARG) for a process that must not exit. Returns false if memory ran out: the call
 * was aborted, and what it had allocated is leaked. */
bool options_try(void (*run)(void *arg), void *arg) __attribute__((warn_unused_result));

/* Returns a copy of TEXT; NULL for NULL. */
char *options_text_copy(const char *text);
char *options_text(struct span text);
/* Like asprintf() and vasprintf(), but never return NULL. */
char *options_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *options_vformat(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
char **options_words_copy(char *const *words); /* one block; NULL for NULL */

/* Adds a copy of TEXT. */
void options_list_add(struct options_list *list, struct span text);

/* Replaces the strings of a list, a shallow copy, by copies. */
void options_list_own(struct options_list *list);

/* Frees the strings of a list and empties it. */
void options_list_clear(struct options_list *list);

/* Replaces the text of TARGET by a copy of TEXT; NULL if that is empty. */
void options_set_text(char **target, struct span text);

/* Removes the next non-empty comma-separated part, trimmed, from the front of REST. Returns
 * false at the end. */
bool options_next_part(struct span *rest, struct span *part);

bool options_has_control(struct span text);

/* Returns false if VALUE is not a boolean. */
bool options_parse_bool(struct span value, bool *flag);

#endif
