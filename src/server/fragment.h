/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of an AsyncAPI document: NAME.asyncapi.json or NAME.asyncapi.yaml next to the
 * program NAME. A fragment is an object with some of the document's members "channels",
 * "operations", "components" and "info".
 */
#ifndef SERVER_FRAGMENT_H
#define SERVER_FRAGMENT_H

#include <jansson.h>
#include <stdbool.h>

enum { FRAGMENT_SIZE_MAX = 1024 * 1024 }; /* maximum size in bytes */

/*
 * Reads the fragment of the program NAME, below the open directory ROOT (serve/beneath) with
 * the real path ROOT_PATH, and appends it to the array FRAGMENTS. Returns true if there is no
 * fragment. Returns false with the error, including the path of the file, in *WRONG, which the
 * caller frees.
 */
bool fragment_read(json_t *fragments, int root, const char *root_path, const char *name,
    char **wrong) __attribute__((warn_unused_result));

/* Merges FRAGMENTS into DOCUMENT in order: objects member by member; any other value replaces
 * the one in DOCUMENT. */
void fragment_merge(json_t *document, const json_t *fragments);

#endif
