/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place where options are written, and the values of the table's rows in the structs that
 * they set there. These structs own their texts and lists (option_row.owned): copy and free
 * them with the functions below alone. Without memory the process exits with 71, unless it is
 * within options_try().
 */
#ifndef OPTIONS_PLACE_H
#define OPTIONS_PLACE_H

#include "options/table.h"

#include <stdbool.h>
#include <stddef.h>

struct config;
struct config_entry;

struct option_place {
	const char *name; /* of the command line, in errors */
	struct config *config; /* borrowed: of a file; NULL: the command line */
	size_t section; /* of the file */
	const struct config_entry *entry; /* the one that is applied, or NULL */
	bool compat;
	void *scopes[OPTION_SCOPES]; /* borrowed: a struct options_server, _listener,
					_endpoint and _client; NULL: options of this scope
					can't be here */
};

/* The command line as a place. */
struct option_place option_command_line(struct options *options);

/* Sets a value: NULL, or why it is rejected (option_setter), also because its scope is closed
 * there. */
const char *option_apply(
    const struct option_row *row, const struct option_place *place, struct span value);

/* Frees what the row owns; it is empty afterwards. Nothing happens if its scope is closed. */
void option_reset(const struct option_row *row, const struct option_place *place);

/* Sets the defaults at PLACE, those of repeatable rows or of the others; a list that is not
 * empty keeps what it has. */
void option_apply_initial(const struct option_place *place, bool ssl, bool repeatable);

/* Replaces what the rows of SCOPE own in STRUCTURE, a copy, by copies. */
void option_own(enum option_scope scope, void *structure);

/* Frees what the rows of SCOPE own in STRUCTURE; each is empty afterwards. */
void option_clear(enum option_scope scope, void *structure);

/* A copy of the options of an endpoint, for options_endpoint_free(). NULL without memory. */
struct options_endpoint *options_endpoint_copy(const struct options_endpoint *options);

/* Whether A and B would start the same program, and use it in the same way. */
bool options_endpoint_same_program(
    const struct options_endpoint *a, const struct options_endpoint *b);

/* Frees what it owns. */
void options_endpoint_clear(struct options_endpoint *options);
void options_endpoint_free(void *options);

#endif
