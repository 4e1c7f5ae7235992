/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place where options are set, and the values of the table's rows in the structs set there.
 * These structs own their texts and lists (option_row.owned): only copy and free them with the
 * functions below. If memory runs out, the process exits with 71, unless inside options_try().
 */
#ifndef OPTIONS_PLACE_H
#define OPTIONS_PLACE_H

#include "options/table.h"

#include <stdbool.h>
#include <stddef.h>

struct config;
struct config_entry;

struct option_place {
	const char *name; /* program name, for errors of the command line */
	struct config *config; /* borrowed: the file; NULL: the command line */
	size_t section; /* section of the file */
	const struct config_entry *entry; /* the entry being applied, or NULL */
	bool compat;
	/* Borrowed: a struct options_server, _listener, _endpoint and _client; NULL: options of
	 * this scope are not allowed here. */
	void *scopes[OPTION_SCOPES];
};

/* Returns the command line as a place. */
struct option_place option_command_line(struct options *options);

/* Sets a value. Returns NULL, or why it is rejected (option_setter), also if its scope is not
 * allowed here. */
const char *option_apply(
    const struct option_row *row, const struct option_place *place, struct span value);

/* Frees what the row owns and empties it. No effect if its scope is not allowed here. */
void option_reset(const struct option_row *row, const struct option_place *place);

/* Sets the defaults at PLACE, of repeatable rows or of the others; a non-empty list is kept. */
void option_apply_initial(const struct option_place *place, bool ssl, bool repeatable);

/* Replaces what the rows of SCOPE own in STRUCTURE, a shallow copy, by copies. */
void option_own(enum option_scope scope, void *structure);

/* Frees what the rows of SCOPE own in STRUCTURE and empties them. */
void option_clear(enum option_scope scope, void *structure);

/* Returns a copy of an endpoint's options, to be freed by options_endpoint_free(), or NULL if
 * memory runs out. */
struct options_endpoint *options_endpoint_copy(const struct options_endpoint *options);

/* Reports whether A and B would start the same program and use it in the same way. */
bool options_endpoint_same_program(
    const struct options_endpoint *a, const struct options_endpoint *b);

/* Frees what OPTIONS owns. */
void options_endpoint_clear(struct options_endpoint *options);
void options_endpoint_free(void *options);

#endif
