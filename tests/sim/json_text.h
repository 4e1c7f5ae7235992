/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of --framing=json, written from the manual. */
#ifndef TESTS_SIM_JSON_TEXT_H
#define TESTS_SIM_JSON_TEXT_H

#include "bytes.h"

#include <stdbool.h>

/* Appends the record of a message: a line. */
void json_text_put(struct bytes *out, bool text, const uint8_t *bytes, size_t len);

/* Appends the text of a record as above, without its newline. False if it is no such record. */
bool json_text_take(struct bytes *out, const uint8_t *record, size_t len);

#endif
