/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket activation: inherits sockets from a service manager by the protocol of
 * sd_listen_fds(3). They replace all addresses given by options. A socket named "redirect"
 * (FileDescriptorName=) redirects plain HTTP, as --redirport does.
 */
#ifndef SERVER_ACTIVATION_H
#define SERVER_ACTIVATION_H

#include "net/listeners.h"

#include <stdbool.h>
#include <stddef.h>

struct activation {
	size_t count; /* 0: no sockets were passed */
	struct activation_socket {
		int fd; /* owned; listeners use duplicates */
		bool redirects;
	} items[LISTENERS_MAX];
};

/* An error in the passed sockets. */
struct activation_error {
	const char *text; /* constant */
	int fd;
};

/* Takes the sockets that the environment names, and removes the variables. Must be called
 * before any descriptor is opened. Returns false with the reason in ERROR. */
bool activation_take(struct activation *activation, struct activation_error *error)
    __attribute__((warn_unused_result));

/* Adds a listener for each socket. Returns false with errno. */
bool activation_listen(const struct activation *activation, struct listeners *listeners,
    struct listeners *redirect_listeners) __attribute__((warn_unused_result));

/* Closes the sockets. May be called twice. */
void activation_close(struct activation *activation);

#endif
