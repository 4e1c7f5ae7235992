/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of all options, by scope. The parser (parse.h) sets them by the rows of the
 * table. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "backend/shared.h"
#include "base/log.h"
#include "bus/redis.h"
#include "framing/framing.h"
#include "net/bucket.h"
#include "net/connect.h"
#include "net/listeners.h"
#include "process/confine.h"
#include "serve/access.h"
#include "serve/mcp_settings.h"
#include "session/output.h"
#include "websocket/deflate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The strings of a repeatable or comma-separated option, NUL-terminated. All owned. */
struct options_list {
	char **items;
	size_t count;
	size_t initial; /* number of leading strings that come from the default */
};

/* What --help prints; the groups of the table follow, in its order. */
enum options_help {
	OPTIONS_HELP_OVERVIEW,
	OPTIONS_HELP_ALL,
	OPTIONS_HELP_GROUPS,
};

enum {
	OPTIONS_WORKERS_MAX = 256,
	/* Default maximum message size in bytes where a message is kept in memory. */
	OPTIONS_MAX_MESSAGE = 1024 * 1024,
};

/* The options of the server as a whole. */
struct options_server {
	/* 1: behave as websocketd where the two disagree (started as it, or
	 * --compat=websocketd). */
	unsigned compat;
	int64_t workers; /* number of serving processes, 1 to OPTIONS_WORKERS_MAX */
	bool no_core_dumps;
	char *user; /* owned, as the next one; NULL: not given */
	char *group;
	int64_t maxforks; /* 0: no limit */
	struct bucket_rate rate; /* rate of new sessions per address */
	int64_t max_connections; /* 0: no limit */
	int64_t max_per_ip; /* connections per address; 0: no limit */
	int64_t closems;
	struct listeners_target admin; /* no host: disabled */
	char *admin_token; /* owned: name of a file; NULL: none */
	struct redis_bus_settings bus;
	char *health_path; /* owned: URL path as in a request; NULL: none */
	enum log_level loglevel;
	enum log_format log_format;
	char *log_file; /* owned: name of a file; NULL: standard error */
	int64_t shutdown_ms; /* 0: no limit */
	char *config; /* owned: name of a file; NULL: none */
	bool check_config;
	bool describe;
	/* 1 + enum options_help; 0: not given; options_parse() itself handles these three */
	unsigned help;
	bool version;
	bool license;
};

/* The addresses and rules for incoming connections. */
struct options_listener {
	int64_t port; /* 0: any */
	/* "*" is all interfaces, empty is loopback; without the brackets of IPv6. */
	struct options_list address;
	bool tcp; /* false: listen on the Unix socket only */
	int64_t redirport; /* 0: none */
	char *unixsocket; /* owned: a path; NULL: none */
	int64_t unixsocket_mode; /* permission bits; 0: set by the umask */
	char *unixsocket_owner; /* owned: USER[:GROUP]; NULL: not given */
	int64_t handshake_ms; /* time limit for the head of a request */
	bool reverselookup;
	bool ssl;
	/* File names; with ssl at least one, and as many as sslkey. */
	struct options_list sslcert;
	struct options_list sslkey; /* their keys, in the same order */
	char *sslca; /* owned: name of a file; NULL: none. Only with ssl */
	char *sslcrl; /* owned: name of a file; NULL: none. Only with sslca */
	bool strict_sni; /* only with ssl */
	struct options_list trusted_proxy; /* values for cidr_list_add() */
	unsigned trusted_header; /* 1 + enum client_fields; 0: not given */
	bool proxy_protocol; /* only with trusted_proxy */
};

/* In the order of the choices of --devconsole. */
enum options_devconsole {
	OPTIONS_CONSOLE_OFF,
	OPTIONS_CONSOLE_ON,
	OPTIONS_CONSOLE_AUTO, /* on if only this machine can connect */
};

/* What is served at a path. */
struct options_endpoint {
	char **command; /* owned: NULL-terminated words of the command; NULL: not given */
	/* Owned: absolute path of command[0], or the socket that it names; NULL: not given. */
	char *program;
	struct connect_target target; /* the socket that COMMAND names, if any */
	int64_t connect_timeout; /* milliseconds */
	bool proxy_protocol_out;
	char *dir; /* owned, absolute and without symbolic links; NULL: none */
	char *staticdir; /* as DIR, also the next one */
	char *cgidir;
	char *spa; /* owned: a path below STATICDIR; NULL: none */
	int64_t max_body; /* bytes in the body of a CGI or MCP request; 0: no limit */
	int64_t cgi_timeout_ms; /* 0: no limit */
	enum options_devconsole devconsole;
	struct mcp_settings mcp;

	int64_t prespawn; /* number of parked programs */
	bool prespawn_blind; /* parked programs need not know their client */
	struct confine_settings confine; /* confinement of programs, also the next five */
	char *child_user; /* owned, as the next two; NULL: not given */
	char *child_group;
	char *chdir;
	struct options_list child_read; /* paths */
	struct options_list child_write;

	struct options_list host; /* names without a port */
	struct options_list origin; /* "any", or for origin_parse_rule() */
	bool sameorigin;
	bool require_origin;
	struct options_list allow; /* each is "unix" or a value for cidr_parse() */
	struct options_list deny;
	struct access_settings access;

	/* Exactly "Name: value", checked: a token, and no control byte. */
	struct options_list header;
	struct options_list header_ws;
	struct options_list header_http;

	struct options_list passenv; /* a '*' at the end of a name matches the rest */
	bool pass_auth;
	/* Tokens in order of preference; items NULL: not given. */
	struct options_list subprotocol;
	bool require_subprotocol;
	struct deflate_settings deflate;

	uint64_t maxframesize; /* 1 + bytes of a message; 0: not given */
	uint64_t max_message; /* effective maximum message size in bytes; 0: no limit */
	/* Maximum bytes of a record that must be buffered whole; 0: no limit. */
	int64_t max_output_message;
	int64_t max_empty_fragments; /* per message; 0: no limit */
	int64_t max_pings; /* per client and second; 0: no limit */
	int64_t pingms; /* 0: off */
	bool sse;
	int64_t resume_buffer; /* bytes */
	int64_t resume_ms;
	int64_t idle_ms; /* 0: no limit, as for the next two */
	int64_t lifetime_ms;
	int64_t write_ms;
	bool unbuffer; /* stdout is a raw terminal */
	bool pty; /* programs get a terminal */
	bool readonly; /* input of clients is dropped; only with PTY, as the next one */
	char *term; /* owned: the value of TERM; NULL: the default */
	bool binary;
	bool raw;
	unsigned framing; /* 1 + enum framing_kind, 0: not given, as the next two */
	unsigned framing_in;
	unsigned framing_out;
	struct framing to_program; /* the effective framing, set by options_check() */
	struct framing from_program;
	unsigned newline; /* 1 + enum framing_newline, 0: not given */
	bool text;
	bool events;
	struct options_list event_headers; /* tokens */
	unsigned lsp_processid; /* 0: keep, 1: null */
	bool passstderr;
	enum output_invalid invalid_utf8;
	struct shared_settings shared;
};

/* The options of a client (--connect). */
struct options_client {
	char *connect; /* owned: a URL; NULL: wspipe is a server */
	int64_t close_wait_ms;
	bool no_close;
	int64_t reconnect_ms; /* maximum time between two attempts; 0: a single attempt */
	char *cacert; /* owned: name of a file; NULL: the system's */
	bool insecure;
	char *basic_file; /* owned: name of a file; NULL: none */
	char *bearer_file;
};

struct config;

struct options {
	struct options_server server;
	struct options_listener listener;
	struct options_client client;
	/* The root endpoint; also the defaults of a file's endpoints. */
	struct options_endpoint endpoint;
	/* ENDPOINT is served: no file, a file without sections, or COMMAND given */
	bool serves_root;
	struct config *config; /* owned; NULL: no configuration file */
	int argc; /* the command line; borrowed */
	char **argv;
	/* Borrowed from the command: an argument that looks like an option of wspipe; NULL:
	 * none. */
	const char *misplaced;
};

#endif
