/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contents of a configuration's files when they were read. It lets another process read
 * exactly the same configuration, even if the files have changed.
 */
#ifndef OPTIONS_CONFIG_STORE_H
#define OPTIONS_CONFIG_STORE_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>

enum config_record {
	CONFIG_STORE_FILE = 'f', /* the text of a file */
	CONFIG_STORE_NAMES = 'n', /* names matched by a pattern, each NUL-terminated */
};

struct config_store {
	struct buffer bytes; /* owned */
	bool sealed; /* read from the store; false: add the contents of files to it */
};

/* Adds a record. Returns false if memory runs out. */
bool config_store_add(struct config_store *store, enum config_record kind, const char *name,
    struct span content) __attribute__((warn_unused_result));

/* Finds the record added under NAME; valid until the store changes. Returns false if there is
 * none. */
bool config_store_find(const struct config_store *store, enum config_record kind,
    const char *name, struct span *content);

#endif
