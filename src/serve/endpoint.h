/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An endpoint: what requests for a path get, and under which rules. It is immutable once it is
 * built, and reference-counted: the table of endpoints (serve/endpoints) and each session that
 * it started have a reference.
 */
#ifndef SERVE_ENDPOINT_H
#define SERVE_ENDPOINT_H

#include "backend/program.h"
#include "backend/shared.h"
#include "http/origin.h"
#include "net/connect.h"
#include "peer/websocket.h"
#include "process/confine.h"
#include "serve/files.h"
#include "serve/mcp_settings.h"
#include "session/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In a header line, the variable for the UNIQUE_ID of the session. */
#define ENDPOINT_UNIQUE_ID "%{UNIQUE_ID}"

struct access;

enum endpoint_kind {
	ENDPOINT_FILES, /* no program, at most static files */
	ENDPOINT_COMMAND, /* one program for every path */
	ENDPOINT_SOCKET, /* a TCP or Unix socket for every path */
	ENDPOINT_DIR, /* the executable files below a directory */
};

struct endpoint {
	size_t refs;
	char *path; /* owned: "/a/b", where it is; "" is the root, so there is no slash at the
		       end */
	enum endpoint_kind kind;
	/* Owned: what the strings are borrowed from that are not owned themselves, and its
	 * destructor; NULL: something that is never freed. */
	void *source;
	void (*free_source)(void *source);

	enum pty_kind pty; /* of programs, as the next one */
	const char *term; /* the variable TERM with a PTY */
	const char *program; /* COMMAND, or SOCKET as it was written */
	char *const *argv;
	const struct connect_target *target; /* SOCKET */
	int64_t connect_ms; /* SOCKET: time limit */
	bool proxy_protocol; /* SOCKET: a header with the client's address is sent first */
	struct confine confine; /* owned: of all programs */
	size_t prespawn; /* programs that are to be parked in all processes */
	struct pool *pool; /* borrowed: those of this process, which sets it; NULL: none */
	int dir; /* DIR: owned, of beneath_root(); -1: none */
	const char *dir_path; /* its real path */
	int cgi; /* of the CGI scripts: likewise; -1: none */
	const char *cgi_path;
	uint64_t max_body; /* bytes of a request for one of them, or with MCP; 0: no limit */
	int64_t cgi_timeout_ms; /* from its start to the end of its header; 0: no limit */
	struct files files; /* its descriptor and its header lines are owned */
	bool console; /* the developer console is on */
	struct mcp_settings mcp; /* of COMMAND */

	struct shared_rules shared_rules; /* of one program for all clients, if it is on */
	struct shared *shared; /* owned: that program; made by serve/share */
	uint64_t number; /* of SHARED, the same in all processes */
	const struct launcher *launcher; /* borrowed: of SHARED */
	size_t tables; /* that it is in; see serve/endpoints */

	struct framed_rules framed; /* endpoint_complete() completes these */
	struct batch_format format; /* of messages to the program */
	struct websocket_rules websocket;
	struct session_rules session;
	char *const *event_headers; /* that the event "open" has; the names differ */
	size_t event_header_count;
	/* Of a session that speaks ttyd's protocol, in place of those above. */
	struct framed_rules tty_framed;
	struct websocket_rules tty_websocket;
	bool streams; /* clients without a WebSocket are served, see serve/streams.h */
	size_t resume_buffer; /* bytes of sent messages that are kept for them */
	int64_t resume_ms; /* how long one may be without a connection */
	bool compat; /* websocketd's rules */

	struct origin_policy origin;
	struct origin_rule *rules; /* owned: those of ORIGIN */
	bool local_only; /* every listener is on a loopback address */
	char *const *hosts;
	size_t host_count;

	struct access *access; /* owned; NULL: every client may use it */

	char *const *subprotocols; /* those that may be selected */
	size_t subprotocol_count;
	bool require_subprotocol; /* a client must name one of them */

	/* Owned: further header lines of a 101, each with CR LF; they may contain
	 * ENDPOINT_UNIQUE_ID. */
	char *switch_headers;
	char **
	    pass_env; /* owned: "NAME=value" of the server's own environment, NULL at the end */
	bool pass_auth; /* Authorization reaches the program */
};

/* Whether all clients get the same program. */
static inline bool
endpoint_is_shared(const struct endpoint *endpoint)
{
	return endpoint->shared_rules.settings.mode != SHARED_OFF;
}

/* An endpoint at PATH with one reference and no rules yet; slashes at the end of PATH mean
 * nothing. NULL without memory. */
struct endpoint *endpoint_new(const char *path) __attribute__((warn_unused_result));

/* Derives what follows from its rules, once they are set: the format; and lets
 * each session give its reference back when it ends. */
void endpoint_complete(struct endpoint *endpoint);

/* Adds a reference. */
struct endpoint *endpoint_ref(struct endpoint *endpoint);

/* Releases a reference; the last release frees it. Accepts NULL. */
void endpoint_unref(struct endpoint *endpoint);

/* Whether the decoded PATH is that of the endpoint or below it, at a slash. */
bool endpoint_covers(const struct endpoint *endpoint, const char *path);

/* What of a PATH that it covers is below it: "" or "/x". */
const char *endpoint_rest(const struct endpoint *endpoint, const char *path);

enum endpoint_result {
	ENDPOINT_OK,
	ENDPOINT_MISSING, /* 404 */
	ENDPOINT_FORBIDDEN, /* it exists and is not executable: 403 */
	ENDPOINT_NOMEM,
};

/* What a path of a URL means. All owned; endpoint_script_clear() frees. Without a program it is
 * ENDPOINT_NO_SCRIPT. */
#define ENDPOINT_NO_SCRIPT ((struct endpoint_script){.fd = -1})
struct endpoint_script {
	char *program; /* the file to start */
	int fd; /* this file, once it is checked; -1 for the one program */
	char *script_name; /* SCRIPT_NAME: the path of the one program (at the root "/"),
			      "/a/b.sh" below a directory */
	char *path_info; /* PATH_INFO: the rest of the path, decoded */
};

/*
 * Finds the program for a decoded path (uri_decode_path()) that the endpoint covers. Below a
 * directory it is the first part of the path that is not a directory.
 */
enum endpoint_result endpoint_find(const struct endpoint *endpoint, const char *path,
    struct endpoint_script *out) __attribute__((warn_unused_result));

/* Finds the CGI script for such a path, in the same way. */
enum endpoint_result endpoint_find_cgi(const struct endpoint *endpoint, const char *path,
    struct endpoint_script *out) __attribute__((warn_unused_result));

void endpoint_script_clear(struct endpoint_script *script);

#endif
