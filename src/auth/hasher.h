/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks passwords one at a time in a low-priority thread, because a hash takes as long as
 * thousands of messages. Checks are queued; the queue has few slots per address, so that an
 * attacker does not lock out other clients. Equal queued pairs cost one hash, and pairs that
 * matched before cost none.
 */
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include "auth/passwords.h"
#include "base/list.h"
#include "net/loop.h"

#include <stdbool.h>

enum {
	HASHER_QUEUE_MAX = 64, /* maximum number of different queued pairs */
	HASHER_ADDRESS_MAX = 8, /* maximum per address */
};

struct hasher;

/* Embedded in the object that waits for a result. */
struct hasher_wait {
	struct list node;
	void (*done)(void *arg, bool matched); /* may free the object */
	void *arg; /* borrowed */
};

/* Starts the thread. Returns NULL with errno. */
struct hasher *hasher_new(struct loop *loop) __attribute__((warn_unused_result));

/* Frees HASHER and drops queued jobs; nothing may be waiting. Accepts NULL. */
void hasher_free(struct hasher *hasher);

enum hasher_result {
	HASHER_MATCHED, /* matched before; WAIT is not used */
	HASHER_QUEUED, /* WAIT->done is called later, unless hasher_cancel() is called */
	HASHER_FULL, /* the queue is full or memory ran out; WAIT is not used */
};

/* Checks the PASSWORD of USER, which are copied until the check is done. ADDRESS is the
 * client's, from limit_address(). */
enum hasher_result hasher_check(struct hasher *hasher, struct passwords *passwords,
    const char *user, const char *password, uint64_t address, struct hasher_wait *wait)
    __attribute__((warn_unused_result));

/* Cancels a check: WAIT->done is not called any more. */
void hasher_cancel(struct hasher_wait *wait);

#endif
