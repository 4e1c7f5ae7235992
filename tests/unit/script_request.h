/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts of a request, made from its text. */
#ifndef TESTS_UNIT_SCRIPT_REQUEST_H
#define TESTS_UNIT_SCRIPT_REQUEST_H

#include "serve/env.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct script_request {
	struct head head;
	struct uri uri;
	struct sockaddr_storage peer;
	struct stream_cert client;
	char path[HEAD_MAX_LINE + 1];
	struct env_request facts; /* refers to the above */
};

/* GET of TARGET from 192.0.2.7, port 4711; FIELDS are further header lines, and constant. */
static inline void
script_request(
    struct script_request *r, char text[HEAD_MAX_LINE], const char *target, const char *fields)
{
	struct sockaddr_in *peer = (struct sockaddr_in *)&r->peer;
	int len = snprintf(text, HEAD_MAX_LINE,
	    "GET %s HTTP/1.1\r\nHost: example.com\r\n%s\r\n", target, fields);

	*r = (struct script_request){.client = {0}};
	peer->sin_family = AF_INET;
	peer->sin_port = htons(4711);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &peer->sin_addr), 1);
	head_init(&r->head);
	assert_int_equal(head_parse(&r->head, text, (size_t)len), HEAD_DONE);
	assert_true(uri_split(head_target(&r->head), &r->uri));
	assert_int_not_equal(uri_decode_path(r->uri.path, r->path), URI_PATH_BAD);
	r->facts = (struct env_request){.head = &r->head,
	    .uri = &r->uri,
	    .host = SPAN("example.com"),
	    .peer = &r->peer,
	    .path = r->path,
	    .client = &r->client};
}

#endif
