/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of endpoints by their paths. It is built as a whole and immutable; a new
 * configuration is a new table that replaces the old one.
 */
#ifndef SERVE_ENDPOINTS_H
#define SERVE_ENDPOINTS_H

#include "serve/endpoint.h"

struct endpoints;

/*
 * A table of COUNT endpoints. Takes a reference to each from the caller, even on failure. NULL
 * with errno: EEXIST when two have the same path, ENOMEM.
 */
struct endpoints *endpoints_new_take(struct endpoint **items, size_t count)
    __attribute__((warn_unused_result));

/* Gives the references back. Accepts NULL. */
void endpoints_free(struct endpoints *endpoints);

/* The endpoints of a table, in the order of their paths; NULL: there are no more. */
struct endpoint *endpoints_get(const struct endpoints *endpoints, size_t i);

/* The endpoint with the longest path that covers the decoded PATH; NULL: none does. Borrowed:
 * endpoint_ref() keeps it. */
struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *path);

#endif
