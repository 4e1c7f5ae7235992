/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file with its included files: read, parsed, and stored with the positions
 * of all values. Its keys are the rows of the option table. Lines before the first section are
 * global; each section is an endpoint, named by its path.
 */
#ifndef OPTIONS_CONFIG_LOAD_H
#define OPTIONS_CONFIG_LOAD_H

#include "options/config_store.h"
#include "options/options.h"
#include "options/table.h"

#include <stdbool.h>
#include <stdio.h>

enum {
	CONFIG_FILE_MAX = 1024 * 1024, /* maximum bytes of one file */
	CONFIG_FILES_MAX = 1024,
	CONFIG_DEPTH_MAX = 8, /* maximum depth of includes */
	CONFIG_ERRORS_MAX = 100, /* that are listed */
};

/* A line in a file. */
struct config_line {
	unsigned file; /* index of config.files */
	unsigned number; /* from 1 */
};

struct config_entry {
	const struct option_row *row;
	struct span value; /* span of config.texts */
	struct config_line line;
	size_t section; /* index of config.sections */
};

struct config_section {
	char *path; /* owned: decoded; NULL: the global part */
	struct config_line line; /* line of the section's header */
	size_t first; /* index of its first entry; the others follow */
	bool failed; /* an error in the section was reported */
	struct options_endpoint endpoint; /* owns the values of its rows */
};

struct config {
	struct options_list files; /* file names, the main file first */
	struct options_list texts; /* contents of each file */
	struct config_entry *entries; /* owned, in the order of the text */
	size_t entry_count;
	struct config_section *sections; /* owned; the first one is the global part */
	size_t section_count;
	size_t errors; /* that were found */
	bool looped; /* too many files: no more are read */
};

/* Reads the file NAME through STORE, which may be NULL. Errors are written to ERR as
 * "FILE:LINE: what is wrong, and what to write", and counted. If memory runs out, the process
 * exits with 71. */
struct config *config_load(const char *name, struct config_store *store, FILE *err);

/* Frees CONFIG; accepts NULL. */
void config_free(struct config *config);

/* Sets *LINE to the line that sets ROW, which may be NULL, in the section, or for it in the
 * global part. Returns false, with the section's header in *LINE, if there is none. */
bool config_find_line(const struct config *config, size_t section, const struct option_row *row,
    struct config_line *line);

/* Sets *LINE to the line of a listener option whose value TEXT contains. Returns false if there
 * is none. */
bool config_find_value(
    const struct config *config, size_t section, const char *text, struct config_line *line);

/* Prints TEXT on one line, with '?' for control characters. */
void config_print(FILE *err, struct span text);

/* Reports an error at a line. */
void config_report(struct config *config, struct config_line line, FILE *err, const char *text);

#endif
