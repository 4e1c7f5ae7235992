/* SPDX-License-Identifier: BSD-2-Clause */
/* Logs requests. */
#include "http/access_log.h"

#include "base/log.h"
#include "http/credentials.h"
#include "net/listener.h"

/* Bytes per field in the log; with all fields at this limit, the line is still not
 * truncated. */
enum { ACCESS_LOG_VALUE_MAX = 400 };

static void
access_log_field(const char *key, struct span value)
{
	if (value.len > ACCESS_LOG_VALUE_MAX)
		value.len = ACCESS_LOG_VALUE_MAX;
	log_text(key, value);
}

void
access_log_write(const char *event, const struct client *client, const struct request *request,
    const char *user, int status, const char *reason)
{
	const struct head *head = request->head;
	char remote[LISTENER_TEXT_MAX];
	char target[ACCESS_LOG_VALUE_MAX];
	struct span value;

	if (!log_begin(LOG_ACCESS, "http", 0, span_of(event)))
		return;
	listener_text(&client->address, remote);
	if (status > 0)
		log_number("status", status);
	log_text("remote", span_of(remote));
	if (user && *user)
		access_log_field("user", span_of(user));
	if (head) {
		access_log_field("method", head_method(head));
		access_log_field("target",
		    credentials_log_target(head_target(head), target, sizeof(target)));
	}
	if (head && status >= 400) {
		if (head_find(head, "Host", &value) > 0)
			access_log_field("host", value);
		if (head_find(head, "Origin", &value) > 0)
			access_log_field("origin", value);
	}
	if (reason)
		log_text("reason", span_of(reason));
	log_end();
}
