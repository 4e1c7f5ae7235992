/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An endpoint: which program a WebSocket gets, and under which rules. A value,
 * made at the start and read-only afterwards; nothing here is global state.
 */
#ifndef SERVE_ENDPOINT_H
#define SERVE_ENDPOINT_H

#include "child/framing.h"
#include "http/origin.h"
#include "websocket/deflate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of websocketd that compat mode emulates. */
#define ENDPOINT_WEBSOCKETD_VERSION "0.5.0"

/* What becomes of text of the program that is not UTF-8. */
enum endpoint_not_utf8 {
	ENDPOINT_REPLACE, /* U+FFFD stands where it is not */
	ENDPOINT_BINARY, /* the message is a binary one; later parts of one that began well are
			    repaired */
	ENDPOINT_CLOSE, /* the session ends */
};

/* Why a session that exceeds a limit is closed: the limit, and the option that sets it. */
struct endpoint_reasons {
	char message[72];
	char empty_fragments[72];
	char pings[72];
	char output[96];
};

/* In a header line, the variable for the UNIQUE_ID of the session. */
#define ENDPOINT_UNIQUE_ID "%{UNIQUE_ID}"

struct endpoint {
	/* One program for every path, or (PROGRAM NULL) the executable files below a directory.
	 * All borrowed. */
	const char *program;
	char *const *argv;
	int dir; /* of beneath_root(); -1: none */
	const char *dir_path; /* its real path */

	struct framing to_program;
	struct framing from_program;
	bool events; /* the program is told who came and how the client left: json */
	bool pass_stderr; /* lines of stderr go to the client too, marked: lines, json */
	enum endpoint_not_utf8 not_utf8;
	bool input_in_parts; /* what has come of a message is passed on: stream, text */
	uint64_t max_message; /* bytes; 0: no limit */
	uint32_t max_empty_fragments; /* of a message; 0: no limit */
	uint16_t max_pings; /* of a client in a second; 0: no limit */
	struct endpoint_reasons reasons; /* endpoint_set_reasons() */
	int64_t ping_ms; /* 0: no pings */
	bool compat; /* messages of the wrong type are dropped, the log is websocketd's */

	struct origin_policy origin;
	bool local_only; /* every listener is on a loopback address */
	char *const *hosts;
	size_t host_count;

	char *const *subprotocols; /* those that the program speaks */
	size_t subprotocol_count;
	bool require_subprotocol; /* a client must name one of them */
	struct deflate_settings deflate;

	/* Further header lines of a 101, each with CR LF; they may contain ENDPOINT_UNIQUE_ID.
	 */
	const char *switch_headers;
	char *const
	    *pass_env; /* "NAME=value" of the server's own environment, NULL at the end */
	bool pass_auth; /* Authorization reaches the program */
};

/* Writes the reasons, once the limits are set. */
void endpoint_set_reasons(struct endpoint *endpoint);

enum endpoint_result {
	ENDPOINT_OK,
	ENDPOINT_MISSING, /* 404 */
	ENDPOINT_FORBIDDEN, /* it is there and not executable: 403 */
	ENDPOINT_NOMEM,
};

/* What a path of a URL means. All owned; endpoint_script_clear() frees. Without a program it is
 * ENDPOINT_NO_SCRIPT. */
#define ENDPOINT_NO_SCRIPT ((struct endpoint_script){.fd = -1})
struct endpoint_script {
	char *program; /* the file to start */
	int fd; /* this file, once it is checked; -1 for the one program */
	char *
	    script_name; /* SCRIPT_NAME: "/" for the one program, "/a/b.sh" below a directory */
	char *path_info; /* PATH_INFO: the rest of the path, decoded */
};

/*
 * Finds the program for a decoded path (uri_decode_path()). Below a directory it is the
 * first part of the path that is not a directory.
 */
enum endpoint_result endpoint_find(const struct endpoint *endpoint, const char *path,
    struct endpoint_script *out) __attribute__((warn_unused_result));

void endpoint_script_clear(struct endpoint_script *script);

#endif
