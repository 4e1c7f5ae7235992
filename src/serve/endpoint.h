/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An endpoint: which program a WebSocket gets, and under which rules. A value,
 * made at the start and read-only afterwards; nothing here is global state.
 */
#ifndef SERVE_ENDPOINT_H
#define SERVE_ENDPOINT_H

#include "backend/program.h"
#include "http/origin.h"
#include "peer/websocket.h"
#include "session/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of websocketd that compat mode emulates. */
#define ENDPOINT_WEBSOCKETD_VERSION "0.5.0"

/* In a header line, the variable for the UNIQUE_ID of the session. */
#define ENDPOINT_UNIQUE_ID "%{UNIQUE_ID}"

struct endpoint {
	/* One program for every path, or (PROGRAM NULL) the executable files below a directory.
	 * All borrowed. */
	const char *program;
	char *const *argv;
	int dir; /* of beneath_root(); -1: none */
	const char *dir_path; /* its real path */

	struct program_rules program_rules; /* endpoint_set_session() completes these four */
	struct batch_format format; /* of messages to the program */
	struct websocket_rules websocket;
	struct session_rules session;
	bool compat; /* websocketd's rules */

	struct origin_policy origin;
	bool local_only; /* every listener is on a loopback address */
	char *const *hosts;
	size_t host_count;

	bool require_subprotocol; /* a client must name one of them */

	/* Further header lines of a 101, each with CR LF; they may contain ENDPOINT_UNIQUE_ID.
	 */
	const char *switch_headers;
	char *const
	    *pass_env; /* "NAME=value" of the server's own environment, NULL at the end */
	bool pass_auth; /* Authorization reaches the program */
};

/* Derives what follows from the rules of the sessions, once they are set: the reasons and the
 * format. */
void endpoint_set_session(struct endpoint *endpoint);

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
