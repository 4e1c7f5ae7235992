/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of JSON for documents that the command line asks for: without memory the process ends
 * as the options do. */
#ifndef SERVER_DESCRIBE_JSON_H
#define SERVER_DESCRIBE_JSON_H

#include <jansson.h>

/* Sets the member KEY of OBJECT to VALUE, which it takes. */
void describe_set(json_t *object, const char *key, json_t *value);

/* Appends VALUE, which it takes. */
void describe_append(json_t *array, json_t *value);

/* TEXT as a value; bytes that are not UTF-8 become U+FFFD. */
json_t *describe_text(const char *text);

/* {"$ref": "..."} with a formatted text. */
json_t *describe_ref(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As json_pack(), whose format is a constant. */
json_t *describe_pack(const char *format, ...);

#endif
