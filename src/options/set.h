/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of options: for each, the function that reads a value, checks it and
 * stores it in the member that the row names. Without memory the process exits with 71.
 */
#ifndef OPTIONS_SET_H
#define OPTIONS_SET_H

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
	OPTION_CLIENT,
	OPTION_SCOPES,
};

/* What that member owns. */
enum option_owned {
	OPTION_NOTHING,
	OPTION_TEXT, /* it is a char * */
	OPTION_LIST, /* it is a struct options_list */
	OPTION_WORDS, /* it is a char **, in one piece */
};

/* The only place where a row can be written. */
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

/* What a row can need besides another option. */
#define NEEDS_PROGRAM "program" /* a COMMAND, also a socket, or --dir */
#define NEEDS_CHILD "child" /* a process: a COMMAND, --dir or --cgidir */
#define NEEDS_SOCKET "socket" /* as COMMAND */
#define NEEDS_BODY "body" /* requests with a body: CGI scripts, or MCP */

struct option_row {
	const char *heading; /* of the group that begins here, in --help; NULL: as before */
	const char *name;
	const char *argument; /* what --help calls the value; NULL: a boolean */
	option_setter *set; /* the type */
	enum option_scope scope;
	enum option_owned owned;
	size_t offset; /* of the member that it sets, in the struct of its scope */
	size_t size; /* and its size */
	int64_t min; /* of a number; of a choice what the first one is stored as */
	int64_t max;
	const char *needs; /* the option without which it does nothing, or one of the above */
	bool optional; /* the value may be left out, and is "true" then */
	bool repeatable; /* each one adds to the list; otherwise the last one wins */
	bool compat_negative; /* a number below 0 is 0 in compat mode */
	enum option_only only;
	enum option_role role;
	bool basic; /* one that most users need: --help shows it */
	bool early; /* defaults of others depend on it, so it is read before them */
	bool tcp; /* when it is given, --unixsocket comes in addition to TCP */
	const char *const *choices; /* the values that there are, NULL-terminated; NULL: any */
	const char *initial; /* the default, written as on the command line; NULL: none */
	const char *initial_compat; /* with --compat; NULL: the same; "": none */
	const char *initial_ssl; /* the default with --ssl; NULL: it makes no difference */
	const char *initial_compat_ssl;
	const char *default_text; /* what --help shows in place of INITIAL */
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
option_setter
    option_set_choice; /* one of row->choices, as row->min + its index in an unsigned */
option_setter option_set_milliseconds; /* in an int64_t; a number alone is as many of them */
option_setter option_set_bytes; /* likewise */
option_setter option_set_given_bytes; /* 1 + the bytes in a uint64_t; 0: not given */
option_setter option_set_command; /* split into words */
option_setter option_set_duration; /* milliseconds in an int64_t */
option_setter option_set_size; /* bytes, likewise */
option_setter option_set_rate; /* of events, in a struct bucket_rate */
option_setter option_set_linger; /* as a duration; "forever" is SHARED_FOREVER */
option_setter option_set_umask; /* permission bits in a struct confine_number */
option_setter option_set_optional_number; /* in a struct confine_number */
option_setter option_set_limits; /* an array of CONFINE_LIMITS of these */

/* The row's choices as "a, b or c"; the text lives until the next call. */
const char *option_choice_text(const struct option_row *row);

#endif
