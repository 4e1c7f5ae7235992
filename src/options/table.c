/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the options. */
#include "options/table.h"

#include "http/client.h"

static const char *const framings[] = {
    [FRAMING_LINES] = "lines",
    [FRAMING_STREAM] = "stream",
    [FRAMING_TEXT] = "text",
    [FRAMING_NUL] = "nul",
    [FRAMING_LENGTH] = "length",
    [FRAMING_JSON] = "json",
    [FRAMING_LSP] = "lsp",
    [FRAMING_KINDS] = NULL,
};

/* A group for each heading, in the same order. */
static const char *const helps[] = {
    [OPTIONS_HELP_OVERVIEW] = "overview",
    [OPTIONS_HELP_ALL] = "all",
    [OPTIONS_HELP_GROUPS] = "listening",
    "tls",
    "proxy",
    "access",
    "program",
    "shared",
    "websocket",
    "limits",
    "confinement",
    "http",
    "monitoring",
    "logging",
    "config",
    "client",
    "other",
    NULL,
};

/* One macro sets name, target and type, so that a row can't aim at another
 * member. */
#define ROW(where, words, of, member, setter)                                                  \
	.scope = (where), .name = (words), .offset = offsetof(struct of, member),              \
	.size = sizeof(((struct of *)0)->member),                                              \
	.owned = _Generic(((struct of *)0)->member, char *                                     \
			  : OPTION_TEXT, char **                                               \
			  : OPTION_WORDS, struct options_list                                  \
			  : OPTION_LIST, default                                               \
			  : OPTION_NOTHING),                                                   \
	.set = (setter)
#define SERVER(words, member, setter) ROW(OPTION_SERVER, words, options_server, member, setter)
#define LISTENER(words, member, setter)                                                        \
	ROW(OPTION_LISTENER, words, options_listener, member, setter)
#define ENDPOINT(words, member, setter)                                                        \
	ROW(OPTION_ENDPOINT, words, options_endpoint, member, setter)

#define CLIENT(words, member, setter)                                                          \
	ROW(OPTION_CLIENT, words, options_client, member, setter),                             \
	    .role = OPTION_OF_CLIENT, .only = OPTION_ON_COMMAND_LINE
#define BOTH .role = OPTION_OF_BOTH

#define CHOICES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* clang-format off */
const struct option_row option_rows[] = {
	{.heading = "Listening", LISTENER("port", port, option_set_number), .basic = true, .tcp = true,
	    .argument = "N", .min = 0, .max = 65535, .initial = "8080", .initial_compat = "80",
	    .initial_ssl = "8443", .initial_compat_ssl = "443",
	    .help = "TCP port to listen on; 0 picks a free one"},
	{LISTENER("address", address, option_set_address), .basic = true, .tcp = true, .argument = "ADDRESS",
	    .repeatable = true, .initial_compat = "*", .default_text = "127.0.0.1 and ::1",
	    .help = "address to listen on; '*' for all interfaces; repeatable"},
	{LISTENER("redirport", redirport, option_set_number), .argument = "N", .min = 0,
	    .max = 65535, .initial = "0",
	    .help = "TCP port that redirects plain HTTP requests to --port; 0 for none"},
	{LISTENER("unixsocket", unixsocket, option_set_path), .argument = "PATH",
	    .help = "listen on this Unix socket, and not on TCP unless --port or --address is "
		"given"},
	{LISTENER("unixsocket-mode", unixsocket_mode, option_set_mode), .needs = "unixsocket", .argument = "MODE",
	    .default_text = "0660",
	    .help = "permissions of the Unix socket, in octal"},
	{LISTENER("unixsocket-owner", unixsocket_owner, option_set_path), .needs = "unixsocket", .argument = "OWNER",
	    .help = "USER or USER:GROUP that owns the Unix socket"},
	{LISTENER("reverselookup", reverselookup, option_set_bool),
	    .help = "look up the client's host name for REMOTE_HOST, for at most two seconds"},
	{SERVER("workers", workers, option_set_workers), .argument = "N", .min = 1,
	    .max = OPTIONS_WORKERS_MAX, .initial = "1",
	    .help = "number of worker processes; 'auto' starts one per available CPU"},

	{SERVER("user", user, option_set_path), .argument = "USER",
	    .help = "drop root's privileges and run as this user, once sockets are open and keys "
		"are read"},
	{SERVER("group", group, option_set_path), .needs = "user", .argument = "GROUP",
	    .help = "with --user, run with this primary group"},

	{.heading = "TLS", LISTENER("ssl", ssl, option_set_bool), .basic = true, .early = true,
	    .help = "serve https:// and wss:// only; needs --sslcert and --sslkey"},
	{LISTENER("sslcert", sslcert, option_set_files), .basic = true, BOTH, .argument = "FILE", .repeatable = true,
	    .help = "certificate chain in PEM, server certificate first; repeatable for SNI, the "
		"first one is the default; with --connect, the client's own"},
	{LISTENER("sslkey", sslkey, option_set_files), .basic = true, BOTH, .argument = "FILE", .repeatable = true,
	    .help = "private key in PEM; repeatable, in the order of --sslcert"},
	{LISTENER("sslca", sslca, option_set_path), .argument = "FILE",
	    .help = "require a client certificate signed by a CA in FILE"},
	{LISTENER("sslcrl", sslcrl, option_set_path), BOTH, .needs = "sslca", .argument = "FILE",
	    .help = "reject certificates revoked by the CRLs in FILE: of clients with --sslca, of "
		"the server with --connect"},
	{LISTENER("strict-sni", strict_sni, option_set_bool), .needs = "ssl",
	    .help = "reject clients whose SNI name matches no certificate, or that send none"},
	{SERVER("no-core-dumps", no_core_dumps, option_set_bool), BOTH,
	    .help = "keep wspipe's memory, and the keys in it, out of core dumps and debuggers"},

	{.heading = "Behind a proxy", LISTENER("trusted-proxy", trusted_proxy, option_set_cidrs),
	    .argument = "LIST",
	    .help = "proxies that are trusted to report their clients: comma-separated addresses "
		"and blocks (192.0.2.0/24), or 'unix'"},
	{LISTENER("trusted-header", trusted_header, option_set_choice), .needs = "trusted-proxy", .min = 1,
	    .argument = "KIND",
	    .choices = CHOICES([CLIENT_X_FORWARDED] = "x-forwarded",
		[CLIENT_FORWARDED] = "forwarded"),
	    .default_text = "x-forwarded",
	    .help = "with --trusted-proxy, the header fields that report the client"},
	{LISTENER("proxy-protocol", proxy_protocol, option_set_bool), .needs = "trusted-proxy",
	    .help = "accept only connections from --trusted-proxy that begin with a PROXY "
		"header, version 1 or 2"},

	{.heading = "Access control", ENDPOINT("origin", origin, option_set_origin), .basic = true,
	    .argument = "LIST",
	    .help = "web pages that may connect: comma-separated origins (https://example.com) "
		"or host names, or 'any'; without it, only pages from this server may"},
	{ENDPOINT("sameorigin", sameorigin, option_set_bool),
	    .help = "accept only pages from this server, and no client without an Origin"},
	{ENDPOINT("require-origin", require_origin, option_set_bool),
	    .help = "reject clients that send no Origin (most clients other than browsers)"},
	{ENDPOINT("host", host, option_set_host), .argument = "NAME", .repeatable = true,
	    .help = "accept only requests for this host name, local names and IP addresses; "
		"repeatable"},
	{ENDPOINT("allow", allow, option_set_cidrs), .argument = "LIST", .repeatable = true,
	    .help = "addresses that may connect: comma-separated blocks such as 192.0.2.0/24, or "
		"'unix' for a Unix socket; repeatable"},
	{ENDPOINT("deny", deny, option_set_cidrs), .argument = "LIST", .repeatable = true,
	    .help = "addresses that may not connect, even if they are in --allow; repeatable"},
	{ENDPOINT("auth-basic", access.basic, option_set_path), .basic = true, .argument = "FILE",
	    .help = "require a user name and password from FILE, which htpasswd -B writes"},
	{ENDPOINT("auth-token", access.token, option_set_path), .argument = "FILE",
	    .help = "require a bearer token from FILE: one per line, with an optional user name"},
	{ENDPOINT("auth-hook", access.hook, option_set_path), .argument = "PROGRAM",
	    .help = "run PROGRAM for each request; its exit status allows or rejects it"},
	{ENDPOINT("auth-timeout", access.hook_ms, option_set_duration), .needs = "auth-hook", .argument = "TIME",
	    .min = 1, .max = 86400000, .initial = "5",
	    .help = "time for --auth-hook to decide"},
	{ENDPOINT("auth-header", access.header, option_set_field_name), .argument = "NAME",
	    .help = "header field in which a trusted proxy, or one on the Unix socket, sends the user"},
	{ENDPOINT("auth-cert", access.cert, option_set_bool), .needs = "sslca",
	    .help = "with --sslca, accept a client certificate and make its subject the user"},

	{.heading = "Program", ENDPOINT("command", command, option_set_command),
	    .argument = "COMMAND", .only = OPTION_IN_FILE, .help = ""},
	{ENDPOINT("dir", dir, option_set_path), .basic = true, .argument = "DIR",
	    .help = "instead of COMMAND, run the program in DIR that the URL path names"},
	{ENDPOINT("unbuffer", unbuffer, option_set_bool), BOTH, .needs = NEEDS_PROGRAM,
	    .help = "make the program's stdout a terminal, so that it prints each line at once"},
	{ENDPOINT("pty", pty, option_set_bool), .needs = NEEDS_PROGRAM, .basic = true,
	    .help = "run the program in a terminal, for shells, editors and full-screen programs"},
	{ENDPOINT("term", term, option_set_term), .needs = "pty", .argument = "NAME",
	    .default_text = "xterm-256color", .help = "with --pty, the terminal type (TERM)"},
	{ENDPOINT("readonly", readonly, option_set_bool), .needs = "pty",
	    .help = "with --pty, ignore input from clients, which can only watch"},
	{ENDPOINT("binary", binary, option_set_bool), BOTH, .needs = NEEDS_PROGRAM,
	    .help = "raw bytes in binary messages: short for --framing=stream"},
	{ENDPOINT("raw", raw, option_set_bool), BOTH, .needs = NEEDS_PROGRAM,
	    .help = "raw text in text messages, in both directions: short for --framing=text"},
	{ENDPOINT("framing", framing, option_set_choice), .needs = NEEDS_PROGRAM, .basic = true, BOTH, .min = 1, .argument = "KIND",
	    .choices = framings, .default_text = "lines",
	    .help = "how messages are delimited on the program's stdin and stdout"},
	{ENDPOINT("framing-in", framing_in, option_set_choice), BOTH, .needs = NEEDS_PROGRAM, .min = 1, .argument = "KIND",
	    .choices = framings, .help = "framing of the program's stdin only"},
	{ENDPOINT("framing-out", framing_out, option_set_choice), BOTH, .needs = NEEDS_PROGRAM, .min = 1, .argument = "KIND",
	    .choices = framings, .help = "framing of the program's stdout only"},
	{ENDPOINT("newline", newline, option_set_choice), BOTH, .needs = NEEDS_PROGRAM, .min = 1, .argument = "WHAT",
	    .choices = CHOICES([FRAMING_NEWLINE_PASS] = "pass", [FRAMING_NEWLINE_SPACE] = "space",
		[FRAMING_NEWLINE_REJECT] = "reject"),
	    .default_text = "pass",
	    .help = "what to do with newlines inside a message; for a shared program, the "
		"default is space"},
	{ENDPOINT("text", text, option_set_bool), BOTH, .needs = NEEDS_PROGRAM,
	    .help = "with --framing-out=length, send text messages instead of binary ones"},
	{ENDPOINT("events", events, option_set_bool), BOTH, .needs = NEEDS_PROGRAM,
	    .help = "with --framing-in=json or --shared=addressed, also send open and close "
		"events to the program"},
	{ENDPOINT("event-headers", event_headers, option_set_tokens), .argument = "LIST",
	    .help = "with --events and --framing=json, request headers that the open event "
		"contains, comma-separated"},
	{ENDPOINT("lsp-processid", lsp_processid, option_set_choice), BOTH, .needs = NEEDS_PROGRAM, .argument = "WHAT",
	    .choices = CHOICES("keep", "null"), .initial = "keep",
	    .help = "with --framing-in=lsp, what to do with the editor's process ID in the "
		"initialize request"},
	{ENDPOINT("invalid-utf8", invalid_utf8, option_set_choice), BOTH, .needs = NEEDS_PROGRAM, .argument = "WHAT",
	    .choices = CHOICES([OUTPUT_REPLACE] = "replace", [OUTPUT_BINARY] = "binary",
		[OUTPUT_CLOSE] = "close"),
	    .initial = "replace",
	    .help = "what to do with output that is not valid UTF-8"},
	{ENDPOINT("passstderr", passstderr, option_set_bool), .needs = NEEDS_PROGRAM, .basic = true, BOTH,
	    .help = "also send the program's stderr to the client, as JSON"},
	{ENDPOINT("passenv", passenv, option_set_names), .argument = "LIST",
	    .initial = "HOME,LOGNAME,USER,SHELL,PATH,TERM,TMPDIR,TZ,LANG,LC_*",
	    .initial_compat = "PATH,LD_LIBRARY_PATH",
	    .help = "environment variables to pass to programs, comma-separated; +LIST adds to "
		"the default"},
	{ENDPOINT("pass-auth", pass_auth, option_set_bool), .initial_compat = "true",
	    .help = "pass the Authorization and Proxy-Authorization headers to programs"},
	{ENDPOINT("connect-timeout", connect_timeout, option_set_milliseconds), BOTH, .needs = NEEDS_SOCKET, .argument = "MS",
	    .min = 1, .max = 3600000, .initial = "5000",
	    .help = "with --connect, or tcp:HOST:PORT or unix:PATH as COMMAND, milliseconds to "
		"wait for a connection"},
	{ENDPOINT("proxy-protocol-out", proxy_protocol_out, option_set_bool), .needs = NEEDS_SOCKET,
	    .help = "send tcp:HOST:PORT or unix:PATH the client's address (PROXY protocol, "
		"version 2)"},
	{ENDPOINT("prespawn", prespawn, option_set_number), .argument = "N", .min = 0, .max = 1024,
	    .initial = "0",
	    .help = "start N programs before clients need them; needs --events or "
		"--prespawn-blind"},
	{ENDPOINT("prespawn-blind", prespawn_blind, option_set_bool), .needs = "prespawn",
	    .help = "with --prespawn, the program needs no information about its client"},
	{SERVER("closems", closems, option_set_milliseconds), BOTH, .argument = "MS", .min = 0, .max = 3600000,
	    .initial = "0",
	    .help = "extra milliseconds to wait before each of SIGINT, SIGTERM and SIGKILL"},
	{SERVER("shutdown-timeout", shutdown_ms, option_set_duration), .argument = "TIME",
	    .min = 0, .max = 86400000, .initial = "25",
	    .help = "after SIGTERM, time until programs that still run are killed; 0 for no limit"},

	{.heading = "Shared programs", ENDPOINT("shared", shared.mode, option_set_choice), .basic = true,
	    .min = SHARED_BROADCAST, .argument = "MODE", .optional = true,
	    .choices = CHOICES("broadcast", "addressed"),
	    .help = "start one program for all clients: its output goes to all (broadcast), or "
		"each message names its clients (addressed)"},
	{ENDPOINT("shared-start", shared.begin, option_set_choice), .needs = "shared", .argument = "WHEN",
	    .choices = CHOICES([SHARED_ON_DEMAND] = "client", [SHARED_ALWAYS] = "always"),
	    .initial = "client",
	    .help = "start the shared program with the first client or with the server"},
	{ENDPOINT("linger", shared.linger_ms, option_set_linger), .needs = "shared", .argument = "TIME",
	    .max = 86400000, .initial = "0",
	    .help = "time from the last client's disconnect to the end of the shared program, or "
		"'forever'"},
	{ENDPOINT("on-exit", shared.on_exit, option_set_choice), .needs = "shared", .argument = "WHAT",
	    .choices = CHOICES([SHARED_CLOSE] = "close", [SHARED_KEEP] = "keep"),
	    .initial = "close",
	    .help = "when the shared program exits, close its clients or keep them for the "
		"next one"},
	{ENDPOINT("max-clients", shared.max_clients, option_set_number), .needs = "shared", .argument = "N", .min = 0,
	    .max = INT32_MAX, .initial = "10000",
	    .help = "maximum number of clients of a shared program; 0 for no limit"},
	{ENDPOINT("client-queue", shared.members.queue_max, option_set_size), .needs = "shared", .argument = "SIZE",
	    .max = INT64_MAX, .initial = "1m",
	    .help = "maximum size of a client's queue"},
	{ENDPOINT("slow", shared.members.slow, option_set_choice), .needs = "shared", .argument = "WHAT",
	    .choices = CHOICES([MEMBER_CLOSE] = "close", [MEMBER_DROP] = "drop",
		[MEMBER_BLOCK] = "block"),
	    .initial = "close",
	    .help = "when a client's queue is full, close it, drop messages for it, or stop "
		"reading from the program"},
	{ENDPOINT("history", shared.members.history, option_set_number), .needs = "shared", .argument = "N", .min = 0,
	    .max = 1000000, .initial = "0",
	    .help = "number of earlier messages to all clients that a new client gets first"},

	{ENDPOINT("shared-program", shared.programs, option_set_choice), .needs = "shared", .argument = "WHERE",
	    .choices = CHOICES([SHARED_EACH] = "each", [SHARED_ONE] = "one"), .initial = "each",
	    .help = "with --bus, run the shared program on each server, or on one of them for "
		"the clients of all"},
	{SERVER("bus", bus.url, option_set_bus), .argument = "URL",
	    .help = "connect the shared programs of several servers through Redis or Valkey, at "
		"redis://[USER:PASSWORD@]HOST[:PORT]/DB or redis+unix:///PATH"},
	{SERVER("bus-prefix", bus.prefix, option_set_bus_prefix), .needs = "bus", .argument = "TEXT",
	    .initial = "wspipe:", .help = "with --bus, prefix of the names of channels and keys"},
	{SERVER("bus-queue", bus.queue_max, option_set_size), .needs = "bus", .argument = "SIZE",
	    .max = INT64_C(1) << 40, .initial = "8m",
	    .help = "with --bus, maximum size of the queue while it is unavailable; when it is full, "
		"the oldest messages are dropped"},

	{.heading = "WebSocket", ENDPOINT("subprotocol", subprotocol, option_set_tokens), BOTH, .needs = NEEDS_PROGRAM,
	    .argument = "LIST",
	    .help = "subprotocols the program supports, comma-separated; the client's first "
		"match is selected"},
	{ENDPOINT("require-subprotocol", require_subprotocol, option_set_bool), BOTH,
	    .help = "reject clients that offer none of the --subprotocol list"},
	{ENDPOINT("deflate", deflate, option_set_deflate), BOTH, .needs = NEEDS_PROGRAM, .argument = "LIST", .optional = true,
	    .help = "compress messages if the client supports it (permessage-deflate); LIST "
		"overrides window=11,level=4,takeover=yes,min=64; not for secrets, see the "
		"manual"},

	{ENDPOINT("sse", sse, option_set_bool), .needs = NEEDS_PROGRAM, .initial = "true", .initial_compat = "false",
	    .help = "also serve clients without a WebSocket, by Server-Sent Events and POST"},
	{ENDPOINT("resume-buffer", resume_buffer, option_set_size), .needs = "sse", .argument = "SIZE",
	    .min = 4096, .max = INT64_C(1) << 30, .initial = "1m",
	    .help = "bytes of sent messages to keep for a client that lost its event stream"},
	{ENDPOINT("resume-wait", resume_ms, option_set_duration), .needs = "sse", .argument = "TIME", .min = 0,
	    .max = 86400000, .initial = "30", .help = "time for such a client to reconnect"},
	{.heading = "Limits", SERVER("maxforks", maxforks, option_set_number), .argument = "N",
	    .min = 0, .max = INT32_MAX, .compat_negative = true, .initial = "1024",
	    .help = "maximum number of concurrent programs; 0 for no limit"},
	{SERVER("max-per-ip", max_per_ip, option_set_number), .argument = "N", .min = 0,
	    .max = INT32_MAX, .initial = "0",
	    .help = "maximum number of connections per client address (IPv6: per /64); 0 for no "
		"limit"},
	{SERVER("rate", rate, option_set_rate), .argument = "RATE", .default_text = "0",
	    .help = "maximum rate of new sessions per client address: 5/s, 30/m, 100/h, or with a "
		"burst, 5/s:20; 0 for no limit"},
	{SERVER("max-connections", max_connections, option_set_number), .argument = "N", .min = 0,
	    .max = INT32_MAX, .initial = "0",
	    .help = "maximum number of connections; further ones wait in the listen queue; 0 for "
		"no limit"},
	{ENDPOINT("maxframesize", maxframesize, option_set_given_bytes), BOTH, .needs = NEEDS_PROGRAM, .argument = "BYTES",
	    .min = 0, .max = INT64_MAX, .compat_negative = true, .default_text = "1048576",
	    .help = "maximum size of a client's message in bytes; 0 for no limit"},
	{ENDPOINT("max-output-message", max_output_message, option_set_bytes), BOTH, .needs = NEEDS_PROGRAM, .argument = "BYTES",
	    .min = 0, .max = INT64_C(1) << 31, .initial = "16777216",
	    .help = "maximum size of a line of --framing-out=json in bytes; 0 for no limit"},
	{ENDPOINT("max-empty-fragments", max_empty_fragments, option_set_number), BOTH, .needs = NEEDS_PROGRAM, .argument = "N",
	    .min = 0, .max = UINT32_MAX, .initial = "4096",
	    .help = "maximum number of empty fragments in a client's message; 0 for no limit"},
	{ENDPOINT("max-pings", max_pings, option_set_number), BOTH, .needs = NEEDS_PROGRAM, .argument = "N", .min = 0,
	    .max = UINT16_MAX, .initial = "100",
	    .help = "maximum number of PINGs a client may send in one second; 0 for no limit"},
	{ENDPOINT("pingms", pingms, option_set_milliseconds), BOTH, .needs = NEEDS_PROGRAM, .argument = "MS", .min = 0, .max = 86400000,
	    .initial = "30000", .initial_compat = "0",
	    .help = "ping a client after MS milliseconds of silence; 0 never pings"},
	{LISTENER("handshake-timeout", handshake_ms, option_set_duration), BOTH, .argument = "TIME",
	    .min = 1, .max = 86400000, .initial = "10",
	    .help = "time for a client to complete the TLS handshake and its request"},
	{ENDPOINT("idle-timeout", idle_ms, option_set_duration), BOTH, .needs = NEEDS_PROGRAM, .argument = "TIME",
	    .max = INT64_C(31536000000), .initial = "0",
	    .help = "close a session without a message in either direction for this time; 0 for no "
		"limit"},
	{ENDPOINT("max-lifetime", lifetime_ms, option_set_duration), BOTH, .needs = NEEDS_PROGRAM, .argument = "TIME",
	    .max = INT64_C(31536000000), .initial = "0",
	    .help = "close a session that has been open for this time; 0 for no limit"},
	{ENDPOINT("write-timeout", write_ms, option_set_duration), BOTH, .needs = NEEDS_PROGRAM, .argument = "TIME",
	    .max = 86400000, .initial = "60",
	    .help = "disconnect a WebSocket client that reads nothing for this time while data is "
		"waiting; 0 for no limit"},

	{.heading = "Confinement of programs",
	    ENDPOINT("child-user", child_user, option_set_path), .needs = NEEDS_CHILD, .argument = "USER",
	    .help = "run programs as this user, with its groups"},
	{ENDPOINT("child-group", child_group, option_set_path), .needs = NEEDS_CHILD, .argument = "GROUP",
	    .help = "run programs with this primary group"},
	{ENDPOINT("chdir", chdir, option_set_path), .needs = NEEDS_CHILD, .argument = "DIR",
	    .help = "working directory of programs; CGI scripts run in their own"},
	{ENDPOINT("umask", confine.umask, option_set_umask), .needs = NEEDS_CHILD, .argument = "MODE",
	    .help = "file mode creation mask of programs, in octal"},
	{ENDPOINT("nice", confine.nice, option_set_optional_number), .needs = NEEDS_CHILD, .argument = "LEVEL",
	    .min = -20, .max = 19,
	    .help = "nice level of programs, from -20 (first) to 19 (last)"},
	{ENDPOINT("rlimit", confine.limits, option_set_limits), .needs = NEEDS_CHILD, .argument = "LIST",
	    .max = INT64_MAX,
	    .help = "limits of each program, such as cpu=10,as=512M,nofile=64,nproc=16,core=0"},
	{ENDPOINT("no-new-privs", confine.no_new_privs, option_set_bool), .needs = NEEDS_CHILD,
	    .help = "keep programs from gaining privileges, for example by sudo"},
	{ENDPOINT("child-oom-score", confine.oom_score, option_set_optional_number), .needs = NEEDS_CHILD,
	    .argument = "N", .min = -1000, .max = 1000,
	    .help = "OOM score adjustment of programs, from -1000 to 1000; with a high one the "
		"kernel kills a program before wspipe"},
	{ENDPOINT("child-read", child_read, option_set_files), .needs = NEEDS_CHILD, .argument = "PATH",
	    .repeatable = true,
	    .help = "let programs read and execute only system files and files beneath PATH "
		"(Landlock); repeatable"},
	{ENDPOINT("child-write", child_write, option_set_files), .needs = NEEDS_CHILD, .argument = "PATH",
	    .repeatable = true,
	    .help = "let programs write only beneath PATH, and restrict the rest as --child-read "
		"does; repeatable"},

	{.heading = "HTTP responses", ENDPOINT("staticdir", staticdir, option_set_path), .basic = true,
	    .argument = "DIR", .help = "serve the files in DIR to plain HTTP requests"},
	{ENDPOINT("spa", spa, option_set_url_path), .needs = "staticdir", .argument = "PATH",
	    .help = "with --staticdir, serve this file for paths without an extension that do "
		"not exist"},
	{ENDPOINT("cgidir", cgidir, option_set_path), .argument = "DIR",
	    .help = "run the CGI script in DIR that the path of a plain HTTP request names"},
	{ENDPOINT("cgi-timeout", cgi_timeout_ms, option_set_duration), .needs = "cgidir", .argument = "TIME",
	    .min = 0, .max = 86400000, .initial = "60",
	    .help = "time for a CGI script to write its header; 0 for no limit"},
	{ENDPOINT("max-body", max_body, option_set_size), .needs = NEEDS_BODY, .argument = "SIZE", .min = 0,
	    .max = INT64_MAX, .initial = "10m",
	    .help = "maximum size of a request body for a CGI script, or with --mcp; 0 for no limit"},
	{ENDPOINT("mcp", mcp.on, option_set_bool), .needs = NEEDS_PROGRAM,
	    .help = "serve the program, an MCP server over stdio, as a Streamable HTTP endpoint"},
	{ENDPOINT("mcp-idle", mcp.idle_ms, option_set_duration), .needs = "mcp", .argument = "TIME",
	    .max = 86400000, .initial = "30m",
	    .help = "with --mcp, end a session without a connection, or a request without a "
		"response, after this time; 0 for no limit"},
	{ENDPOINT("devconsole", devconsole, option_set_devconsole), .argument = "WHEN",
	    .optional = true, .initial = "auto", .initial_compat = "false",
	    .help = "serve a page to try the program with, at / without --staticdir and at "
		"/-/console: true, false, or auto, while only this machine can connect"},
	{ENDPOINT("header", header, option_set_header), BOTH, .argument = "HEADER", .repeatable = true,
	    .help = "add \"Name: value\" to handshake and static file responses, or with "
		"--connect to the request; repeatable"},
	{ENDPOINT("header-ws", header_ws, option_set_header), .argument = "HEADER",
	    .repeatable = true, .help = "the same for handshake responses only"},
	{ENDPOINT("header-http", header_http, option_set_header), .argument = "HEADER",
	    .repeatable = true, .help = "the same for static file responses only"},

	{.heading = "Monitoring", SERVER("health-path", health_path, option_set_url_path),
	    .argument = "PATH",
	    .help = "respond to GET and HEAD requests for this path with 200, for health checks"},
	{SERVER("admin", admin, option_set_admin), .argument = "ADDRESS",
	    .help = "serve health checks, metrics and the list of sessions at HOST:PORT or "
		"unix:PATH"},
	{SERVER("admin-token", admin_token, option_set_path), .needs = "admin", .argument = "FILE",
	    .help = "with --admin, require one of the tokens in FILE; mandatory unless the address "
		"is local"},

	{.heading = "Logging", SERVER("loglevel", loglevel, option_set_choice), BOTH, .argument = "LEVEL",
	    .choices = log_level_names, .initial = "access", .help = "minimum level to log"},
	{SERVER("log-format", log_format, option_set_choice), BOTH, .argument = "FORMAT",
	    .choices = CHOICES([LOG_TEXT] = "text", [LOG_JSON] = "json"), .initial = "text",
	    .initial_compat = "",
	    .help = "log output format"},
	{SERVER("log-file", log_file, option_set_path), .argument = "FILE",
	    .default_text = "standard error",
	    .help = "append the log to FILE; SIGUSR1 reopens it"},

	{.heading = "Configuration file", SERVER("config", config, option_set_path), .basic = true,
	    .argument = "FILE", .only = OPTION_ON_COMMAND_LINE,
	    .help = "read options and endpoints from FILE; SIGHUP reloads it"},
	{SERVER("check-config", check_config, option_set_bool), .only = OPTION_ON_COMMAND_LINE,
	    .help = "check the configuration, report all errors, and exit"},
	{SERVER("describe", describe, option_set_bool), .only = OPTION_ON_COMMAND_LINE,
	    .help = "print an AsyncAPI document of the endpoints, and exit"},

	{.heading = "Client", CLIENT("connect", connect, option_set_url), .basic = true, .argument = "URL",
	    .early = true,
	    .help = "connect stdin and stdout, or COMMAND, to the server at ws[s]://HOST[:PORT]/PATH"},
	{CLIENT("basic-file", basic_file, option_set_path), .argument = "FILE",
	    .help = "authenticate with USER:PASSWORD, the first line of FILE"},
	{CLIENT("bearer-file", bearer_file, option_set_path), .argument = "FILE",
	    .help = "authenticate with the token that is the first line of FILE"},
	{CLIENT("cacert", cacert, option_set_path), .argument = "FILE",
	    .help = "trust the CAs in FILE, not those of the system"},
	{CLIENT("insecure", insecure, option_set_bool),
	    .help = "accept any certificate of the server; anyone in between can read and change "
		"everything"},
	{CLIENT("reconnect", reconnect_ms, option_set_reconnect), .argument = "TIME",
	    .optional = true, .min = 0, .max = 86400000,
	    .help = "connect again after a connection is lost or can't be opened, with growing "
		"delays up to TIME, or 30s without it"},
	{CLIENT("no-close", no_close, option_set_bool),
	    .help = "at the end of stdin, keep the connection until the server closes it"},
	{CLIENT("close-wait", close_wait_ms, option_set_duration), .argument = "TIME", .min = 1,
	    .max = 86400000, .initial = "10",
	    .help = "time for the server's Close after ours, and for COMMAND to exit after the end "
		"of its input"},

	{.heading = "Other", SERVER("compat", compat, option_set_choice), .min = 1,
	    .argument = "MODEL", .choices = CHOICES("websocketd"), .early = true,
	    .only = OPTION_ON_COMMAND_LINE,
	    .help = "emulate another program's defaults, log and messages"},
	{SERVER("help", help, option_set_choice), BOTH, .only = OPTION_ON_COMMAND_LINE,
	    .min = 1, .argument = "GROUP", .optional = true, .choices = helps, .basic = true,
	    .help = "show the options of a group"},
	{SERVER("version", version, option_set_bool), BOTH, .only = OPTION_ON_COMMAND_LINE,
	    .help = "show the version"},
	{SERVER("license", license, option_set_bool), BOTH, .only = OPTION_ON_COMMAND_LINE,
	    .help = "show the license"},
};

/* clang-format on */
const size_t option_row_count = UTIL_LEN(option_rows);

const struct option_row *
option_find(struct span name)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (span_equal(name, span_of(option_rows[i].name)))
			return &option_rows[i];
	}
	return NULL;
}

const char *
option_initial(const struct option_row *row, bool compat, bool ssl)
{
	const char *initial =
	    compat && row->initial_compat ? row->initial_compat : row->initial;
	const char *initial_ssl = compat ? row->initial_compat_ssl : row->initial_ssl;

	if (ssl && initial_ssl)
		return initial_ssl;
	return initial && *initial ? initial : NULL;
}
