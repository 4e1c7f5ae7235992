/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An endpoint: what is served at a path, and under which rules. Immutable once built, and
 * reference-counted: the table of endpoints (serve/endpoints) and each session started by it
 * hold a reference.
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

/* In a header line, replaced by the UNIQUE_ID of the session. */
#define ENDPOINT_UNIQUE_ID "%{UNIQUE_ID}"

struct access;

enum endpoint_kind {
	ENDPOINT_FILES, /* no program; static files, if any */
	ENDPOINT_COMMAND, /* one program for every path */
	ENDPOINT_SOCKET, /* a TCP or Unix socket for every path */
	ENDPOINT_DIR, /* the executable files below a directory */
};

struct endpoint {
	size_t refs;
	char *path; /* owned: "/a/b"; "" is the root, so it never ends with a slash */
	enum endpoint_kind kind;
	/* Owned: storage of the strings that are borrowed here, and its destructor. NULL: the
	 * strings live as long as the process. */
	void *source;
	void (*free_source)(void *source);

	enum pty_kind pty; /* for programs, as the next one */
	const char *term; /* value of TERM with a PTY */
	const char *program; /* COMMAND, or the SOCKET as given */
	char *const *argv;
	const struct connect_target *target; /* SOCKET */
	int64_t connect_ms; /* SOCKET: time limit */
	bool proxy_protocol; /* SOCKET: send a PROXY header with the client's address first */
	struct confine confine; /* owned: confinement of all programs */
	size_t prespawn; /* programs to park, over all processes */
	struct pool *pool; /* borrowed: this process's parked programs; NULL: none */
	int dir; /* DIR: owned, from beneath_root(); -1: none */
	const char *dir_path; /* real path of DIR */
	int cgi; /* CGI scripts: owned, from beneath_root(); -1: none */
	const char *cgi_path;
	uint64_t max_body; /* bytes in the body of a CGI or MCP request; 0: no limit */
	/* From the start of a script to the end of its header; 0: none. */
	int64_t cgi_timeout_ms;
	struct files files; /* the root descriptor and the header lines are owned */
	bool console; /* the developer console is on */
	struct mcp_settings mcp; /* COMMAND only */

	struct shared_rules shared_rules; /* rules of the program shared by all clients */
	struct shared *shared; /* owned: the shared program; created by serve/share */
	uint64_t number; /* identifies SHARED; the same in all processes */
	const struct launcher *launcher; /* borrowed: starts SHARED */
	size_t tables; /* number of tables that contain it; see serve/endpoints */

	struct framed_rules framed; /* endpoint_complete() completes these */
	struct batch_format format; /* of messages to the program */
	struct websocket_rules websocket;
	struct session_rules session;
	char *const *event_headers; /* sent in the "open" event; names are unique */
	size_t event_header_count;
	/* Replace the rules above for sessions that speak ttyd's protocol. */
	struct framed_rules tty_framed;
	struct websocket_rules tty_websocket;
	bool streams; /* serve clients without a WebSocket, see serve/streams.h */
	size_t resume_buffer; /* bytes of sent messages to keep for a resumption */
	int64_t resume_ms; /* how long such a client may stay disconnected */
	bool compat; /* emulate websocketd */

	struct origin_policy origin;
	struct origin_rule *rules; /* owned: the rules that ORIGIN refers to */
	bool local_only; /* every listener is on a loopback address */
	char *const *hosts;
	size_t host_count;

	struct access *access; /* owned; NULL: no access control */

	char *const *subprotocols; /* subprotocols the server may select */
	size_t subprotocol_count;
	bool require_subprotocol; /* reject clients that offer none of them */

	/* Owned: additional header lines of the 101 response, each with CR LF; may contain
	 * ENDPOINT_UNIQUE_ID. */
	char *switch_headers;
	char **pass_env; /* owned: passed from the server's own environment, NULL-terminated */
	bool pass_auth; /* pass Authorization to programs */
};

/* Reports whether all clients share one program. */
static inline bool
endpoint_is_shared(const struct endpoint *endpoint)
{
	return endpoint->shared_rules.settings.mode != SHARED_OFF;
}

/* Returns an endpoint at PATH with one reference and no rules. Trailing slashes of PATH are
 * ignored. Returns NULL if memory runs out. */
struct endpoint *endpoint_new(const char *path) __attribute__((warn_unused_result));

/* Completes ENDPOINT once its rules are set: derives the message format and makes each session
 * release its reference when it ends. */
void endpoint_complete(struct endpoint *endpoint);

/* Adds a reference and returns ENDPOINT. */
struct endpoint *endpoint_ref(struct endpoint *endpoint);

/* Releases a reference and frees ENDPOINT with the last one. Accepts NULL. */
void endpoint_unref(struct endpoint *endpoint);

/* Reports whether the decoded PATH equals the endpoint's path or is below it, at a slash. */
bool endpoint_covers(const struct endpoint *endpoint, const char *path);

/* Returns the rest of PATH, which ENDPOINT covers, below its own path: "" or "/x". */
const char *endpoint_rest(const struct endpoint *endpoint, const char *path);

enum endpoint_result {
	ENDPOINT_OK,
	ENDPOINT_MISSING, /* 404 */
	ENDPOINT_FORBIDDEN, /* exists but is not executable: 403 */
	ENDPOINT_NOMEM,
};

/* How a URL path maps to a program. All owned; freed by endpoint_script_clear().
 * ENDPOINT_NO_SCRIPT if there is no program. */
#define ENDPOINT_NO_SCRIPT ((struct endpoint_script){.fd = -1})
struct endpoint_script {
	char *program; /* path of the file to start */
	int fd; /* descriptor of that file, already checked; -1 for COMMAND */
	/* SCRIPT_NAME: the endpoint's path for COMMAND ("/" at the root), "/a/b.sh" in a
	 * directory. */
	char *script_name;
	char *path_info; /* PATH_INFO: the rest of the path, decoded */
};

/*
 * Finds the program for the decoded PATH (uri_decode_path()), which the endpoint covers. In a
 * directory, the first segment that is not a directory names the program.
 */
enum endpoint_result endpoint_find(const struct endpoint *endpoint, const char *path,
    struct endpoint_script *out) __attribute__((warn_unused_result));

/* Finds the CGI script for PATH in the same way. */
enum endpoint_result endpoint_find_cgi(const struct endpoint *endpoint, const char *path,
    struct endpoint_script *out) __attribute__((warn_unused_result));

void endpoint_script_clear(struct endpoint_script *script);

#endif
