/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over the seeds of its corpus, one TAP line a file, so that
 * every build checks them and not only one with libFuzzer. Linked with one
 * target; CORPUS is the target's folder below tests/corpus.
 *
 *   replay_head               all files of $top_srcdir/tests/corpus/head
 *   replay_head DIR|FILE...   those: the way to look at an input that crashed
 */
#include "require.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct {
	char **paths; /* owned */
	size_t count;
} inputs;

static void
replay_die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
replay_add(const char *path)
{
	char **paths = realloc(inputs.paths, (inputs.count + 1) * sizeof(*paths));

	if (!paths)
		replay_die(path);
	inputs.paths = paths;
	inputs.paths[inputs.count] = strdup(path);
	if (!inputs.paths[inputs.count])
		replay_die(path);
	inputs.count++;
}

/* Adds a file, or the files of a directory in the order of their names. */
static void
replay_collect(const char *path)
{
	struct stat st;
	struct dirent **entries;
	int count;

	if (stat(path, &st) == -1)
		replay_die(path);
	if (!S_ISDIR(st.st_mode)) {
		replay_add(path);
		return;
	}
	count = scandir(path, &entries, NULL, alphasort);
	if (count == -1)
		replay_die(path);
	for (int i = 0; i < count; i++) {
		char name[4096];

		if (entries[i]->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
			replay_add(name);
		}
		free(entries[i]);
	}
	free(entries);
}

/* The input is in a block of exactly its size, so that a sanitizer sees a read behind it. */
static void
replay_run(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &st) == -1)
		replay_die(path);
	size = (size_t)st.st_size;
	data = malloc(size);
	if ((!data && size > 0) || fread(data, 1, size, file) != size)
		replay_die(path);
	fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int
main(int argc, char **argv)
{
	/* When an input aborts the target, its path is the last thing that stderr shows. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			replay_collect(argv[i]);
	} else {
		const char *top = getenv("top_srcdir");
		char path[4096];

		snprintf(path, sizeof(path), "%s/tests/corpus/%s", top ? top : ".", CORPUS);
		replay_collect(path);
	}
	printf("1..%zu\n", inputs.count);
	for (size_t i = 0; i < inputs.count; i++) {
		const char *slash = strrchr(inputs.paths[i], '/');

		fprintf(stderr, "%s\n", inputs.paths[i]);
		replay_run(inputs.paths[i]);
		printf("ok %zu - %s\n", i + 1, slash ? slash + 1 : inputs.paths[i]);
		free(inputs.paths[i]);
	}
	free(inputs.paths);
	return 0;
}
