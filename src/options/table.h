/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the options, one row for each: name, scope, type, limits, defaults and help. The
 * man page and the completion follow a changed row; tests/options-agree compares them.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "base/util.h"
#include "options/options.h"
#include "options/set.h"

#include <stdbool.h>

struct config;
struct config_entry;

/* Where options are written, and the structs that they set. */
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

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* The row called NAME (without dashes), or NULL. */
const struct option_row *option_find(struct span name);

/* The default of ROW in a mode, or NULL. */
const char *option_initial(const struct option_row *row, bool compat, bool ssl);

/* The command line as a place. */
struct option_place option_command_line(struct options *options);

/* What ROW sets at PLACE. NULL: its scope is closed there. */
void *option_target(const struct option_row *row, const struct option_place *place);

/* Sets a value: NULL, or why it is rejected (option_setter), also because its scope is closed
 * there. */
const char *option_apply(
    const struct option_row *row, const struct option_place *place, struct span value);

/* Frees what the row owns; it is empty afterwards. Its scope is open. */
void option_reset(const struct option_row *row, const struct option_place *place);

/* Sets the defaults at PLACE, those of repeatable rows or of the others; a list that is not
 * empty keeps what it has. */
void option_apply_initial(const struct option_place *place, bool ssl, bool repeatable);

/* Replaces what the rows of a scope own in the struct at PLACE, a copy, by copies. */
void option_own(enum option_scope scope, void *place);

/* Frees what the rows of a scope own in the struct at PLACE; each is empty afterwards. */
void option_clear(enum option_scope scope, void *place);

/* A copy of the options of an endpoint, for options_endpoint_free(). NULL without memory. */
struct options_endpoint *options_endpoint_copy(const struct options_endpoint *options);
/* Whether A and B would start the same program, and use it in the same way. */
bool options_endpoint_same_program(
    const struct options_endpoint *a, const struct options_endpoint *b);
/* Frees what it owns. */
void options_endpoint_clear(struct options_endpoint *options);
void options_endpoint_free(void *options);

/* The name of the option that the unknown NAME probably stands for, among those that can be
 * written at PLACE, or NULL. */
const char *option_suggest(struct span name, enum option_only place);

#endif
