/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file. */
#include "options/config_load.h"

#include "http/uri.h"
#include "options/config_file.h"
#include "options/config_names.h"
#include "options/place.h"
#include "options/suggest.h"
#include "options/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file being read. */
struct loader {
	struct config *config;
	struct config_store *store; /* NULL: no store */
	FILE *err;
	unsigned file; /* index of the file */
	const struct loader *outer; /* loader of the including file; NULL: none */
	dev_t device; /* identity of the file */
	ino_t inode;
	int depth; /* depth of includes */
	size_t section; /* the current section */
	/* The line that sets each row: in the global part, and in the current section. */
	struct config_line *given[2];
};

static void load_file(struct loader *loader, const char *name, struct config_line from);

void
config_print(FILE *err, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		fputc(c < 0x20 || c == 0x7f ? '?' : c, err);
	}
}

void
config_report(struct config *config, struct config_line line, FILE *err, const char *text)
{
	const char *name = config->files.items[line.file];

	if (++config->errors > CONFIG_ERRORS_MAX) {
		if (config->errors == CONFIG_ERRORS_MAX + 1)
			fprintf(err, "%s: more errors follow: correct these %d first\n", name,
			    CONFIG_ERRORS_MAX);
		return;
	}
	fprintf(err, line.number == 0 ? "%s: " : "%s:%u: ", name, line.number);
	config_print(err, span_of(text));
	fputc('\n', err);
}

static void __attribute__((format(printf, 3, 4)))
loader_fail(struct loader *loader, struct config_line line, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = options_vformat(format, args);
	va_end(args);
	loader->config->sections[loader->section].failed = true;
	config_report(loader->config, line, loader->err, text);
	free(text);
}

/* Grows ITEMS, COUNT elements of SIZE bytes, by one zeroed element. */
static void *
config_grow(void *items, size_t count, size_t size)
{
	/* Grow in powers of two. */
	if ((count & (count - 1)) == 0) {
		items = realloc(items, (count > 0 ? 2 * count : 1) * size);
		if (!items)
			options_no_memory();
	}
	memset((char *)items + count * size, 0, size);
	return items;
}

static struct config_section *
config_add_section(struct config *config, struct config_line line)
{
	config->sections =
	    config_grow(config->sections, config->section_count, sizeof(*config->sections));
	config->sections[config->section_count].line = line;
	return &config->sections[config->section_count++];
}

static void
load_section(struct loader *loader, const struct config_item *item)
{
	struct config_line line = {loader->file, (unsigned)item->line};
	struct config_section *section = config_add_section(loader->config, line);
	char *name = options_text(item->name);
	char *path = options_text(item->name);
	size_t len = item->name.len;

	loader->section = loader->config->section_count - 1;
	memset(loader->given[1], 0, option_row_count * sizeof(struct config_line));
	if (name[0] != '/')
		loader_fail(loader, line, "[%s] is not a path: write [/%s]", name, name);
	else if (strpbrk(name, "?#") || uri_decode_path(item->name, path) != URI_PATH_OK)
		loader_fail(loader, line,
		    "[%s] is not a valid path: write it as in a URL, without a query, and "
		    "without empty and dot segments",
		    name);
	else
		len = strlen(path);
	free(name);
	while (len > 1 && path[len - 1] == '/')
		len--;
	path[len] = '\0';
	section->path = path;
	section->first = loader->config->entry_count;
}

static void
load_unknown_key(struct loader *loader, struct span key, struct config_line line)
{
	const char *suggestion = option_suggest(key, OPTION_IN_FILE);
	int len = (int)(key.len < 64 ? key.len : 64);

	if (key.data[0] == '-' && key.len > 2)
		loader_fail(
		    loader, line, "unknown key %.*s: write it without dashes", len, key.data);
	else if (suggestion)
		loader_fail(loader, line, "unknown key %.*s: did you mean %s?", len, key.data,
		    suggestion);
	else
		loader_fail(loader, line,
		    "unknown key %.*s: the keys are the long options of 'wspipe --help=all', "
		    "command and include",
		    len, key.data);
}

static void
load_key(struct loader *loader, struct span key, struct span value, struct config_line line)
{
	struct config *config = loader->config;
	const struct option_row *row = option_find(key);
	struct config_line *before;

	if (!row) {
		load_unknown_key(loader, key, line);
		return;
	}
	if (row->only == OPTION_ON_COMMAND_LINE) {
		loader_fail(loader, line,
		    "%s belongs on the command line: remove it here, and write --%s there",
		    row->name, row->name);
		return;
	}
	before = &loader->given[loader->section != 0][row - option_rows];
	if (before->number != 0 && !row->repeatable) {
		loader_fail(loader, line, "%s is already set in %s:%u: remove one of them",
		    row->name, config->files.items[before->file], before->number);
		return;
	}
	config->entries =
	    config_grow(config->entries, config->entry_count, sizeof(*config->entries));
	config->entries[config->entry_count++] =
	    (struct config_entry){row, value, line, loader->section};
	*before = line;
}

/* Resolves NAME relative to the directory of the file that contains it. */
static char *
load_resolve(const struct loader *loader, struct span name)
{
	const char *from = loader->config->files.items[loader->file];
	const char *slash = strrchr(from, '/');

	return options_format("%.*s%.*s",
	    name.data[0] == '/' || !slash ? 0 : (int)(slash + 1 - from), from, (int)name.len,
	    name.data);
}

/* Adds a record to the store, if it is being filled. */
static void
load_store(
    const struct loader *loader, enum config_record kind, const char *name, struct span content)
{
	if (loader->store && !loader->store->sealed &&
	    !config_store_add(loader->store, kind, name, content))
		options_no_memory();
}

/* Returns the names that a pattern matches, NUL-terminated in one block of *LEN bytes, which
 * the caller frees. */
static char *
load_names(const struct loader *loader, const char *pattern, size_t *len)
{
	char *names = NULL;
	struct span stored;
	FILE *out = open_memstream(&names, len);
	bool ok = true;

	if (!out)
		options_no_memory();
	if (!loader->store || !loader->store->sealed)
		ok = config_names(pattern, out);
	else if (config_store_find(loader->store, CONFIG_STORE_NAMES, pattern, &stored))
		ok = fwrite(stored.data, 1, stored.len, out) == stored.len;
	if (fclose(out) == EOF || !ok)
		options_no_memory();
	load_store(loader, CONFIG_STORE_NAMES, pattern, (struct span){names, *len});
	return names;
}

static void
load_include(struct loader *loader, struct span value, struct config_line line)
{
	char *pattern = value.len > 0 ? load_resolve(loader, value) : NULL;
	char *names = NULL;
	size_t len = 0;

	if (loader->config->looped)
		;
	else if (!pattern)
		loader_fail(
		    loader, line, "include needs a file: write include = conf.d/*.conf");
	else if (loader->section != 0)
		loader_fail(loader, line,
		    "include can't stand in a section: write it above the first one");
	else if (loader->depth == CONFIG_DEPTH_MAX) {
		loader->config->looped = true;
		loader_fail(loader, line,
		    "include is nested more than %d deep: remove it, or the loop it is part of",
		    CONFIG_DEPTH_MAX);
	} else if (!strpbrk(pattern, "*?[")) {
		load_file(loader, pattern, line);
	} else {
		names = load_names(loader, pattern, &len);
	}
	for (char *name = names; name && name < names + len && !loader->config->looped;
	     name += strlen(name) + 1)
		load_file(loader, name, line);
	free(names);
	free(pattern);
}

static void
load_item(void *arg, const struct config_item *item)
{
	struct loader *loader = arg;
	struct config_line line = {loader->file, (unsigned)item->line};

	switch (item->kind) {
	case CONFIG_SECTION:
		load_section(loader, item);
		break;
	case CONFIG_KEY:
		if (span_equal(item->name, SPAN("include")))
			load_include(loader, item->value, line);
		else
			load_key(loader, item->name, item->value, line);
		break;
	case CONFIG_INVALID:
		loader_fail(loader, line, "%s", item->wrong);
		break;
	}
}

/* Like load_text(), but from the store. */
static char *
load_stored_text(struct loader *loader, const char *name, size_t *len, const char **wrong)
{
	struct span stored;

	if (!config_store_find(loader->store, CONFIG_STORE_FILE, name, &stored)) {
		*wrong = "another process has not read it";
		return NULL;
	}
	*len = stored.len;
	return options_text(stored);
}

/* Returns the text of a file, which the caller frees, or NULL with the reason in *WRONG. */
static char *
load_text(struct loader *loader, const char *name, size_t *len, const char **wrong)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	struct stat st;
	ssize_t got = 0;

	*len = 0;
	*wrong = NULL;
	if (fd == -1 || fstat(fd, &st) == -1)
		*wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		*wrong = "it is not a regular file";
	else if (!(text = malloc(CONFIG_FILE_MAX + 1)))
		*wrong = "out of memory";
	while (text && *len <= CONFIG_FILE_MAX &&
	       (got = read(fd, text + *len, CONFIG_FILE_MAX + 1 - *len)) > 0)
		*len += (size_t)got;
	if (got == -1)
		*wrong = strerror(errno);
	else if (*len > CONFIG_FILE_MAX)
		*wrong = "it is larger than 1 MiB";
	if (fd != -1)
		close(fd);
	loader->device = *wrong ? 0 : st.st_dev;
	loader->inode = *wrong ? 0 : st.st_ino;
	if (!*wrong)
		return text;
	free(text);
	return NULL;
}

/* Reports whether the file is one of those that include it. */
static bool
load_is_loop(const struct loader *loader)
{
	for (const struct loader *outer = loader->outer; outer; outer = outer->outer) {
		if (outer->device == loader->device && outer->inode == loader->inode)
			return true;
	}
	return false;
}

/* Adds the file named in the line FROM; for the main file, its own first line. */
static void
load_file(struct loader *loader, const char *name, struct config_line from)
{
	struct config *config = loader->config;
	struct loader inner = *loader;
	const char *wrong = NULL;
	size_t len = 0;
	char *text = NULL;

	config->looped = config->looped || config->files.count == CONFIG_FILES_MAX;
	if (config->looped)
		wrong = "too many files";
	if (!wrong && loader->store && loader->store->sealed)
		text = load_stored_text(&inner, name, &len, &wrong);
	else if (!wrong)
		text = load_text(&inner, name, &len, &wrong);
	inner.outer = loader->depth == -1 ? NULL : loader;
	if (text && inner.inode != 0 && load_is_loop(&inner)) {
		loader_fail(loader, from, "%s includes itself: remove this line", name);
		free(text);
		return;
	}
	inner.file = (unsigned)config->files.count;
	inner.depth++;
	if (text || config->files.count == 0) {
		options_list_add(&config->files, span_of(name));
		options_list_add(&config->texts, (struct span){text, text ? len : 0});
	}
	if (wrong && loader->depth == -1) {
		loader_fail(loader, (struct config_line){0},
		    "can't be read: %s; give a file that exists and can be read", wrong);
		return;
	}
	if (wrong) {
		loader_fail(loader, from,
		    "can't read %s: %s; give a file that exists and can be read", name, wrong);
		return;
	}
	load_store(loader, CONFIG_STORE_FILE, name, (struct span){text, len});
	free(text);
	config_file_parse(config->texts.items[inner.file], len, load_item, &inner);
}

static int
config_compare_paths(const void *a, const void *b)
{
	const struct config_section *const *x = a, *const *y = b;
	int order = strcmp((*x)->path, (*y)->path);

	return order != 0 ? order : *x < *y ? -1 : 1;
}

/* Reports each section with a duplicate path. */
static void
config_check_paths(struct config *config, FILE *err)
{
	size_t count = config->section_count - 1;
	struct config_section **sorted = calloc(count + 1, sizeof(struct config_section *));
	char *text;

	if (!sorted)
		options_no_memory();
	for (size_t i = 0; i < count; i++)
		sorted[i] = &config->sections[i + 1];
	qsort(sorted, count, sizeof(struct config_section *), config_compare_paths);
	for (size_t i = 1; i < count; i++) {
		const struct config_section *first = sorted[i - 1];

		if (strcmp(first->path, sorted[i]->path) != 0)
			continue;
		text = options_format("section [%s] already exists in %s:%u: merge the two, "
				      "or change the path",
		    first->path, config->files.items[first->line.file], first->line.number);
		sorted[i]->failed = true;
		config_report(config, sorted[i]->line, err, text);
		free(text);
	}
	free(sorted);
}

bool
config_find_line(const struct config *config, size_t section, const struct option_row *row,
    struct config_line *line)
{
	const struct config_entry *found = NULL;

	for (size_t i = 0; row && i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (entry->row == row &&
		    (entry->section == section ||
			(entry->section == 0 && (!found || found->section == 0))))
			found = entry;
	}
	*line = found ? found->line : config->sections[section].line;
	return found;
}

bool
config_find_value(
    const struct config *config, size_t section, const char *text, struct config_line *line)
{
	for (size_t i = 0; i < config->entry_count && section == 0; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (entry->row->owned != OPTION_NOTHING &&
		    entry->row->scope == OPTION_LISTENER && entry->value.len > 0 &&
		    memmem(text, strlen(text), entry->value.data, entry->value.len)) {
			*line = entry->line;
			return true;
		}
	}
	return false;
}

struct config *
config_load(const char *name, struct config_store *store, FILE *err)
{
	struct config *config = calloc(1, sizeof(*config));
	struct loader loader = {.config = config, .store = store, .err = err, .depth = -1};
	struct config_line first = {0, 1};

	loader.given[0] = calloc(2 * option_row_count, sizeof(struct config_line));
	if (!config || !loader.given[0])
		options_no_memory();
	loader.given[1] = loader.given[0] + option_row_count;
	config_add_section(config, first);
	load_file(&loader, name, first);
	config_check_paths(config, err);
	free(loader.given[0]);
	return config;
}

void
config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->section_count; i++) {
		free(config->sections[i].path);
		options_endpoint_clear(&config->sections[i].endpoint);
	}
	free(config->sections);
	free(config->entries);
	options_list_clear(&config->files);
	options_list_clear(&config->texts);
	free(config);
}
