/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of endpoints, looked up by path. Immutable: a new configuration builds a new table
 * that replaces the old one.
 */
#ifndef SERVE_ENDPOINTS_H
#define SERVE_ENDPOINTS_H

#include "serve/endpoint.h"

struct endpoints;

/*
 * Builds a table of COUNT endpoints. Takes the caller's reference to each, even on failure.
 * Returns NULL with errno: EEXIST if two have the same path, or ENOMEM.
 */
struct endpoints *endpoints_new_take(struct endpoint **items, size_t count)
    __attribute__((warn_unused_result));

/* Frees the table and releases its references. Accepts NULL. */
void endpoints_free(struct endpoints *endpoints);

/* Returns the endpoint at index I, in the order of paths; NULL after the last one. */
struct endpoint *endpoints_get(const struct endpoints *endpoints, size_t i);

/* Returns the endpoint with the longest path that covers the decoded PATH, or NULL. Borrowed;
 * endpoint_ref() keeps it. */
struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *path);

#endif
