/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of options: for each, a function that parses a value, checks it and stores it in
 * the member named by the row. If memory runs out, the process exits with 71.
 */
#ifndef OPTIONS_SET_H
#define OPTIONS_SET_H

#include "base/util.h"
#include "options/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The struct that contains the member set by a row. */
enum option_scope {
	OPTION_SERVER,
	OPTION_LISTENER,
	OPTION_ENDPOINT,
	OPTION_CLIENT,
	OPTION_SCOPES,
};

/* What that member owns. */
enum option_owned {
	OPTION_NOTHING,
	OPTION_TEXT, /* a char * */
	OPTION_LIST, /* a struct options_list */
	OPTION_WORDS, /* a char **, one block */
};

/* The only place where a row can be set. */
enum option_only {
	OPTION_ANYWHERE,
	OPTION_ON_COMMAND_LINE,
	OPTION_IN_FILE,
};

/* With --connect wspipe is a client. */
enum option_role {
	OPTION_OF_SERVER,
	OPTION_OF_CLIENT,
	OPTION_OF_BOTH,
};

/* A value to store in the member of a row. */
struct option_set {
	const struct option_row *row;
	void *target; /* the member */
	bool compat;
	struct span value;
};

/*
 * Parses, checks and stores a value. Returns NULL, or why it is rejected: "must be RULE",
 * optionally followed by "; ADVICE", reported as "--name must be RULE, not 'value'; ADVICE"; or
 * any other text, reported as "--name: TEXT". Valid until the next call.
 */
typedef const char *option_setter(const struct option_set *set);

/* What a row may need besides another option. */
#define NEEDS_PROGRAM "program" /* a COMMAND (program or socket) or --dir */
#define NEEDS_CHILD "child" /* a process: a COMMAND, --dir or --cgidir */
#define NEEDS_SOCKET "socket" /* a socket as COMMAND */
#define NEEDS_BODY "body" /* requests with a body: CGI scripts, or MCP */

struct option_row {
	/* Heading of the --help group that begins here; NULL: same group. */
	const char *heading;
	const char *name;
	const char *argument; /* name of the value in --help; NULL: a boolean */
	option_setter *set; /* the type */
	enum option_scope scope;
	enum option_owned owned;
	size_t offset; /* offset of the member in the struct of its scope */
	size_t size; /* size of the member */
	int64_t min; /* minimum of a number; stored value of the first choice */
	int64_t max;
	const char *needs; /* option without which it has no effect, or one of the above */
	bool optional; /* the value may be omitted and is then "true" */
	bool repeatable; /* each value is added to the list; otherwise the last one wins */
	bool compat_negative; /* a negative number is 0 in compat mode */
	enum option_only only;
	enum option_role role;
	bool basic; /* most users need it: shown by --help */
	bool early; /* read before the others, whose defaults depend on it */
	bool tcp; /* if given, --unixsocket is used in addition to TCP */
	const char *const *choices; /* valid values, NULL-terminated; NULL: any */
	const char *initial; /* default, in command-line syntax; NULL: none */
	const char *initial_compat; /* default with --compat; NULL: the same; "": none */
	const char *initial_ssl; /* default with --ssl; NULL: the same */
	const char *initial_compat_ssl;
	const char *default_text; /* shown by --help instead of INITIAL */
	const char *help; /* a noun phrase or an imperative; --help folds the lines */
};

option_setter option_set_bool;
option_setter option_set_number;
option_setter option_set_workers;
option_setter option_set_mode; /* permission bits in octal, in an int64_t */
option_setter option_set_path;
option_setter option_set_url;
option_setter option_set_reconnect; /* milliseconds in an int64_t */
option_setter option_set_url_path;
option_setter option_set_admin; /* a struct listeners_target */
option_setter option_set_bus; /* a struct redis_url */
option_setter option_set_bus_prefix;
option_setter option_set_files;
option_setter option_set_address;
option_setter option_set_host;
option_setter option_set_cidrs;
option_setter option_set_origin;
option_setter option_set_header;
option_setter option_set_field_name;
option_setter option_set_names;
option_setter option_set_term;
option_setter option_set_tokens;
option_setter option_set_deflate;
option_setter option_set_devconsole;
/* One of row->choices, as row->min + its index in an unsigned. */
option_setter option_set_choice;
/* In an int64_t; a number without a unit is in this unit. */
option_setter option_set_milliseconds;
option_setter option_set_bytes; /* in an int64_t; a number without a unit is in this unit */
option_setter option_set_given_bytes; /* 1 + the bytes in a uint64_t; 0: not given */
option_setter option_set_command; /* split into words */
option_setter option_set_duration; /* milliseconds in an int64_t */
option_setter option_set_size; /* bytes in an int64_t */
option_setter option_set_rate; /* rate of events, in a struct bucket_rate */
option_setter option_set_linger; /* like a duration; "forever" is SHARED_FOREVER */
option_setter option_set_umask; /* permission bits in a struct confine_number */
option_setter option_set_optional_number; /* in a struct confine_number */
option_setter option_set_limits; /* an array of CONFINE_LIMITS struct confine_number */

/* Returns the row's choices as "a, b or c"; valid until the next call. */
const char *option_choice_text(const struct option_row *row);

#endif
