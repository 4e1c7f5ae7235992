/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of all options, by scope. Parsing (parse.h) sets them by the rows of the table. */
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

/* A repeatable option, or a comma-separated one, as terminated strings. All of it is owned. */
struct options_list {
	char **items;
	size_t count;
	size_t initial; /* so many, at the front, are from the default */
};

/* What --help shows; the groups of the table follow, in its order. */
enum options_help {
	OPTIONS_HELP_OVERVIEW,
	OPTIONS_HELP_ALL,
	OPTIONS_HELP_GROUPS,
};

enum {
	OPTIONS_WORKERS_MAX = 256,
	OPTIONS_MAX_MESSAGE = 1024 * 1024, /* bytes, where the size of a message costs memory */
};

/* What there is once. */
struct options_server {
	unsigned compat; /* 1: behave as websocketd where the two disagree (started as it, or
			    --compat=websocketd) */
	int64_t workers; /* processes that serve, 1 to OPTIONS_WORKERS_MAX */
	bool no_core_dumps;
	char *user; /* owned, as the next one; NULL: not given */
	char *group;
	int64_t maxforks; /* 0: no limit */
	struct bucket_rate rate; /* of new sessions of an address */
	int64_t max_connections; /* 0: no limit */
	int64_t max_per_ip; /* connections of an address; 0: no limit */
	int64_t closems;
	struct listeners_target admin; /* without a host: none */
	char *admin_token; /* owned: name of a file; NULL: none */
	struct redis_bus_settings bus;
	char *health_path; /* owned: the path of a URL as in a request; NULL: none */
	enum log_level loglevel;
	enum log_format log_format;
	char *log_file; /* owned: name of a file; NULL: standard error */
	int64_t shutdown_ms; /* 0: no limit */
	char *config; /* owned: name of a file; NULL: none */
	bool check_config;
	bool describe;
	unsigned help; /* 1 + enum options_help; 0: not given; these three are answered by
			  options_parse() itself */
	bool version;
	bool license;
};

/* Where clients connect. */
struct options_listener {
	int64_t port; /* 0: any */
	struct options_list
	    address; /* "*" is all interfaces, none loopback; brackets of IPv6 removed */
	bool tcp; /* false: the Unix socket is all that is listened on */
	int64_t redirport; /* 0: none */
	char *unixsocket; /* owned: a path; NULL: none */
	int64_t unixsocket_mode; /* permission bits; 0: as the umask has them */
	char *unixsocket_owner; /* owned: USER[:GROUP]; NULL: not given */
	int64_t handshake_ms; /* for a request's head */
	bool reverselookup;
	bool ssl;
	struct options_list
	    sslcert; /* names of files; with ssl at least one, and as many of sslkey */
	struct options_list sslkey; /* the key of each, in the same order */
	char *sslca; /* owned: name of a file; NULL: none. Only with ssl */
	char *sslcrl; /* likewise. Only with sslca */
	bool strict_sni; /* only with ssl */
	struct options_list trusted_proxy; /* for cidr_list_add() */
	unsigned trusted_header; /* 1 + enum client_fields; 0: not given */
	bool proxy_protocol; /* only with trusted_proxy */
};

/* In the order of the choices of --devconsole. */
enum options_devconsole {
	OPTIONS_CONSOLE_OFF,
	OPTIONS_CONSOLE_ON,
	OPTIONS_CONSOLE_AUTO, /* on while only this machine can connect */
};

/* What requests for a path get. */
struct options_endpoint {
	char **command; /* owned: its words, NULL-terminated; NULL: none was given */
	char *program; /* owned: the absolute path of command[0], or the socket that it names;
			  NULL: none was given */
	struct connect_target target; /* the socket that COMMAND is, if it is one */
	int64_t connect_timeout; /* milliseconds */
	bool proxy_protocol_out;
	char *dir; /* owned, absolute and without symbolic links; NULL: none */
	char *staticdir; /* likewise, as the next one */
	char *cgidir;
	char *spa; /* owned: a path below STATICDIR; NULL: none */
	int64_t max_body; /* bytes of a request for a CGI script or with MCP; 0: no limit */
	int64_t cgi_timeout_ms; /* 0: no limit */
	enum options_devconsole devconsole;
	struct mcp_settings mcp;

	int64_t prespawn; /* programs that are started ahead */
	bool prespawn_blind; /* they need not know their client */
	struct confine_settings confine; /* of programs; the next five belong to it */
	char *child_user; /* owned, as the next two; NULL: not given */
	char *child_group;
	char *chdir;
	struct options_list child_read; /* paths */
	struct options_list child_write;

	struct options_list host; /* names without a port */
	struct options_list origin; /* "any", or for origin_parse_rule() */
	bool sameorigin;
	bool require_origin;
	struct options_list allow; /* each is "unix" or for cidr_parse() */
	struct options_list deny;
	struct access_settings access;

	struct options_list
	    header; /* exactly "Name: value", checked: a token, and no control byte */
	struct options_list header_ws;
	struct options_list header_http;

	struct options_list passenv; /* a '*' at the end of a name matches the rest */
	bool pass_auth;
	struct options_list subprotocol; /* tokens, the best first; items NULL: not given */
	bool require_subprotocol;
	struct deflate_settings deflate;

	uint64_t maxframesize; /* 1 + bytes of a message; 0: not given */
	uint64_t max_message; /* bytes of a message that apply; 0: no limit */
	int64_t max_output_message; /* bytes of a record that must be kept whole; 0: no limit */
	int64_t max_empty_fragments; /* of a message; 0: no limit */
	int64_t max_pings; /* of a client in a second; 0: no limit */
	int64_t pingms; /* 0: off */
	bool sse;
	int64_t resume_buffer; /* bytes */
	int64_t resume_ms;
	int64_t idle_ms; /* 0: no limit, as of the next two */
	int64_t lifetime_ms;
	int64_t write_ms;
	bool unbuffer; /* stdout is a raw terminal */
	bool pty; /* programs get a terminal */
	bool readonly; /* what clients send is dropped; only with PTY, as the next one */
	char *term; /* owned: the value of TERM; NULL: the default */
	bool binary;
	bool raw;
	unsigned framing; /* 1 + enum framing_kind, 0: not given; likewise the next two */
	unsigned framing_in;
	unsigned framing_out;
	struct framing
	    to_program; /* what all of these come to, which options_check() finds out */
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

/* The client: --connect. */
struct options_client {
	char *connect; /* owned: a URL; NULL: wspipe is a server */
	int64_t close_wait_ms;
	bool no_close;
	int64_t reconnect_ms; /* the longest time between two attempts; 0: one attempt */
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
	struct options_endpoint endpoint; /* of the root; the default of those of a file */
	bool serves_root; /* ENDPOINT is served: without a file, or one without sections, or
			     with COMMAND */
	struct config *config; /* owned; NULL: there is no file */
	int argc; /* what all of it was read from; borrowed */
	char **argv;
	const char *misplaced; /* borrowed from the command: an argument that looks like an
				  option of wspipe; NULL: none */
};

#endif
