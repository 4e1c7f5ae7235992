/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the access control of endpoints from the options. */
#include "server/setup_access.h"

#include "options/config_store.h"
#include "serve/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETUP_FILE_MAX = 1024 * 1024 }; /* maximum size of a file in bytes */

void
setup_files_clear(struct setup_files *files)
{
	passwords_unref(files->passwords);
	tokens_unref(files->tokens);
	*files = (struct setup_files){0};
}

/* Reads the file NAME into OUT. Returns the reason if that fails, or NULL. */
static const char *
setup_read_file(const char *name, struct buffer *out, struct stat *st)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *wrong = NULL;
	uint8_t *room = NULL;
	ssize_t got = 1;

	if (fd == -1 || fstat(fd, st) == -1)
		wrong = strerror(errno);
	else if (!S_ISREG(st->st_mode))
		wrong = "it is not a regular file";
	while (!wrong && got > 0) {
		room = buffer_reserve(out, BUFFER_HIGH);
		got = room ? read(fd, room, BUFFER_HIGH) : -1;
		if (got == -1)
			wrong = room ? strerror(errno) : "out of memory";
		else
			buffer_commit(out, (size_t)got);
		if (buffer_len(out) > SETUP_FILE_MAX)
			wrong = "it is larger than 1 MiB";
	}
	if (fd != -1)
		close(fd);
	return wrong;
}

/* Reads the file NAME of an option; in a worker, the contents that its parent has read. Warns
 * if other users have the permissions OTHERS. Returns false after reporting the error, with the
 * exit status in *STATUS. The caller clears OUT in both cases. */
static bool
setup_read(const struct server *server, const struct options_served *served, const char *option,
    const char *name, mode_t others, struct buffer *out, int *status)
{
	const char *wrong = NULL;
	struct span stored;
	struct stat st;

	if (server->store && server->store->sealed) {
		if (!config_store_find(server->store, CONFIG_STORE_FILE, name, &stored) ||
		    !buffer_append(out, stored.data, stored.len))
			wrong = "the parent process has not read it";
	} else {
		wrong = setup_read_file(name, out, &st);
		if (!wrong && server->parent == 0 && (st.st_mode & others))
			log_warnx("--%s %s is accessible to all users of this machine; run "
				  "chmod o= %s",
			    option, name, name);
	}
	if (!wrong && server->store && !server->store->sealed &&
	    !config_store_add(server->store, CONFIG_STORE_FILE, name,
		(struct span){(const char *)buffer_data(out), buffer_len(out)}))
		wrong = "out of memory";
	if (!wrong)
		return true;
	*status = server_fail_endpoint(server, served, EX_CONFIG,
	    "can't read --%s %s: %s; give a file that exists and can be read", option, name,
	    wrong);
	return false;
}

/* Reports an error in a credentials file, at LINE unless that is 0. */
static int
setup_fail_file(const struct server *server, const struct options_served *served,
    const char *option, const char *name, unsigned int line, const char *why)
{
	if (line == 0)
		return server_fail_endpoint(
		    server, served, EX_CONFIG, "--%s %s %s", option, name, why);
	return server_fail_endpoint(
	    server, served, EX_CONFIG, "--%s %s:%u: %s", option, name, line, why);
}

/* Erases and frees a secret text. */
static void
setup_forget(struct buffer *text)
{
	if (buffer_len(text) > 0)
		explicit_bzero(buffer_data(text), buffer_len(text));
	buffer_clear(text);
}

struct tokens *
setup_read_tokens(const struct server *server, const struct options_served *served,
    const char *option, const char *name, int *status)
{
	struct tokens *tokens = NULL;
	struct buffer text = {0};
	unsigned int line;
	const char *why;

	if (setup_read(server, served, option, name, S_IROTH | S_IWOTH, &text, status)) {
		tokens = tokens_parse(
		    (struct span){(const char *)buffer_data(&text), buffer_len(&text)}, &line,
		    &why);
		if (!tokens)
			*status = setup_fail_file(server, served, option, name, line, why);
	}
	setup_forget(&text);
	if (tokens && server->parent == 0 && tokens_shortest(tokens) < TOKENS_SHORT)
		log_warnx("--%s %s: a token of fewer than %d characters can be guessed; make "
			  "one with: openssl rand -hex 32",
		    option, name, TOKENS_SHORT);
	return tokens;
}

static int
setup_tokens(const struct server *server, struct setup_files *files,
    const struct options_served *served, const char *name, struct access *access)
{
	int status = 0;

	if (files->tokens_name && strcmp(files->tokens_name, name) == 0) {
		access->tokens = tokens_ref(files->tokens);
		return 0;
	}
	access->tokens = setup_read_tokens(server, served, "auth-token", name, &status);
	if (!access->tokens)
		return status;
	tokens_unref(files->tokens);
	files->tokens = tokens_ref(access->tokens);
	files->tokens_name = name;
	return 0;
}

static int
setup_passwords(const struct server *server, struct setup_files *files,
    const struct options_served *served, const char *name, struct access *access)
{
	struct buffer text = {0};
	char why[PASSWORDS_WHY_MAX];
	unsigned int line;
	int status = 0;

	if (files->passwords_name && strcmp(files->passwords_name, name) == 0) {
		access->passwords = passwords_ref(files->passwords);
		return 0;
	}
	if (setup_read(server, served, "auth-basic", name, S_IWOTH, &text, &status)) {
		access->passwords = passwords_parse(
		    (struct span){(const char *)buffer_data(&text), buffer_len(&text)}, &line,
		    why);
		if (!access->passwords)
			status = setup_fail_file(server, served, "auth-basic", name, line, why);
	}
	setup_forget(&text);
	if (status != 0)
		return status;
	passwords_unref(files->passwords);
	files->passwords = passwords_ref(access->passwords);
	files->passwords_name = name;
	return 0;
}

/* The texts were checked when the option was parsed. */
static bool
setup_list(struct cidr_list *list, const struct options_list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		if (!cidr_list_add(list, span_of(from->items[i])))
			return false;
	}
	return true;
}

/* Adds Cache-Control, because responses to authenticated clients must not be stored for others:
 * caches only recognize Authorization (RFC 9111, section 3.5). The user's own header lines come
 * first. */
static bool
setup_cache_control(struct endpoint *endpoint)
{
	static const char field[] = "Cache-Control:";
	char *headers = endpoint->files.headers;

	for (const char *line = headers; *line; line = strstr(line, "\r\n") + 2) {
		if (strncasecmp(line, field, sizeof(field) - 1) == 0)
			return true;
	}
	if (asprintf(&endpoint->files.headers, "%s%s private\r\n", headers, field) == -1) {
		endpoint->files.headers = headers;
		return false;
	}
	free(headers);
	return true;
}

int
setup_access(const struct server *server, struct setup_files *files,
    const struct options_served *served, struct endpoint *endpoint)
{
	const struct options_endpoint *options = served->endpoint;
	struct access *access = calloc(1, sizeof(*access));
	int status = 0;

	endpoint->access = access;
	if (!access || !setup_list(&access->allow, &options->allow) ||
	    !setup_list(&access->deny, &options->deny))
		return server_fail(server, EX_OSERR, "out of memory");
	access_set_realm(access, endpoint->path);
	access->header = ((struct options_endpoint *)endpoint->source)->access.header;
	access->hook = ((struct options_endpoint *)endpoint->source)->access.hook;
	access->hook_ms = options->access.hook_ms;
	access->cert = options->access.cert;
	if (options->access.basic)
		status = setup_passwords(server, files, served, options->access.basic, access);
	if (status == 0 && options->access.token)
		status = setup_tokens(server, files, served, options->access.token, access);
	if (status == 0 && (access_authenticates(access) || access->hook) &&
	    !setup_cache_control(endpoint))
		return server_fail(server, EX_OSERR, "out of memory");
	if (!access_is_needed(access)) {
		access_free(access);
		endpoint->access = NULL;
	}
	return status;
}

bool
server_needs_hasher(const struct server *server)
{
	const struct options *options = server->options;
	bool needs = false;

	for (size_t i = 0; i < options_served_count(options); i++)
		needs = needs || options_served(options, i).endpoint->access.basic;
	return needs;
}

bool
server_start_hasher(struct server *server)
{
	struct admit_context *context = &server->route.admit;

	if (!context->hasher && server_needs_hasher(server)) {
		context->hasher = hasher_new(server->loop);
		return context->hasher;
	}
	return true;
}
