/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads POST requests with messages for a session. */
#include "serve/streams_post.h"

#include "peer/events.h"
#include "serve/reject.h"
#include "serve/streams_request.h"

#include <stdlib.h>
#include <string.h>

static const char streams_post_too_big[] = "the request body is larger than 1 MiB";

/* A request with messages, while its body is read. */
struct streams_post {
	struct session_table *table; /* borrowed, as the next two */
	size_t *posted; /* bytes of all such requests */
	struct exchange *exchange;
	struct endpoint *endpoint; /* a reference */
	struct buffer body;
	size_t counted; /* bytes of its body counted in *POSTED */
	enum events_kind kind;
	char id[EVENTS_ID_LEN];
};

static void
streams_post_free(struct streams_post *post)
{
	*post->posted -= post->counted;
	endpoint_unref(post->endpoint);
	buffer_clear(&post->body);
	free(post);
}

static void
streams_post_on_body(void *arg, struct span bytes)
{
	struct streams_post *post = arg;

	if (post->counted + bytes.len > STREAMS_POST_MAX) {
		streams_request_reply(post->exchange, 413, NULL, streams_post_too_big);
	} else if (*post->posted + bytes.len > STREAMS_POST_ALL_MAX ||
		   !buffer_append(&post->body, bytes.data, bytes.len)) {
		streams_request_reply(
		    post->exchange, 503, REJECT_RETRY_LATER, "no memory for request bodies");
	} else {
		post->counted += bytes.len;
		*post->posted += bytes.len;
		return;
	}
	streams_post_free(post);
}

/* Checks the number of a request: a client may number its requests, and repeat one that got no
 * response. Returns false if S already has its messages. */
static bool
streams_post_is_new(
    const struct session_entry *s, const struct exchange *exchange, int64_t *number)
{
	struct span value;

	*number = s->posts;
	return head_find(exchange_request(exchange)->head, "Wspipe-Post", &value) != 1 ||
	       util_parse_number(value, 1, INT64_MAX, number) || *number > s->posts;
}

static void
streams_post_on_body_end(void *arg)
{
	struct streams_post *post = arg;
	struct session_entry *s = session_table_find(post->table, post->endpoint,
	    post->exchange, (struct span){post->id, sizeof(post->id)});
	const char *why = NULL;
	int64_t before, number;
	enum events_posted result;

	if (!s) {
		streams_request_reply(post->exchange, 404, NULL, "no such session");
		streams_post_free(post);
		return;
	}
	if (!streams_post_is_new(s, post->exchange, &number)) {
		exchange_set_logged(post->exchange);
		streams_request_reply(post->exchange, 202, NULL, NULL);
		streams_post_free(post);
		return;
	}
	/* A session that ends is freed; one that is only full stays. */
	before = s->posts;
	s->posts = number;
	result = events_post(s->peer, post->kind, &post->body, &why);
	if (result != EVENTS_POSTED)
		s->posts = before;
	switch (result) {
	case EVENTS_POSTED:
		exchange_set_logged(post->exchange);
		streams_request_reply(post->exchange, 202, NULL, NULL);
		break;
	case EVENTS_BUSY:
		streams_request_reply(post->exchange, 429,
		    STREAMS_NO_STORE "Retry-After: 1\r\n",
		    "the program does not read as fast as messages come");
		break;
	case EVENTS_ENDED:
		streams_request_reply(post->exchange, 404, NULL, "the session has ended");
		break;
	case EVENTS_TOO_BIG:
		streams_request_reply(
		    post->exchange, 413, NULL, "a message is larger than --maxframesize");
		break;
	case EVENTS_WRONG_TYPE:
		streams_request_reply(post->exchange, 415, NULL,
		    "binary messages are not accepted: the program reads text (see --binary, "
		    "--framing)");
		break;
	case EVENTS_BAD:
		streams_request_reply(post->exchange, 400, NULL, why);
		break;
	case EVENTS_NO_MEMORY:
		streams_request_reply(post->exchange, 503, REJECT_RETRY_LATER, "out of memory");
		break;
	}
	streams_post_free(post);
}

static void
streams_post_on_gone(void *arg)
{
	streams_post_free(arg);
}

static const struct exchange_handlers streams_post_handlers = {
    .on_body = streams_post_on_body,
    .on_body_end = streams_post_on_body_end,
    .on_gone = streams_post_on_gone,
};

void
streams_post(struct session_table *table, size_t *posted, struct endpoint *endpoint,
    struct exchange *exchange, struct span id)
{
	const struct request *request = exchange_request(exchange);
	struct streams_post *post;

	if (request->body == BODY_LENGTH && request->length > STREAMS_POST_MAX) {
		streams_request_reply(exchange, 413, NULL, streams_post_too_big);
		return;
	}
	post = calloc(1, sizeof(*post));
	if (!post) {
		streams_request_reply(exchange, 503, REJECT_RETRY_LATER, "out of memory");
		return;
	}
	if (!streams_request_kind(request->head, &post->kind)) {
		free(post);
		streams_request_reply(exchange, 415, NULL,
		    "the Content-Type is not text/plain, application/octet-stream or "
		    "application/x-ndjson; with curl add -H 'Content-Type: text/plain'");
		return;
	}
	post->table = table;
	post->posted = posted;
	post->exchange = exchange;
	post->endpoint = endpoint_ref(endpoint);
	memcpy(post->id, id.data, sizeof(post->id));
	exchange_set_handlers(exchange, &streams_post_handlers, post);
	exchange_set_reading(exchange, true);
}
