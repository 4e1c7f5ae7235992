/* SPDX-License-Identifier: BSD-2-Clause */
/* The address of a Redis server: redis://[USER:PASSWORD@]HOST[:PORT][/DB] or
 * redis+unix://[USER:PASSWORD@]/PATH[?db=DB]. Special characters must be percent-encoded. */
#ifndef BUS_REDIS_URL_H
#define BUS_REDIS_URL_H

#include "net/connect.h"

enum {
	REDIS_URL_SECRET_MAX = 512, /* size of a user or a password, including the NUL */
	REDIS_URL_DB_MAX = 65535,
	REDIS_URL_PORT = 6379,
};

struct redis_url {
	struct connect_target target;
	char user[REDIS_URL_SECRET_MAX]; /* "": the default user */
	char password[REDIS_URL_SECRET_MAX]; /* "": no password */
	int db;
	char shown[LOOKUP_NAME_MAX + 32]; /* for logs: without user and password */
};

/* Parses TEXT. Returns NULL, or a constant text that says why it is invalid and never contains
 * the password. */
const char *redis_url_parse(const char *text, struct redis_url *out)
    __attribute__((warn_unused_result));

#endif
