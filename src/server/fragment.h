/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of an AsyncAPI document: NAME.asyncapi.json or NAME.asyncapi.yaml next to the
 * program NAME. A fragment is an object with some of the members "channels", "operations",
 * "components" and "info" of the document.
 */
#ifndef SERVER_FRAGMENT_H
#define SERVER_FRAGMENT_H

#include <jansson.h>
#include <stdbool.h>

enum { FRAGMENT_SIZE_MAX = 1024 * 1024 }; /* bytes of a file */

/*
 * Reads the fragment of the program NAME, below the open directory ROOT (serve/beneath) whose
 * real path is ROOT_PATH, and appends it to the array FRAGMENTS. False: *WRONG is the error
 * with the path of the file, which the caller frees. True without a fragment.
 */
bool fragment_read(json_t *fragments, int root, const char *root_path, const char *name,
    char **wrong) __attribute__((warn_unused_result));

/* Merges FRAGMENTS into DOCUMENT, in their order: objects member by member; any other value
 * replaces the one of DOCUMENT. */
void fragment_merge(json_t *document, const json_t *fragments);

#endif
