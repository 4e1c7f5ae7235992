/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that a service manager opened before it started the server: the protocol of
 * sd_listen_fds(3). They are listened on in place of all that the options name. One that is
 * called "redirect" (FileDescriptorName=) redirects plain HTTP, as --redirport does.
 */
#ifndef SERVER_ACTIVATION_H
#define SERVER_ACTIVATION_H

#include "net/listeners.h"

#include <stdbool.h>
#include <stddef.h>

struct activation {
	size_t count; /* 0: none were passed */
	struct activation_socket {
		int fd; /* owned, also while a listener has a duplicate of it */
		bool redirects;
	} items[LISTENERS_MAX];
};

/* What is wrong with what was passed. */
struct activation_error {
	const char *text; /* constant */
	int fd;
};

/* Takes the sockets that the environment names, and removes them from it. Called before any
 * descriptor is opened. False: ERROR has the reason. */
bool activation_take(struct activation *activation, struct activation_error *error)
    __attribute__((warn_unused_result));

/* Adds listeners on all of them. False with errno. */
bool activation_listen(const struct activation *activation, struct listeners *listeners,
    struct listeners *redirect_listeners) __attribute__((warn_unused_result));

/* It may be called twice. */
void activation_close(struct activation *activation);

#endif
