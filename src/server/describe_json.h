/* SPDX-License-Identifier: BSD-2-Clause */
/* Creates JSON values for documents that the command line requests. If memory runs out, the
 * process exits, as the options do. */
#ifndef SERVER_DESCRIBE_JSON_H
#define SERVER_DESCRIBE_JSON_H

#include <jansson.h>

/* Sets the member KEY of OBJECT to VALUE. Takes VALUE. */
void describe_set(json_t *object, const char *key, json_t *value);

/* Appends VALUE to ARRAY. Takes VALUE. */
void describe_append(json_t *array, json_t *value);

/* Returns TEXT as a JSON string; bytes that are not UTF-8 become U+FFFD. */
json_t *describe_text(const char *text);

/* Returns {"$ref": "..."} with the formatted text. */
json_t *describe_ref(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like json_pack(); the format must be constant. */
json_t *describe_pack(const char *format, ...);

#endif
