/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address of a Redis server: redis://[USER:PASSWORD@]HOST[:PORT][/DB] or
 * redis+unix://[USER:PASSWORD@]/PATH[?db=DB]. What stands for itself nowhere else is
 * percent-encoded.
 */
#ifndef BUS_REDIS_URL_H
#define BUS_REDIS_URL_H

#include "net/connect.h"

enum {
	REDIS_URL_SECRET_MAX = 512, /* bytes of a user or a password, terminated */
	REDIS_URL_DB_MAX = 65535,
	REDIS_URL_PORT = 6379,
};

struct redis_url {
	struct connect_target target;
	char user[REDIS_URL_SECRET_MAX]; /* "": the default user */
	char password[REDIS_URL_SECRET_MAX]; /* "": none */
	int db;
	char shown[LOOKUP_NAME_MAX + 32]; /* for logs: without user and password */
};

/* NULL, or why TEXT is invalid: a constant text, without what may be a password. */
const char *redis_url_parse(const char *text, struct redis_url *out)
    __attribute__((warn_unused_result));

#endif
