/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks passwords, one after the other, in a thread of low priority: a hash takes the time of
 * thousands of messages. Guesses are queued; an address has few places in the queue, so that
 * one that guesses does not lock out the others. Equal pairs that are queued cost one hash, and
 * those that matched before cost none.
 */
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include "auth/passwords.h"
#include "base/list.h"
#include "net/loop.h"

#include <stdbool.h>

enum {
	HASHER_QUEUE_MAX = 64, /* different pairs that wait */
	HASHER_ADDRESS_MAX = 8, /* of one address */
};

struct hasher;

/* Embedded in what waits for a result. */
struct hasher_wait {
	struct list node;
	void (*done)(void *arg, bool matched); /* may free it */
	void *arg; /* borrowed */
};

/* Starts the thread. NULL with errno. */
struct hasher *hasher_new(struct loop *loop) __attribute__((warn_unused_result));

/* What is queued is dropped; nothing may wait. Accepts NULL. */
void hasher_free(struct hasher *hasher);

enum hasher_result {
	HASHER_MATCHED, /* it did before; WAIT is not used */
	HASHER_QUEUED, /* WAIT->done is called later, unless hasher_cancel() is */
	HASHER_FULL, /* or there is no memory; WAIT is not used */
};

/* Checks the PASSWORD of USER, copies of which are kept until it is done. ADDRESS is the
 * client's, as limit_address() returns it. */
enum hasher_result hasher_check(struct hasher *hasher, struct passwords *passwords,
    const char *user, const char *password, uint64_t address, struct hasher_wait *wait)
    __attribute__((warn_unused_result));

/* WAIT->done is not called any more. */
void hasher_cancel(struct hasher_wait *wait);

#endif
