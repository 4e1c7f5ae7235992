/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of a configuration contained when they were read. With it another process
 * reads exactly the same, whatever the files contain by then.
 */
#ifndef OPTIONS_CONFIG_STORE_H
#define OPTIONS_CONFIG_STORE_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>

enum config_record {
	CONFIG_STORE_FILE = 'f', /* the text of a file */
	CONFIG_STORE_NAMES = 'n', /* what a pattern matches: names, each terminated */
};

struct config_store {
	struct buffer bytes; /* owned */
	bool sealed; /* it is read from; false: what is read from files is added to it */
};

/* False without memory. */
bool config_store_add(struct config_store *store, enum config_record kind, const char *name,
    struct span content) __attribute__((warn_unused_result));

/* What was added under NAME, as long as the store is not changed. False: nothing was. */
bool config_store_find(const struct config_store *store, enum config_record kind,
    const char *name, struct span *content);

#endif
