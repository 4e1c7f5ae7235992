/* SPDX-License-Identifier: BSD-2-Clause */
/* The address of a Redis server. */
#include "bus/redis_url.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* Decodes a percent-encoded part. Returns false if it is malformed, contains a NUL or is too
 * long. */
static bool
redis_url_decode(struct span part, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < part.len; i++) {
		int c = (unsigned char)part.data[i];

		if (c == '%') {
			int high = i + 2 < part.len
				       ? util_hex_value((unsigned char)part.data[i + 1])
				       : -1;
			int low =
			    high >= 0 ? util_hex_value((unsigned char)part.data[i + 2]) : -1;

			if (low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		if (c == '\0' || len + 1 >= size)
			return false;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return true;
}

/* Splits *REST at the first C, which is removed. Returns false if there is none. */
static bool
redis_url_cut(struct span *rest, char c, struct span *before)
{
	const char *at = memchr(rest->data, c, rest->len);

	if (!at)
		return false;
	*before = (struct span){rest->data, (size_t)(at - rest->data)};
	*rest = (struct span){at + 1, rest->len - before->len - 1};
	return true;
}

/* Parses USER:PASSWORD@, which ends at the last @ before the path: a password may contain
 * others. */
static const char *
redis_url_parse_secrets(struct span *rest, struct redis_url *out)
{
	const char *path = memchr(rest->data, '/', rest->len);
	const char *at =
	    memrchr(rest->data, '@', path ? (size_t)(path - rest->data) : rest->len);
	struct span user, password;

	if (!at)
		return NULL;
	password = (struct span){rest->data, (size_t)(at - rest->data)};
	*rest = (struct span){at + 1, rest->len - password.len - 1};
	if (!redis_url_cut(&password, ':', &user))
		return "the address has a user without a password: write "
		       "redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST for the default "
		       "user";
	if (!redis_url_decode(user, out->user, sizeof(out->user)) ||
	    !redis_url_decode(password, out->password, sizeof(out->password)))
		return "the address has a user or a password that is too long or not "
		       "percent-encoded: write % as %25, @ as %40, / as %2F";
	return NULL;
}

static const char *
redis_url_parse_db(struct span text, struct redis_url *out)
{
	int64_t db;

	if (util_parse_number(text, 0, REDIS_URL_DB_MAX, &db))
		return "the address has a database that is not a number from 0 to 65535";
	out->db = (int)db;
	return NULL;
}

static const char *
redis_url_parse_tcp(struct span rest, struct redis_url *out)
{
	struct span db = {0}, before = rest, host, port = {0};
	int64_t number = REDIS_URL_PORT;
	bool bracket;
	const char *why;

	if (redis_url_cut(&rest, '/', &before))
		db = rest;
	bracket = before.len > 0 && before.data[0] == '[';
	port = before;
	if (bracket) {
		port = (struct span){before.data + 1, before.len - 1};
		if (!redis_url_cut(&port, ']', &host) || (port.len > 0 && port.data[0] != ':'))
			return "the address has an IPv6 address without its closing bracket";
		if (port.len > 0)
			port = (struct span){port.data + 1, port.len - 1};
	} else if (!redis_url_cut(&port, ':', &host)) {
		host = before;
		port.len = 0;
	}
	if (host.len == 0 ||
	    !redis_url_decode(host, out->target.host, sizeof(out->target.host)))
		return "the address has no host, or an invalid one: write redis://HOST:PORT/DB";
	if (port.len > 0 && util_parse_number(port, 1, UINT16_MAX, &number))
		return "the address has a port that is not a number from 1 to 65535";
	why = db.len > 0 ? redis_url_parse_db(db, out) : NULL;
	if (why)
		return why;
	out->target.kind = CONNECT_TCP;
	out->target.port = (uint16_t)number;
	snprintf(out->shown, sizeof(out->shown),
	    strchr(out->target.host, ':') ? "redis://[%s]:%u/%d" : "redis://%s:%u/%d",
	    out->target.host, out->target.port, out->db);
	return NULL;
}

static const char *
redis_url_parse_unix(struct span rest, struct redis_url *out)
{
	static const struct span db = {"db=", 3};
	struct span path = rest;
	const char *why = NULL;

	if (redis_url_cut(&rest, '?', &path)) {
		if (rest.len < db.len || memcmp(rest.data, db.data, db.len) != 0)
			return "the address has an unknown parameter: write ?db=NUMBER only";
		why = redis_url_parse_db(
		    (struct span){rest.data + db.len, rest.len - db.len}, out);
	}
	if (why)
		return why;
	if (path.len == 0 || path.data[0] != '/' ||
	    !redis_url_decode(path, out->target.host, sizeof(out->target.host)) ||
	    strlen(out->target.host) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "the address needs the absolute path of a Unix socket, of at most 107 "
		       "bytes: write redis+unix:///run/redis/redis.sock";
	out->target.kind = CONNECT_UNIX;
	snprintf(
	    out->shown, sizeof(out->shown), "redis+unix://%s?db=%d", out->target.host, out->db);
	return NULL;
}

const char *
redis_url_parse(const char *text, struct redis_url *out)
{
	static const struct span tcp = {"redis://", 8}, local = {"redis+unix://", 13};
	struct span rest = span_of(text);
	bool is_tcp = strncmp(text, tcp.data, tcp.len) == 0;
	const char *why;

	*out = (struct redis_url){0};
	if (strncmp(text, "rediss://", 9) == 0)
		return "the address uses TLS, which --bus does not support: run stunnel next "
		       "to wspipe and give its socket as redis+unix:///PATH";
	if (!is_tcp && strncmp(text, local.data, local.len) != 0)
		return "the address must start with redis:// or redis+unix://: write "
		       "redis://HOST:PORT/DB or redis+unix:///PATH?db=DB";
	rest.data += is_tcp ? tcp.len : local.len;
	rest.len -= is_tcp ? tcp.len : local.len;
	why = redis_url_parse_secrets(&rest, out);
	if (why)
		return why;
	return is_tcp ? redis_url_parse_tcp(rest, out) : redis_url_parse_unix(rest, out);
}
