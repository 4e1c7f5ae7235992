/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program behind the bridge, in as little work as can be, so that it is not what is
 * measured.
 *
 *	child echo			writes back each block as it comes
 *	child sink KIND SIZE LINES	at the first line that comes, writes LINES lines of the
 *					corpus as fast as it can, in blocks of 4 KiB as stdio
 *does child count			discards what comes, and says how many lines and bytes
 *					came when one of them is "."
 *	child idle			reads nothing and sleeps until its stdin is closed
 *	child				without arguments: a CGI script, whose response is 1 KiB
 */
#include "corpus.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, STDIO_BLOCK = 4096, NUMBER_MAX = 32 };

static char block[BLOCK];

static void
write_all(const void *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = write(STDOUT_FILENO, (const char *)bytes + at, len - at);

		if (n == -1)
			exit(1);
		at += (size_t)n;
	}
}

static void
echo(void)
{
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0)
		write_all(block, (size_t)n);
}

static void
count(void)
{
	unsigned long long lines = 0;
	unsigned long long bytes = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0) {
		bytes += (unsigned long long)n;
		for (const char *at = block; (at = memchr(at, '\n', (size_t)(block + n - at)));
		     at++)
			lines++;
		/* The messages themselves are letters. */
		if (n >= 2 && memcmp(block + n - 2, ".\n", 2) == 0) {
			int len = snprintf(block, sizeof(block), "%llu %llu\n", lines, bytes);

			write_all(block, (size_t)len);
		}
	}
}

static void
sink(const char *kind, size_t size, unsigned long long lines)
{
	struct corpus corpus = corpus_new(kind, size);
	uint8_t number[NUMBER_MAX] = CORPUS_FIRST_NUMBER "\n";
	size_t len = 0;

	while (read(STDIN_FILENO, block, 1) == 1 && *block != '\n')
		continue;
	for (unsigned long long i = 0; i < lines; i++) {
		const uint8_t *line = corpus.count > 0 ? corpus_message(&corpus, i) : number;

		for (size_t left = corpus.size + 1; left > 0;) {
			size_t piece = left < STDIO_BLOCK - len ? left : STDIO_BLOCK - len;

			memcpy(block + len, line, piece);
			len += piece;
			line += piece;
			left -= piece;
			if (len == STDIO_BLOCK) {
				write_all(block, len);
				len = 0;
			}
		}
		if (corpus.count == 0)
			corpus_count_up(number, corpus.size);
	}
	write_all(block, len);
	while (read(STDIN_FILENO, block, sizeof(block)) > 0)
		continue;
}

static void
idle(void)
{
	struct pollfd in = {.fd = STDIN_FILENO};

	while (poll(&in, 1, -1) == -1 || !(in.revents & (POLLHUP | POLLERR | POLLNVAL)))
		continue;
}

static void
cgi(void)
{
	static const char head[] = "Content-Type: text/plain\nContent-Length: 1024\n\n";

	memcpy(block, head, sizeof(head) - 1);
	memset(block + sizeof(head) - 1, 'x', 1024);
	write_all(block, sizeof(head) - 1 + 1024);
}

int
main(int argc, char **argv)
{
	if (argc == 1) {
		cgi();
	} else if (argc == 2 && strcmp(argv[1], "echo") == 0) {
		echo();
	} else if (argc == 2 && strcmp(argv[1], "count") == 0) {
		count();
	} else if (argc == 2 && strcmp(argv[1], "idle") == 0) {
		idle();
	} else if (argc == 5 && strcmp(argv[1], "sink") == 0) {
		sink(argv[2], strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	} else {
		fprintf(stderr, "usage: child [echo|count|idle|sink KIND SIZE LINES]\n");
		return 2;
	}
	return 0;
}
