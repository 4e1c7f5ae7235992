/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of endpoints, sorted so that each path is directly followed by the paths below it.
 * The endpoint of a path is the last one that does not sort after it, or one of the endpoints
 * that cover that one.
 */
#include "serve/endpoints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct endpoints {
	size_t count;
	struct endpoints_row {
		struct endpoint *endpoint; /* a reference */
		const struct endpoints_row *above; /* the nearest one that covers it, or NULL */
	} rows[];
};

/* Returns the rank of a byte in the sort order: a slash sorts before all others. */
static int
endpoints_rank(char c)
{
	return c == '/' ? 1 : c == '\0' ? 0 : 2 + (unsigned char)c;
}

static int
endpoints_compare(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return endpoints_rank(*a) - endpoints_rank(*b);
}

static int
endpoints_compare_rows(const void *a, const void *b)
{
	const struct endpoints_row *x = a;
	const struct endpoints_row *y = b;

	return endpoints_compare(x->endpoint->path, y->endpoint->path);
}

/* Returns the first of ROW and the rows above it that covers PATH. */
static const struct endpoints_row *
endpoints_nearest(const struct endpoints_row *row, const char *path)
{
	while (row && !endpoint_covers(row->endpoint, path))
		row = row->above;
	return row;
}

struct endpoints *
endpoints_new_take(struct endpoint **items, size_t count)
{
	struct endpoints *endpoints =
	    malloc(sizeof(*endpoints) + count * sizeof(*endpoints->rows));
	struct endpoints_row *rows;

	if (!endpoints) {
		for (size_t i = 0; i < count; i++)
			endpoint_unref(items[i]);
		errno = ENOMEM;
		return NULL;
	}
	rows = endpoints->rows;
	endpoints->count = count;
	for (size_t i = 0; i < count; i++) {
		rows[i].endpoint = items[i];
		items[i]->tables++;
	}
	qsort(rows, count, sizeof(*rows), endpoints_compare_rows);
	for (size_t i = 0; i < count; i++) {
		const char *path = rows[i].endpoint->path;

		if (i > 0 && strcmp(rows[i - 1].endpoint->path, path) == 0) {
			endpoints_free(endpoints);
			errno = EEXIST;
			return NULL;
		}
		rows[i].above = i > 0 ? endpoints_nearest(&rows[i - 1], path) : NULL;
	}
	return endpoints;
}

void
endpoints_free(struct endpoints *endpoints)
{
	for (size_t i = 0; endpoints && i < endpoints->count; i++) {
		struct endpoint *endpoint = endpoints->rows[i].endpoint;

		/* No request can reach the endpoint any more. */
		if (--endpoint->tables == 0 && endpoint->shared)
			shared_retire(endpoint->shared);
		endpoint_unref(endpoint);
	}
	free(endpoints);
}

struct endpoint *
endpoints_get(const struct endpoints *endpoints, size_t i)
{
	return i < endpoints->count ? endpoints->rows[i].endpoint : NULL;
}

struct endpoint *
endpoints_find(const struct endpoints *endpoints, const char *path)
{
	/* All rows before LOW sort before PATH or equal to it. */
	size_t low = 0, high = endpoints->count;
	const struct endpoints_row *row;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (endpoints_compare(endpoints->rows[middle].endpoint->path, path) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	row = low > 0 ? endpoints_nearest(&endpoints->rows[low - 1], path) : NULL;
	return row ? row->endpoint : NULL;
}
