/* SPDX-License-Identifier: BSD-2-Clause */
/* Records, each with its kind, its NUL-terminated name, and the size before the content. */
#include "options/config_store.h"

#include <string.h>

bool
config_store_add(
    struct config_store *store, enum config_record kind, const char *name, struct span content)
{
	char type = (char)kind;

	return buffer_append(&store->bytes, &type, 1) &&
	       buffer_append(&store->bytes, name, strlen(name) + 1) &&
	       buffer_append(&store->bytes, &content.len, sizeof(content.len)) &&
	       (content.len == 0 || buffer_append(&store->bytes, content.data, content.len));
}

bool
config_store_find(const struct config_store *store, enum config_record kind, const char *name,
    struct span *content)
{
	const char *at = (const char *)buffer_data(&store->bytes);
	const char *end = at + buffer_len(&store->bytes);

	while (at < end) {
		bool found = *at == (char)kind && strcmp(at + 1, name) == 0;

		at += 1 + strlen(at + 1) + 1;
		memcpy(&content->len, at, sizeof(content->len));
		content->data = at + sizeof(content->len);
		if (found)
			return true;
		at = content->data + content->len;
	}
	return false;
}
