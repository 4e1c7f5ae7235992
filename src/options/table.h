/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the options: one row says all about one of them. What is to be
 * changed about an option is changed in its row; the man page and the
 * completion follow, and tests/options-agree tells when they do not.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "base/util.h"
#include "options/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which struct has the member that a row sets. */
enum option_scope {
	OPTION_SERVER,
	OPTION_LISTENER,
	OPTION_ENDPOINT,
	OPTION_SCOPES,
};

/* What that member owns. */
enum option_owned {
	OPTION_NOTHING,
	OPTION_TEXT, /* it is a char * */
	OPTION_LIST, /* it is a struct options_list */
};

/* Where options are written: its name in errors, and the structs that they set. */
struct option_place {
	const char *name;
	bool compat;
	void *scopes[OPTION_SCOPES]; /* borrowed: a struct options_server, _listener and
					_endpoint; NULL: options of this scope can't be here */
};

/* A value for the member of a row. */
struct option_set {
	const struct option_row *row;
	void *target; /* the member */
	bool compat;
	struct span value;
};

/*
 * Reads, checks and stores a value. Returns NULL, or the reason why it is rejected: "must be
 * RULE", optionally followed by "; ADVICE", which is reported as "--name must be RULE, not
 * 'value'; ADVICE"; or any other text, reported as "--name: TEXT". Valid until the next call.
 */
typedef const char *option_setter(const struct option_set *set);

struct option_row {
	const char *heading; /* of the rows from here on, in --help; NULL: as before */
	const char *name;
	const char *argument; /* what --help calls the value; NULL: a boolean */
	option_setter *set; /* the type */
	enum option_scope scope;
	enum option_owned owned;
	size_t offset; /* of the member that it sets, in the struct of its scope */
	int64_t min; /* of a number; of a choice what the first one is stored as */
	int64_t max;
	bool optional; /* the value may be left out, and is "true" then */
	bool repeatable; /* each one adds to the list; otherwise the last one wins */
	bool compat_negative; /* a number below 0 is 0 in compat mode */
	bool early; /* defaults of others depend on it, so it is read before them */
	bool tcp; /* when it is given, --unixsocket comes in addition to TCP */
	const char *const *choices; /* the values that there are, NULL-terminated; NULL: any */
	const char *initial; /* the default, written as on the command line; NULL: none */
	const char *initial_compat; /* with --compat; NULL: the same; "": none */
	const char *initial_ssl; /* the default with --ssl; NULL: it makes no difference */
	const char *initial_compat_ssl;
	const char *default_text; /* what --help says in place of INITIAL */
	const char *help; /* a noun phrase or an imperative; --help folds the lines */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* The row called NAME (without dashes), or NULL. Rows outside the table, whose setter is
 * option_set_unsupported(), are options that only websocketd has. */
const struct option_row *option_find(struct span name);

/* The default of ROW in a mode, or NULL. */
const char *option_initial(const struct option_row *row, bool compat, bool ssl);

/* The command line as a place. */
struct option_place option_command_line(struct options *options);

/* What ROW sets at PLACE. NULL: its scope is closed there. */
void *option_target(const struct option_row *row, const struct option_place *place);

/* Sets a value: NULL, or why it is rejected (option_setter). The row's scope is open. */
const char *option_apply(
    const struct option_row *row, const struct option_place *place, struct span value);

/* Sets the defaults at PLACE, those of repeatable rows or of the others; a list that is not
 * empty keeps what it has. */
void option_apply_initial(const struct option_place *place, bool ssl, bool repeatable);

/* Frees what the rows of a scope own in the struct at PLACE; each is empty afterwards. */
void option_clear(enum option_scope scope, void *place);

/* The name of the option that the unknown NAME probably stands for, or NULL. */
const char *option_suggest(struct span name);

/* The row's choices as "a, b or c"; the text lives until the next call. */
const char *option_choice_words(const struct option_row *row);

/* Frees the strings of a list; it is empty afterwards. */
void options_list_clear(struct options_list *list);

#endif
