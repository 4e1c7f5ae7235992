/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What option values are made of: texts, words and lists that the options own, and the
 * functions that read parts of a value. Without memory the process exits with 71, unless it is
 * within options_try().
 */
#ifndef OPTIONS_VALUE_H
#define OPTIONS_VALUE_H

#include "base/util.h"
#include "options/options.h"

#include <stdarg.h>
#include <stdbool.h>

/* Reports that there is no memory, and ends the process with 71. */
__attribute__((noreturn)) void options_no_memory(void);

/* Calls RUN(ARG), for a process that must go on. False: there was no memory; the call was left,
 * and what it had allocated is lost. */
bool options_try(void (*run)(void *arg), void *arg) __attribute__((warn_unused_result));

/* A copy of TEXT; NULL of NULL. */
char *options_text_copy(const char *text);
char *options_text(struct span text);
/* As asprintf() and vasprintf(), and never NULL. */
char *options_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *options_vformat(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
char **options_words_copy(char *const *words); /* in one piece; NULL of NULL */

/* Adds a copy of TEXT. */
void options_list_add(struct options_list *list, struct span text);

/* Replaces the strings of a list, which is a copy, by copies. */
void options_list_own(struct options_list *list);

/* Frees the strings of a list; it is empty afterwards. */
void options_list_clear(struct options_list *list);

/* Frees the text of TARGET and makes it a copy of TEXT; NULL if that is empty. */
void options_set_text(char **target, struct span text);

/* Takes the next of the comma-separated parts that are not empty off the front of REST,
 * trimmed. False: there is none. */
bool options_next_part(struct span *rest, struct span *part);

bool options_has_control(struct span text);

/* False when VALUE is not a boolean. */
bool options_parse_bool(struct span value, bool *flag);

#endif
